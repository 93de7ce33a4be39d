"""Reading BER by place: tag, content and bytes of each element, without a model of what it means (X.690 §8).

Signed data may come in definite or indefinite lengths; what is hashed is always taken as it stands in the file.
Everything raises ``ValueError`` on what is not BER, and nothing recurses deeper than ``MAX_DEPTH``.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime

MAX_DEPTH = 12
MAX_ELEMENTS = 20_000

BOOLEAN, INTEGER, BIT_STRING, OCTET_STRING, NULL, OID, ENUMERATED = 0x01, 0x02, 0x03, 0x04, 0x05, 0x06, 0x0A
UTC_TIME, GENERALIZED_TIME, SEQUENCE, SET = 0x17, 0x18, 0x30, 0x31
CONSTRUCTED = 0x20
INDEFINITE = 0x80
END_OF_CONTENTS = b"\0\0"


@dataclass(frozen=True, slots=True)
class Element:
    """One element: ``data[start:end]``; its content is ``data[inside:until]``."""

    data: bytes
    tag: int
    start: int
    inside: int
    until: int
    end: int

    @property
    def raw(self) -> bytes:
        """The whole element as it stands."""
        return self.data[self.start : self.end]

    @property
    def content(self) -> bytes:
        """The content as it stands."""
        return self.data[self.inside : self.until]

    @property
    def is_definite(self) -> bool:
        """Whether a length was given."""
        return self.until == self.end

    def __iter__(self) -> Iterator["Element"]:
        """The elements inside."""
        if not self.tag & CONSTRUCTED:
            raise ValueError("not constructed")
        at = self.inside
        count = 0
        while at < self.until:
            count += 1
            if count > MAX_ELEMENTS:
                raise ValueError("too many elements")
            found = element(self.data, at, self.until)
            yield found
            at = found.end

    def expect(self, tag: int) -> "Element":
        """Itself, if it bears that tag."""
        if self.tag != tag:
            raise ValueError(f"tag {self.tag:02x} in place of {tag:02x}")
        return self

    def octets(self, depth: int = 0) -> bytes:
        """The value of an octet string, in one piece or in several."""
        if not self.tag & CONSTRUCTED:
            return self.content
        if depth > MAX_DEPTH:
            raise ValueError("nested too deeply")
        return b"".join(part.octets(depth + 1) for part in self)

    def integer(self) -> int:
        """The value of an integer."""
        if self.inside == self.until:
            raise ValueError("empty integer")
        return int.from_bytes(self.content, "big", signed=True)

    def oid(self) -> str:
        """Dotted form of an object identifier."""
        return dotted(self.expect(OID).content)

    def time(self) -> datetime:
        """The value of a UTCTime or GeneralizedTime, in UTC."""
        return moment(self.tag, self.content)


def element(data: bytes, at: int = 0, end: int | None = None, depth: int = 0) -> Element:
    """The element that begins at ``at`` and ends by ``end``."""
    stop = len(data) if end is None else end
    if at + 2 > stop or depth > MAX_DEPTH:
        raise ValueError("element ends early")
    tag, length = data[at], data[at + 1]
    if tag & 0x1F == 0x1F:
        raise ValueError("long tags are not used here")
    inside = at + 2
    if length == INDEFINITE:
        return _indefinite(data, tag, at, stop, depth)
    if length > INDEFINITE:
        digits = length & 0x7F
        if digits > 4 or inside + digits > stop:
            raise ValueError("length not readable")
        length = int.from_bytes(data[inside : inside + digits], "big")
        inside += digits
    until = inside + length
    if until > stop:
        raise ValueError("element ends early")
    return Element(data, tag, at, inside, until, until)


def _indefinite(data: bytes, tag: int, at: int, stop: int, depth: int) -> Element:
    if not tag & CONSTRUCTED:
        raise ValueError("primitive of indefinite length")
    inside = until = at + 2
    for _ in range(MAX_ELEMENTS):
        if data[until : until + 2] == END_OF_CONTENTS and until + 2 <= stop:
            return Element(data, tag, at, inside, until, until + 2)
        until = element(data, until, stop, depth + 1).end
    raise ValueError("too many elements")


def whole(data: bytes, tag: int = SEQUENCE) -> Element:
    """The one element that ``data`` is."""
    found = element(data).expect(tag)
    if found.end != len(data):
        raise ValueError("bytes behind the element")
    return found


_DOTTED: dict[bytes, str] = {}


def dotted(content: bytes) -> str:
    """Dotted form of an object identifier's content."""
    known = _DOTTED.get(content)
    if known is None:
        known = _dotted(content)
        if len(_DOTTED) < 1000:
            _DOTTED[content] = known
    return known


def _dotted(content: bytes) -> str:
    if not content or content[-1] & 0x80 or len(content) > 64:
        raise ValueError("object identifier not readable")
    arcs: list[int] = []
    value = 0
    for byte in content:
        value = value << 7 | byte & 0x7F
        if not byte & 0x80:
            arcs.append(value)
            value = 0
    first = min(arcs[0] // 40, 2)
    return ".".join(str(arc) for arc in (first, arcs[0] - 40 * first, *arcs[1:]))


def moment(tag: int, content: bytes) -> datetime:
    """RFC 5280 §4.1.2.5 and RFC 3161 §2.4.2: seconds are there, UTC or an offset is named."""
    text = content.decode("ascii")
    if tag == UTC_TIME:
        text = ("20" if text[:2] < "50" else "19") + text
    elif tag != GENERALIZED_TIME:
        raise ValueError("not a time")
    digits, zone = (text[:-1], "+0000") if text.endswith("Z") else (text[:-5], text[-5:])
    shape = "%Y%m%d%H%M%S"
    if "." in digits:
        digits, _, fraction = digits.partition(".")
        digits, shape = f"{digits}.{fraction[:6]}", shape + ".%f"
    elif len(digits) == 12:
        shape = "%Y%m%d%H%M"
    return datetime.strptime(digits + zone, shape + "%z").astimezone(UTC)
