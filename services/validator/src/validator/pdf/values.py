"""Plain values out of the bytes of a PDF object, ISO 32000-1 §7.3, a token at a time instead of a byte at a time.

Only the plain part of the grammar: comments between tokens, odd escapes, names twice in a dictionary and whatever else
readers may disagree about are ``Unsure``.
"""

import re
from typing import NamedTuple, TypeAlias

from pyhanko.pdf_utils import generic

from validator.pdf.inconclusive import Unsure

MAX_DEPTH = 50

Value: TypeAlias = "str | int | bytes | Ref | list[Value] | dict[str, Value]"
"""A name starts with ``/``; any other ``str`` is a keyword or a real number as it is written. ``bytes``: a string."""


class Ref(NamedTuple):
    """An indirect reference."""

    number: int
    generation: int


SPACE = rb"[\x00\t\n\x0c\r ]"
GAP = SPACE + rb"{1,2}+"
END = rb"(?=[\x00\t\n\x0c\r \[\]<>()/]|$)"
"""What must follow a token made of regular characters."""

TOKEN = re.compile(
    SPACE + rb"*+(?:"
    rb"(?P<name>/[!-$&'*-.0-;=?-Z\\^-z|~]*+)" + END + rb"|"
    rb"(?P<ref>(?P<number>[0-9]{1,7})"
    + SPACE
    + rb"{1,2}+(?P<generation>[0-9]{1,5})"
    + SPACE
    + rb"{1,2}+R)"
    + END
    + rb"|"
    rb"(?P<integer>[+-]?[0-9]{1,18}+)" + END + rb"|"
    rb"(?P<opened><<)|"
    rb"(?P<closed>>>)|"
    rb"(?P<list>\[)|"
    rb"(?P<listed>\])|"
    rb"<(?P<hexadecimal>[0-9A-Fa-f\x00\t\n\x0c\r ]*+)>|"
    rb"\((?P<literal>(?:[^()\\]++|\\.|\((?:[^()\\]++|\\.)*+\))*+)\)|"
    rb"(?P<real>[+-]?(?:[0-9]{1,15}\.[0-9]{0,15}|\.[0-9]{1,15}))" + END + rb"|"
    rb"(?P<keyword>true|false|null)" + END + rb")",
    re.DOTALL,
)
ESCAPE = re.compile(rb"\\(?:([0-7]{3})|([nrtbf()\\])|(.|$))", re.DOTALL)
ESCAPED = {b"n": b"\n", b"r": b"\r", b"t": b"\t", b"b": b"\b", b"f": b"\f", b"(": b"(", b")": b")", b"\\": b"\\"}
WHITE_SPACE = b"\x00\t\n\x0c\r "

_names: dict[bytes, str] = {}
"""Names met before; the few dozen that every document uses."""
_MAX_NAMES = 4096


def read_value(document: bytes, at: int, depth: int = 0) -> "tuple[Value, int]":
    """The value that starts at ``at``, white space before it allowed, and the offset behind it."""
    token = TOKEN.match(document, at)
    if token is None or depth > MAX_DEPTH:
        raise Unsure
    kind, end = token.lastgroup, token.end()
    if kind == "opened":
        return _read_dictionary(document, end, depth)
    if kind == "name":
        return _name(token["name"]), end
    if kind == "ref":
        return _reference(token), end
    if kind == "integer":
        return int(token["integer"]), end
    if kind == "list":
        return _read_list(document, end, depth)
    if kind == "hexadecimal":
        return _hexadecimal(token["hexadecimal"]), end
    if kind == "literal":
        return _literal(token["literal"]), end
    if kind in ("real", "keyword"):
        return token[kind].decode("ascii"), end
    raise Unsure


def _read_dictionary(document: bytes, at: int, depth: int) -> "tuple[dict[str, Value], int]":
    found: dict[str, Value] = {}
    while True:
        token = TOKEN.match(document, at)
        if token is None:
            raise Unsure
        if token.lastgroup == "closed":
            return found, token.end()
        if token.lastgroup != "name":
            raise Unsure
        key = _name(token["name"])
        if key in found:
            raise Unsure
        found[key], at = read_value(document, token.end(), depth + 1)


def _read_list(document: bytes, at: int, depth: int) -> "tuple[list[Value], int]":
    found: list[Value] = []
    while True:
        token = TOKEN.match(document, at)
        if token is None:
            raise Unsure
        if token.lastgroup == "ref":
            found.append(_reference(token))
            at = token.end()
        elif token.lastgroup == "listed":
            return found, token.end()
        else:
            value, at = read_value(document, at, depth + 1)
            found.append(value)


def _name(raw: bytes) -> str:
    name = _names.get(raw)
    if name is None:
        try:
            name = str(generic._decode_name(raw[1:])) if b"#" in raw else raw.decode("ascii")
        except Exception as error:
            raise Unsure from error
        if len(_names) < _MAX_NAMES and len(raw) < 64:
            _names[raw] = name
    return name


def _reference(token: "re.Match[bytes]") -> Ref:
    number = int(token["number"])
    if number == 0:
        raise Unsure
    return Ref(number, int(token["generation"]))


def _hexadecimal(digits: bytes) -> bytes:
    if any(space in digits for space in (b"\n", b" ", b"\r", b"\t", b"\x00", b"\x0c")):
        digits = digits.translate(None, WHITE_SPACE)
    return bytes.fromhex((digits + b"0" if len(digits) % 2 else digits).decode("ascii"))


def _literal(raw: bytes) -> bytes:
    return ESCAPE.sub(_unescaped, raw) if b"\\" in raw else raw


def _unescaped(match: "re.Match[bytes]") -> bytes:
    octal, letter, _ = match.groups()
    if letter:
        return ESCAPED[letter]
    if octal and (code := int(octal, 8)) < 256:
        return bytes((code,))
    raise Unsure  # readers differ on short and overflowing codes and on line ends
