"""What a CMS says once its cryptography holds."""

from dataclasses import dataclass
from datetime import datetime

from validator.cms.certificate import Certificate, read_certificate
from validator.cms.time_stamp import TimeStampInfo
from validator.report.vocabulary import StatusKind


@dataclass(frozen=True, slots=True)
class Shortcoming:
    """Why a signature does not count although its value is right."""

    rule: str
    """Number of the rule that does not hold."""
    text: str


@dataclass(frozen=True, slots=True, kw_only=True)
class VerifiedSignature:
    """A signature whose value is right; who made it is another question."""

    der: bytes
    """The signer's certificate."""
    sha256: str
    """Its fingerprint."""
    signing_time: datetime | None
    """The signed attribute, as claimed; of a time stamp, its time."""
    digest_algorithm: str
    signature_algorithm: str
    names_certificate: bool
    """A signing-certificate attribute binds the certificate (RFC 5035)."""
    weakness: Shortcoming | None = None
    """An algorithm that does not count."""
    irregularity: Shortcoming | None = None
    """A form that does not count."""
    value: bytes
    """The signature value, which a signature time stamp covers."""
    tokens: tuple[bytes, ...]
    """Signature time stamps, DER, not looked at yet."""
    time_stamp: TimeStampInfo | None = None
    """The statement, if this is a time stamp."""
    certificates: tuple[bytes, ...] = ()
    """All that it holds, DER, the signer's among them; nothing is known of the others."""
    evidence: tuple[tuple[StatusKind, bytes], ...] = ()
    """Revocation lists and OCSP responses that it brings along, DER, not verified yet."""

    @property
    def certificate(self) -> Certificate:
        """The signer's certificate. Its properties raise ``Unusable`` where it cannot be read."""
        return read_certificate(self.der)


class WrongSignature(ValueError):
    """A signature that does not hold; names the rule."""

    def __init__(self, rule: str, text: str = "") -> None:
        """``text``: empty = the rule's own."""
        super().__init__(text)
        self.rule = rule
        self.text = text
