"""What is known of a document and its signatures so far. The report is built from it wherever the verification ends."""

from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime
from typing import TypeVar

from validator.checks.signature import Signature
from validator.checks.signing_time import SigningTime
from validator.checks.time_stamps import JudgedTimeStamp
from validator.checks.verified_signature import VerifiedSignature
from validator.diff.analysis import Changes
from validator.fault import Fault, rank
from validator.pki.status import CertificateStatus
from validator.report.model import Note, SignatureReport
from validator.report.rules import Step
from validator.report.vocabulary import FAILED, Integrity, SignerRole

Answer = TypeVar("Answer")

SIGNATURE_STEPS = (Step.DIFFERENCE, Step.CRYPTOGRAPHY, Step.CHAIN, Step.REVOCATION, Step.TIME)
"""Steps that are asked of every signature."""


@dataclass(slots=True)
class SignatureState:
    """One signature during and after (4)-(8): what is known of it, and which rules do not hold."""

    signature: Signature
    changes: Changes | None = None
    """What later revisions changed; None = something that is not allowed."""
    verified: VerifiedSignature | None = None
    certificate_status: CertificateStatus | None = None
    time_stamps: tuple[JudgedTimeStamp, ...] = ()
    proven_at: datetime | None = None
    """The earliest time at which a trusted time stamp proves that it existed."""
    time: SigningTime | None = None
    """What is claimed and known about when it was made."""
    role: SignerRole | None = None
    faults: list[Fault] = field(default_factory=list)

    def ask(self, check: Callable[[], Answer]) -> Answer | None:
        """The answer of a check, or None if it raises a ``Fault``, which is kept with the signature."""
        try:
            return check()
        except Fault as fault:
            self.faults.append(fault)
            return None

    @property
    def fault(self) -> Fault | None:
        """The fault that counts: final ones before those that time can cure, then the lowest step."""
        return min(self.faults, key=rank, default=None)

    @property
    def steps_asked(self) -> tuple[Step, ...]:
        """Steps of which it was asked, each up to the first rule that does not hold. Without a chain nothing was asked
        about revocation."""
        status = self.certificate_status
        if status is None:
            return (Step.DIFFERENCE, Step.CRYPTOGRAPHY)
        return SIGNATURE_STEPS if status.chain else (Step.DIFFERENCE, Step.CRYPTOGRAPHY, Step.TIME)

    @property
    def integrity(self) -> Integrity:
        """Whether it verifies, whoever made it: faults of (6) to (8) are about the signer."""
        broken = (fault for fault in self.faults if fault.step <= Step.CRYPTOGRAPHY)
        if any(fault.sub_indication in FAILED for fault in broken):
            return Integrity.TAMPERED
        return Integrity.UNKNOWN if self.verified is None else Integrity.INTACT


@dataclass(slots=True)
class DocumentState:
    """One document during and after its verification."""

    signatures: list[SignatureState] = field(default_factory=list)
    notes: list[Note] = field(default_factory=list)
    steps_passed: list[Step] = field(default_factory=list)
    """Steps that hold for the whole document."""
    is_unsigned: bool = False
    unlocated: tuple[SignatureReport, ...] = ()
    """Where (3) failed: the signatures that the form names, all with that fault."""

    @property
    def signer_signatures(self) -> list[SignatureState]:
        """Signatures of people and units: all but document time stamps."""
        return [each for each in self.signatures if not each.signature.is_time_stamp]


def raise_first(state: DocumentState, *, final: bool) -> None:
    """Raise the lowest fault that is final, or not, earlier signatures first; nothing if there is none."""
    faults = [each.fault for each in state.signatures if each.fault and each.fault.is_final is final]
    if faults:
        raise min(faults, key=rank)
