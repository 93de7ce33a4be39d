"""What has been found about a document and its signatures so far; the report is made of it wherever the way ends."""

from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime
from typing import TypeVar

from validator.checks.cryptography import TIME_STAMP, Signed
from validator.checks.signing_time import Claim
from validator.checks.stamps import Stamp
from validator.checks.structure import Signature
from validator.fault import Fault, Step, rank
from validator.pki.status import Standing
from validator.report.model import UNVERIFIED, Note, Part, SignatureReport

Answer = TypeVar("Answer")

OF_SIGNATURES = (Step.DIFFERENCE, Step.CRYPTOGRAPHY, Step.CHAIN, Step.REVOCATION, Step.TIME)
"""Steps that are asked of every signature."""


@dataclass(slots=True)
class Settled:
    """One signature during and after (4)-(8): what is known of it, and what did not hold."""

    signature: Signature
    signed: Signed | None = None
    standing: Standing | None = None
    stamps: tuple[Stamp, ...] = ()
    proven: datetime | None = None
    claim: Claim | None = None
    part: Part | None = None
    faults: list[Fault] = field(default_factory=list)

    def ask(self, check: Callable[[], Answer]) -> Answer | None:
        """The answer of one check, or None and its fault kept."""
        try:
            return check()
        except Fault as fault:
            self.faults.append(fault)
            return None

    @property
    def fault(self) -> Fault | None:
        """The one that counts: what is final before what time can cure, then by step."""
        return min(self.faults, key=rank, default=None)

    @property
    def is_intact(self) -> bool:
        """Whether it verifies, whoever made it: what (6) to (8) say is about them."""
        broken = (fault for fault in self.faults if fault.step <= Step.CRYPTOGRAPHY)
        return self.signed is not None and not any(fault.sub_indication in UNVERIFIED for fault in broken)

    @property
    def is_time_stamp(self) -> bool:
        """Whether it is a document time stamp."""
        return self.signature.subfilter == TIME_STAMP


@dataclass(slots=True)
class Findings:
    """What has been found about one document."""

    settled: list[Settled] = field(default_factory=list)
    notes: list[Note] = field(default_factory=list)
    reached: list[Step] = field(default_factory=list)
    """Steps of the whole document that hold."""
    is_unsigned: bool = False
    unplaced: tuple[SignatureReport, ...] = ()
    """Where (3) failed: the signatures that the form names, all under that fault."""

    @property
    def hands(self) -> list[Settled]:
        """Signatures of people and units: all but document time stamps."""
        return [each for each in self.settled if not each.is_time_stamp]


def raise_first(findings: Findings, *, final: bool) -> None:
    """Raise the lowest fault of that kind, earlier signatures first."""
    found = [each.fault for each in findings.settled if each.fault and each.fault.is_final is final]
    if found:
        raise min(found, key=rank)
