"""What ``trunkctl verify`` has found out about an edXML package, and how that stands in JSON and in a report."""

from collections.abc import Iterator
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any

from common.domain.envelope import Attachment, Envelope, Message
from common.domain.names import Label
from common.domain.outcome import Refused, Undecided
from common.domain.reason import Reason
from common.sentences import sentence
from trunkctl.edxml import attachment_as_json
from trunkctl.verification import Examined
from validator.package_verdict import PackageVerdict
from validator.report.model import Report
from validator.report.vocabulary import Verdict
from validator.verify import PYHANKO_VERSION

Answer = PackageVerdict | Refused | Undecided


@dataclass(frozen=True, slots=True, kw_only=True)
class ExaminedPackage:
    """The decision about one package."""

    file: str
    sha256: str
    """Empty where the file was not read as a whole."""
    size_bytes: int
    at: datetime
    answer: Answer
    label: Label | None = None
    """None also where no directory was asked."""
    message: Message | None = None
    """None if it cannot be read, or is secret: nothing of it is shown then."""
    documents: tuple[Examined, ...] = ()
    """Its PDFs in order, as far as they were examined; each bears its name behind that of the file."""
    not_searched: tuple[str, ...] = ()
    """Places that the search for marks of secrecy did not reach."""
    policy_version: str

    @property
    def verdict(self) -> Verdict:
        """Valid, refused or undecided."""
        if isinstance(self.answer, PackageVerdict):
            return Verdict.VALID
        return Verdict.REFUSED if isinstance(self.answer, Refused) else Verdict.UNDECIDED

    @property
    def reason(self) -> Reason | None:
        """Why it is not valid."""
        return None if isinstance(self.answer, PackageVerdict) else self.answer.reason

    @property
    def detail(self) -> str:
        """The file or the place that the reason is about."""
        return "" if isinstance(self.answer, PackageVerdict) else self.answer.detail

    @property
    def attachments(self) -> tuple[Attachment, ...]:
        """Of what can be read and shown."""
        return self.message.attachments if isinstance(self.message, Envelope) else ()

    @property
    def _is_notice(self) -> bool:
        """It carries no document, and need not."""
        return self.message is not None and not self.attachments

    def as_json(self) -> dict[str, Any]:
        """The fields of one line of ``--json``, see docs/report.md."""
        return {
            "file": self.file,
            "package": described(self.message),
            "verdict": self.verdict,
            "label": self.label,
            "reason": self.reason,
            "detail": self.detail,
            "sentence": sentence(self.reason) if self.reason and not self._is_notice else "",
            "sha256": self.sha256,
            "not_searched": list(self.not_searched),
            "documents": [each.as_json() for each in self.documents],
        }

    def as_report(self) -> dict[str, Any]:
        """The fields of one line of ``--report``: ``files`` has the whole report on each PDF."""
        line = self.as_json()
        del line["documents"]
        files = [{"name": each.file, **each.decision.report.as_json()} for each in self.documents]
        return line | {"verified_at": self.at.isoformat(), "policy_version": self.policy_version, "files": files}

    def reports(self) -> Iterator[tuple[str, Report]]:
        """For ``--html``: the verdict on the whole, then each PDF."""
        yield self.file, self._whole()
        for each in self.documents:
            yield each.file, each.decision.report

    def _whole(self) -> Report:
        report = Report(
            document_sha256=self.sha256,
            document_bytes=self.size_bytes,
            sender=self.message.sender.code if self.message else "",
            verified_at=self.at,
            label=self.label,
            reason=self.reason,
            detail=self.detail,
            policy_version=self.policy_version,
            pyhanko_version=PYHANKO_VERSION,
            verdict=self.verdict,
        )
        return replace(report, integrity=self.documents[0].integrity) if self.documents else report


def described(message: Message | None) -> dict[str, Any] | None:
    """What a package says of itself, as JSON values."""
    if message is None:
        return None
    about: Any = message if isinstance(message, Envelope) else message.response_for
    attachments = message.attachments if isinstance(message, Envelope) else ()
    return {
        "kind": message.kind,
        "from": message.sender.code,
        "to": [each.code for each in message.receivers]
        if isinstance(message, Envelope)
        else [message.response_for.unit],
        "document_id": about.document_id,
        "subject": message.subject if isinstance(message, Envelope) else "",
        "attachments": [attachment_as_json(each) for each in attachments],
    }
