"""Intake's handlers: each submission gets one saved decision and one fact; a later refusal frees its DocumentId."""

import io
import tempfile
from collections.abc import Callable, Sequence
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import BinaryIO, cast

from common.clock import Clock, utc_now
from common.containment import in_thread
from common.directory import DirectoryReader
from common.domain import ids
from common.domain.directory import Unit
from common.domain.envelope import Message
from common.domain.names import PackageKind
from common.domain.outcome import Refused
from common.domain.reason import Reason
from common.edxml import Parsed
from common.edxml.dates import VIETNAM
from common.facts import MAX_TARGETS, DocumentRefused, ObjectRef, OperatorActed, PackageFinished
from common.failure import Permanent, Transient
from common.metrics import record_rejection, record_stage
from common.objects import Objects, content_ref, digest_of
from common.secrecy import mark_in_message
from common.service.incoming import Incoming
from common.service.outgoing import SavingAnnouncer
from common.service.tracing import carried
from common.telemetry import about_document
from intake.accept import BY_DIRECTORY, Admitted, Awaits, Contested, admit, secret, settle_claim
from intake.announce import (
    repeated_fact_of,
    repeated_waiting_fact_of,
    security_fact_of,
    waiting_fact_of,
)
from intake.ends import EXAMINES
from intake.keeping import Keeping, keeping_of
from intake.open_package import fact_body, with_fact
from intake.order import Place
from intake.packages import DECIDED_WITHIN, Packages
from intake.reading import close_files, mark_in_broken, read_package
from intake.record import Arrival, PackageRecord, document_id_of, let_in, turned_away, unreadable
from intake.secret import objects_of
from intake.settings import IntakeSettings
from intake.submission import SPOOL_BYTES, Submission, open_package, submission_of, uploaded
from intake.waiting import WaitingPackage, refused_wait, waiting_for_holder, waiting_of
from intake.waiting_store import WaitingPackages

ABOUT_OTHERS = (PackageKind.STATUS, PackageKind.RECALL)
"""Kinds of packages that bring no document: their DocumentId is that of another package's document."""


@dataclass(frozen=True, slots=True)
class Intake:
    """The steps of intake over its adapters."""

    announcer: SavingAnnouncer
    settings: IntakeSettings
    objects: Objects
    packages: Packages
    waiting: WaitingPackages
    directory: DirectoryReader
    now: Clock = utc_now
    letting_in: Callable[[PackageRecord], AbstractContextManager[None]] = lambda _: nullcontext()
    """Context manager that is entered around the first announcement of a decision."""

    def _keeping(self, arrival: Arrival) -> Keeping:
        return keeping_of(arrival, self.objects, one_object=self.settings.one_object)

    async def receive(self, message: Incoming) -> None:
        """Decide about a submission once, and answer every copy of it.

        Raises ``Permanent`` or ``Forged`` if there is no sender to answer (see ``submission_of``), ``Transient`` if the
        decision must be made again later, and ``Outage`` while a server or the unit directory is unavailable.
        """
        submission = await self._submission(message)
        source = await open_package(submission, self.objects, self.settings)
        if isinstance(source, Refused):
            arrival = await self._arrive(submission, io.BytesIO(submission.body))
            await self._answer(await self._once(arrival, submission.body, unreadable(arrival, source)))
            return
        with source:
            arrival = await self._arrive(submission, source)
            saved = await self.packages.find(arrival.package_id)
            if saved and saved.is_secret and arrival.upload:
                await self.objects.purge(arrival.upload)
            if saved is None and (waiting := await self.waiting.find(arrival.package_id)):
                await self._announce_waiting(waiting)
                return
            decided = saved or await self._decide(arrival, submission.unit, source)
            if isinstance(decided, WaitingPackage):
                await self._announce_waiting(await self._wait(decided, source))
            else:
                await self._answer(decided)

    async def resume(self, waiting: WaitingPackage) -> bool:
        """Decide about a waiting package if its document has come or its deadline has passed. False = it waits on."""
        saved = await self.packages.find(waiting.package_id) or await self._reconsider(waiting)
        if saved is None:
            return False
        if saved.reason is Reason.E_SECRET:  # its mark was not among the known ones when it was stored
            await self.objects.purge(waiting.package)
        if not saved.announced:
            await self._answer(saved)
        return True

    async def release(self, fact: DocumentRefused | PackageFinished) -> None:
        """Free the DocumentId of a refused document for a corrected package; remove all objects of a secret one.

        ``package.finished`` repeats the reason of the refusal, because ``document.refused`` may come later or be lost.
        A corrected package may have files in common with the secret one. Therefore the objects are removed before the
        DocumentId is free, and once they have all been removed, neither fact removes them again.
        """
        if fact.reason is None:
            return
        if fact.reason is Reason.E_SECRET and (record := await self.packages.find(fact.package_id)):
            await self._remove_secret(record, fact)
        await self._release(fact.subject, fact.package_id, is_refused=True)

    async def _remove_secret(self, record: PackageRecord, fact: DocumentRefused | PackageFinished) -> None:
        """Remove all objects of a secret package, or those that an interrupted run has left."""
        if record.is_purged:
            return
        is_of_former_release = bool(record.purge) and record.is_purged is None and isinstance(fact, PackageFinished)
        if is_of_former_release and await self.packages.holder([fact.subject]) != record.package_id:
            return  # it freed the DocumentId when it had removed them
        purge = record.purge or await objects_of(record, self.objects)
        if await self.packages.mark_secret(record.package_id, purge):
            await self._purge(purge)
            await self.packages.mark_purged(record.package_id)

    async def note_acted(self, fact: OperatorActed) -> None:
        """Free the DocumentId of a package that an operator discarded before the validator had examined it; claim it
        again when the operator restores or replays the package."""
        if fact.service != EXAMINES or fact.outcome != "done" or not (fact.holds_package and fact.package_id):
            return
        if fact.action == "discard":
            await self._release(fact.subject, fact.package_id)
        elif fact.action in ("restore", "replay"):
            await self.packages.hold_again(fact.subject, fact.package_id)

    async def note_finished(self, fact: PackageFinished) -> None:
        """Wake the packages that wait for a DocumentId, since the package that holds it can no longer be refused."""
        if fact.kind not in ABOUT_OTHERS:
            await self.waiting.wake(fact.subject)

    async def _release(self, document_key: str, package_id: str, *, is_refused: bool = False) -> None:
        await self.packages.release(document_key, package_id, is_refused=is_refused)
        await self.waiting.wake(document_key)

    async def _submission(self, message: Incoming) -> Submission:
        try:
            return submission_of(message, self.directory.current)
        except Permanent:
            if message.user_id is not None:
                await self.directory.confirm()
            raise

    async def _purge(self, refs: Sequence[ObjectRef]) -> None:
        for ref in refs:
            await self.objects.purge(ref)

    async def _arrive(self, submission: Submission, source: BinaryIO) -> Arrival:
        """The arrival of these bytes, by their digest. Stores nothing: a package marked secret must not be stored."""
        package = content_ref(*await in_thread(digest_of, source))
        source.seek(0)
        sender, lane, upload = submission.unit.code, submission.lane, uploaded(submission)
        arrival = Arrival(sender=sender, package=package, lane=lane, at=self.now(), upload=upload, trace=carried())
        about_document(package_id=arrival.package_id, sender=sender)
        return arrival

    async def _once(
        self, arrival: Arrival, source: bytes | BinaryIO, record: PackageRecord, since: datetime | None = None
    ) -> PackageRecord:
        """Store the bytes, then save the decision. Of a secret package nothing is stored, and its upload is removed.

        Returns the decision that was saved first: another copy of the package may have been decided meanwhile.
        ``since``: when deciding began. Raises ``Transient`` if that is too long ago, because another package may have
        taken over the claim by now.
        """
        if record.reason is Reason.E_SECRET:
            if arrival.upload:
                await self.objects.purge(arrival.upload)
        else:
            keeping = self._keeping(arrival)
            keep = keeping.notice if record.is_searched_notice else keeping.package
            record = record.model_copy(update={"package": await keep(arrival, source)})
        if since and self.now() - since > DECIDED_WITHIN:
            raise Transient(Reason.E_UNAVAILABLE, f"deciding took longer than {DECIDED_WITHIN}")
        return await self.packages.save(with_fact(record))

    async def _reconsider(self, waiting: WaitingPackage) -> PackageRecord | None:
        unit = self.directory.current.unit(waiting.sender)
        known = await self.packages.claims_on(waiting.awaited)
        may_wait = unit is not None and self.now() < waiting.deadline
        if unit is None or (may_wait and not waiting.has_come(known)):
            return None
        if may_wait and waiting.holder and await self._is_contested(waiting.subject, waiting.package_id):
            return None
        with tempfile.SpooledTemporaryFile(max_size=SPOOL_BYTES) as spooled:
            source = cast(BinaryIO, spooled)
            await self.objects.fetch(waiting.package, source)
            decided = await self._decide(waiting.arrival, unit, source)
        if not isinstance(decided, WaitingPackage):
            return decided
        if decided.holder and not waiting.holder:
            await self.waiting.await_holder(decided)
        return None

    async def _wait(self, waiting: WaitingPackage, source: BinaryIO) -> WaitingPackage:
        """Store the package and its row, then check whether its document has come in the meantime."""
        package = await self._keeping(waiting.arrival).package(waiting.arrival, source)
        saved = await self.waiting.save(waiting.model_copy(update={"package": package}))
        if saved.has_come(await self.packages.claims_on(saved.awaited)):
            await self.waiting.look_again(saved.package_id)
        return saved

    async def _announce_waiting(self, waiting: WaitingPackage) -> None:
        """Announce that the package waits for a document, and each further copy as a repetition.

        A package that only waits for the end of another package is not announced.
        """
        if waiting.announced:
            await self.announcer.announce(repeated_waiting_fact_of(waiting))
            return
        if waiting.holder:
            return
        await self.announcer.announce(waiting_fact_of(waiting))
        await self.waiting.mark_announced(waiting.package_id)

    async def _decide(self, arrival: Arrival, unit: Unit, source: BinaryIO) -> PackageRecord | WaitingPackage:
        since = self.now()
        parsed = await read_package(source, self.settings.limits)
        if isinstance(parsed, Refused):
            marked = secret(await in_thread(mark_in_broken, source))
            return await self._once(arrival, source, unreadable(arrival, marked or parsed))
        try:
            judged = await self._judge(arrival, unit, parsed)
            if isinstance(judged, WaitingPackage):
                source.seek(0)
                return judged
            return await self._once(arrival, source, judged, since)
        finally:
            close_files(parsed)

    async def _judge(self, arrival: Arrival, unit: Unit, parsed: Parsed) -> PackageRecord | WaitingPackage:
        about_document(document_id=document_id_of(parsed.message))
        answer = secret(mark_in_message(parsed.message)) or await self._admit(arrival, unit, parsed.message)
        if isinstance(answer, Awaits):
            return await self._await(arrival, parsed.message, answer)
        if isinstance(answer, Contested):
            return await self._await_holder(arrival, parsed.message, answer)
        if isinstance(answer, Refused):
            return turned_away(arrival, parsed.message, answer)
        concerned = [ids.document_key(*about) for about in ids.concerned_documents(parsed.message)]
        place = answer.place or await self.packages.take_place([answer.subject, *concerned], self.now())
        targets = await self._holders(parsed.message.kind, concerned, place)
        return let_in(arrival, await self._keeping(arrival).parts(parsed), answer.subject, place.at, targets)

    async def _holders(self, kind: PackageKind, concerned: Sequence[str], place: Place) -> dict[str, str]:
        """By document key, the packages that hold the documents which a package is about: for a replacement all of
        them, for any other package the first. Empty if a replacement is about more than ``MAX_TARGETS`` documents."""
        is_each = kind is PackageKind.REPLACE
        groups = [[key] for key in concerned[: MAX_TARGETS + 1]] if is_each else [list(concerned)]
        if len(groups) > MAX_TARGETS:
            return {}
        holders = {keys[0]: await self._holder(keys, place) for keys in groups if keys}
        return {key: holder for key, holder in holders.items() if holder}

    async def _holder(self, keys: Sequence[str], place: Place) -> str | None:
        is_known = len(keys) == 1 and keys[0] in place.holders
        return place.holders[keys[0]] if is_known else await self.packages.holder(keys)

    async def _await(self, arrival: Arrival, message: Message, awaits: Awaits) -> PackageRecord | WaitingPackage:
        saved = await self.waiting.find(arrival.package_id)
        longest = timedelta(hours=self.settings.awaited_document_hours)
        deadline = saved.deadline if saved and not saved.holder else arrival.at + longest
        others = 0 if saved else await self.waiting.count(arrival.sender)
        limit = self.settings.waiting_packages_per_unit
        if refused := refused_wait(awaits, deadline, self.now(), others, limit):
            return turned_away(arrival, message, refused)
        return saved or waiting_of(arrival, message, awaits, deadline)

    async def _await_holder(
        self, arrival: Arrival, message: Message, contested: Contested
    ) -> PackageRecord | WaitingPackage:
        """Wait until the other package is refused or finished, for a limited time since it was first seen to hold the
        DocumentId.

        If too many packages of the unit wait, the package is refused at once, unless it waits already.
        """
        now, saved = self.now(), await self.waiting.find(arrival.package_id)
        longest = timedelta(minutes=self.settings.undecided_holder_minutes)
        deadline = saved.deadline if saved and saved.holder else now + longest
        others = 0 if saved else await self.waiting.count(arrival.sender)
        if now >= deadline or others >= self.settings.waiting_packages_per_unit:
            return turned_away(arrival, message, contested.refused)
        return saved if saved and saved.holder else waiting_for_holder(arrival, message, contested, now, deadline)

    async def _is_contested(self, document_key: str, package_id: str) -> bool:
        holder = await self.packages.holder([document_key])
        return holder not in (None, package_id) and await self.packages.may_be_refused(str(holder))

    async def _admit(self, arrival: Arrival, unit: Unit, message: Message) -> Admitted | Awaits | Contested | Refused:
        concerned = [ids.document_key(*about) for about in ids.concerned_documents(message)]
        claims = await self.packages.claims_on(concerned)
        known = list(claims)
        today, directory = self.now().astimezone(VIETNAM).date(), self.directory.current
        newest = directory.unit(unit.code) or unit  # it may have changed while the package was being read
        answer = admit(message, newest, today, known, directory.units)
        if isinstance(answer, Refused) and answer.security in BY_DIRECTORY:
            await self.directory.confirm()
        if not isinstance(answer, Admitted):
            return answer
        if not ids.claims_document_id(message):
            taken = await self.packages.take_place([answer.subject, *concerned], self.now(), claims)
            return replace(answer, place=taken)
        if not concerned and (place := await self.packages.claim_first(answer.subject, arrival.package_id)):
            return replace(answer, place=place)
        updated = known[0] if message.kind is PackageKind.UPDATE else None
        return await self._claim(answer.subject, arrival.package_id, updated) or answer

    async def _claim(self, document_key: str, package_id: str, updated: str | None) -> Refused | Contested | None:
        """Claim the DocumentId. None = the package holds it now; otherwise why it does not.

        Raises ``Transient`` while the package that holds it is being decided.
        """
        while (holder := await self.packages.claim(document_key, package_id, updated)) != package_id:
            decided = await self.packages.find(holder)
            if decided is None:
                if not await self.packages.take_over(document_key, holder, package_id, updated):
                    raise Transient(Reason.E_UNAVAILABLE, f"package {holder} of the same DocumentId is being decided")
            elif decided.reason is not None:
                await self.packages.release(document_key, holder)
            elif await self.packages.may_be_refused(holder):
                return settle_claim(package_id, holder, is_decided=False)
            elif await self.packages.holder([document_key]) == holder:  # it was not refused before it was finished
                return settle_claim(package_id, holder)
        return None

    async def _answer(self, record: PackageRecord) -> None:
        about_document(
            package_id=record.package_id,
            document_key=record.subject,
            document_id=record.document_id,
            sender=record.sender,
            reason=record.reason,
        )
        await self._purge(record.purge)  # what another copy of a secret package may have stored meanwhile
        if record.reason is None and record.kind not in ABOUT_OTHERS:
            await self.waiting.wake(record.subject)
        if record.announced:
            await self.announcer.announce(repeated_fact_of(record))
            return
        if event := security_fact_of(record):
            await self.announcer.announce(event)
        with self.letting_in(record):
            await self.announcer.announce_saved(fact_body(record))
        if await self.packages.mark_announced(record.package_id):
            if record.reason:
                record_rejection(record.sender, "intake", record.reason, "package")
            record_stage(record.sender, "intake", record.lane, (self.now() - record.submitted_at).total_seconds())
