"""What is read in one go instead of a byte at a time is what pyHanko reads: strings, and the end of a file."""

import io
import random

import pytest
from pyhanko.pdf_utils import generic
from pyhanko.pdf_utils.misc import PdfReadError

from validator.pdf.pyhanko_internals import PLAIN_END, PLAIN_END_BYTES, process_data_at_eof
from validator.pdf.pyhanko_values import to_pyhanko

OWNER = generic.Reference(1, 0)
TEXTS = (
    *(bytes((byte,)) for byte in range(256)), b"", b"D:20260701030000+07'00'", b"\xfe\xff\x1e\xa4", b"\xff\xfeA\x00",
    b"\xfe\xff\xd8", b"\xef\xbb\xbf\xc3\xa9", b"\xef\xbb\xbf\xff", b"\xfe", b"\xef\xbb", b"caf\xe9 \x80", b"A\x00B",
    "Quyết định".encode("utf-16"),
)  # fmt: skip


def described(string: generic.PdfObject) -> tuple[object, ...]:
    """Everything that a string of pyHanko says."""
    encoding = getattr(string, "autodetected_encoding", None)
    return type(string), string, string.original_bytes, encoding  # type: ignore[attr-defined]


@pytest.mark.parametrize("text", TEXTS)
def test_a_string(text: bytes) -> None:
    assert described(to_pyhanko(text, OWNER)) == described(generic.pdf_string(text))


@pytest.mark.parametrize("seed", range(50))
def test_a_random_string(seed: int) -> None:
    dice = random.Random(seed)
    text = bytes(dice.choice(b"\xfe\xff\xef\xbb\xbf\x00 azAZ\x80\x9f\xad\x7f\n") for _ in range(dice.randrange(8)))
    assert described(to_pyhanko(text, OWNER)) == described(generic.pdf_string(text))


LINE_ENDS = (b"\n", b"\r", b"\r\n")
PIECES = (*LINE_ENDS, b"startxref", b"%%EOF", b" ", b"12", b"0", b"7", b"x")


def table_at_end(document: bytes) -> int | None:
    """As pyHanko reads it; None = it refuses."""
    stream = io.BytesIO(document)
    stream.seek(-1, io.SEEK_END)
    try:
        return process_data_at_eof(stream)
    except (PdfReadError, ValueError):
        return None


@pytest.mark.parametrize("seed", range(50))
def test_the_end_of_a_file(seed: int) -> None:
    dice, plain = random.Random(seed), 0
    for _ in range(100):
        first, second = dice.choices(LINE_ENDS, k=2)
        lines = [b"startxref", first, b"%d" % dice.randrange(999), second, b"%%EOF"]
        for _ in range(dice.randrange(3)):
            lines.insert(dice.randrange(len(lines) + 1), dice.choice(PIECES))
        document = b"%PDF-1.7\n" + b"x" * 70 + b"\n" + b"".join(lines)
        match = PLAIN_END.search(document, max(0, len(document) - PLAIN_END_BYTES))
        if match:
            plain += 1
            assert int(match[1]) == table_at_end(document), document
    assert plain
