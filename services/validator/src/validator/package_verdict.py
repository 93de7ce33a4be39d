"""The verdict on a package, from the decisions on its PDFs: pure.

The first PDF is the document itself and must satisfy every rule. A further PDF is an annex: unsigned it passes with a
note (as an office file does), but a signature in it must hold, whoever of the sender's made it.
"""

from collections.abc import Sequence
from dataclasses import dataclass

from common.domain.names import Label
from common.domain.outcome import Refused, Undecided
from common.domain.reason import Reason
from validator.report import decision as of_document
from validator.report.decision import Decision

NOT_ASKED_OF_ANNEXES = {Reason.E_SIG_ORG_MISSING, Reason.E_SIG_SIGNER_MISSING}
"""An annex need not bear the signatures of unit and signer."""


@dataclass(frozen=True, slots=True)
class PackageVerdict:
    """The verdict on a valid package."""

    label: Label
    unsigned_annexes: int


def conclude(decisions: Sequence[Decision], names: Sequence[str]) -> PackageVerdict | Refused | Undecided:
    """The verdict on the package. ``decisions`` and ``names`` of its PDFs, main document first."""
    if not decisions:
        return Refused(Reason.E_PDF_NONE, "the package holds no PDF")
    answers = [_answer(decisions[0]), *map(_annex_answer, decisions[1:])]
    for kind in (Refused, Undecided):
        for answer, name in zip(answers, names, strict=True):
            if isinstance(answer, kind):
                return kind(answer.reason, f"{name}: {answer.detail}")
    label = decisions[0].report.label
    if label is None:
        raise ValueError("a verified document bears a label")
    return PackageVerdict(label, unsigned_annexes=sum(not each.report.signatures for each in decisions[1:]))


def _answer(decision: Decision) -> Refused | Undecided | None:
    """Without the report; None = verified."""
    if isinstance(decision, of_document.Verified):
        return None
    kind = Refused if isinstance(decision, of_document.Refused) else Undecided
    return kind(decision.reason, decision.detail)


def _annex_answer(decision: Decision) -> Refused | Undecided | None:
    answer = _answer(decision)
    return None if answer and answer.reason in NOT_ASKED_OF_ANNEXES else answer
