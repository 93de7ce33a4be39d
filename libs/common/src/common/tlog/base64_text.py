"""Standard base64 of RFC 4648, section 4, in its one canonical spelling: no byte has two texts."""

import base64
import binascii


def encoded(data: bytes) -> str:
    """The bytes as text."""
    return base64.b64encode(data).decode()


def decoded(text: str) -> bytes:
    """The bytes of a text. Raises ``ValueError``, also for padding bits that are not zero."""
    try:
        data = base64.b64decode(text, validate=True)
    except binascii.Error as error:
        raise ValueError("no base64") from error
    if encoded(data) != text:
        raise ValueError("no canonical base64")
    return data
