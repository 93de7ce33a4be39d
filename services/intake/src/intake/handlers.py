"""Intake's handlers: a submission becomes a saved decision and a fact; a later refusal frees its DocumentId."""

import asyncio
import io
import logging
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import BinaryIO
from zoneinfo import ZoneInfo

from faststream.rabbit import RabbitMessage

from common.directory import DirectoryReader
from common.domain import ids
from common.domain.envelope import Message
from common.domain.outcome import Refused
from common.domain.reason import Reason
from common.edxml import Parsed
from common.facts import DocumentRefused
from common.metrics import record_rejection, record_stage
from common.objects import Objects, content_ref, digest_of
from common.secrecy import mark_in_message
from common.service import Announcer
from common.telemetry import about_document
from intake.accept import Admitted, admit, secret, settle_claim
from intake.announce import fact_of, repeated_fact_of
from intake.packages import Packages
from intake.reading import close_files, mark_in_broken, read_package, store_parts
from intake.record import Arrival, PackageRecord, document_id_of, let_in, turned_away, unreadable
from intake.settings import IntakeSettings
from intake.submission import Submission, lane_of, open_package, submission_of, uploaded

LOCAL = ZoneInfo("Asia/Ho_Chi_Minh")

log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Intake:
    """The steps of intake over its adapters."""

    announcer: Announcer
    settings: IntakeSettings
    objects: Objects
    packages: Packages
    directory: DirectoryReader

    async def receive(self, body: bytes, message: RabbitMessage) -> None:
        """Decide about a submission once, and answer every copy of it."""
        submission = submission_of(body, message, self.directory)
        source = await open_package(submission, self.objects, self.settings)
        if isinstance(source, Refused):
            arrival = await self._arrive(submission, io.BytesIO(submission.body), message)
            await self._answer(await self._once(arrival, submission.body, unreadable(arrival, source)))
            return
        with source:
            arrival = await self._arrive(submission, source, message)
            saved = await self.packages.find(arrival.package_id)
            await self._answer(saved or await self._decide(arrival, submission, source))

    async def release(self, fact: DocumentRefused) -> None:
        """A refused document gives its DocumentId back, for a corrected package; a secret one leaves no upload."""
        await self.packages.release(fact.subject, fact.package_id)
        if fact.reason is Reason.E_SECRET:
            record = await self.packages.find(fact.package_id)
            if record and record.upload:
                await self.objects.purge(record.upload)

    async def _arrive(self, submission: Submission, source: BinaryIO, message: RabbitMessage) -> Arrival:
        """Nothing is stored yet: what is marked secret must not be."""
        package = content_ref(*await asyncio.to_thread(digest_of, source))
        source.seek(0)
        at, lane = datetime.now(UTC), lane_of(message)
        sender, upload = submission.unit.code, uploaded(submission)
        arrival = Arrival(sender=sender, package=package, lane=lane, at=at, upload=upload)
        about_document(package_id=arrival.package_id, sender=sender)
        return arrival

    async def _once(self, arrival: Arrival, source: bytes | BinaryIO, record: PackageRecord) -> PackageRecord:
        """Store the bytes, then save the decision; of secret ones nothing is stored, and the upload goes."""
        if record.reason is Reason.E_SECRET:
            log.warning("security event SECRET_CONTENT in package %s: %s", record.package_id, record.detail)
            if arrival.upload:
                await self.objects.purge(arrival.upload)
        else:
            await self.objects.put_content(source)
        return await self.packages.find(arrival.package_id) or await self.packages.save(record)

    async def _decide(self, arrival: Arrival, submission: Submission, source: BinaryIO) -> PackageRecord:
        parsed = await read_package(source, self.settings.limits)
        if isinstance(parsed, Refused):
            marked = secret(await asyncio.to_thread(mark_in_broken, source))
            return await self._once(arrival, source, unreadable(arrival, marked or parsed))
        try:
            return await self._once(arrival, source, await self._judge(arrival, submission, parsed))
        finally:
            close_files(parsed)

    async def _judge(self, arrival: Arrival, submission: Submission, parsed: Parsed) -> PackageRecord:
        about_document(document_id=document_id_of(parsed.message))
        answer = secret(mark_in_message(parsed.message)) or await self._admit(arrival, submission, parsed.message)
        if isinstance(answer, Refused):
            return turned_away(arrival, parsed.message, answer)
        return let_in(arrival, await store_parts(parsed, self.objects), answer.subject)

    async def _admit(self, arrival: Arrival, submission: Submission, message: Message) -> Admitted | Refused:
        known = await self.packages.known([ids.document_key(*about) for about in ids.concerned_documents(message)])
        answer = admit(message, submission.unit, datetime.now(LOCAL).date(), known)
        if isinstance(answer, Refused) or not ids.claims_document_id(message):
            return answer
        holder = await self.packages.claim(answer.subject, arrival.package_id)
        return settle_claim(arrival.package_id, holder) or answer

    async def _answer(self, record: PackageRecord) -> None:
        about_document(
            package_id=record.package_id,
            document_key=record.subject,
            document_id=record.document_id,
            sender=record.sender,
            reason=record.reason,
        )
        if record.announced:
            await self.announcer.announce(repeated_fact_of(record))
            return
        await self.announcer.announce(fact_of(record))
        if await self.packages.mark_announced(record.package_id):
            _measure(record)


def _measure(record: PackageRecord) -> None:
    if record.reason:
        record_rejection("intake", record.reason, "package")
    record_stage("intake", record.lane, (datetime.now(UTC) - record.submitted_at).total_seconds())
