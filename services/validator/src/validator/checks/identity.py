"""(9) Identity and role: who signed for whom, by certificates the directory binds to units (R1, R7, R8, R18).

Names in certificates are never compared: only the SHA-256 of the certificate counts.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date

from common.domain.directory import CertificateRole, Directory, Unit
from common.domain.names import Label, UnitCode
from common.domain.reason import Reason
from validator.fault import Fault, Step
from validator.report.model import Note, NoteCode, Part, SubIndication


@dataclass(frozen=True, slots=True)
class Hand:
    """One signature as far as identity is concerned."""

    field: str
    certificate_sha256: str
    day: date
    """On which it claims to have been made."""


def parts(hands: Sequence[Hand], sender: UnitCode, directory: Directory) -> list[Part]:
    """What each signature is for a document of ``sender``."""
    unit = directory.unit(sender)
    if unit is None:
        raise Fault(Step.IDENTITY, Reason.E_FROM, SubIndication.SIG_CONSTRAINTS_FAILURE, "sender not in the directory")
    return [_part(hand, unit, directory) for hand in hands]


def _part(hand: Hand, unit: Unit, directory: Directory) -> Part:
    own = [certificate for certificate in unit.certificates if certificate.sha256 == hand.certificate_sha256]
    roles = {certificate.role for certificate in own if certificate.holds_on(hand.day) and unit.is_open(hand.day)}
    # One certificate plays one part: registered in both roles, it is the unit's, and a signer is still missing.
    if CertificateRole.UNIT in roles:
        return Part.UNIT
    if CertificateRole.SIGNER in roles:
        return Part.SIGNER
    if own:
        return Part.LAPSED
    return Part.OTHER_UNIT if _known_elsewhere(hand, directory) else Part.STRANGER


def _known_elsewhere(hand: Hand, directory: Directory) -> bool:
    return any(
        certificate.sha256 == hand.certificate_sha256 and certificate.holds_on(hand.day) and unit.is_open(hand.day)
        for unit in directory.units_of_certificate(hand.certificate_sha256)
        for certificate in unit.certificates
    )


def check_identity(hands: Sequence[Hand], found: Sequence[Part], declared_copy: bool) -> Label:
    """The legal form: unit and (signer or scan declared by the sender), nobody unknown. ND 30/2020 art. 5.1, 25, 26."""
    # (9.1) The sending unit signed, with a certificate bound to it on that day.
    if Part.UNIT not in found:
        bound = set(found) <= {Part.SIGNER}
        reason = Reason.E_SIG_ORG_MISSING if bound else Reason.E_SIG_NOT_BOUND
        raise _fault(reason, _first(hands, found, set(Part) - {Part.SIGNER}), "no signature of the sending unit")
    # (9.2) Someone who may sign for the unit signed on that day, or the sender declares a scan.
    if Part.SIGNER not in found and not declared_copy:
        others = set(found) - {Part.UNIT}
        reason = Reason.E_SIG_SIGNER_NOT_AUTHORISED if others else Reason.E_SIG_SIGNER_MISSING
        raise _fault(reason, _first(hands, found, others), "no signature of an authorised signer")
    # (9.3) Every other signature is known; a role that lapsed is not made good by another one.
    if Part.LAPSED in found:
        raise _fault(Reason.E_SIG_SIGNER_NOT_AUTHORISED, _first(hands, found, {Part.LAPSED}), "role does not hold")
    if Part.STRANGER in found:
        raise _fault(Reason.E_SIG_STRANGER, _first(hands, found, {Part.STRANGER}), "signature of a stranger")
    return Label.ORIGINAL if Part.SIGNER in found else Label.CERTIFIED_COPY


def notes(hands: Sequence[Hand], found: Sequence[Part], directory: Directory) -> list[Note]:
    """(9.4) What the security log and the reader should know."""
    made: list[Note] = []
    for hand, part in zip(hands, found, strict=True):
        codes = sorted({unit.code for unit in directory.units_of_certificate(hand.certificate_sha256)})
        if len(codes) > 1:
            text = f"{hand.field}: certificate {hand.certificate_sha256} under {', '.join(codes)}"
            made.append(Note(NoteCode.CERTIFICATE_SHARED, text))
        if part is Part.OTHER_UNIT:
            made.append(Note(NoteCode.OTHER_UNIT_SIGNED, f"{hand.field}: {', '.join(codes)}"))
    return made


def _first(hands: Sequence[Hand], found: Sequence[Part], wanted: set[Part]) -> str:
    fields = [hand.field for hand, part in zip(hands, found, strict=True) if part in wanted]
    return fields[0] if fields else ""


def _fault(reason: Reason, field: str, detail: str) -> Fault:
    text = f"{field}: {detail}" if field else detail
    return Fault(Step.IDENTITY, reason, SubIndication.SIG_CONSTRAINTS_FAILURE, text)
