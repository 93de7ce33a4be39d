"""The archive's handler: enters every fact into the ledger, and puts packages, their parts and verdicts under lock."""

import time
from collections.abc import Mapping, Sequence
from datetime import datetime
from functools import partial

from archive.entered import as_entered
from archive.kept import ATTACHMENT, EVIDENCE, Copy, Kept, enclosed_parts
from archive.ledger import Ledger
from archive.progress import Mark, Said, said, units_named
from archive.record import Parts, Record, archived, finished, record
from archive.retention import RetentionTable
from archive.shared_files import file_inside
from archive.store import Progress, Records
from common.clock import utc_now
from common.domain.envelope import Envelope, Message
from common.domain.names import PackageKind
from common.domain.reason import Reason
from common.envelopes import from_json
from common.facts import (
    BaseFact,
    CarriesPackage,
    DeliveryWaiting,
    DocumentRefused,
    DocumentVerified,
    NoticeAccepted,
    ObjectRef,
    PackageFact,
    PackageFinished,
    PackageRouted,
    SecurityNoticed,
)
from common.failure import Forged, Permanent, Transient, TrunkFailure
from common.ledger import Entry
from common.metrics import record_archive_write, record_security_event, record_stage
from common.metrics.documents import Unfinished
from common.objects import ARCHIVE, ObjectMissing, Objects, content_ref
from common.package_store import PackageStore
from common.service.outgoing import Announcer

REMEMBERED_EVIDENCE = 10_000
"""Keys of locked evidence that a process remembers at most."""


class Archive:
    """The archive's one handler, over its adapters. Idempotent."""

    def __init__(
        self,
        ledger: Ledger,
        records: Records,
        progress: Progress,
        objects: Objects,
        announcer: Announcer,
        table: RetentionTable,
    ) -> None:
        self._ledger = ledger
        self._records = records
        self._progress = progress
        self._objects = objects
        self._packages = PackageStore(objects)
        self._announcer = announcer
        self._table = table
        self._shared = set[str]()
        """Keys of evidence that this process knows to be locked. Thousands of records share one revocation list."""

    async def take(self, fact: BaseFact) -> None:
        """Enter the fact into the ledger, archive the package that it decides about, and announce a valid document as
        archived.

        Raises ``Forged`` for another event under an id that the ledger has, ``Permanent`` for a package that is on
        record with another verdict, ``Transient`` while an object is missing that will come, and ``Outage``.
        """
        if isinstance(fact, PackageRouted | PackageFinished | DeliveryWaiting):
            await self._signal(fact)
            return
        entry, is_first = await self._ledger.append(fact, utc_now())
        if not is_first and (difference := entry.differs_from(fact)):
            raise Forged(f"{fact.fact} bears the id of another event: its {difference} is another one")
        if isinstance(fact, SecurityNoticed):
            await self._ledger.count_once(entry, partial(record_security_event, fact.kind, fact.count))
        elif isinstance(fact, Kept):
            fact = fact if is_first else as_entered(fact, entry)
            saved = await self._kept(fact, entry, is_first=is_first)
            await self._note(fact, Said({Unfinished.ARCHIVING: Mark.DONE}), saved)
            if isinstance(fact, DocumentVerified):
                await self._announcer.announce(archived(fact, saved))
        elif isinstance(fact, PackageFact) and (news := said(fact)):
            await self._note(fact, news)

    async def _signal(self, fact: PackageFact) -> None:
        """Merge a fact that only reports the progress of an open package. It proves nothing, so it is not entered into
        the ledger."""
        if news := said(fact):
            await self._note(fact, news)

    async def _note(self, fact: PackageFact, news: Said, on_record: Record | None = None) -> None:
        """Merge what a fact says about the progress of its package, and announce ``package.finished`` if nothing is
        open any more.

        ``on_record``: the package's record, if the caller has it.
        """
        noted = await self._progress.note(fact, news)
        if noted.is_to_tell and (saved := on_record or await self._records.load(fact.package_id)):
            at = await self._progress.finish(fact, utc_now())
            await self._announcer.announce(finished(saved, at))

    async def _kept(self, fact: Kept, entry: Entry, *, is_first: bool) -> Record:
        """The record of the package, saved by an earlier run or made by this one.

        ``is_first``: this run has entered the fact, so no earlier run has made a record of it. There may be a record of
        another fact about the package; the package's progress says so.
        """
        began, is_new = time.monotonic(), False
        try:
            saved = None if is_first else await self._records.load(fact.package_id)
            if saved is None:
                parts = await self._parts(fact)
                if (news := said(fact, parts.units)) and (await self._progress.note(fact, news)).is_on_record:
                    saved = await self._records.load(fact.package_id)
                if saved is None:
                    saved, is_new = await self._keep(fact, entry, parts)
        except TrunkFailure:
            record_archive_write(fact.sender, "failed", time.monotonic() - began)
            raise
        if saved.verdict != fact.fact:
            raise Permanent(Reason.E_FACT, f"package is on record as {saved.verdict}, not {fact.fact}")
        record_archive_write(fact.sender, "written" if is_new else "repeated", time.monotonic() - began)
        return saved

    async def _keep(self, fact: Kept, entry: Entry, parts: Parts) -> tuple[Record, bool]:
        """Put the package under lock. Returns its record, and whether this run has saved it."""
        decided, copies = record(fact, parts, entry, self._table)
        enclosed = {role: await self._objects.get(ref) for role, ref in enclosed_parts(fact).items()}
        locked = await self._locked(decided, copies, enclosed, fact.package)
        saved, is_new = await self._records.save(locked)
        if is_new and isinstance(fact, DocumentVerified):
            record_stage(fact.sender, "archived", fact.lane, (utc_now() - fact.submitted_at).total_seconds())
        return saved, is_new

    async def _locked(
        self, decided: Record, copies: Sequence[Copy], enclosed: Mapping[str, bytes], package: ObjectRef | None
    ) -> Record:
        """Put all objects of a record under lock. Returns the record with their versions."""
        until = decided.retain_until
        locked = decided.locked([await self._lock(copy, until, package) for copy in copies])
        version_id = await self._objects.put_locked(locked.evidence_key, locked.evidence(enclosed), until)
        return locked.sealed(version_id, enclosed)

    async def _lock(self, copy: Copy, until: datetime, package: ObjectRef | None) -> str | None:
        """Put one object under lock. Returns the id of its version; None for evidence, which has only one."""
        if copy.target.bucket is not None:
            return (await self._packages.lock(copy.source, until)).version_id
        if copy.target.role != EVIDENCE:
            return await self._put_locked(copy, until, package)
        if copy.target.key not in self._shared:
            await self._lock_once(copy.target.key, copy.source, until)
        return None

    async def _put_locked(self, copy: Copy, until: datetime, package: ObjectRef | None) -> str:
        """Put a locked copy. Returns the id of its version. A file that was removed together with a secret package is
        read out of the package that carries it. Raises ``ObjectMissing``."""
        try:
            return await self._objects.put_locked(copy.target.key, copy.source, until)
        except ObjectMissing:
            if copy.target.role != ATTACHMENT or package is None:
                raise
        data = await file_inside(package, copy.source, self._objects)
        return await self._objects.put_locked(copy.target.key, data, until)

    async def _lock_once(self, key: str, source: ObjectRef, until: datetime) -> None:
        """Put evidence, which many records share, under lock once, whichever process does it. Raises ``Transient`` if
        it is missing."""
        try:
            await self._objects.put_once(ARCHIVE, key, await self._objects.get(source), until)
        except ObjectMissing as error:  # the validator stores evidence that is in use again
            raise Transient(Reason.E_OBJECT, str(error)) from error
        if len(self._shared) >= REMEMBERED_EVIDENCE:
            self._shared.clear()
        self._shared.add(key)

    async def _parts(self, fact: Kept) -> Parts:
        if isinstance(fact, NoticeAccepted):
            of_many = fact.kind is not PackageKind.STATUS
            return Parts(units=units_named(await self._message(fact)) if of_many else 1)
        if not isinstance(fact, DocumentVerified | DocumentRefused):
            return Parts()
        evidence = tuple(content_ref(*each) for each in fact.evidence.items())
        if isinstance(fact, DocumentRefused):
            return Parts(evidence=evidence)
        message = await self._message(fact)
        if not isinstance(message, Envelope):
            raise Permanent(Reason.E_FACT, "the envelope of a valid document is a status")
        attachments = tuple(content_ref(a.sha256, a.size_bytes) for a in message.attachments)
        return Parts(message.type.name, attachments, units_named(message), evidence)

    async def _message(self, fact: CarriesPackage) -> Message:
        return from_json(await self._objects.get(fact.envelope))
