"""What stands before the root element: byte order mark, junk, declared encoding. Settled before expat sees it."""

import codecs
import re
from dataclasses import dataclass

from common.domain.reason import Reason
from common.edxml.tolerance import Notes, Tolerance
from common.edxml.unreadable import Unreadable

MAX_JUNK_BYTES = 64
"""Before ``<?xml``; a real message has four."""
UTF8_NAMES = {"utf-8", "utf8", "utf_8"}
UTF16_NAMES = {"utf-16", "utf16", "utf-16le", "utf-16be", "unicode", "ucs-2"}
SAFE_NAMES = {*UTF8_NAMES, *UTF16_NAMES, "us-ascii", "ascii", "iso-8859-1"}
"""Encodings that expat itself decodes; for any other it would ask Python's codecs by a name from the message."""

_DECLARATION = re.compile(rb"<\?xml\s[^>]{0,200}?encoding\s*=\s*[\"']([A-Za-z0-9._-]{1,40})[\"']")


@dataclass(frozen=True, slots=True)
class Opening:
    """The first bytes without what had to be removed, and the encoding to hold the parser to (None = as declared)."""

    data: bytes
    encoding: str | None


def open_prolog(head: bytes, notes: Notes, strict: bool) -> Opening:
    """Strip a byte order mark (T3) and junk (T4) from the first bytes of a package, and settle its encoding.

    Raises ``Unreadable`` (E_XML) for an encoding that expat does not know itself, and in strict mode for junk and for
    an encoding declared otherwise than written.
    """
    if head.startswith((codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)):
        return Opening(head, "UTF-16")
    data = _without_junk(_without_mark(head, notes), notes, strict)
    return Opening(data, _encoding(data, notes, strict))


def _without_mark(head: bytes, notes: Notes) -> bytes:
    if head.startswith(codecs.BOM_UTF8):
        notes.add(Tolerance.T3)
    return head.removeprefix(codecs.BOM_UTF8)


def _without_junk(head: bytes, notes: Notes, strict: bool) -> bytes:
    start = head.find(b"<")
    if start <= 0 or not head.startswith(b"<?xml", start):
        return head
    if strict or start > MAX_JUNK_BYTES:
        raise Unreadable(Reason.E_XML, f"{start} bytes stand before the XML declaration.")
    notes.add(Tolerance.T4)
    return head[start:]


def _encoding(data: bytes, notes: Notes, strict: bool) -> str | None:
    found = _DECLARATION.match(data)
    name = found[1].decode().lower() if found else "utf-8"
    if name not in SAFE_NAMES:
        raise Unreadable(Reason.E_XML, "The XML declaration names an encoding other than UTF-8 or UTF-16.")
    if name in UTF16_NAMES:  # a declaration that can be read byte by byte is not UTF-16, whatever it says
        if strict:
            raise Unreadable(Reason.E_XML, "The XML declaration says UTF-16, the bytes are not.")
        notes.add(Tolerance.T3)
        return "UTF-8"
    return "UTF-8" if name in UTF8_NAMES else None
