"""Certificates and revocation lists out of files: DER, PEM with any text around it, or base64 alone.

Editors and shells add a byte order mark or a line end, and write UTF-16; some tools put the label of a certificate over
whatever they are given.
"""

import base64
import binascii
import re
from collections.abc import Iterator
from itertools import islice

from common.containment import Unusable
from validator.cms import ber
from validator.policy import CmsLimits

BEGIN = re.compile(rb"-----BEGIN ([A-Z0-9 ]{1,40})-----")
BLANK_LINE = re.compile(rb"\n[ \t]*\n")
WHITE_SPACE = b"\0\t\n\r\x1a "
"""With the end-of-file sign of old shells."""
UTF_16 = {b"\xff\xfe": "utf-16-le", b"\xfe\xff": "utf-16-be"}
UTF_8_MARK = b"\xef\xbb\xbf"
CERTIFICATE = frozenset({b"CERTIFICATE", b"X509 CERTIFICATE"})
LIST = frozenset({b"X509 CRL", b"CRL"})


def blocks(data: bytes, labels: frozenset[bytes], limits: CmsLimits) -> Iterator[tuple[str, bytes]]:
    """DER of every block with one of the labels, each with what to call it behind the file's name.

    Without any such block, every block; without any block, the file as a whole. Whether it is what it should be shows
    when it is read. Raises ``Unusable`` for more blocks than the policy allows.
    """
    if (der := _der(data, limits)) is not None:
        yield "", der
        return
    text = _plain_text(data)
    found = list(_labelled(text, limits))
    bodies = [body for label, body in found if label in labels] or [body for _, body in found]
    if not bodies:
        yield "", _decoded(text, limits)
    for number, body in enumerate(bodies, start=1):
        # Headers (RFC 1421 §4.6) end with an empty line.
        content = BLANK_LINE.split(body.replace(b"\r\n", b"\n").rstrip(WHITE_SPACE))[-1]
        yield f" ({number})" if len(bodies) > 1 else "", _decoded(content, limits)


def _labelled(text: bytes, limits: CmsLimits) -> Iterator[tuple[bytes, bytes]]:
    """Label and text of each block that ends before the next begins."""
    begins = list(islice(BEGIN.finditer(text), limits.max_blocks + 1))
    if len(begins) > limits.max_blocks:
        raise Unusable(f"more than {limits.max_blocks} PEM blocks")
    for number, begin in enumerate(begins):
        until = begins[number + 1].start() if number + 1 < len(begins) else len(text)
        end = text.find(b"-----END %b-----" % begin[1], begin.end(), until)
        if end >= 0:
            yield begin[1], text[begin.end() : end]


def _der(data: bytes, limits: CmsLimits) -> bytes | None:
    """The one element of a file, without white space behind it; None = the file is something else."""
    try:
        element = ber.read_element(data, limits).expect(ber.SEQUENCE)
    except ValueError:
        return None
    return None if data[element.end :].strip(WHITE_SPACE) else element.raw


def _plain_text(data: bytes) -> bytes:
    """The text as UTF-8, without a byte order mark."""
    if (encoding := UTF_16.get(data[:2])) is not None:
        return data[2:].decode(encoding, "replace").encode()
    return data.removeprefix(UTF_8_MARK)


def _decoded(text: bytes, limits: CmsLimits) -> bytes:
    """What the text is the base64 of; the text itself where it is none."""
    try:
        decoded = base64.b64decode(b"".join(text.split()), validate=True)
    except (binascii.Error, ValueError):
        return text
    return text if _der(decoded, limits) is None else decoded
