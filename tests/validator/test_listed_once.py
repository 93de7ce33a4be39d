"""Every index of a file lists a number once: tables, streams, and both parts of a hybrid file."""

import pytest
from pyhanko.pdf_utils.misc import PdfReadError

from mint.attacks.raw import HEADER, appended, page, stream, streamed
from mint.hybrid import hybrid
from validator.pdf.reader import Reader
from validator.policy import DEFAULT

ZERO = b"0000000000 65535 f \n"


def _table(pdf: bytes, rows: bytes) -> bytes:
    """An update with these subsections."""
    empty = appended(pdf, {})
    return empty.replace(b"0 0\n", rows) if b"0 0\n" in empty[len(pdf) :] else empty


def _reads(pdf: bytes) -> bool:
    try:
        Reader(pdf, DEFAULT)
    except PdfReadError:
        return False
    return True


@pytest.mark.parametrize("start", [b"", b"\n"], ids=["read at once", "read by pyHanko"])
@pytest.mark.parametrize(
    ("rows", "is_sound"),
    [
        (b"4 1\n%010d 00000 n \n", True),
        (b"4 1\n%010d 00000 n \n4 1\n%010d 00000 n \n", True),
        (b"0 1\n" + ZERO + b"0 1\n" + ZERO + b"4 1\n%010d 00000 n \n", True),
        (b"4 1\n%010d 00000 n \n4 1\n0000000009 00000 n \n", False),
        (b"4 1\n%010d 00000 n \n4 1\n0000000000 00001 f \n", False),
        (b"4 1\n0000000000 00001 f \n4 1\n%010d 00000 n \n", False),
        (b"4 1\n%010d 00000 n \n4 1\n%010d 00001 n \n", False),
        (b"3 2\n0000000015 00000 n \n%010d 00000 n \n4 1\n0000000015 00000 n \n", False),
    ],
)
def test_a_classic_table(start: bytes, rows: bytes, is_sound: bool) -> None:
    paper = page()
    own = paper.index(b"4 0 obj")
    rows = rows.replace(b"%010d", b"%010d" % own)
    assert _reads(_table(paper, rows).replace(b"xref\n" + rows, b"xref\n" + start + rows)) is is_sound


@pytest.mark.parametrize(("index", "is_sound"), [([1, 2, 9], True), ([1, 1, 2, 9], False), ([2, 1, 9], False)])
def test_a_cross_reference_stream(index: list[int], is_sound: bool) -> None:
    objects = {1: b"<< /Type /Catalog /Pages 2 0 R >>", 2: b"<< /Type /Pages /Kids [] /Count 0 >>"}
    assert _reads(streamed(HEADER, objects, {}, 9, index=index)) is is_sound


def _beside(kind: int, offset: int) -> bytes:
    """A hybrid update that lists object 4 in its table, and so in the stream beside it."""
    paper = page()
    row = bytes([kind]) + offset.to_bytes(4, "big") + b"\0"
    body = stream(row, b"/Type /XRef /Size 40 /W [1 4 1] /Index [4 1]")
    more = b"/XRefStm %d" % len(paper)
    return appended(paper, {30: body}, at={4: paper.index(b"4 0 obj")}, more=more, size=40)


def test_both_parts_of_a_hybrid_revision() -> None:
    own = page().index(b"4 0 obj")
    assert _reads(hybrid(page()))
    assert _reads(_beside(1, own))
    for kind, offset in ((1, own + 1), (2, 5), (0, 0)):
        assert not _reads(_beside(kind, offset))


def test_a_tool_names_the_stream_of_an_earlier_revision_again() -> None:
    paper = page()
    old = _beside(1, paper.index(b"4 0 obj"))
    again = appended(old, {4: b"(new)"}, more=b"/XRefStm %d" % len(paper))
    assert _reads(again)
