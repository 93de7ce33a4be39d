"""The pool of workers with what documents are measured by, kept fresh: trust folder and unit directory."""

import asyncio
import contextlib
import logging
import time
from datetime import UTC, datetime

from common.directory import DirectoryReader
from common.domain.reason import Reason
from common.failure import Transient
from validator.metrics import measure_examination, measure_material
from validator.pki import refresh as crl_refresh
from validator.pki import trust
from validator.report.model import Decision
from validator.secrecy.search import Found, Search
from validator.settings import ValidatorSettings
from validator.verify import Question
from validator.workers.cache import VerdictCache
from validator.workers.pool import Limits, Measures, Pool

MIB = 1024 * 1024
START_RETRY_SECONDS = 1.0

log = logging.getLogger(__name__)


class Examiner:
    """Examines documents once trust material and directory are there; says what is missing until then."""

    def __init__(self, settings: ValidatorSettings, directory: DirectoryReader) -> None:
        self._settings = settings
        self._directory = directory
        self._pool: Pool | None = None
        self._measures: Measures | None = None
        self._cache = VerdictCache()
        self._version = ""
        self._seen = ""
        self._missing = "trust material not loaded"
        self._task: asyncio.Task[None] | None = None
        self._bringing: asyncio.Task[None] | None = None

    async def examine(self, document: bytes, question: Question, now: datetime, *, urgent: bool) -> Decision:
        """The decision on one PDF, urgent ones first. Raises ``Transient`` while nothing can be measured."""
        if self._pool is None:
            raise Transient(Reason.E_UNAVAILABLE, self._missing, top_rung="1m")
        began = time.monotonic()
        key = await asyncio.to_thread(self._cache.key, document, question, self._version)
        if self._version and (known := self._cache.find(key, now)) is not None:
            measure_examination(known, time.monotonic() - began, is_remembered=True)
            return known
        decision = await self._pool.run(document, question, now, urgent=urgent)
        measure_examination(decision, time.monotonic() - began, is_remembered=False)
        if self._version and key[-1] == self._version:
            self._cache.keep(key, decision)
        return decision

    async def look(self, file: bytes, search: Search, now: datetime, *, urgent: bool) -> Found:
        """A mark of secrecy in a file of any kind. Raises ``Transient`` like ``examine``."""
        if self._pool is None:
            raise Transient(Reason.E_UNAVAILABLE, self._missing, top_rung="1m")
        return await self._pool.look(file, search, now, urgent=urgent)

    async def check(self) -> None:
        """Readiness: the workers have their measures."""
        if self._pool is None:
            raise Transient(Reason.E_UNAVAILABLE, self._missing)

    async def measure(self) -> None:
        """Tell the monitoring how fresh the material in use is."""
        in_use = self._measures
        if in_use is not None and in_use.trust is not None:
            measure_material(in_use.trust, in_use.revocation, self._directory.read_at, datetime.now(UTC))

    async def start(self) -> None:
        """Begin to load, and keep looking for changes."""
        self._task = asyncio.create_task(self._keep_fresh())
        if self._settings.crl_refresh_seconds > 0:
            self._bringing = asyncio.create_task(self._keep_bringing())

    async def stop(self) -> None:
        """End the workers."""
        for task in (self._task, self._bringing):
            if task:
                task.cancel()
                with contextlib.suppress(asyncio.CancelledError):
                    await task
        if self._pool:
            await self._pool.close()

    async def _keep_fresh(self) -> None:
        while True:
            try:
                await self._refresh()
            except (Transient, ValueError, OSError) as trouble:
                self._missing = str(trouble)
                log.warning("measures not refreshed: %s", trouble)
            ready = self._pool is not None
            await asyncio.sleep(self._settings.trust_refresh_seconds if ready else START_RETRY_SECONDS)

    async def _keep_bringing(self) -> None:
        """Bring revocation lists into the trust folder, where ``_keep_fresh`` finds them."""
        drops = [self._settings.crl_drop_dir] if self._settings.crl_drop_dir else []
        while True:
            try:
                for taken in await asyncio.to_thread(crl_refresh.refresh, self._settings.trust_dir, drops):
                    if not taken.is_well:
                        log.warning("revocation list from %s: %s", taken.source, taken.outcome)
            except (ValueError, OSError) as trouble:
                log.warning("revocation lists not brought: %s", trouble)
            await asyncio.sleep(self._settings.crl_refresh_seconds)

    async def _refresh(self) -> None:
        directory = self._directory.current
        seen = f"{trust.stamp(self._settings.trust_dir)}:{directory.version}"
        if seen == self._seen:
            return
        roots, revocation = await asyncio.to_thread(trust.load, self._settings.trust_dir)
        measures = Measures(roots, revocation, directory)
        self._version = ""  # answers that are on their way belong to the old measures
        if self._pool is None:
            pool = Pool(measures, workers=self._settings.workers, limits=_limits(self._settings))
            await pool.start()
            self._pool = pool
        else:
            self._pool.update(measures)
        self._measures = measures
        self._version = measures.version
        self._seen = seen


def _limits(settings: ValidatorSettings) -> Limits:
    return Limits(
        cpu_seconds=settings.document_cpu_seconds,
        wall_seconds=settings.document_wall_seconds,
        memory_bytes=settings.worker_memory_mib * MIB,
        documents=settings.documents_per_worker,
    )
