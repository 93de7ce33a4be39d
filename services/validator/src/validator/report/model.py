"""What a verification found: one verdict a signature, one reason for the document, and what it was judged by.

Indications and sub-indications are those of ETSI EN 319 102-1 §5.1.3. Everything here is frozen and, by
``Report.as_json``, plain JSON: it is the evidence that is kept (R20).
"""

from dataclasses import asdict, dataclass
from datetime import datetime
from enum import StrEnum
from typing import Any

from common.domain import outcome
from common.domain.names import Label, Sha256, UnitCode
from common.domain.reason import Reason
from validator.report.status_kind import StatusKind

SCHEMA = "trunk-report-1"
"""Name of the report's shape (docs/report.md): fields may be added under it, never renamed."""


class Indication(StrEnum):
    """Main status of one signature."""

    TOTAL_PASSED = "TOTAL-PASSED"
    INDETERMINATE = "INDETERMINATE"
    TOTAL_FAILED = "TOTAL-FAILED"


class SubIndication(StrEnum):
    """Why a signature did not pass."""

    FORMAT_FAILURE = "FORMAT_FAILURE"
    HASH_FAILURE = "HASH_FAILURE"
    SIG_CRYPTO_FAILURE = "SIG_CRYPTO_FAILURE"
    SIG_CONSTRAINTS_FAILURE = "SIG_CONSTRAINTS_FAILURE"
    CHAIN_CONSTRAINTS_FAILURE = "CHAIN_CONSTRAINTS_FAILURE"
    CRYPTO_CONSTRAINTS_FAILURE = "CRYPTO_CONSTRAINTS_FAILURE"
    OUT_OF_BOUNDS_NO_POE = "OUT_OF_BOUNDS_NO_POE"
    NO_SIGNING_CERTIFICATE_FOUND = "NO_SIGNING_CERTIFICATE_FOUND"
    NO_CERTIFICATE_CHAIN_FOUND = "NO_CERTIFICATE_CHAIN_FOUND"
    REVOKED_NO_POE = "REVOKED_NO_POE"
    TRY_LATER = "TRY_LATER"


FAILED = frozenset({SubIndication.FORMAT_FAILURE, SubIndication.HASH_FAILURE, SubIndication.SIG_CRYPTO_FAILURE})
"""Sub-indications of TOTAL-FAILED; the others leave a signature INDETERMINATE."""


UNVERIFIED = FAILED | {SubIndication.NO_SIGNING_CERTIFICATE_FOUND}
"""Sub-indications with which nobody can say that the document is what was signed."""


class Integrity(StrEnum):
    """Whether the file is what its signatures signed, judged without any trust."""

    INTACT = "intact"
    """Every signature verifies and covers its revision, and every later change is one that may be."""
    TAMPERED = "tampered"
    """Some signature does not hold over what stands there now, be it that nobody can read it any more."""
    UNSIGNED = "unsigned"
    MALFORMED = "malformed"
    """Not readable as a PDF, and not known to have been so when it was signed."""


class Verdict(StrEnum):
    """The answer about a document, in one word."""

    VALID = "valid"
    REFUSED = "refused"
    UNDECIDED = "undecided"


class Kind(StrEnum):
    """What a signature field holds."""

    SIGNATURE = "signature"
    TIME_STAMP = "time_stamp"
    """A document time stamp (EN 319 142-1 §5.4.3)."""


class Part(StrEnum):
    """What a signature is for its document."""

    UNIT = "unit"
    SIGNER = "signer"
    OTHER_UNIT = "other_unit"
    LAPSED = "lapsed"
    """Registered for the sender, but not for the day of signing."""
    STRANGER = "stranger"


class NoteCode(StrEnum):
    """Things worth knowing that do not decide."""

    CERTIFICATE_SHARED = "CERTIFICATE_SHARED"
    """One certificate under several units: a security event (R18)."""
    OTHER_UNIT_SIGNED = "OTHER_UNIT_SIGNED"
    TIME_AHEAD = "TIME_AHEAD"
    """The claimed signing time lies ahead by up to seven hours: local time written as UTC."""
    NO_SIGNING_CERTIFICATE_ATTRIBUTE = "NO_SIGNING_CERTIFICATE_ATTRIBUTE"
    NOT_SIGNED_ON_PROMULGATION_DATE = "NOT_SIGNED_ON_PROMULGATION_DATE"
    TIMESTAMP_NOT_USED = "TIMESTAMP_NOT_USED"
    """A signature time stamp that proves nothing to us: its authority is not trusted, or it does not hold."""
    JUDGED_AT_PROVEN_TIME = "JUDGED_AT_PROVEN_TIME"
    """The certificate expired or was revoked since; a trusted time stamp proves that the signature is older."""
    SCAN_FORM = "SCAN_FORM"
    """A declared copy does not look like a scan of the prescribed form."""


SECURITY_NOTES = frozenset({NoteCode.CERTIFICATE_SHARED})
"""Notes that are security events as well (R40)."""


@dataclass(frozen=True, slots=True)
class Note:
    """One note; ``detail`` names the place and never quotes the document."""

    code: NoteCode
    detail: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class StatusUsed:
    """The revocation list or the OCSP answer that answered for one certificate of the chain."""

    certificate_sha256: Sha256
    kind: StatusKind
    sha256: Sha256
    """Of the list or the response, DER."""
    number: int | None
    this_update: datetime
    next_update: datetime | None
    embedded: bool = False
    """Brought along by the document; else from the trust folder."""


@dataclass(frozen=True, slots=True, kw_only=True)
class TimeStampReport:
    """One signature time stamp."""

    at: datetime | None
    sub_indication: SubIndication | None = None
    detail: str = ""
    """Why it proves nothing; empty = it proves that the signature existed at ``at``."""
    certificate_sha256: Sha256 | None = None
    subject: str = ""
    chain: tuple[Sha256, ...] = ()
    statuses: tuple[StatusUsed, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class SignatureReport:
    """The verdict on one signature."""

    field: str
    """Name of the form field, as the file spells it."""
    kind: Kind = Kind.SIGNATURE
    indication: Indication
    sub_indication: SubIndication | None = None
    reason: Reason | None = None
    detail: str = ""
    step: int | None = None
    """Number of the check that did not hold (docs/validity.md)."""
    part: Part | None = None
    certificate_sha256: Sha256 | None = None
    subject: str = ""
    """Subject of the certificate as text, for people only: it decides nothing."""
    signing_time: datetime | None = None
    """As claimed by the signer, with the known quirk taken out."""
    revision: int | None = None
    covers_bytes: int | None = None
    """End of the signed bytes, hole aside: the signature covers the file up to here."""
    digest_algorithm: str = ""
    signature_algorithm: str = ""
    chain: tuple[Sha256, ...] = ()
    """Fingerprints from leaf to root."""
    statuses: tuple[StatusUsed, ...] = ()
    """What was said on revocation, one a certificate, root aside."""
    proven_at: datetime | None = None
    """Earliest time at which a trusted time stamp proves that the signature existed."""
    judged_at: datetime | None = None
    """Time for which chain and revocation were judged: that of verification, or ``proven_at``."""
    covers_whole_revision: bool = False
    time_stamps: tuple[TimeStampReport, ...] = ()
    checks: tuple[int, ...] = ()
    """Numbers of the steps that hold."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Report:
    """The verdict on one document, and everything that it was judged by."""

    document_sha256: Sha256
    document_bytes: int
    sender: UnitCode
    """Empty = asked for no unit: signatures and trust alone."""
    verified_at: datetime
    integrity: Integrity = Integrity.MALFORMED
    trusted: bool | None = None
    """Every signature ends at a pinned root and was made while its certificate held; None = asked without trust."""
    label: Label | None = None
    reason: Reason | None = None
    detail: str = ""
    step: int | None = None
    signatures: tuple[SignatureReport, ...] = ()
    notes: tuple[Note, ...] = ()
    policy_version: str
    directory_version: str = ""
    trust_version: str = ""
    roots: tuple[Sha256, ...] = ()
    """Fingerprints of the pinned roots."""
    revocation_version: str = ""
    declared_copy: bool = False
    pyhanko_version: str = ""
    checks: tuple[int, ...] = ()
    """Numbers of the steps that hold for the whole document."""
    holds_until: datetime | None = None
    """A valid verdict holds at least that long under the same measures; None = only for ``verified_at``."""
    schema: str = SCHEMA

    verdict: Verdict = Verdict.REFUSED

    @property
    def security_notes(self) -> tuple[Note, ...]:
        """Notes for the security log."""
        return tuple(note for note in self.notes if note.code in SECURITY_NOTES)

    def as_json(self) -> dict[str, Any]:
        """Plain JSON values; times in ISO 8601 with offset."""
        plain: dict[str, Any] = _plain(asdict(self))
        return plain


@dataclass(frozen=True, slots=True)
class Verified:
    """The document is valid in this legal form; None = asked without directory, so of no form."""

    label: Label | None
    report: Report


@dataclass(frozen=True, slots=True, kw_only=True)
class Refused(outcome.Refused):
    """The document is not valid: final."""

    report: Report


@dataclass(frozen=True, slots=True, kw_only=True)
class Undecided(outcome.Undecided):
    """Something needed to decide is missing for now, such as a fresh CRL."""

    report: Report


Decision = Verified | Refused | Undecided


def _plain(value: Any) -> Any:
    if isinstance(value, dict):
        return {key: _plain(item) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [_plain(item) for item in value]
    return value.isoformat() if isinstance(value, datetime) else value
