"""(9) Identity and role: who signed for whom, by certificates the directory binds to units (R1, R7, R8, R18).

Names in certificates are never compared: only the SHA-256 of the certificate counts.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import date

from common.domain.directory import Certificate, CertificateRole, Directory, Unit
from common.domain.names import Label, UnitCode
from validator.fault import Fault
from validator.report.model import Note
from validator.report.vocabulary import NoteCode, SignerRole


@dataclass(frozen=True, slots=True)
class Signer:
    """One signature as far as identity is concerned."""

    field: str
    certificate_sha256: str
    days: tuple[date, ...]
    """Its role must hold on one of them: first the day on which it claims to have been made, if that can be true and no
    time stamp outranks it; then the day by which it is known to exist."""

    def may_use(self, certificate: Certificate, unit: Unit) -> bool:
        """Whether the certificate's role in the unit holds on one of the days."""
        return any(certificate.holds_on(day) and unit.is_open(day) for day in self.days)


def roles_of(signers: Sequence[Signer], sender: UnitCode, directory: Directory) -> list[SignerRole]:
    """What each signature is for a document of ``sender``. Raises ``Fault`` for an unknown sender."""
    unit = directory.unit(sender)
    if unit is None:
        raise Fault("9.0a")
    return [_role(signer, unit, directory) for signer in signers]


def _role(signer: Signer, unit: Unit, directory: Directory) -> SignerRole:
    own = [certificate for certificate in unit.certificates if certificate.sha256 == signer.certificate_sha256]
    roles = {certificate.role for certificate in own if signer.may_use(certificate, unit)}
    # One certificate has one role: registered in both, it is the unit's, and a signer is still missing.
    if CertificateRole.UNIT in roles:
        return SignerRole.UNIT
    if CertificateRole.SIGNER in roles:
        return SignerRole.SIGNER
    if own:
        return SignerRole.LAPSED
    return SignerRole.OTHER_UNIT if _is_registered_elsewhere(signer, directory) else SignerRole.STRANGER


def _is_registered_elsewhere(signer: Signer, directory: Directory) -> bool:
    return any(
        certificate.sha256 == signer.certificate_sha256 and signer.may_use(certificate, unit)
        for unit in directory.units_of_certificate(signer.certificate_sha256)
        for certificate in unit.certificates
    )


def check_identity(signers: Sequence[Signer], roles: Sequence[SignerRole], declared_copy: bool) -> Label:
    """The legal form (ND 30/2020 art. 5.1, 25, 26). Raises ``Fault``.

    The unit signed, so did a signer unless the sender declares a scan, and nobody else is unknown.
    """
    # (9.1) The sending unit signed, with a certificate bound to it on that day.
    if SignerRole.UNIT not in roles:
        others = set(SignerRole) - {SignerRole.SIGNER}
        raise Fault("9.1a" if set(roles) <= {SignerRole.SIGNER} else "9.1b", _first_field(signers, roles, others))
    # (9.2) Someone who may sign for the unit signed on that day, or the sender declares a scan.
    if SignerRole.SIGNER not in roles and not declared_copy:
        others = set(roles) - {SignerRole.UNIT}
        raise Fault("9.2b" if others else "9.2a", _first_field(signers, roles, others))
    # (9.3) Every other signature is known; a role that lapsed is not made good by another one.
    if SignerRole.LAPSED in roles:
        raise Fault("9.3a", _first_field(signers, roles, {SignerRole.LAPSED}))
    if SignerRole.STRANGER in roles:
        raise Fault("9.3b", _first_field(signers, roles, {SignerRole.STRANGER}))
    return Label.ORIGINAL if SignerRole.SIGNER in roles else Label.CERTIFIED_COPY


def identity_notes(signers: Sequence[Signer], roles: Sequence[SignerRole], directory: Directory) -> list[Note]:
    """(9.4) What the security log and the reader should know."""
    notes: list[Note] = []
    for signer, role in zip(signers, roles, strict=True):
        codes = sorted({unit.code for unit in directory.units_of_certificate(signer.certificate_sha256)})
        if len(codes) > 1:
            text = f"{signer.field}: certificate {signer.certificate_sha256} under {', '.join(codes)}"
            notes.append(Note(NoteCode.CERTIFICATE_SHARED, text))
        if role is SignerRole.OTHER_UNIT:
            notes.append(Note(NoteCode.OTHER_UNIT_SIGNED, f"{signer.field}: {', '.join(codes)}"))
    return notes


def later_role_notes(
    signers: Sequence[Signer], roles: Sequence[SignerRole], sender: UnitCode, directory: Directory
) -> list[Note]:
    """Roles that do not hold on the claimed day, but on the day by which the signature is known to exist."""
    claimed = roles_of([replace(signer, days=signer.days[:1]) for signer in signers], sender, directory)
    return [
        Note(NoteCode.ROLE_HELD_LATER, f"{signer.field}: {signer.days[0].isoformat()}")
        for signer, role, by_claim in zip(signers, roles, claimed, strict=True)
        if role is not by_claim
    ]


def _first_field(signers: Sequence[Signer], roles: Sequence[SignerRole], wanted: set[SignerRole]) -> str:
    fields = [signer.field for signer, role in zip(signers, roles, strict=True) if role in wanted]
    return fields[0] if fields else ""
