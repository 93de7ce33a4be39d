"""(1) Gate: what can be said by scanning the bytes, before any parser sees them."""

from validator.fault import Fault
from validator.policy import Policy

WHITE_SPACE = b"\x00\t\n\x0c\r "
"""ISO 32000-1 §7.2.2."""
END = b"%%EOF"


def check_gate(document: bytes, policy: Policy) -> None:
    """Checks size, header and end of the file. Raises ``Fault`` for the first that does not hold."""
    # (1.1) Size; an empty file is no document.
    if not document:
        raise Fault("1.1a")
    if len(document) > policy.max_document_bytes:
        raise Fault("1.1b", detail=f"more than {policy.max_document_bytes} bytes")
    # (1.2) Header at offset 0: ByteRanges and offsets count from here, and no other file type may come first.
    if not document.startswith(b"%PDF-"):
        raise Fault("1.2")
    # (1.3) Nothing but white space behind the last end marker (incremental saving attack).
    end = document.rfind(END)
    if end < 0:
        raise Fault("1.3", detail="no end-of-file marker")
    if document[end + len(END) :].strip(WHITE_SPACE):
        raise Fault("1.3")
