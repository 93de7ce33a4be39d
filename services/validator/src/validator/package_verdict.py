"""One package's files and what the verdicts on them mean together: pure.

The first PDF is the document itself and must satisfy the whole list. A further PDF is an annex: unsigned it passes
with a note (as an office file does), but a signature in it must hold, whoever of the sender's made it.
"""

import unicodedata
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from common.domain.envelope import Attachment, Envelope
from common.domain.names import Label
from common.domain.outcome import Refused, Undecided
from common.domain.reason import Reason
from validator.report import model as report

PDF = "application/pdf"
COPY_FORMS = ("sao y", "sao lục", "trích sao", "bản sao")
"""Forms of copies (ND 30/2020 art. 3.10-3.12, 25), as senders write them."""
NEEDS_NO_R1 = {Reason.E_SIG_ORG_MISSING, Reason.E_SIG_SIGNER_MISSING}
"""What an annex need not have."""


@dataclass(frozen=True, slots=True)
class Verdict:
    """The verdict on a whole package."""

    label: Label
    unsigned_annexes: int


def pdfs(envelope: Envelope) -> tuple[Attachment, ...]:
    """PDF attachments in order; the first is the document itself."""
    return tuple(attachment for attachment in envelope.attachments if attachment.content_type == PDF)


def declares_copy(envelope: Envelope) -> bool:
    """Whether the sender declares its document a copy: in the type's name, or in words about the file."""
    about = [envelope.type.name, *(attachment.description for attachment in pdfs(envelope)[:1])]
    return any(form in _folded(text) for text in about if text for form in COPY_FORMS)


def conclude(decisions: Sequence[report.Decision], names: Sequence[str]) -> Verdict | Refused | Undecided:
    """Verdict on the package from the decisions on its PDFs, main document first."""
    if not decisions:
        return Refused(Reason.E_PDF_NONE, "the package holds no PDF")
    answers = [_main(decisions[0]), *map(_annex, decisions[1:])]
    for kind in (Refused, Undecided):
        for answer, name in zip(answers, names, strict=True):
            if isinstance(answer, kind):
                return kind(answer.reason, f"{name}: {answer.detail}")
    label = decisions[0].report.label
    if label is None:
        raise ValueError("a verified document bears a label")
    return Verdict(label, unsigned_annexes=sum(not d.report.signatures for d in decisions[1:]))


def _main(decision: report.Decision) -> Refused | Undecided | None:
    if isinstance(decision, report.Verified):
        return None
    kind = Refused if isinstance(decision, report.Refused) else Undecided
    return kind(decision.reason, decision.detail)


def _annex(decision: report.Decision) -> Refused | Undecided | None:
    answer = _main(decision)
    return None if answer and answer.reason in NEEDS_NO_R1 else answer


def _folded(text: str) -> str:
    return unicodedata.normalize("NFC", text).casefold()


def report_names(attachments: Iterable[Attachment]) -> list[str]:
    """Names under which reports and reasons speak of the files."""
    return [attachment.name for attachment in attachments]
