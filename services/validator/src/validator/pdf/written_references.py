"""Where a text refers to an object: every ``<number> <generation> R`` in it.

Blanks separate the tokens of a text, and nothing else does. Numbers of more than ``MAX_DIGITS`` digits are not plain.
"""

from abc import ABC, abstractmethod
from bisect import bisect_left
from collections import defaultdict
from collections.abc import Collection, Iterator

from validator.pdf.inconclusive import Inconclusive

MAX_DIGITS = 12
"""Of an object number."""
DIGITS = b"0123456789"
ZERO = ord("0")
EVEN = b" 0 R"
"""What follows the number in almost every reference of almost every file."""


class WrittenReferences(ABC):
    """The references in one text."""

    @abstractmethod
    def offsets(self, number: int, end: int) -> list[int]:
        """Where the references to an object begin, of those before ``end``. Raises ``Inconclusive``."""

    @abstractmethod
    def among(self, numbers: Collection[int], end: int) -> set[int]:
        """Those of ``numbers`` to which anything before ``end`` refers. Raises ``Inconclusive``."""


class EvenReferences(WrittenReferences):
    """All of them have generation 0 and one blank between their parts, so that they can be searched for."""

    def __init__(self, text: bytes) -> None:
        self._text = text

    def offsets(self, number: int, end: int) -> list[int]:
        """See ``WrittenReferences``."""
        text, found, needle = self._text, [], b"%d%b" % (number, EVEN)
        at = text.find(needle, 0, end)
        while at >= 0:
            if at == 0 or text[at - 1] not in DIGITS:
                found.append(at)
            elif text[at - 1] == ZERO:
                start = _start_of_number(text, at)
                if not text[start:at].strip(b"0"):
                    found.append(start)
            at = text.find(needle, at + 1, end)
        return found

    def among(self, numbers: Collection[int], end: int) -> set[int]:
        """See ``WrittenReferences``."""
        pieces = self._text[:end].split(EVEN)[:-1]
        by_length: dict[int, set[bytes]] = {}
        for number in numbers:
            digits = b"%d" % number
            by_length.setdefault(len(digits), set()).add(digits)
        likely: set[bytes] = set()
        for length, wanted in by_length.items():
            likely |= wanted.intersection(each[-length:] for each in pieces)
        return {number for number in map(int, likely) if self.offsets(number, end)}


class OtherReferences(WrittenReferences):
    """Any generation, and any number of blanks."""

    def __init__(self, text: bytes) -> None:
        """Raises ``Inconclusive``."""
        self._offsets: dict[int, list[int]] = defaultdict(list)
        for start, digits in _references(text):
            if len(digits) > MAX_DIGITS:
                raise Inconclusive
            self._offsets[int(digits)].append(start)

    def offsets(self, number: int, end: int) -> list[int]:
        """See ``WrittenReferences``."""
        known = self._offsets.get(number, [])
        return known[: bisect_left(known, end)]

    def among(self, numbers: Collection[int], end: int) -> set[int]:
        """See ``WrittenReferences``."""
        return {number for number in numbers if self.offsets(number, end)}


def read_references(text: bytes) -> WrittenReferences:
    """The references in ``text``. Raises ``Inconclusive``."""
    *before, _ = text.split(EVEN)
    is_even = text.count(b" R") == len(before) and not any(piece.endswith(b" ") for piece in before)
    return EvenReferences(text) if is_even else OtherReferences(text)


def _references(text: bytes) -> Iterator[tuple[int, bytes]]:
    """Where each begins, and the digits of its number."""
    end = 0
    for piece in text.split(b" R")[:-1]:
        generation = piece.rstrip(b" ")
        blank = generation.rstrip(DIGITS)
        number = blank.rstrip(b" ")
        digits = number[len(number.rstrip(DIGITS)) :]
        if digits and len(number) < len(blank) < len(generation):
            yield end + len(number) - len(digits), digits
        end += len(piece) + len(b" R")


def _start_of_number(text: bytes, at: int) -> int:
    """Where the number begins that ``at`` lies in."""
    start = at
    while start > 0 and text[start - 1] in DIGITS:
        start -= 1
        if at - start > MAX_DIGITS:
            raise Inconclusive
    return start
