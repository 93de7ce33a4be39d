"""The reasons of refusals and failures. A token is used in answers, in the log, and as a label of metrics.

Tokens are never renamed. ``E_SIG_*`` and ``E_PDF_*`` are reasons of the validator; those about package, header and
attachments follow the error list of the edXML profile (docs/upstream.md); the others are about messages on the trunk.
"""

from enum import StrEnum


class Reason(StrEnum):
    """Why a package, a document or a receiver was refused, or a message given up."""

    # the package as bytes
    E_XML = "E_XML"
    E_NS = "E_NS"
    E_SIZE = "E_SIZE"
    E_DEPTH = "E_DEPTH"
    E_REFERENCE = "E_REFERENCE"
    # the header
    E_FROM = "E_FROM"
    E_TO = "E_TO"
    E_REQ = "E_REQ"
    E_LEN = "E_LEN"
    E_DATE = "E_DATE"
    E_ENUM = "E_ENUM"
    E_REFDOC = "E_REFDOC"
    E_REFDOC_AWAITED = "E_REFDOC_AWAITED"
    E_DUP = "E_DUP"
    E_SECRET = "E_SECRET"  # noqa: S105 - a token, no password
    # the attachments
    E_ATT_NONE = "E_ATT_NONE"
    E_ATT_LINK = "E_ATT_LINK"
    E_ATT_B64 = "E_ATT_B64"
    E_ATT_CORRUPT = "E_ATT_CORRUPT"
    E_ATT_TYPE = "E_ATT_TYPE"
    E_ATT_ZIP = "E_ATT_ZIP"
    # the main document as a PDF
    E_PDF_NONE = "E_PDF_NONE"
    E_PDF_FORMAT = "E_PDF_FORMAT"
    E_PDF_ENCRYPTED = "E_PDF_ENCRYPTED"
    E_PDF_LIMIT = "E_PDF_LIMIT"
    E_PDF_TIMEOUT = "E_PDF_TIMEOUT"
    # one signature
    E_SIG_FORMAT = "E_SIG_FORMAT"
    E_SIG_COVERAGE = "E_SIG_COVERAGE"
    E_SIG_CHANGED = "E_SIG_CHANGED"
    E_SIG_DIGEST = "E_SIG_DIGEST"
    E_SIG_VALUE = "E_SIG_VALUE"
    E_SIG_WEAK_ALG = "E_SIG_WEAK_ALG"
    E_SIG_KEY_USAGE = "E_SIG_KEY_USAGE"
    E_SIG_UNTRUSTED_CA = "E_SIG_UNTRUSTED_CA"
    E_SIG_CERT_FORMAT = "E_SIG_CERT_FORMAT"
    E_SIG_EXPIRED = "E_SIG_EXPIRED"
    E_SIG_NOT_YET_VALID = "E_SIG_NOT_YET_VALID"
    E_SIG_TIME = "E_SIG_TIME"
    E_SIG_REVOKED = "E_SIG_REVOKED"
    E_SIG_REVOCATION_UNKNOWN = "E_SIG_REVOCATION_UNKNOWN"
    # the signatures of a document together
    E_SIG_ORG_MISSING = "E_SIG_ORG_MISSING"
    E_SIG_SIGNER_MISSING = "E_SIG_SIGNER_MISSING"
    E_SIG_ORDER = "E_SIG_ORDER"
    E_SIG_NOT_BOUND = "E_SIG_NOT_BOUND"
    E_SIG_SIGNER_NOT_AUTHORISED = "E_SIG_SIGNER_NOT_AUTHORISED"
    E_SIG_STRANGER = "E_SIG_STRANGER"
    # routing and statuses
    E_TO_UNKNOWN = "E_TO_UNKNOWN"
    E_TO_CLOSED = "E_TO_CLOSED"
    E_TO_SUCCEEDED = "E_TO_SUCCEEDED"
    E_STATUS_FORBIDDEN = "E_STATUS_FORBIDDEN"
    E_RECALLED = "E_RECALLED"
    E_WITHDRAWN = "E_WITHDRAWN"
    # messages between services
    E_SENDER_UNKNOWN = "E_SENDER_UNKNOWN"
    E_FACT = "E_FACT"
    E_FORGED = "E_FORGED"
    E_ATTEMPTS = "E_ATTEMPTS"
    E_RETURNED = "E_RETURNED"
    E_DISCARDED = "E_DISCARDED"
    E_UNAVAILABLE = "E_UNAVAILABLE"
    E_OBJECT = "E_OBJECT"
