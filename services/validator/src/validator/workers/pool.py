"""Verification in worker processes: the service's event loop stays free, and no document can ever stop it.

Each worker is a process of its own with limits on CPU time and memory, forked from a server that has the libraries
imported already. Whatever hostile bytes do to a worker ends with that worker:

* more CPU time than ``cpu_seconds`` for one document: the kernel ends it -> Refused(E_PDF_TIMEOUT);
* more memory than ``memory_bytes``: Refused(E_PDF_LIMIT);
* it dies otherwise (crash, killed): once more in a fresh worker, then Refused(E_PDF_TIMEOUT);
* it dies before it has the material (too large for its memory): Undecided(E_UNAVAILABLE);
* no answer within ``wall_seconds`` without the CPU time being used up: our machine is overloaded, which proves nothing
  against the document -> killed, Undecided(E_PDF_TIMEOUT).
"""

import asyncio
import hashlib
import logging
import multiprocessing
import pickle
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from datetime import datetime
from functools import partial
from typing import Any, NamedTuple

from common.containment import call_for_coroutine
from common.domain.reason import Reason
from validator.context import Material, VerificationRequest
from validator.policy import DEFAULT, Policy
from validator.report.decision import Decision, Refused, Undecided
from validator.report.model import Report
from validator.report.vocabulary import Verdict
from validator.secrecy.search import SearchRequest, SearchResult
from validator.verify import PYHANKO_VERSION
from validator.workers.budget import PackageBudget
from validator.workers.job import Hook, Job, Limits
from validator.workers.priority_semaphore import PrioritySemaphore
from validator.workers.worker import NoMaterial, Worker, WorkerDied

log = logging.getLogger(__name__)


class PoolClosed(RuntimeError):
    """The pool was closed before the document was decided: nothing is known about it."""


class _InUse(NamedTuple):
    """Material, and what workers get of it; replaced as a whole, so that no worker takes one for the other."""

    material: Material
    version: str
    packed: bytes


class Pool:
    """``await start()``, then ``await run(...)`` from any number of tasks, then ``await close()``."""

    def __init__(
        self, material: Material, *, workers: int = 2, limits: Limits | None = None, hook: Hook | None = None
    ) -> None:
        """``hook`` must be a function of a module, so that it can be handed to another process."""
        self._limits = limits or Limits()
        self._hook = hook
        self._size = workers
        self._context = multiprocessing.get_context("forkserver")
        self._context.set_forkserver_preload(["validator.workers.process"])
        self._threads = ThreadPoolExecutor(workers, thread_name_prefix="validator-pool")
        self._semaphore = PrioritySemaphore(workers)
        self._idle: asyncio.Queue[Worker] = asyncio.Queue()
        self._workers: set[Worker] = set()
        self._closed = False
        self.update(material)

    @property
    def material(self) -> Material:
        """What documents are judged by."""
        return self._in_use.material

    def update(self, material: Material) -> None:
        """Use this material from the next document on."""
        self._in_use = _InUse(material, material.version, pickle.dumps(material))

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

    async def run(
        self,
        document: bytes,
        request: VerificationRequest,
        now: datetime,
        *,
        policy: Policy = DEFAULT,
        urgent: bool = False,
        budget: PackageBudget | None = None,
    ) -> Decision:
        """Verify one document, urgent ones first: the answer of ``verify``, or of a limit. Raises ``PoolClosed``.

        A cancelled call gives its worker back when the document is done.
        """
        decision: Decision = await self._ask(Job(document, request, now, policy), urgent, budget)
        return decision

    async def look(
        self,
        document: bytes,
        request: SearchRequest,
        now: datetime,
        *,
        policy: Policy = DEFAULT,
        urgent: bool = False,
        budget: PackageBudget | None = None,
    ) -> SearchResult:
        """Search one file of any kind for a mark of secrecy, under the same limits."""
        result: SearchResult = await self._ask(Job(document, request, now, policy), urgent, budget)
        return result

    async def _ask(self, job: Job, urgent: bool, budget: PackageBudget | None) -> Any:
        async with self._semaphore.place(urgent=urgent):
            worker = await self._idle.get()
            task = asyncio.ensure_future(self._call(self._decide, worker, job))
            task.add_done_callback(lambda done: self._give_back(done, worker))
            answer, _, cpu_seconds = await asyncio.shield(task)
        if budget is not None:
            budget.spend(cpu_seconds)
        return answer

    # in a thread of the pool

    def _decide(self, worker: Worker, job: Job) -> tuple[Any, Worker, float]:
        """The answer, a worker that may take the next document, and the CPU time that this one took.

        A worker that ended in the middle counts as if it had used all of its time.
        """
        used, deaths, misses = 0.0, 0, 0
        while max(deaths, misses) < self._limits.tries:
            try:
                in_use = self._in_use  # once: another thread may replace it at any moment
                answer, cpu_seconds = worker.ask(in_use.version, in_use.packed, job)
            except TimeoutError:
                return self._undecided(job, Reason.E_PDF_TIMEOUT, "no answer in time"), self._replaced(worker), used
            except NoMaterial:
                if self._closed:
                    raise PoolClosed from None
                log.warning("worker %s did not take the material", worker.process_id)
                worker = self._replaced(worker)
                misses += 1
            except WorkerDied as death:
                if self._closed:
                    raise PoolClosed from death
                log.warning("worker %s died: %s", worker.process_id, death)
                worker = self._replaced(worker)
                deaths, used = deaths + 1, used + self._limits.cpu_seconds
                if death.used_up_cpu_time:
                    return self._refused(job, "took too long"), worker, used
            else:
                return answer, self._replaced(worker) if worker.is_spent else worker, used + cpu_seconds
        if deaths < self._limits.tries:
            return self._undecided(job, Reason.E_UNAVAILABLE, "trust material does not fit into a worker"), worker, used
        return self._refused(job, f"ended its worker {self._limits.tries} times"), worker, used

    def _new_worker(self) -> Worker:
        worker = Worker(self._context, self._limits, self._hook)
        self._workers.add(worker)
        return worker

    def _replaced(self, worker: Worker) -> Worker:
        worker.kill()
        self._workers.discard(worker)
        if self._closed:
            raise PoolClosed
        return self._new_worker()

    # answers of a limit

    def _refused(self, job: Job, detail: str) -> Refused:
        return Refused(Reason.E_PDF_TIMEOUT, detail, report=self._report(job, Reason.E_PDF_TIMEOUT, detail))

    def _undecided(self, job: Job, reason: Reason, detail: str) -> Undecided:
        report = replace(self._report(job, reason, detail), verdict=Verdict.UNDECIDED)
        return Undecided(reason, detail, report=report)

    def _report(self, job: Job, reason: Reason, detail: str) -> Report:
        material = self.material
        return Report(
            document_sha256=hashlib.sha256(job.document).hexdigest(),
            document_bytes=len(job.document),
            sender=job.request.sender,
            verified_at=job.now,
            reason=reason,
            detail=detail,
            policy_version=job.policy.version,
            directory_version=material.directory_version,
            trust_version=material.trust_version,
            roots=material.trust.root_fingerprints if material.trust else (),
            revocation_version=material.revocation.version,
            pyhanko_version=PYHANKO_VERSION,
        )

    # plumbing

    async def _call(self, function: Callable[..., Any], *args: Any) -> Any:
        return await asyncio.get_running_loop().run_in_executor(
            self._threads, call_for_coroutine, partial(function, *args)
        )

    def _give_back(self, task: "asyncio.Future[tuple[Any, Worker]]", worker: Worker) -> None:
        """A worker that could not be replaced goes back as it is: the next document finds it dead and tries again."""
        failed = task.cancelled() or task.exception() is not None
        self._idle.put_nowait(worker if failed else task.result()[1])
