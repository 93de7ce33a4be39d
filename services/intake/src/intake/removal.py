"""Removes packages and uploads whose term is over. Records each removal; never removes what is locked or open again."""

from datetime import datetime, timedelta
from typing import Any, Protocol

import structlog

from common.clock import Clock, utc_now
from common.directory import DirectoryReader
from common.facts import ObjectRef
from common.failure import Outage
from common.metrics import record_removed, set_removals_due
from common.topology import unit_of_submit_queue
from intake.ends import OF_PACKAGES, Ending, Term, Terms, believed_time
from intake.removals import Ended, Removals, Removed
from intake.uploads import Upload, Uploads, unneeded

log = structlog.get_logger("trunk.intake")

ROUND_SECONDS = 3_600.0
AT_ONCE = 1_000
"""One round removes at most so many packages of each ending, and so many uploads."""
LISTED = 10_000
"""Uploads listed in one round."""


class PackageRemover(Protocol):
    """The part of ``PackageStore`` that removal uses."""

    async def remove(self, ref: ObjectRef) -> bool:
        """Delete every version. False = a version is locked, and stays."""


class MessageQueues(Protocol):
    """The part of ``MongoRecords`` that removal uses."""

    async def queues(self) -> set[str]:
        """Queues with messages that have a record: messages that failed, or are parked."""


class Removal:
    """Run by a timer, in any number of processes. Every step is idempotent, so that the next round continues one that
    was interrupted."""

    def __init__(
        self,
        rows: Removals,
        store: PackageRemover,
        uploads: Uploads,
        messages: MessageQueues,
        directory: DirectoryReader,
        terms: Terms,
        now: Clock = utc_now,
    ) -> None:
        self._rows = rows
        self._store = store
        self._uploads = uploads
        self._messages = messages
        self._directory = directory
        self._terms = terms
        self._now = now

    async def round(self) -> None:
        """One round over all endings. Raises ``Outage`` while the clocks of this machine and of the database differ:
        by a wrong clock everything could be due."""
        now = believed_time(self._now(), await self._rows.server_time())
        if now is None:
            raise Outage("clock", "the clocks of this machine and of the database differ")
        if not await self._rows.begin_round(now, timedelta(seconds=ROUND_SECONDS)):
            return
        for ending in OF_PACKAGES:
            term = self._terms.of(ending)
            for package in await self._rows.due(ending, term.began_before(now), AT_ONCE):
                await self._remove(package, term, now)
        if self._directory.is_loaded:
            await self._remove_uploads(self._terms.of(Ending.UPLOAD), now)

    async def measure(self) -> None:
        """Record how many packages and uploads are due, and since when."""
        now = self._now()
        for ending in Ending:
            term = self._terms.of(ending)
            is_upload = ending is Ending.UPLOAD
            counting = self._rows.uploads_left() if is_upload else self._rows.left(ending, term.began_before(now))
            count, began = await counting
            set_removals_due(ending, count, began + timedelta(days=term.days) if began else None)

    async def _remove(self, package: Ended, term: Term, now: datetime) -> None:
        if not await self._rows.begin(package, term.ending, term.began_before(now), now):
            return
        ref = package.package
        about = {"package_id": package.package_id, "sender": package.sender, "sha256": ref.sha256}
        removed = self._removed(term, ref.bucket, ref.key, now, **about, size_bytes=ref.size_bytes, at=package.ended_at)
        await self._rows.note_begun(removed)
        if await self._store.remove(ref):
            await self._note_done(removed)
            return
        await self._rows.keep(package.package_id)
        log.error("not removed, because it is locked", package_id=package.package_id, sender=package.sender)

    async def _remove_uploads(self, term: Term, now: datetime) -> None:
        units = {unit_of_submit_queue(queue) for queue in await self._messages.queues() if queue.startswith("submit.")}
        listed = await self._uploads.put_before(term.began_before(now), LISTED)
        due = unneeded(listed, self._directory.disabled, units)
        for upload in due[:AT_ONCE]:
            await self._remove_upload(upload, term, now)
        remaining = due[AT_ONCE:]
        await self._rows.note_uploads_left(len(remaining), min((each.put_at for each in remaining), default=None))

    async def _remove_upload(self, upload: Upload, term: Term, now: datetime) -> None:
        about = {"sender": upload.unit, "size_bytes": upload.size_bytes}
        removed = self._removed(term, upload.bucket, upload.key, now, **about, at=upload.put_at)
        await self._rows.note_begun(removed)
        await self._uploads.remove(upload)
        await self._note_done(removed)

    def _removed(self, term: Term, bucket: str, key: str, now: datetime, *, at: datetime, **about: Any) -> Removed:
        return Removed(
            bucket=bucket,
            key=key,
            ending=term.ending,
            ended_at=at,
            days=term.days,
            legal_basis=term.legal_basis,
            terms=self._terms.version,
            begun_at=now,
            **about,
        )

    async def _note_done(self, removed: Removed) -> None:
        if await self._rows.note_done(removed, self._now()):
            record_removed(removed.ending)
            log.info("removed at its end", package_id=removed.package_id, sender=removed.sender, cause=removed.ending)
