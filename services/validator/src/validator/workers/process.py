"""The life of a worker process."""

import contextlib
import logging
import math
import pickle
import resource
import signal
from multiprocessing.connection import Connection
from pathlib import Path

from validator.context import Material, ValidationContext
from validator.report.decision import Decision
from validator.secrecy import search
from validator.secrecy.search import SearchRequest, SearchResult
from validator.verify import verify
from validator.workers.job import Hook, Job, Limits


def serve(pipe: Connection, limits: Limits, hook: Hook | None) -> None:
    """Takes material and jobs from the pipe, says so of material, and answers each job, until the pipe closes."""
    for gentle in (signal.SIGINT, signal.SIGTERM):
        signal.signal(gentle, signal.SIG_IGN)  # sent to the whole group: our parent decides when we end
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    resource.setrlimit(resource.RLIMIT_AS, (limits.memory_bytes, limits.memory_bytes))
    logging.disable(logging.CRITICAL)
    material: Material | None = None
    fresh_bytes = 0
    with contextlib.suppress(EOFError, OSError):
        pipe.send(True)
        while True:
            received = pickle.loads(pipe.recv_bytes())  # noqa: S301  from our own parent
            if isinstance(received, Material):
                fresh_bytes = fresh_bytes if material else _address_space_bytes()
                material = received
                pipe.send(True)
            elif material is not None:
                before = _cpu_seconds()
                answer = _answer(material, limits, hook, received)
                del received  # the document itself is not kept
                has_grown = _address_space_bytes() - fresh_bytes > limits.kept_bytes
                pipe.send((answer, _cpu_seconds() - before, has_grown))


def _answer(material: Material, limits: Limits, hook: Hook | None, job: Job) -> Decision | SearchResult:
    _limit_cpu(limits.cpu_seconds)
    # An alarm clock of its own, should the parent be gone and nobody there to kill it.
    signal.setitimer(signal.ITIMER_REAL, 2 * limits.wall_seconds)
    if hook:
        hook(job.document)
    answer: Decision | SearchResult
    if isinstance(job.request, SearchRequest):
        answer = search(job.request.name, job.document, job.policy)
    else:
        answer = verify(job.document, job.request, ValidationContext(material, job.now, job.policy))
    signal.setitimer(signal.ITIMER_REAL, 0)
    _limit_cpu(None)  # the next document is not charged with what is left of this one's time
    return answer


def _address_space_bytes() -> int:
    """What ``RLIMIT_AS`` counts; 0 where the system does not say."""
    try:
        pages = int(Path("/proc/self/statm").read_bytes().split()[0])
    except OSError:
        return 0
    return pages * resource.getpagesize()


def _cpu_seconds() -> float:
    used = resource.getrusage(resource.RUSAGE_SELF)
    return used.ru_utime + used.ru_stime


def _limit_cpu(seconds: int | None) -> None:
    """So much more CPU time from now on, None = without limit; then SIGXCPU ends the process."""
    _, hard = resource.getrlimit(resource.RLIMIT_CPU)
    soft = hard if seconds is None else math.ceil(_cpu_seconds()) + seconds
    resource.setrlimit(resource.RLIMIT_CPU, (soft, hard))
