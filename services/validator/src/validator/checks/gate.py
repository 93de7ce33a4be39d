"""(1) Gate: what can be said by scanning the bytes, before any parser sees them."""

from common.domain.reason import Reason
from validator.fault import Fault, Step
from validator.policy import Policy
from validator.report.model import SubIndication

WHITE_SPACE = b"\x00\t\n\x0c\r "
"""ISO 32000-1 §7.2.2."""
END = b"%%EOF"


def check_gate(document: bytes, policy: Policy) -> None:
    """Size, header, end and counts."""
    # (1.1) Size; an empty file is no document.
    if not document:
        raise _fault(Reason.E_PDF_FORMAT, "empty file")
    if len(document) > policy.max_document_bytes:
        raise _fault(Reason.E_PDF_LIMIT, f"more than {policy.max_document_bytes} bytes")
    # (1.2) Header at offset 0: ByteRanges and offsets count from here, and no other file type may come first.
    if not document.startswith(b"%PDF-"):
        raise _fault(Reason.E_PDF_FORMAT, "does not start with %PDF-")
    # (1.3) Nothing but white space behind the last end marker (incremental saving attack).
    end = document.rfind(END)
    if end < 0:
        raise _fault(Reason.E_PDF_FORMAT, "no end-of-file marker")
    if document[end + len(END) :].strip(WHITE_SPACE):
        raise _fault(Reason.E_PDF_FORMAT, "bytes behind the last end-of-file marker")
    # (1.4) Limits that bound the work of everything below.
    if document.count(END) > policy.max_revisions:
        raise _fault(Reason.E_PDF_LIMIT, f"more than {policy.max_revisions} revisions")
    if document.count(b"/ByteRange") > policy.max_signatures:
        raise _fault(Reason.E_PDF_LIMIT, f"more than {policy.max_signatures} signatures")


def _fault(reason: Reason, detail: str) -> Fault:
    return Fault(Step.GATE, reason, SubIndication.FORMAT_FAILURE, detail)
