"""Verification in worker processes: the service's event loop stays free, and one document can never stop it.

Each worker is a process of its own with limits on CPU time and memory, forked from a server that has the libraries
imported already. What hostile bytes can do to a worker ends with that worker:

* more CPU time than ``cpu_seconds`` for one document: the kernel ends it -> Refused(E_PDF_TIMEOUT);
* more memory than ``memory_bytes``: Refused(E_PDF_LIMIT);
* it dies otherwise (crash, killed): once more in a fresh worker, then Refused(E_PDF_TIMEOUT);
* no answer within ``wall_seconds`` without the CPU time being used up: our machine is overloaded, which proves nothing
  against the document -> killed, Undecided(E_PDF_TIMEOUT).
"""

import asyncio
import contextlib
import hashlib
import logging
import math
import multiprocessing
import pickle
import resource
import signal
import sys
import threading
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace
from datetime import datetime
from multiprocessing.connection import Connection
from multiprocessing.context import ForkServerContext, ForkServerProcess
from types import ModuleType
from typing import Any

from common.domain.directory import Directory
from common.domain.reason import Reason
from validator.pki.crl import Revocation
from validator.pki.trust import Trust
from validator.report.model import Decision, Refused, Report, Undecided, Verdict
from validator.secrecy import search
from validator.secrecy.search import Found, Search
from validator.verify import PYHANKO_VERSION, Question, verify
from validator.workers.priority_semaphore import Turnstile

MIB = 1024 * 1024
START_SECONDS = 60.0
"""Until a worker must have reported for duty: the imports take one to two seconds, more on a busy machine."""

log = logging.getLogger(__name__)

Hook = Callable[[bytes], None]
"""Runs in the worker before each document; for tests that need a worker to misbehave."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Limits:
    """What one worker may use."""

    cpu_seconds: int = 5
    wall_seconds: float = 30.0
    memory_bytes: int = 1024 * MIB
    """Of address space (RLIMIT_AS)."""
    documents: int = 500
    """After so many a worker is replaced, so that leaks stay small."""


@dataclass(frozen=True, slots=True)
class Measures:
    """What documents are measured by; handed to the workers when it changes. None as in ``validator.verify``."""

    trust: Trust | None
    revocation: Revocation
    directory: Directory | None

    @property
    def trust_version(self) -> str:
        """Equal for equal content."""
        return self.trust.version if self.trust else ""

    @property
    def directory_version(self) -> str:
        """Equal for equal content."""
        return self.directory.version if self.directory else ""

    @property
    def version(self) -> str:
        """Equal for equal content."""
        return f"{self.trust_version}:{self.revocation.version}:{self.directory_version}"


class PoolClosed(RuntimeError):
    """The pool was closed before the document was decided: nothing is known about it."""


class WorkerDied(Exception):
    """The worker is gone; ``spent`` = the kernel ended it for using up its CPU time."""

    def __init__(self, exit_code: int | None) -> None:
        super().__init__(f"exit code {exit_code}")
        self.spent = exit_code == -signal.SIGXCPU


class Pool:
    """``await start()``, then ``await run(...)`` from any number of tasks, then ``await close()``."""

    def __init__(
        self, measures: Measures, *, workers: int = 2, limits: Limits | None = None, hook: Hook | None = None
    ) -> None:
        """``hook`` must be a function of a module, so that it can be handed to another process."""
        self._limits = limits or Limits()
        self._hook = hook
        self._size = workers
        self._context = multiprocessing.get_context("forkserver")
        self._context.set_forkserver_preload(["validator.workers.pool"])
        self._threads = ThreadPoolExecutor(workers, thread_name_prefix="validator-pool")
        self._turnstile = Turnstile(workers)
        self._idle: asyncio.Queue[Worker] = asyncio.Queue()
        self._workers: set[Worker] = set()
        self._closed = False
        self.update(measures)

    def update(self, measures: Measures) -> None:
        """Use these from the next document on."""
        self._measures = measures
        self._packed = pickle.dumps(measures)

    async def start(self) -> None:
        """Start all workers and wait until they have reported."""
        for worker in await asyncio.gather(*(self._call(self._new_worker) for _ in range(self._size))):
            self._idle.put_nowait(worker)

    async def close(self) -> None:
        """End all workers, busy or not."""
        self._closed = True
        for worker in tuple(self._workers):
            worker.kill()
        await asyncio.get_running_loop().run_in_executor(None, self._threads.shutdown)

    async def run(self, document: bytes, question: Question, now: datetime, *, urgent: bool = False) -> Decision:
        """Verify one document, urgent ones first; the answer of ``verify``, or of a limit. Raises ``PoolClosed``.

        A cancelled call gives its worker back when the document is done.
        """
        decision: Decision = await self._ask(document, question, now, urgent)
        return decision

    async def look(self, document: bytes, search: Search, now: datetime, *, urgent: bool = False) -> Found:
        """Search one file of any kind for a mark of secrecy, under the same limits."""
        found: Found = await self._ask(document, search, now, urgent)
        return found

    async def _ask(self, document: bytes, question: Question | Search, now: datetime, urgent: bool) -> Any:
        async with self._turnstile.turn(urgent=urgent):
            worker = await self._idle.get()
            task = asyncio.ensure_future(self._call(self._decide, worker, document, question, now))
            task.add_done_callback(lambda done: self._give_back(done, worker))
            return (await asyncio.shield(task))[0]

    @property
    def process_ids(self) -> tuple[int, ...]:
        """Of the workers alive now."""
        return tuple(worker.process_id for worker in self._workers)

    # in a thread of the pool

    def _decide(
        self, worker: "Worker", document: bytes, question: Question | Search, now: datetime
    ) -> tuple[Any, "Worker"]:
        """The answer, and a worker that may take the next document."""
        for _ in range(2):
            try:
                decision = worker.ask(self._measures.version, self._packed, (document, question, now))
            except TimeoutError:
                return self._undecided(document, question, now), self._replaced(worker)
            except WorkerDied as death:
                if self._closed:
                    raise PoolClosed from death
                log.warning("worker %s died: %s", worker.process_id, death)
                worker = self._replaced(worker)
                if death.spent:
                    return self._refused(document, question, now, "took too long"), worker
            else:
                done = worker.documents >= self._limits.documents
                return decision, self._replaced(worker) if done else worker
        return self._refused(document, question, now, "ended its worker twice"), worker

    def _new_worker(self) -> "Worker":
        worker = Worker(self._context, self._limits, self._hook)
        self._workers.add(worker)
        return worker

    def _replaced(self, worker: "Worker") -> "Worker":
        worker.kill()
        self._workers.discard(worker)
        if self._closed:
            raise PoolClosed
        return self._new_worker()

    # answers of a limit

    def _refused(self, document: bytes, question: Question | Search, now: datetime, detail: str) -> Refused:
        report = self._report(document, question, now, detail)
        return Refused(Reason.E_PDF_TIMEOUT, detail, report=report)

    def _undecided(self, document: bytes, question: Question | Search, now: datetime) -> Undecided:
        detail = "no answer in time"
        report = replace(self._report(document, question, now, detail), verdict=Verdict.UNDECIDED)
        return Undecided(Reason.E_PDF_TIMEOUT, detail, report=report)

    def _report(self, document: bytes, question: Question | Search, now: datetime, detail: str) -> Report:
        return Report(
            document_sha256=hashlib.sha256(document).hexdigest(),
            document_bytes=len(document),
            sender=question.sender,
            verified_at=now,
            reason=Reason.E_PDF_TIMEOUT,
            detail=detail,
            policy_version=question.policy.version,
            directory_version=self._measures.directory_version,
            trust_version=self._measures.trust_version,
            roots=self._measures.trust.root_fingerprints if self._measures.trust else (),
            revocation_version=self._measures.revocation.version,
            pyhanko_version=PYHANKO_VERSION,
        )

    # plumbing

    async def _call(self, function: Callable[..., Any], *args: Any) -> Any:
        return await asyncio.get_running_loop().run_in_executor(self._threads, function, *args)

    def _give_back(self, task: "asyncio.Future[tuple[Decision, Worker]]", worker: "Worker") -> None:
        """A worker that could not be replaced goes back as it is: the next document finds it dead and tries again."""
        failed = task.cancelled() or task.exception() is not None
        self._idle.put_nowait(worker if failed else task.result()[1])


class Worker:
    """One process and the pipe to it. Used by one thread at a time; ``kill`` may come from any."""

    def __init__(self, context: ForkServerContext, limits: Limits, hook: Hook | None) -> None:
        """Starts the process and waits until it has reported. Raises ``RuntimeError`` if it does not."""
        self.documents = 0
        self._limits = limits
        self._version = ""
        self._pipe, theirs = context.Pipe()
        self._process: ForkServerProcess = context.Process(
            target=serve, args=(theirs, limits, hook), daemon=True, name="validator-worker"
        )
        with _hidden_main():
            self._process.start()
        theirs.close()
        self._wait_for_start()

    @property
    def process_id(self) -> int:
        """Of the process."""
        return self._process.pid or 0

    def ask(self, version: str, packed: bytes, job: tuple[bytes, Question | Search, datetime]) -> Any:
        """One document. Raises ``TimeoutError`` or ``WorkerDied``; after either the worker is of no more use."""
        try:
            if version != self._version:
                self._pipe.send_bytes(packed)
                self._version = version
            self._pipe.send(job)
            if not self._pipe.poll(self._limits.wall_seconds):
                raise TimeoutError
            decision = self._pipe.recv()
        except (EOFError, BrokenPipeError, ConnectionResetError) as error:
            self._process.join(5)
            raise WorkerDied(self._process.exitcode) from error
        self.documents += 1
        return decision

    def _wait_for_start(self) -> None:
        try:
            started = self._pipe.poll(START_SECONDS) and self._pipe.recv()
        except EOFError:
            started = False
        if not started:
            self.kill()
            raise RuntimeError("validator worker did not start")

    def kill(self) -> None:
        """End the process now."""
        self._process.kill()
        self._process.join(5)


_starting = threading.Lock()


@contextlib.contextmanager
def _hidden_main() -> Iterator[None]:
    """Keep new processes from importing our ``__main__`` again: a second each, and they need none of the service."""
    with _starting:
        main = sys.modules["__main__"]
        sys.modules["__main__"] = ModuleType("__main__")
        try:
            yield
        finally:
            sys.modules["__main__"] = main


def serve(pipe: Connection, limits: Limits, hook: Hook | None) -> None:
    """Life of a worker: measures or a document in, an answer for each document out, until the pipe closes."""
    for gentle in (signal.SIGINT, signal.SIGTERM):
        signal.signal(gentle, signal.SIG_IGN)  # sent to the whole group: our parent decides when we end
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    resource.setrlimit(resource.RLIMIT_AS, (limits.memory_bytes, limits.memory_bytes))
    logging.disable(logging.CRITICAL)
    measures: Measures | None = None
    with contextlib.suppress(EOFError, OSError):
        pipe.send(True)
        while True:
            received = pickle.loads(pipe.recv_bytes())  # noqa: S301  from our own parent
            if isinstance(received, Measures):
                measures = received
            elif measures is not None:
                pipe.send(_answer(measures, limits, hook, *received))


def _answer(
    measures: Measures, limits: Limits, hook: Hook | None, document: bytes, question: Question | Search, now: datetime
) -> Decision | Found:
    _allow_cpu(limits.cpu_seconds)
    # An alarm clock of its own, should the parent be gone and nobody there to kill it.
    signal.setitimer(signal.ITIMER_REAL, 2 * limits.wall_seconds)
    if hook:
        hook(document)
    answer: Decision | Found
    if isinstance(question, Search):
        answer = search(question.name, document)
    else:
        answer = verify(document, question, measures.trust, measures.revocation, measures.directory, now)
    signal.setitimer(signal.ITIMER_REAL, 0)
    return answer


def _allow_cpu(seconds: int) -> None:
    """So much more CPU time from now on; then SIGXCPU ends the process."""
    used = resource.getrusage(resource.RUSAGE_SELF)
    soft = math.ceil(used.ru_utime + used.ru_stime) + seconds
    resource.setrlimit(resource.RLIMIT_CPU, (soft, resource.getrlimit(resource.RLIMIT_CPU)[1]))
