"""The pool of workers as the service uses it, with trust folder, revocation lists and unit directory kept fresh."""

import asyncio
import contextlib
import logging
import time
from datetime import UTC, datetime

from common.directory import DirectoryReader
from common.failure import Outage, Transient
from validator.context import Material, VerificationRequest
from validator.metrics import record_examination, record_material
from validator.pki import trust_folder
from validator.pki.refresh import refresh
from validator.policy import MIB
from validator.report.decision import Decision
from validator.secrecy.search import SearchRequest, SearchResult
from validator.settings import ValidatorSettings
from validator.workers.cache import VerdictCache
from validator.workers.job import Limits
from validator.workers.pool import Pool

START_RETRY_SECONDS = 1.0

log = logging.getLogger(__name__)


class Examiner:
    """Examines documents once trust material and directory are there; names what is missing until then."""

    def __init__(self, settings: ValidatorSettings, directory: DirectoryReader) -> None:
        self._settings = settings
        self._directory = directory
        self._pool: Pool | None = None
        self._cache = VerdictCache()
        self._version = ""
        """Of the material in use; empty while it is being replaced."""
        self._stamp = ""
        """Of trust folder and directory when they were read."""
        self._missing = "trust material not loaded"
        self._material_task: asyncio.Task[None] | None = None
        self._lists_task: asyncio.Task[None] | None = None

    async def examine(self, document: bytes, request: VerificationRequest, now: datetime, *, urgent: bool) -> Decision:
        """The decision on one PDF, urgent ones first. Raises ``Outage`` while there is no material."""
        pool = self._ready_pool()
        began = time.monotonic()
        key = await asyncio.to_thread(self._cache.key, document, request, self._version)
        if self._version and (known := self._cache.find(key, now)) is not None:
            record_examination(known, time.monotonic() - began, is_remembered=True)
            return known
        decision = await pool.run(document, request, now, urgent=urgent)
        record_examination(decision, time.monotonic() - began, is_remembered=False)
        if self._version and key[-1] == self._version:
            self._cache.keep(key, decision)
        return decision

    async def look(self, file: bytes, request: SearchRequest, now: datetime, *, urgent: bool) -> SearchResult:
        """Search a file of any kind for a mark of secrecy. Raises ``Outage`` like ``examine``."""
        return await self._ready_pool().look(file, request, now, urgent=urgent)

    def _ready_pool(self) -> Pool:
        if self._pool is None:
            raise Outage("validator", self._missing)
        return self._pool

    async def check(self) -> None:
        """Readiness: the workers have their material. Raises ``Outage``."""
        if self._pool is None:
            raise Outage("validator", self._missing)

    async def measure(self) -> None:
        """Record how fresh the material in use is."""
        material = self._pool.material if self._pool else None
        if material is not None and material.trust is not None:
            record_material(material.trust, material.revocation, self._directory.read_at, datetime.now(UTC))

    async def start(self) -> None:
        """Begin to load the material, and keep looking for changes."""
        self._material_task = asyncio.create_task(self._keep_material_fresh())
        if self._settings.crl_refresh_seconds > 0:
            self._lists_task = asyncio.create_task(self._keep_lists_fresh())

    async def stop(self) -> None:
        """End the workers."""
        for task in (self._material_task, self._lists_task):
            if task:
                task.cancel()
                with contextlib.suppress(asyncio.CancelledError):
                    await task
        if self._pool:
            await self._pool.close()

    async def _keep_material_fresh(self) -> None:
        while True:
            try:
                await self._load_if_changed()
            except (Transient, ValueError, OSError) as error:
                self._missing = str(error)
                log.warning("material not refreshed: %s", error)
            is_ready = self._pool is not None
            await asyncio.sleep(self._settings.trust_refresh_seconds if is_ready else START_RETRY_SECONDS)

    async def _keep_lists_fresh(self) -> None:
        """Bring revocation lists into the trust folder, where ``_keep_material_fresh`` notices them."""
        drops = [self._settings.crl_drop_dir] if self._settings.crl_drop_dir else []
        while True:
            try:
                for result in await asyncio.to_thread(refresh, self._settings.trust_dir, drops):
                    if not result.is_well:
                        log.warning("revocation list from %s: %s", result.source, result.outcome)
            except (ValueError, OSError) as error:
                log.warning("revocation lists not refreshed: %s", error)
            await asyncio.sleep(self._settings.crl_refresh_seconds)

    async def _load_if_changed(self) -> None:
        directory = self._directory.current
        stamp = f"{trust_folder.stamp(self._settings.trust_dir)}:{directory.version}"
        if stamp == self._stamp:
            return
        trust, revocation = await asyncio.to_thread(trust_folder.load, self._settings.trust_dir)
        material = Material(trust, revocation, directory)
        self._version = ""  # answers that are on their way belong to the old material
        if self._pool is None:
            pool = Pool(material, workers=self._settings.workers, limits=_limits(self._settings))
            await pool.start()
            self._pool = pool
        else:
            self._pool.update(material)
        self._version = material.version
        self._stamp = stamp


def _limits(settings: ValidatorSettings) -> Limits:
    return Limits(
        cpu_seconds=settings.document_cpu_seconds,
        wall_seconds=settings.document_wall_seconds,
        memory_bytes=settings.worker_memory_mib * MIB,
        documents=settings.documents_per_worker,
    )
