"""The words of a report. Each value is kept in stored reports, so none is ever renamed."""

from enum import StrEnum


class Indication(StrEnum):
    """Main status of one signature (ETSI EN 319 102-1 §5.1.3)."""

    TOTAL_PASSED = "TOTAL-PASSED"
    INDETERMINATE = "INDETERMINATE"
    TOTAL_FAILED = "TOTAL-FAILED"


class SubIndication(StrEnum):
    """Why a signature did not pass (ETSI EN 319 102-1 §5.1.3)."""

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
"""Sub-indications of TOTAL-FAILED; with any other a signature is INDETERMINATE."""


class Integrity(StrEnum):
    """Whether the file is what its signatures signed, judged without any trust."""

    INTACT = "intact"
    """Every signature verifies and covers its revision, and every later change is an allowed one."""
    TAMPERED = "tampered"
    """At least one signature does not hold over the present content, or that content cannot be read any more."""
    UNKNOWN = "unknown"
    """Nothing shows a change, but at least one signature cannot be verified here: its algorithm or its key is of a kind
    that is not known, or its certificate is nowhere."""
    UNSIGNED = "unsigned"
    MALFORMED = "malformed"
    """Not readable as a PDF, and not known to have been readable when it was signed."""


class Verdict(StrEnum):
    """The answer about a document, in one word."""

    VALID = "valid"
    REFUSED = "refused"
    UNDECIDED = "undecided"


class SignatureKind(StrEnum):
    """What a signature field holds."""

    SIGNATURE = "signature"
    TIME_STAMP = "time_stamp"
    """A document time stamp (EN 319 142-1 §5.4.3)."""


class SignerRole(StrEnum):
    """What a signature is for its document."""

    UNIT = "unit"
    SIGNER = "signer"
    OTHER_UNIT = "other_unit"
    LAPSED = "lapsed"
    """Registered for the sender, but not for the day of signing."""
    STRANGER = "stranger"


class StatusKind(StrEnum):
    """The form of a statement on revocation: a list of many certificates, or an answer about one."""

    CRL = "crl"
    OCSP = "ocsp"


class NoteCode(StrEnum):
    """Things worth knowing that do not decide."""

    CERTIFICATE_SHARED = "CERTIFICATE_SHARED"
    """One certificate is registered for several units: a security event (R18)."""
    OTHER_UNIT_SIGNED = "OTHER_UNIT_SIGNED"
    TIME_AHEAD = "TIME_AHEAD"
    """The claimed signing time lies ahead by up to seven hours: local time written as UTC."""
    NO_SIGNING_TIME = "NO_SIGNING_TIME"
    """No signing time is claimed, or none that can be read; a claim would prove nothing."""
    SIGNING_TIME_NOT_USED = "SIGNING_TIME_NOT_USED"
    """The claimed signing time cannot be true; the time that is known by other means counts."""
    ROLE_HELD_LATER = "ROLE_HELD_LATER"
    """The role does not hold on the claimed day, but on the day by which the signature is known to exist."""
    SIGNING_TIMES_OUT_OF_ORDER = "SIGNING_TIMES_OUT_OF_ORDER"
    """The claimed times contradict the order of signing, which the signed bytes prove."""
    NO_SIGNING_CERTIFICATE_ATTRIBUTE = "NO_SIGNING_CERTIFICATE_ATTRIBUTE"
    NOT_SIGNED_ON_PROMULGATION_DATE = "NOT_SIGNED_ON_PROMULGATION_DATE"
    TIMESTAMP_NOT_USED = "TIMESTAMP_NOT_USED"
    """A signature time stamp proves nothing: its authority is not trusted, or it does not hold."""
    JUDGED_AT_PROVEN_TIME = "JUDGED_AT_PROVEN_TIME"
    """The certificate expired or was revoked since; a trusted time stamp proves that the signature is older."""
    SCAN_FORM = "SCAN_FORM"
    """A declared copy does not look like a scan of the prescribed form."""


SECURITY_NOTES = frozenset({NoteCode.CERTIFICATE_SHARED})
"""Notes that are security events as well (R40)."""
