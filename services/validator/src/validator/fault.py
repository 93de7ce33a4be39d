"""A rule that does not hold, as an exception inside of one verification."""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager

from pyhanko.pdf_utils.misc import PdfDecodeLimitError

from common.containment import ENDS_THE_PROCESS
from common.domain.names import Sha256
from common.domain.reason import Reason
from validator.report.model import StatusUsed, shown
from validator.report.rules import RULES, Step
from validator.report.vocabulary import FAILED, Indication, SubIndication

CURED_BY_TIME = frozenset({Reason.E_SIG_REVOCATION_UNKNOWN, Reason.E_UNAVAILABLE})
"""Reasons that waiting can cure: the document is looked at again, not refused."""


class Fault(Exception):
    """One rule does not hold. It never leaves ``verify``, which turns it into a decision."""

    def __init__(
        self,
        number: str,
        field: str = "",
        detail: str = "",
        *,
        reason: Reason | None = None,
        sub_indication: SubIndication | None = None,
        revoked_by: StatusUsed | None = None,
        tried: Sequence[tuple[Sha256, str]] = (),
    ) -> None:
        """Reason, sub-indication and text are those of the rule, unless given.

        ``number``: of the rule in ``validator.report.rules``. ``field``: the signature field, which precedes the text.
        ``revoked_by``: of (7.3), the statement that names a certificate. ``tried``: the chain that does not hold, if
        there is one: digest and subject of each certificate.
        Raises ``KeyError`` for a number that is no rule's, ``ValueError`` for a rule that refuses nothing.
        """
        rule = RULES[number]
        text = detail or rule.failure
        self.rule = rule
        self.revoked_by = revoked_by
        self.tried = tuple(tried)
        self.detail = shown(f"{field}: {text}" if field else text)
        super().__init__(self.detail)
        known_reason, known_sub_indication = reason or rule.reason, sub_indication or rule.sub_indication
        if known_reason is None or known_sub_indication is None:
            raise ValueError(f"rule {number} refuses nothing")
        self.reason: Reason = known_reason
        self.sub_indication: SubIndication = known_sub_indication

    @property
    def step(self) -> Step:
        """The step of its rule."""
        return self.rule.step

    @property
    def indication(self) -> Indication:
        """The main status that goes with the sub-indication."""
        return Indication.TOTAL_FAILED if self.sub_indication in FAILED else Indication.INDETERMINATE

    @property
    def is_final(self) -> bool:
        """Whether waiting cannot change it."""
        return self.reason not in CURED_BY_TIME


def rank(fault: Fault) -> tuple[bool, Step]:
    """Sort key: final faults before those that time can cure, then the lower step. The lowest one counts."""
    return not fault.is_final, fault.step


@contextmanager
def library_errors_as(number: str, field: str = "", detail: str = "") -> Iterator[None]:
    """Turns whatever a library raises inside the block into a fault of that rule.

    Libraries raise anything on hostile bytes (``AssertionError``, ``KeyError``, ``RecursionError``, and panics that are
    no ``Exception``). What cannot be read is a FORMAT_FAILURE; what exceeds memory or a decoding limit gets the reason
    ``E_PDF_LIMIT``.
    """
    try:
        yield
    except (Fault, *ENDS_THE_PROCESS):
        raise
    except BaseException as error:
        text = f"{detail or RULES[number].failure}: {type(error).__name__}"
        reason = Reason.E_PDF_LIMIT if isinstance(error, MemoryError | PdfDecodeLimitError) else None
        raise Fault(number, field, text, reason=reason, sub_indication=SubIndication.FORMAT_FAILURE) from error
