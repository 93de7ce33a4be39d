"""The pool of workers as the service uses it, with trust folder, revocation lists and unit directory kept fresh."""

import time
from collections.abc import Collection
from datetime import UTC, datetime

import structlog

from common.clock import loop_time
from common.containment import in_thread
from common.directory import DirectoryReader
from common.domain.names import Sha256
from common.failure import Outage
from validator.context import VerificationRequest
from validator.metrics import record_examination, record_material
from validator.pki.refresh import refresh
from validator.policy import MIB
from validator.report.decision import Decision
from validator.secrecy.search import SearchRequest, SearchResult
from validator.settings import ValidatorSettings
from validator.workers.budget import PackageBudget
from validator.workers.cache import VerdictCache
from validator.workers.job import Limits
from validator.workers.material import MaterialReader
from validator.workers.pool import Pool

START_RETRY_SECONDS = 1.0
STALE_SECONDS = 900.0
"""Material that could not be checked for so long is not judged by any more: a root may have been removed meanwhile."""

log = structlog.get_logger("trunk.validator")


class Examiner:
    """Examines documents once trust material and directory are there; names what is missing until then."""

    def __init__(self, settings: ValidatorSettings, directory: DirectoryReader) -> None:
        self._settings = settings
        self._directory = directory
        self._reader = MaterialReader(settings.trust_dir)
        self._pool: Pool | None = None
        self._cache = VerdictCache()
        self._version = ""
        """Of the material in use; empty while it is being replaced."""
        self._missing = "trust material not loaded"
        """What keeps the newest material from being used; empty = nothing."""
        self._fresh_until = 0.0
        """On the monotonic clock."""
        self._is_stopped = False

    def package_budget(self) -> PackageBudget:
        """The time that the files of one package have together."""
        return PackageBudget(self._settings.package_cpu_seconds)

    async def examine(
        self,
        document: bytes,
        request: VerificationRequest,
        now: datetime,
        *,
        urgent: bool,
        budget: PackageBudget | None = None,
    ) -> Decision:
        """The decision on one PDF, urgent ones first. Raises ``Outage`` while there is no material."""
        pool = self._ready_pool()
        began = time.monotonic()
        key = await in_thread(self._cache.key, document, request, self._version)
        if self._version and (known := self._cache.find(key, now)) is not None:
            record_examination(request.sender, known, time.monotonic() - began, is_remembered=True)
            return known
        decision = await pool.run(document, request, now, urgent=urgent, budget=budget)
        record_examination(request.sender, decision, time.monotonic() - began, is_remembered=False)
        if self._version and key[-1] == self._version:
            self._cache.keep(key, decision)
        return decision

    async def look(
        self,
        file: bytes,
        request: SearchRequest,
        now: datetime,
        *,
        urgent: bool,
        budget: PackageBudget | None = None,
    ) -> SearchResult:
        """Search a file of any kind for a mark of secrecy. Raises ``Outage`` like ``examine``."""
        return await self._ready_pool().look(file, request, now, urgent=urgent, budget=budget)

    def evidence(self, digests: Collection[Sha256]) -> dict[Sha256, bytes]:
        """DER of the lists and certificates that documents are and were just judged by, by SHA-256."""
        return self._reader.evidence(digests)

    async def confirm_directory(self, judged_by: Collection[Sha256]) -> None:
        """Before a document is refused by what the directory says.

        ``judged_by``: versions of the directory that the decisions about its files name. Raises ``Outage`` unless each
        is the newest: an examination takes its time, and the workers may have got a newer one while it ran.
        """
        await self._directory.confirm()
        if any(version != self._directory.current.version for version in judged_by):
            raise Outage("unit directory", "has changed meanwhile")

    def confirm_trust(self) -> None:
        """Before a document is refused as of an unknown authority. Raises ``Outage`` while a file of the trust folder
        that may hold it cannot be read."""
        if self._reader.is_incomplete:
            raise Outage("trust folder", "a file of certificates cannot be read off the disk")

    def _ready_pool(self) -> Pool:
        if self._pool is None or loop_time() > self._fresh_until:
            raise Outage("validator", self._missing or "trust material not checked for too long")
        return self._pool

    async def check(self) -> None:
        """Readiness: the workers have the newest material. Raises ``Outage``."""
        self._ready_pool()
        if self._missing:
            raise Outage("validator", self._missing)

    async def measure(self) -> None:
        """Record how fresh the material in use is."""
        material = self._pool.material if self._pool else None
        if material is not None and material.trust is not None:
            read_at = self._directory.read_at, self._reader.read_at
            record_material(material.trust, material.revocation, *read_at, datetime.now(UTC))

    async def stop(self) -> None:
        """End the workers."""
        self._is_stopped = True
        if self._pool:
            await self._pool.close()

    def pause_seconds(self) -> float:
        """Until the material is looked at again."""
        return self._settings.trust_refresh_seconds if self._pool else START_RETRY_SECONDS

    async def refresh_material(self) -> None:
        """Use what the trust folder and the directory hold now. Raises whatever keeps that from being done."""
        try:
            await self._use_material()
        except Exception as error:
            self._missing = str(error) or type(error).__name__
            self._reader.forget()
            raise
        self._missing = ""
        self._fresh_until = loop_time() + STALE_SECONDS

    async def _use_material(self) -> None:
        material = await self._reader.read(self._directory.current)
        if material is None:
            return
        self._version = ""  # answers that are on their way belong to the old material
        if self._pool is None:
            pool = Pool(material, workers=self._settings.workers, limits=_limits(self._settings))
            await pool.start()
            self._pool = pool
            if self._is_stopped:
                await pool.close()
        else:
            self._pool.update(material)
        self._version = material.version

    async def refresh_lists(self) -> None:
        """Bring revocation lists into the trust folder, where ``refresh_material`` notices them."""
        drops = [self._settings.crl_drop_dir] if self._settings.crl_drop_dir else []
        for result in await in_thread(refresh, self._settings.trust_dir, drops, last_pins=self._reader.pins):
            if not result.is_well:
                log.warning("revocation list not taken", source=result.source, detail=result.outcome)


def _limits(settings: ValidatorSettings) -> Limits:
    return Limits(
        cpu_seconds=settings.document_cpu_seconds,
        wall_seconds=settings.document_wall_seconds,
        memory_bytes=settings.worker_memory_mib * MIB,
        documents=settings.documents_per_worker,
    )
