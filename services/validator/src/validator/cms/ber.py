"""Reads BER in place: tag, content and bytes of each element, without a model of what they mean (X.690 §8).

Signed data may have definite or indefinite lengths. What is hashed is always taken as it stands in the file, never
encoded again. Whatever is not BER, or exceeds the limits, raises ``ValueError``.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from itertools import islice

from validator.policy import CmsLimits

BOOLEAN, INTEGER, BIT_STRING, OCTET_STRING, OID, ENUMERATED = 0x01, 0x02, 0x03, 0x04, 0x06, 0x0A
UTC_TIME, GENERALIZED_TIME, SEQUENCE, SET = 0x17, 0x18, 0x30, 0x31
CONSTRUCTED = 0x20
INDEFINITE = 0x80
END_OF_CONTENTS = b"\0\0"
LENGTH_DIGITS = 4
"""Bytes of the longest length that is read: 4 GiB."""
REMEMBERED_OIDS = 1000


@dataclass(slots=True)
class Element:
    """One element: ``data[start:end]``; its content is ``data[inside:until]``.

    Nobody changes one. It is not frozen because a frozen one takes four times as long to make.
    """

    data: bytes
    tag: int
    start: int
    inside: int
    until: int
    end: int
    limits: CmsLimits

    @property
    def raw(self) -> bytes:
        """The whole element as it stands."""
        return self.data[self.start : self.end]

    @property
    def content(self) -> bytes:
        """The content as it stands."""
        return self.data[self.inside : self.until]

    def __iter__(self) -> Iterator["Element"]:
        """The elements inside. Raises ``ValueError`` for a primitive element."""
        if not self.tag & CONSTRUCTED:
            raise ValueError("not constructed")
        at = self.inside
        count = 0
        while at < self.until:
            count += 1
            if count > self.limits.max_elements:
                raise ValueError("too many elements")
            child = read_element(self.data, self.limits, at, self.until)
            yield child
            at = child.end

    def readable(self, most: int | None = None) -> tuple[list["Element"], bool]:
        """The elements inside as far as they can be read, and whether these are all of them.

        ``most``: how many are looked at; None = all.
        """
        elements: list[Element] = []
        try:
            for each in islice(self, most):
                elements.append(each)
        except ValueError:
            return elements, False
        return elements, True

    def expect(self, tag: int) -> "Element":
        """The element itself. Raises ``ValueError`` if it has another tag."""
        if self.tag != tag:
            raise ValueError(f"tag {self.tag:02x} in place of {tag:02x}")
        return self

    def octets(self, depth: int = 0) -> bytes:
        """The value of an octet string, whether it is in one piece or in several."""
        if not self.tag & CONSTRUCTED:
            return self.content
        if depth > self.limits.max_depth:
            raise ValueError("nested too deeply")
        return b"".join(piece.octets(depth + 1) for piece in self)

    def integer(self) -> int:
        """The value of an integer."""
        if self.inside == self.until:
            raise ValueError("empty integer")
        return int.from_bytes(self.content, "big", signed=True)

    def oid(self) -> str:
        """Dotted form of an object identifier."""
        return _dotted(self.expect(OID).content, self.limits)

    def time(self) -> datetime:
        """The value of a UTCTime or GeneralizedTime, in UTC."""
        return read_time(self.tag, self.content)


def unsigned(number: int) -> int:
    """The number that the bytes of an integer mean if their first bit is no sign."""
    return number if number >= 0 else number + (1 << 8 * ((~number).bit_length() // 8 + 1))


def read_element(data: bytes, limits: CmsLimits, at: int = 0, end: int | None = None, depth: int = 0) -> Element:
    """The element that begins at ``at`` and ends by ``end`` (the end of ``data`` if None)."""
    stop = len(data) if end is None else end
    if at + 2 > stop or depth > limits.max_depth:
        raise ValueError("element ends early")
    tag, length = data[at], data[at + 1]
    if tag & 0x1F == 0x1F:
        raise ValueError("long tags are not used here")
    inside = at + 2
    if length == INDEFINITE:
        return _read_indefinite(data, limits, tag, at, stop, depth)
    if length > INDEFINITE:
        digits = length & 0x7F
        if digits > LENGTH_DIGITS or inside + digits > stop:
            raise ValueError("length not readable")
        length = int.from_bytes(data[inside : inside + digits], "big")
        inside += digits
    until = inside + length
    if until > stop:
        raise ValueError("element ends early")
    return Element(data, tag, at, inside, until, until, limits)


def _read_indefinite(data: bytes, limits: CmsLimits, tag: int, at: int, stop: int, depth: int) -> Element:
    if not tag & CONSTRUCTED:
        raise ValueError("primitive of indefinite length")
    inside = until = at + 2
    for _ in range(limits.max_elements):
        if data[until : until + 2] == END_OF_CONTENTS and until + 2 <= stop:
            return Element(data, tag, at, inside, until, until + 2, limits)
        until = read_element(data, limits, until, stop, depth + 1).end
    raise ValueError("too many elements")


def read_whole(data: bytes, limits: CmsLimits, tag: int = SEQUENCE) -> Element:
    """The one element that fills ``data``."""
    element = read_element(data, limits).expect(tag)
    if element.end != len(data):
        raise ValueError("bytes behind the element")
    return element


_KNOWN_OIDS: dict[bytes, str] = {}


def _dotted(content: bytes, limits: CmsLimits) -> str:
    """Dotted form of an object identifier's content; the few that every signature uses are remembered."""
    if len(content) > limits.max_oid_bytes:
        raise ValueError("object identifier too long")
    known = _KNOWN_OIDS.get(content)
    if known is None:
        known = _read_oid(content)
        if len(_KNOWN_OIDS) < REMEMBERED_OIDS:
            _KNOWN_OIDS[content] = known
    return known


def _read_oid(content: bytes) -> str:
    if not content or content[-1] & 0x80:
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


def read_time(tag: int, content: bytes) -> datetime:
    """A UTCTime or GeneralizedTime, in UTC (RFC 5280 §4.1.2.5, RFC 3161 §2.4.2): it names UTC or an offset.

    Raises ``ValueError``.
    """
    text = content.decode("ascii")
    if tag == UTC_TIME:
        text = ("20" if text[:2] < "50" else "19") + text
    elif tag != GENERALIZED_TIME:
        raise ValueError("not a time")
    digits, zone = (text[:-1], "+0000") if text.endswith("Z") else (text[:-5], text[-5:])
    form = "%Y%m%d%H%M%S"
    if "." in digits:
        digits, _, fraction = digits.partition(".")
        digits, form = f"{digits}.{fraction[:6]}", form + ".%f"
    elif len(digits) == len("YYYYMMDDHHMM"):
        form = "%Y%m%d%H%M"
    try:
        return datetime.strptime(digits + zone, form + "%z").astimezone(UTC)
    except OverflowError as error:
        raise ValueError("a time outside of the calendar") from error
