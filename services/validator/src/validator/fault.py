"""A check that does not hold."""

from collections.abc import Iterator
from contextlib import contextmanager
from enum import IntEnum

from pyhanko.pdf_utils.misc import PdfDecodeLimitError

from common.domain.reason import Reason
from validator.report.model import FAILED, Indication, SubIndication

UNDECIDED = frozenset({Reason.E_SIG_REVOCATION_UNKNOWN, Reason.E_UNAVAILABLE})
"""Reasons that time can cure: the document is looked at again, not refused."""


class Step(IntEnum):
    """Numbers of the checks, as in docs/validity.md."""

    GATE = 1
    PARSE = 2
    STRUCTURE = 3
    DIFFERENCE = 4
    CRYPTOGRAPHY = 5
    CHAIN = 6
    REVOCATION = 7
    TIME = 8
    IDENTITY = 9
    ORDER = 10
    FORM = 11
    SECRECY = 12


class Fault(Exception):
    """Why a check does not hold; never leaves ``verify``, which turns it into a value."""

    def __init__(self, step: Step, reason: Reason, sub_indication: SubIndication, detail: str = "") -> None:
        super().__init__(detail)
        self.step = step
        self.reason = reason
        self.sub_indication = sub_indication
        self.detail = detail

    @property
    def indication(self) -> Indication:
        """Main status that goes with the sub-indication."""
        failed = self.sub_indication in FAILED
        return Indication.TOTAL_FAILED if failed else Indication.INDETERMINATE

    @property
    def is_final(self) -> bool:
        """Whether waiting cannot change it."""
        return self.reason not in UNDECIDED


def rank(fault: Fault) -> tuple[bool, Step]:
    """What is final counts before what time can cure, then the lower step."""
    return not fault.is_final, fault.step


@contextmanager
def faults(step: Step, reason: Reason, detail: str) -> Iterator[None]:
    """Libraries raise anything on hostile bytes (AssertionError, KeyError, RecursionError): all of it is a fault."""
    try:
        yield
    except Fault:
        raise
    except (MemoryError, PdfDecodeLimitError) as error:
        text = f"{detail}: {type(error).__name__}"
        raise Fault(step, Reason.E_PDF_LIMIT, SubIndication.FORMAT_FAILURE, text) from error
    except Exception as error:
        text = f"{detail}: {type(error).__name__}"
        raise Fault(step, reason, SubIndication.FORMAT_FAILURE, text) from error
