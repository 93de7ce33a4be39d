"""Where an object refers to another one, told from an object of the same shape.

The paragraphs of a tagged document are thousands of objects that differ in nothing but digits. Two texts of the same
shape, which is the text with every digit replaced by 0, are made of the same tokens at the same places. So one object
of a shape is read for its paths, and of the others only the numbers that stand where its references do.
"""

import re

from validator.pdf.history import Steps, references
from validator.pdf.inconclusive import Inconclusive
from validator.pdf.values import END, GAP, Value, read_value

ZEROS = bytes.maketrans(b"123456789", b"000000000")
REFERENCE = re.compile(rb"(?<![0-9])([0-9]{1,7})" + GAP + rb"[0-9]{1,5}" + GAP + rb"R" + END)
ESCAPES = b"\\", b"#"
"""Behind these the value of a digit decides what a token means, or whether it is one."""
MAX_SHAPE_BYTES = 1024
"""Longer texts are rarely alike."""

Shape = tuple[tuple[int, int, Steps], ...]
"""Of each reference, in the order of the text: start and end of the number's digits, and its path."""


class WrittenPaths:
    """The paths of references in texts of arrays and dictionaries."""

    def __init__(self, nesting: int) -> None:
        """``nesting``: as in ``read_value``."""
        self._nesting = nesting
        self._shapes: dict[bytes, Shape | None] = {}
        self._seen: set[bytes] = set()
        """Shapes that one text had. Most objects of a small document are like no other."""

    def paths_to(self, number: int, text: bytes) -> list[Steps] | None:
        """The paths of all references to one object in the value at the beginning of ``text``.

        None = the shape does not say, so the value must be read. Raises ``Inconclusive`` for a reference to object 0.
        """
        if len(text) > MAX_SHAPE_BYTES:
            return None
        written = text.translate(ZEROS)
        if written not in self._shapes:
            if written not in self._seen:
                self._seen.add(written)
                return None
            self._shapes[written] = self._shape(text)
        shape = self._shapes[written]
        return None if shape is None else _paths_to(number, text, shape)

    def _shape(self, text: bytes) -> Shape | None:
        if any(each in text for each in ESCAPES):
            return None
        try:
            value, end = read_value(text, 0, self._nesting)
        except Inconclusive:
            return None
        if not isinstance(value, dict | list) or _has_digits_in_keys(value):
            return None  # a bare value may go on behind the text; keys that differ in digits may be the same key twice
        known = list(references(value))
        written = list(REFERENCE.finditer(text, 0, end))
        if [int(each[1]) for each in written] != [reference.number for reference, _ in known]:
            return None  # a string holds what looks like a reference
        return tuple((*each.span(1), path) for each, (_, path) in zip(written, known, strict=True))


def _paths_to(number: int, text: bytes, shape: Shape) -> list[Steps]:
    paths = []
    for start, end, path in shape:
        referred = int(text[start:end])
        if not referred:
            raise Inconclusive
        if referred == number:
            paths.append(path)
    return paths


def _has_digits_in_keys(value: Value) -> bool:
    if isinstance(value, dict):
        return any(any(map(str.isdigit, key)) for key in value) or any(map(_has_digits_in_keys, value.values()))
    return isinstance(value, list) and any(map(_has_digits_in_keys, value))
