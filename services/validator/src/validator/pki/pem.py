"""Certificates and revocation lists out of files: DER, PEM with any text around it, or base64 alone."""

import base64
import binascii
import re
from collections.abc import Iterator

from validator.cms import ber
from validator.policy import CmsLimits

BLOCK = re.compile(rb"-----BEGIN ([A-Z0-9 ]{1,40})-----(.*?)-----END \1-----", re.DOTALL)
CERTIFICATE = frozenset({b"CERTIFICATE", b"X509 CERTIFICATE"})
LIST = frozenset({b"X509 CRL", b"CRL"})


def blocks(data: bytes, labels: frozenset[bytes], limits: CmsLimits) -> Iterator[tuple[str, bytes]]:
    """DER of every block with one of the labels, each with what to call it behind the file's name.

    Without any such block, the file as a whole; whether it is what it should be shows when it is read.
    """
    bodies = [] if _is_der(data, limits) else [match[2] for match in BLOCK.finditer(data) if match[1] in labels]
    if not bodies:
        yield "", data if _is_der(data, limits) else _decoded(data, limits)
    for number, body in enumerate(bodies, start=1):
        # Headers (RFC 1421 §4.6) end with an empty line.
        yield f" ({number})" if len(bodies) > 1 else "", _decoded(body.replace(b"\r", b"").split(b"\n\n")[-1], limits)


def _is_der(data: bytes, limits: CmsLimits) -> bool:
    try:
        ber.read_whole(data, limits)
    except ValueError:
        return False
    return True


def _decoded(text: bytes, limits: CmsLimits) -> bytes:
    """What the text is the base64 of; the text itself where it is none."""
    try:
        decoded = base64.b64decode(b"".join(text.split()), validate=True)
    except (binascii.Error, ValueError):
        return text
    return decoded if _is_der(decoded, limits) else text
