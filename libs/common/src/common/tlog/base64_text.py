"""Base64 (RFC 4648, section 4), only in its canonical form: the same bytes always have the same text."""

import base64
import binascii


def encoded(data: bytes) -> str:
    """The bytes as text."""
    return base64.b64encode(data).decode()


def decoded(text: str) -> bytes:
    """The bytes of a text. Raises ``ValueError`` unless it is canonical base64; its padding bits must be zero."""
    try:
        data = base64.b64decode(text, validate=True)
    except binascii.Error as error:
        raise ValueError("no base64") from error
    if encoded(data) != text:
        raise ValueError("no canonical base64")
    return data
