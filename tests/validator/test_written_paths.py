"""Paths told from an object of the same shape are those that reading the object gives."""

import random

import pytest

from validator.pdf.history import Steps, paths_to
from validator.pdf.inconclusive import Inconclusive
from validator.pdf.values import read_value
from validator.pdf.written_paths import MAX_SHAPE_BYTES, WrittenPaths
from validator.policy import DEFAULT

NESTING = DEFAULT.pdf.max_nesting
PARAGRAPH = b"<</Type/StructElem/S/P/P %b 0 R/K[%b]/Pg %b 0 R>>"


def read(number: int, text: bytes) -> list[Steps] | None:
    """None = ``Inconclusive``."""
    try:
        return paths_to(number, read_value(text, 0, NESTING)[0])
    except Inconclusive:
        return None


def written(paths: WrittenPaths, number: int, text: bytes) -> list[Steps] | None:
    """What the shape says; what reading says where it says nothing."""
    try:
        known_paths = paths.paths_to(number, text)
    except Inconclusive:
        return None
    return read(number, text) if known_paths is None else known_paths


def test_a_shape_says_where_each_reference_stands() -> None:
    paths = WrittenPaths(NESTING)
    assert paths.paths_to(4, PARAGRAPH % (b"5", b"0", b"17")) is None, "the first of its kind is read"
    assert paths.paths_to(4, PARAGRAPH % (b"4", b"0", b"17")) == [("/P",)]
    assert paths.paths_to(4, PARAGRAPH % (b"4", b"1", b"23")) == [("/P",)]
    assert paths.paths_to(4, PARAGRAPH % (b"4", b"1", b"04")) == [("/P",), ("/Pg",)]
    assert paths.paths_to(4, PARAGRAPH % (b"5", b"4", b"04")) == [("/Pg",)]
    assert paths.paths_to(4, PARAGRAPH % (b"5", b"4", b"14")) == []
    assert paths.paths_to(4, b"[4 0 R 14 0 R<</A 4 0 R>>]") is None
    assert paths.paths_to(4, b"[4 0 R 14 0 R<</A 4 0 R>>]") == [(0,), (2, "/A")]
    with pytest.raises(Inconclusive):
        paths.paths_to(4, PARAGRAPH % (b"4", b"1", b"00"))


FAMILIES = {
    "a name in escapes": (b"<</P 4 0 R/#50 4 0 R>>", b"<</P 4 0 R/#51 4 0 R>>", b"<</P 4 0 R/#40 4 0 R>>"),
    "one key twice": (b"<</K1 4 0 R/K2 5 0 R>>", b"<</K1 4 0 R/K1 5 0 R>>", b"<</K2 4 0 R/K2 4 0 R>>"),
    "one key twice, further down": (b"[<</A1 4 0 R/A2 5 0 R>>]", b"[<</A1 4 0 R/A1 4 0 R>>]"),
    "object 0": (b"<</P 4 0 R/Q 5 0 R>>", b"<</P 4 0 R/Q 0 0 R>>", b"<</P 0 0 R/Q 4 0 R>>"),
    "two keys": (b"<</P 4 0 R/Q 5 0 R>>", b"<</P 5 0 R/Q 4 0 R>>", b"<</P 4 0 R/Q 4 0 R>>"),
    "a reference in a string": (b"<</P 4 0 R/T(5 0 R)>>", b"<</P 5 0 R/T(4 0 R)>>", b"<</P 4 0 R/T(4 0 R)>>"),
    "a reference in a string alone": (b"<</T(4 0 R)>>", b"<</T(5 0 R)>>"),
    "a string instead of a reference": (b"<</P(4 0 R)/Q 5 0 R>>", b"<</P(5 0 R)/Q 4 0 R>>"),
    "an escape that readers differ on": (b"<</T(\\101)/P 4 0 R>>", b"<</T(\\501)/P 4 0 R>>"),
    "an escaped bracket": (b"<</T(\\)/P 4 0 R)/P 5 0 R>>", b"<</T(\\)/P 5 0 R)/P 4 0 R>>"),
    "hexadecimal strings": (b"<</T<4040>/P 4 0 R>>", b"<</T<5252>/P 5 0 R>>", b"<</T<4 0 A>/P 4 0 R>>"),
    "arrays in arrays": (b"[[4 0 R][5 0 R 4 4 0 R]]", b"[[5 0 R][4 0 R 5 5 0 R]]", b"[[1 0 R][1 0 R 4 4 0 R]]"),
    "numbers before a reference": (b"[4 0 4 0 R]", b"[5 4 4 4 R]", b"[4 4 5 0 R]"),
    "another generation": (b"<</P 4 0 R>>", b"<</P 4 7 R>>", b"<</P 5 4 R>>"),
    "leading zeros": (b"<</P 0004 0 R>>", b"<</P 4000 0 R>>", b"<</P 0040 0 R>>"),
    "a number that is too long": (b"[12345678 0 R]", b"[00000004 0 R]"),
    "a name as a value": (b"<</S/H1/P 4 0 R>>", b"<</S/H4/P 5 0 R>>", b"<</S/H2/P 4 0 R>>"),
    "a comment": (b"<</P %4 0 R\n4 0 R>>", b"<</P %5 0 R\n4 0 R>>"),
    "a reference alone": (b"4 0 R", b"5 0 R"),
    "a number that goes on": (b"4 0", b"5 0"),
    "an end that is missing": (b"<</P 4 0 R", b"<</P 5 0 R"),
    "something behind the value": (b"<</P 4 0 R>>/P 5 0 R", b"<</P 5 0 R>>/P 4 0 R", b"<</P 5 0 R>>(4 0 R)"),
    "odd white space": (b"<</P 4\t0\r\nR>>", b"<</P 5\t0\r\nR>>", b"<</P 4\x000\r\nR>>"),
    "a null byte": (b"[4 0 R\x005 0 R]", b"[5 0 R\x004 0 R]"),
}


@pytest.mark.parametrize("name", FAMILIES)
def test_the_text_that_gave_a_shape_does_not_mislead(name: str) -> None:
    """Whichever of them it was."""
    family = FAMILIES[name]
    for first in family:
        paths = WrittenPaths(NESTING)
        for _ in range(2):
            written(paths, 4, first)
        assert [written(paths, 4, each) for each in family] == [read(4, each) for each in family]
        assert [written(paths, 5, each) for each in family] == [read(5, each) for each in family]


SHAPELESS = b"4 0 R", b"4", b"/A", b"(4 0 R)", b"<</A 4 0 R", b"<</A1 4 0 R>>", b"[(4 0 R)4 0 R]"


@pytest.mark.parametrize("text", SHAPELESS)
def test_no_shape_speaks_for(text: bytes) -> None:
    """What may go on behind the text, is not whole, or has digits where they count."""
    paths = WrittenPaths(NESTING)
    assert [paths.paths_to(4, text) for _ in range(3)] == [None, None, None]


def test_long_texts_have_no_shape() -> None:
    paths = WrittenPaths(NESTING)
    text = b"[" + b"4 0 R " * (MAX_SHAPE_BYTES // 6) + b"]"
    short, long = text[: MAX_SHAPE_BYTES - 10] + b"]", text + b" " * 10
    assert [bool(paths.paths_to(4, short)) for _ in range(2)] == [False, True]
    assert [paths.paths_to(4, long) for _ in range(3)] == [None, None, None]


PARTS = (
    b"<<", b">>", b"[", b"]", b"/P", b"/K1", b"/K2", b"/#50", b"/S", b" 4 0 R", b" 5 0 R", b" 0 0 R", b" 4", b" 54 0 R",
    b"(4 0 R)", b"(", b")", b"<44>", b"\\4", b"%4\n", b" ", b"\x00", b" 4.4", b" true", b" R", b"-4",
)  # fmt: skip


@pytest.mark.parametrize("seed", range(40))
def test_random_texts(seed: int) -> None:
    """Whatever was asked before, a text has the paths that reading it gives."""
    dice, paths, shaped_texts = random.Random(seed), WrittenPaths(NESTING), 0
    texts = [b"<</P 4 0 R" + b"".join(dice.choices(PARTS, k=dice.randrange(6))) + b">>" for _ in range(60)]
    for text in [*texts, *(_other_digits(dice, each) for each in texts for _ in range(5))]:
        for number in (4, 5, 54):
            assert written(paths, number, text) == read(number, text), text
        shaped_texts += bool(_has_shape(paths, text))
    assert shaped_texts


def _other_digits(dice: random.Random, text: bytes) -> bytes:
    return bytes(dice.choice(b"0145") if chr(each).isdigit() and dice.random() < 0.5 else each for each in text)


def _has_shape(paths: WrittenPaths, text: bytes) -> bool:
    try:
        return paths.paths_to(4, text) is not None
    except Inconclusive:
        return True
