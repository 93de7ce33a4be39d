"""Words in the structure are counted in runs as by a pattern that looks at every byte."""

import random
import re

import pytest

from validator.pdf.structure_bytes import STRING_OR_COMMENT, _count

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
        assert _count(text, word, is_plain=True) == sum(match[1] is not None for match in pattern.finditer(text))


def test_a_long_text_without_the_word_at_its_end_takes_no_longer() -> None:
    """A run that ends at the end of the text is not begun again at each of its bytes."""
    text = b"%%EOF" + b"x" * 300_000
    assert _count(text, b"%%EOF", is_plain=True) == 1
