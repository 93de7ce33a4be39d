"""Plain values out of the bytes of a PDF object (ISO 32000-1 §7.3), read a token at a time, not a byte at a time.

Only the plain part of the grammar is read. Comments between tokens, odd escapes, a name twice in one dictionary and
whatever else readers may disagree about raise ``Inconclusive``.
"""

import re
from typing import NamedTuple, TypeAlias

from validator.patterns import compiled
from validator.pdf.inconclusive import Inconclusive

Value: TypeAlias = "str | int | bytes | Ref | list[Value] | dict[str, Value]"
"""A name starts with ``/``, and each character stands for one of its bytes: names are bytes without an encoding (ISO
32000-1 §7.3.5). Any other ``str`` is a keyword or a real number as written. ``bytes`` is a string."""


class Ref(NamedTuple):
    """An indirect reference."""

    number: int
    generation: int


SPACE = rb"[\x00\t\n\x0c\r ]"
GAP = SPACE + rb"{1,2}+"
END = rb"(?=[\x00\t\n\x0c\r \[\]<>()/]|$)"
"""What must follow a token made of regular characters."""

NAME = rb"(?P<name>/[!-$&'*-.0-;=?-Z\\^-z|~]*+)" + END
SIMPLE = (
    NAME + rb"|"
    rb"(?P<ref>(?P<number>[0-9]{1,7})"
    + SPACE
    + rb"{1,2}+(?P<generation>[0-9]{1,5})"
    + SPACE
    + rb"{1,2}+R)"
    + END
    + rb"|"
    rb"(?P<integer>[+-]?[0-9]{1,18}+)" + END
)
TOKEN = compiled(
    SPACE + rb"*+(?:" + SIMPLE + rb"|"
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
ENTRY = compiled(SPACE + rb"*+" + NAME.replace(b"<name>", b"<key>") + rb"(?:" + SPACE + rb"*+(?:" + SIMPLE + rb"))?")
"""A key and, if it is a name, a reference or an integer, the value: what ``TOKEN`` says in two steps."""
SPLIT = rb"[\t\n\x0c\r ]"
REFERENCES = re.compile(
    rb"(?:" + SPLIT + rb"*+[0-9]{1,7}+" + SPLIT + rb"{1,2}+[0-9]{1,5}+" + SPLIT + rb"{1,2}+R" + END + rb")+"
)
"""References one after the other, with nothing between them but what ``bytes.split`` takes for white space.

Its group is not possessive, as in ``layout.PLAIN_OBJECT``: every Python reads it alike (``validator.patterns``).
"""
ESCAPED_BYTE = re.compile(rb"#([0-9A-Fa-f]{2})")
ESCAPE = re.compile(rb"\\(?:([0-7]{3})|([nrtbf()\\])|(.|$))", re.DOTALL)
ESCAPED = {b"n": b"\n", b"r": b"\r", b"t": b"\t", b"b": b"\b", b"f": b"\f", b"(": b"(", b")": b")", b"\\": b"\\"}
WHITE_SPACE = b"\x00\t\n\x0c\r "

REMEMBERED_NAMES, REMEMBERED_NAME_BYTES = 4096, 64
_KNOWN_NAMES: dict[bytes, str] = {}
"""Names read before: every document uses the same few dozen."""


def read_value(document: bytes, at: int, nesting: int) -> "tuple[Value, int]":
    """The value that starts at ``at``, white space before it allowed, and the offset behind it.

    ``nesting``: how many arrays and dictionaries may lie inside each other. Raises ``Inconclusive``.
    """
    token = TOKEN.match(document, at)
    if token is None or nesting < 0:
        raise Inconclusive
    return _value(document, token, nesting)


def _value(document: bytes, token: "re.Match[bytes]", nesting: int) -> "tuple[Value, int]":
    kind, end = token.lastgroup, token.end()
    if kind == "opened":
        return _read_dictionary(document, end, nesting)
    if kind == "name":
        return _name(token["name"]), end
    if kind == "ref":
        return _reference(token), end
    if kind == "integer":
        return int(token["integer"]), end
    if kind == "list":
        return _read_list(document, end, nesting)
    if kind == "hexadecimal":
        return _hexadecimal(token["hexadecimal"]), end
    if kind == "literal":
        return _literal(token["literal"]), end
    if kind in ("real", "keyword"):
        return token[kind].decode("ascii"), end
    raise Inconclusive


def _read_dictionary(document: bytes, at: int, nesting: int) -> "tuple[dict[str, Value], int]":
    entries: dict[str, Value] = {}
    while entry := ENTRY.match(document, at):
        if nesting < 1:
            raise Inconclusive
        key, kind, at = _name(entry[1]), entry.lastgroup, entry.end()
        if key in entries:
            raise Inconclusive
        if kind == "name":
            entries[key] = _name(entry["name"])
        elif kind == "ref":
            entries[key] = _reference(entry)
        elif kind == "integer":
            entries[key] = int(entry["integer"])
        else:
            entries[key], at = read_value(document, at, nesting - 1)
    token = TOKEN.match(document, at)
    if token is None or token.lastgroup != "closed":
        raise Inconclusive
    return entries, token.end()


def _read_list(document: bytes, at: int, nesting: int) -> "tuple[list[Value], int]":
    items: list[Value] = []
    while True:
        if run := REFERENCES.match(document, at):
            items += _references(run[0])
            at = run.end()
        token = TOKEN.match(document, at)
        if token is None:
            raise Inconclusive
        if token.lastgroup == "listed":
            return items, token.end()
        if nesting < 1:
            raise Inconclusive
        value, at = _value(document, token, nesting - 1)
        items.append(value)


def _references(run: bytes) -> list[Ref]:
    parts = run.split()
    numbers = [*map(int, parts[::3])]
    if 0 in numbers:
        raise Inconclusive
    pairs = zip(numbers, map(int, parts[1::3]), strict=True)
    return [tuple.__new__(Ref, pair) for pair in pairs]  # what ``Ref(...)`` does in three times the time


def _name(raw: bytes) -> str:
    name = _KNOWN_NAMES.get(raw)
    if name is None:
        if raw.count(b"#") != len(ESCAPED_BYTE.findall(raw)):
            raise Inconclusive
        name = ESCAPED_BYTE.sub(_escaped_byte, raw).decode("latin-1")
        if len(_KNOWN_NAMES) < REMEMBERED_NAMES and len(raw) < REMEMBERED_NAME_BYTES:
            _KNOWN_NAMES[raw] = name
    return name


def _escaped_byte(match: "re.Match[bytes]") -> bytes:
    return bytes.fromhex(match[1].decode("ascii"))


def _reference(token: "re.Match[bytes]") -> Ref:
    number = int(token["number"])
    if number == 0:
        raise Inconclusive
    return tuple.__new__(Ref, (number, int(token["generation"])))


def _hexadecimal(digits: bytes) -> bytes:
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
    raise Inconclusive  # readers differ on short and overflowing codes and on line ends
