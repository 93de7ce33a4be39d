"""References are found in every way of writing them, beside a pattern that looks at each byte."""

import random
import re

import pytest

from validator.pdf.inconclusive import Inconclusive
from validator.pdf.written_references import EvenReferences, OtherReferences, read_references

REFERENCE = re.compile(rb"(?<![0-9])([0-9]{1,12}+) ++[0-9]++ ++R")
EVEN = (
    b"<</A 7 0 R/B[17 0 R 170 0 R]>>",
    b"[71 0 R 7 0 R]",
    b"007 0 R",
    b"0000000017 00000 n ",
    b"<0707>",
    b"7",
    b" 0 R",
)
UNEVEN = (*EVEN, b"7  0 R", b"7 0  R", b"17 1 R", b"7 00 R", b"(7 R)", b" 7 0 R R ", b"x R", b"7 0 R7 0 R")
NUMBERS = range(200)


def expected(text: bytes, number: int, end: int) -> list[int]:
    return [match.start() for match in REFERENCE.finditer(text) if int(match[1]) == number and match.end() <= end]


@pytest.mark.parametrize("seed", range(150))
def test_every_reference_is_found(seed: int) -> None:
    dice = random.Random(seed)
    text = b"".join(
        dice.choice(b" [/").to_bytes(1, "big") + dice.choice(UNEVEN if seed % 2 else EVEN) for _ in range(30)
    )
    references = read_references(text)
    end = dice.choice([0, *(match.end() for match in REFERENCE.finditer(text)), len(text)])
    assert {number: references.offsets(number, end) for number in NUMBERS} == {
        number: expected(text, number, end) for number in NUMBERS
    }
    assert references.among(NUMBERS, end) == {number for number in NUMBERS if expected(text, number, end)}


def test_both_ways_are_taken() -> None:
    assert isinstance(read_references(b"1 0 R"), EvenReferences)
    assert all(
        isinstance(read_references(text), OtherReferences) for text in (b"1  0 R", b"1 2 R", b"1 0  R", b"(1 R)")
    )


def test_a_number_that_is_too_long_is_not_plain() -> None:
    digits = b"0" * 13 + b"7"
    with pytest.raises(Inconclusive):
        read_references(digits + b" 0 R").offsets(7, len(digits) + 4)
    with pytest.raises(Inconclusive):
        read_references(digits + b"  0 R")
