"""What could be taken for an object is found by search as by the pattern that looks at every byte."""

import random

import pytest

from validator.checks.coverage import OBJECT_HEADER, _headers

PARTS = (
    b"7 0 obj", b"12345678901 0 obj", b"71 0 obj\n", b"endobj", b"1  0 obj", b"3 %c\n 0 obj", b"3 %7 0 obj\n 0 obj",
    b"% 9 0 obj", b"\n", b"\r", b" ", b"\x00", b"4 0", b"%%EOF", b"obj", b"<30820102>", b"5\n0\nobj", b"objobj",
    b"%" + b"x" * 199 + b"8 0 obj\n", b"2", b"6 0 0 obj",
)  # fmt: skip


@pytest.mark.parametrize("seed", range(300))
def test_the_same_headers_are_found(seed: int) -> None:
    dice = random.Random(seed)
    document = b"".join(
        dice.choice(PARTS[: dice.choice([3, len(PARTS)])]) + dice.choice([b"", b" "]) for _ in range(12)
    )
    start = dice.randrange(len(document))
    assert _headers(document, start) == [match.start() for match in OBJECT_HEADER.finditer(document, start)]
