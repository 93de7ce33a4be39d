"""The validator's handler: fetch the files, ask the pool about each PDF, save the verdict, announce it."""

import json
import logging
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime

from common import envelopes
from common.database import Document
from common.domain.envelope import Attachment, Envelope
from common.domain.ids import event_id
from common.domain.names import Lane
from common.domain.outcome import Refused, Undecided
from common.domain.reason import Reason
from common.facts import ObjectRef, PackageAccepted
from common.failure import Permanent, Transient
from common.metrics import record_rejection, record_stage
from common.objects import ObjectMissing, Objects, content_ref
from common.secrecy import Mark
from common.service import Announcer
from validator.metrics import measure_verdicts
from validator.package_verdict import Verdict, conclude, declares_copy, pdfs
from validator.policy import DEFAULT
from validator.report.model import Decision
from validator.secrecy.redacted import objects_of, redacted, report_json
from validator.secrecy.restore import restore
from validator.secrecy.search import Search
from validator.secrecy.searched import Searched
from validator.store import VerdictRecord, Verdicts, fact_of
from validator.verify import Question
from validator.workers.service import Examiner

log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Validator:
    """The steps of the validator over its adapters."""

    announcer: Announcer
    objects: Objects
    verdicts: Verdicts
    examiner: Examiner

    async def verify_document(self, fact: PackageAccepted) -> None:
        """Decide about a package once; announce the verdict whenever it is asked for."""
        record = await self.verdicts.find(fact.package_id) or await self._decide_once(fact)
        for ref in record.purge:
            await self.objects.purge(ref)
        await self.announcer.announce(fact_of(record, fact, event_id(fact.package_id, "verdict")))

    async def _decide_once(self, fact: PackageAccepted) -> VerdictRecord:
        decided, decisions = await self._decide(fact)
        record, is_first = await self.verdicts.save(decided)
        if is_first:
            measure_verdicts(decisions)
            _measure(record, fact)
        return record

    async def _decide(self, fact: PackageAccepted) -> tuple[VerdictRecord, Sequence[Decision]]:
        now = datetime.now(UTC)
        envelope = await self._envelope(fact)
        seen = await self._search(fact, envelope, now)
        if seen.mark:
            return await self._secret(fact, envelope, seen.mark, now), ()
        attachments = pdfs(envelope)
        decisions = [await self._ask(fact, envelope, attachment, now) for attachment in attachments]
        names = [attachment.name for attachment in attachments]
        answer = conclude(decisions, names)
        if seen.refused and not isinstance(answer, Refused):
            answer = seen.refused  # (12.2)
        if isinstance(answer, Undecided):
            measure_verdicts(decisions)
            raise Transient(answer.reason, answer.detail)
        _tell_security(fact, decisions)
        report = await self.objects.put_content(_report_json(fact, attachments, decisions, answer, seen.unread, now))
        return _record(fact, answer, report, now), decisions

    async def _search(self, fact: PackageAccepted, envelope: Envelope, now: datetime) -> Searched:
        """(12) Marks of secrecy in any file, whatever else is wrong with the package (R9, R19)."""
        seen = Searched()
        for number, attachment in enumerate(envelope.attachments, start=1):
            file = await self._file(fact, attachment)
            found = await self.examiner.look(file, Search(name=attachment.name), now, urgent=fact.lane is Lane.URGENT)
            if isinstance(found, Undecided):
                raise Transient(found.reason, found.detail)
            if isinstance(found, Mark):
                return Searched(found.at(f"attachment {number}"))
            seen = seen.after(number, attachment, found)
        if seen.unread:
            log.warning("security event NOT_SEARCHED in package %s: %s", fact.package_id, "; ".join(seen.unread))
        return seen

    async def _secret(self, fact: PackageAccepted, envelope: Envelope, mark: Mark, now: datetime) -> VerdictRecord:
        log.warning("security event SECRET_CONTENT in package %s: %s", fact.package_id, mark)
        left = await self.objects.put_content(envelopes.to_json(redacted(envelope)))
        report = await self.objects.put_content(report_json(fact, envelope, mark, DEFAULT.version, now))
        refused = _record(fact, Refused(Reason.E_SECRET, str(mark)), report, now)
        return refused.model_copy(update={"envelope": left, "purge": objects_of(fact, envelope)})

    async def _file(self, fact: PackageAccepted, attachment: Attachment) -> bytes:
        """An attachment's bytes; taken out of the package again if another, secret package took them along."""
        ref = content_ref(attachment.sha256, attachment.size_bytes)
        try:
            return await self.objects.get(ref)
        except ObjectMissing:
            await restore(await self.objects.get(fact.package), self.objects)
            return await self.objects.get(ref)

    async def _envelope(self, fact: PackageAccepted) -> Envelope:
        message = envelopes.from_json(await self.objects.get(fact.envelope))
        if not isinstance(message, Envelope):
            raise Permanent(Reason.E_FACT, "a status package carries no document")
        return message

    async def _ask(self, fact: PackageAccepted, envelope: Envelope, attachment: Attachment, now: datetime) -> Decision:
        document = await self._file(fact, attachment)
        question = Question(
            sender=envelope.sender.code,
            declared_copy=declares_copy(envelope),
            promulgation_date=envelope.promulgation_date,
        )
        return await self.examiner.examine(document, question, now, urgent=fact.lane is Lane.URGENT)


def _tell_security(fact: PackageAccepted, decisions: Sequence[Decision]) -> None:
    """Security events of documents (R18, R40), valid or not: into the log that is kept; the report names them too."""
    for decision in decisions:
        for note in decision.report.security_notes:
            log.warning("security event %s in package %s: %s", note.code, fact.package_id, note.detail)


def _record(fact: PackageAccepted, answer: Verdict | Refused, report: ObjectRef, now: datetime) -> VerdictRecord:
    common = VerdictRecord(package_id=fact.package_id, decided_at=now, report=report, policy_version=DEFAULT.version)
    if isinstance(answer, Refused):
        return common.model_copy(update={"reason": answer.reason, "detail": answer.detail})
    return common.model_copy(update={"label": answer.label, "unsigned_annexes": answer.unsigned_annexes})


def _report_json(
    fact: PackageAccepted,
    attachments: Sequence[Attachment],
    decisions: Sequence[Decision],
    answer: Verdict | Refused,
    unread: Sequence[str],
    now: datetime,
) -> bytes:
    files: list[Document] = [
        {"name": attachment.name, **decision.report.as_json()}
        for attachment, decision in zip(attachments, decisions, strict=True)
    ]
    whole: Document = {
        "package_id": fact.package_id,
        "package_sha256": fact.package.sha256,
        "document_id": fact.document_id,
        "sender": fact.sender,
        "decided_at": now.isoformat(),
        "policy_version": DEFAULT.version,
        "label": answer.label if isinstance(answer, Verdict) else None,
        "reason": answer.reason if isinstance(answer, Refused) else None,
        "detail": answer.detail if isinstance(answer, Refused) else "",
        "not_searched": list(unread),
        "files": files,
    }
    return json.dumps(whole, ensure_ascii=False, sort_keys=True, indent=1).encode()


def _measure(record: VerdictRecord, fact: PackageAccepted) -> None:
    if record.reason:
        record_rejection("validator", record.reason, "document")
    record_stage("validated", fact.lane, (datetime.now(UTC) - fact.submitted_at).total_seconds())
