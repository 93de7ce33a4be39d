"""The validator's handler: fetch the files, examine each of them, save the verdict, announce it."""

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from common import envelopes
from common.clock import utc_now
from common.domain.envelope import Attachment, Envelope
from common.domain.names import Lane
from common.domain.outcome import Refused, Undecided
from common.domain.reason import Reason
from common.domain.security import SecurityKind
from common.facts import ObjectRef, PackageAccepted
from common.failure import Transient
from common.metrics import record_rejection, record_stage
from common.objects import Objects
from common.secrecy import Mark
from common.service.outgoing import Announcer
from validator.attachments import declares_copy, pdfs
from validator.context import VerificationRequest
from validator.evidence_keeper import EvidenceKeeper
from validator.metrics import record_verdicts
from validator.package_files import PackageFiles, opened
from validator.package_report import package_report, secret_package_report
from validator.package_verdict import PackageVerdict, conclude
from validator.policy import DEFAULT
from validator.report.decision import Decision
from validator.secrecy.package_search import PackageSearch
from validator.secrecy.redaction import redacted
from validator.secrecy.search import SearchRequest
from validator.store import VerdictRecord, Verdicts, fact_of, security_facts_of
from validator.waiting import WaitingNotices
from validator.workers.budget import PackageBudget
from validator.workers.service import Examiner

BY_DIRECTORY = (
    Reason.E_FROM,
    Reason.E_SIG_ORG_MISSING,
    Reason.E_SIG_NOT_BOUND,
    Reason.E_SIG_SIGNER_MISSING,
    Reason.E_SIG_SIGNER_NOT_AUTHORISED,
    Reason.E_SIG_STRANGER,
    Reason.E_SIG_ORDER,
)
"""Reasons that a certificate registered meanwhile may take away: whose a signature is stands in the directory."""

BY_TRUST = (Reason.E_SIG_UNTRUSTED_CA,)
"""Reasons that a file of the trust folder may take away."""


@dataclass(frozen=True, slots=True)
class Validator:
    """The steps of the validator over its adapters."""

    announcer: Announcer
    objects: Objects
    verdicts: Verdicts
    examiner: Examiner
    evidence: EvidenceKeeper
    package_wall_seconds: float
    waiting: WaitingNotices = field(default_factory=lambda: WaitingNotices(timedelta(hours=72)))

    async def verify_document(self, fact: PackageAccepted) -> None:
        """Loads the saved verdict, or makes and saves one, then announces it. Idempotent.

        Raises ``Transient`` while something that decides is missing, such as a revocation list, and announces
        ``package.waiting`` before. Raises ``Permanent`` if the envelope is a status, which carries no document.
        """
        try:
            record = await self.verdicts.find(fact.package_id) or await self._decide_once(fact)
        except Transient as error:
            now = utc_now()
            if notice := self.waiting.due(fact, error.reason, now):
                await self.announcer.announce(notice)
                self.waiting.note(notice, now)
            raise
        for event in security_facts_of(record, fact):
            await self.announcer.announce(event)
        await self.announcer.announce(fact_of(record, fact))

    async def _decide_once(self, fact: PackageAccepted) -> VerdictRecord:
        try:
            async with asyncio.timeout(self.package_wall_seconds), opened(fact, self.objects) as package:
                decided, decisions = await self._decide(fact, package)
        except TimeoutError as error:
            raise Transient(Reason.E_PDF_TIMEOUT, "the package took longer than the machine allows") from error
        record, is_first = await self.verdicts.save(decided)
        if is_first:
            record_verdicts(fact.sender, decisions)
            _record_metrics(record, fact)
        return record

    async def _decide(self, fact: PackageAccepted, package: PackageFiles) -> tuple[VerdictRecord, Sequence[Decision]]:
        now, envelope = utc_now(), package.envelope
        budget = self.examiner.package_budget()
        search = await self._search(fact, package, now, budget)
        if search.mark:
            return await self._secret(fact, envelope, search.mark, now), ()
        attachments, decisions = pdfs(envelope), list[Decision]()
        for attachment in attachments:
            if budget.refused() is None:
                decisions.append(await self._examine(fact, package, attachment, now, budget))
        attachments = attachments[: len(decisions)]
        answer = budget.refused() or conclude(decisions, [attachment.name for attachment in attachments])
        if search.refused and not isinstance(answer, Refused):
            answer = search.refused  # (12.2)
        if isinstance(answer, Refused) and answer.reason in BY_DIRECTORY:
            await self.examiner.confirm_directory({decision.report.directory_version for decision in decisions})
        if isinstance(answer, Refused) and answer.reason in BY_TRUST:
            self.examiner.confirm_trust()
        if isinstance(answer, Undecided):
            record_verdicts(fact.sender, decisions)
            raise Transient(answer.reason, answer.detail)
        evidence = await self.evidence.keep(decisions)
        keep = self._keeping(fact)
        report = await keep(package_report(fact, attachments, decisions, answer, search.unread, DEFAULT, now))
        header = await keep(envelopes.to_json(envelope)) if _is_one_object(fact) else None
        record = _verdict_record(fact, answer, report, now)
        security = _security(decisions, search.unread)
        found = {"envelope": header, "security": security, "evidence": evidence}
        return record.model_copy(update=found), decisions

    def _keeping(self, fact: PackageAccepted) -> Callable[[bytes], Awaitable[ObjectRef]]:
        """How small bytes are kept: as the package was, so that a release that reads it reads them."""
        return self.objects.carry if _is_one_object(fact) else self.objects.put_content

    async def _search(
        self, fact: PackageAccepted, package: PackageFiles, now: datetime, budget: PackageBudget
    ) -> PackageSearch:
        """(12) Marks of secrecy in any file, whatever else is wrong with the package (R9, R19).

        A package whose files take too long together is refused before all of them are searched.
        """
        search = PackageSearch()
        for number, attachment in enumerate(package.envelope.attachments, start=1):
            if budget.refused():
                return search
            request = SearchRequest(name=attachment.name)
            async with self.objects.memory.hold(attachment.size_bytes):
                file = await package.file(attachment)
                result = await self.examiner.look(file, request, now, urgent=fact.lane is Lane.URGENT, budget=budget)
            if isinstance(result, Undecided):
                raise Transient(result.reason, result.detail)
            if isinstance(result, Mark):
                return PackageSearch(result.at(f"attachment {number}"))
            search = search.after(number, attachment, result)
        return search

    async def _secret(self, fact: PackageAccepted, envelope: Envelope, mark: Mark, now: datetime) -> VerdictRecord:
        keep = self._keeping(fact)
        header = await keep(envelopes.to_json(redacted(envelope)))
        report = await keep(secret_package_report(fact, envelope, mark, DEFAULT, now))
        record = _verdict_record(fact, Refused(Reason.E_SECRET, str(mark)), report, now)
        security = ((SecurityKind.SECRET_CONTENT, str(mark)),)
        return record.model_copy(update={"envelope": header, "security": security})

    async def _examine(
        self,
        fact: PackageAccepted,
        package: PackageFiles,
        attachment: Attachment,
        now: datetime,
        budget: PackageBudget,
    ) -> Decision:
        envelope = package.envelope
        request = VerificationRequest(
            sender=envelope.sender.code,
            declared_copy=declares_copy(envelope),
            promulgation_date=envelope.promulgation_date,
        )
        async with self.objects.memory.hold(attachment.size_bytes):
            document = await package.file(attachment)
            return await self.examiner.examine(document, request, now, urgent=fact.lane is Lane.URGENT, budget=budget)


def _is_one_object(fact: PackageAccepted) -> bool:
    """Whether header and files lie in the package, and nowhere else."""
    return fact.package.version_id is not None


def _security(decisions: Sequence[Decision], unread: Sequence[str]) -> tuple[tuple[SecurityKind, str], ...]:
    """Security events of a document, valid or not (R18, R40); the report names them too."""
    notes = [note for decision in decisions for note in decision.report.security_notes]
    events = [(SecurityKind(note.code), note.detail) for note in notes]
    return (*events, *((SecurityKind.NOT_SEARCHED, place) for place in unread))


def _verdict_record(
    fact: PackageAccepted, answer: PackageVerdict | Refused, report: ObjectRef, now: datetime
) -> VerdictRecord:
    common = VerdictRecord(package_id=fact.package_id, decided_at=now, report=report, policy_version=DEFAULT.version)
    if isinstance(answer, Refused):
        return common.model_copy(update={"reason": answer.reason, "detail": answer.detail})
    return common.model_copy(update={"label": answer.label, "unsigned_annexes": answer.unsigned_annexes})


def _record_metrics(record: VerdictRecord, fact: PackageAccepted) -> None:
    if record.reason:
        record_rejection(fact.sender, "validator", record.reason, "document")
    record_stage(fact.sender, "validated", fact.lane, (utc_now() - fact.submitted_at).total_seconds())
