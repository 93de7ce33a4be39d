"""Words in the structure are counted in runs as by a pattern that looks at every byte."""

import random
import re

import pytest

from mint.attacks.raw import appended
from mint.sign import sign
from mint.tagged import tagged
from validator.pdf import structure_bytes
from validator.pdf.reader import Reader
from validator.pdf.structure_bytes import (
    MANY_STRINGS,
    STRING_OR_COMMENT,
    _count,
    _count_between_strings,
    _count_by_pattern,
    count_in_structure,
)
from validator.policy import DEFAULT

from .conftest import NOW, Harness

WORDS = (b"/ByteRange", b"%%EOF", b"startxref")
PARTS = (
    *WORDS, b"(", b")", b"\\", b"%", b"\n", b"\r", b"/", b"s", b"start", b"%%EO", b"<</A(x(y)/ByteRange)>>", b" ",
    b"% startxref\n", b"(\\)%%EOF)", b"<1f2e>",
)  # fmt: skip


@pytest.mark.parametrize("seed", range(200))
def test_the_same_words_are_counted(seed: int) -> None:
    dice = random.Random(seed)
    text = b"".join(dice.choice(PARTS) for _ in range(40))
    for word in WORDS:
        pattern = re.compile(rb"(%b)|%b" % (re.escape(word), STRING_OR_COMMENT), re.DOTALL)
        expected = sum(match[1] is not None for match in pattern.finditer(text))
        assert [way(text, word) for way in (_count_by_pattern, _count_between_strings)] == [expected, expected]


def test_a_long_text_without_the_word_at_its_end_takes_no_longer() -> None:
    """A run that ends at the end of the text is not begun again at each of its bytes."""
    text = b"%%EOF" + b"x" * 300_000
    assert _count_by_pattern(text, b"%%EOF") == 1


def test_many_strings_are_left_to_the_pattern() -> None:
    """One step of Python for each of them would take minutes where the pattern takes seconds."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(structure_bytes, "_count_between_strings", lambda *_: 1)
        patch.setattr(structure_bytes, "_count_by_pattern", lambda *_: 2)
        assert _count(b"()" * MANY_STRINGS, b"/ByteRange") == 1
        assert _count(b"()%" * MANY_STRINGS, b"/ByteRange") == 2


BODIES = (
    b"<</A(/ByteRange)>>", b"<</A(x(/ByteRange)y)/ByteRange[1]>>", b"(\\)/ByteRange)", b"<</A(%)/ByteRange[1]>>",
    b"<</ByteRange[1]/B(/ByteRange%%EOF)/ByteRangeB[1]>>", b"[/ByteRange/ByteRange]", b"<</A(startxref\n1\n%%EOF)>>",
    b"<</A/B>>",
)  # fmt: skip


@pytest.mark.parametrize("seed", range(20))
def test_object_by_object_the_same_words_are_counted(harness: Harness, seed: int) -> None:
    dice = random.Random(seed)
    document = sign(tagged(1, font_bytes=100, paragraph_words=3), harness.sender.signer, NOW, field="A")
    document = appended(document, {number: dice.choice(BODIES) for number in range(90, 100)})
    reader = Reader(document, DEFAULT)
    assert reader.layout is not None
    cuts = [0, *(offset for span in reader.layout.streams for offset in span), len(document)]
    pieces = [document[start:end] for start, end in zip(cuts[::2], cuts[1::2], strict=True)]
    for word in WORDS:
        assert count_in_structure(reader, word) == sum(_count(each, word) for each in pieces)


def test_an_object_on_the_line_of_an_end_marker_is_no_comment() -> None:
    document = tagged(1, font_bytes=100, paragraph_words=3).rstrip()
    number = 90
    update = appended(document, {number: b"<</ByteRange[1]>>"})
    assert document.endswith(b"%%EOF")
    assert update[len(document) :].startswith(b"%d 0 obj" % number)
    reader = Reader(update, DEFAULT)
    assert reader.layout is not None
    assert count_in_structure(reader, b"/ByteRange") == 1
