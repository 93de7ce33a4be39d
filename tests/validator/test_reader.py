"""What the fast reader reads is what the library reads: object for object, table for table, fault for fault."""

import io
import random
from typing import Any

import pytest
from pyhanko.pdf_utils import generic
from pyhanko.pdf_utils.reader import PdfFileReader
from pyhanko.pdf_utils.writer import copy_into_new_writer

from mint.hybrid import hybrid
from mint.sign import sign
from mint.tagged import tagged
from validator.pdf.inconclusive import Inconclusive
from validator.pdf.layout import read_layout
from validator.pdf.pyhanko_values import ByteName
from validator.pdf.reader import Reader
from validator.pdf.values import Ref, read_value
from validator.policy import DEFAULT

from .conftest import NOW, Harness
from .updates import Update

NESTING = DEFAULT.pdf.max_nesting


def _same(one: Any, two: Any) -> bool:
    """Equal in kind, content and owner, all the way down."""
    if _kind(one) is not _kind(two) or one.container_ref != two.container_ref:
        return False
    if isinstance(one, generic.IndirectObject):
        return bool(one.reference == two.reference)
    if isinstance(one, dict):
        streams = not isinstance(one, generic.StreamObject) or one.encoded_data == two.encoded_data
        return streams and list(one) == list(two) and all(_same(one.raw_get(k), two.raw_get(k)) for k in one)
    if isinstance(one, list):
        return len(one) == len(two) and all(_same(one.raw_get(place), two.raw_get(place)) for place in range(len(one)))
    if isinstance(one, generic.TextStringObject):
        return one == two and one.original_bytes == two.original_bytes
    return bool(one == two)


def _kind(value: Any) -> type:
    """A name that remembers its bytes is one like any other."""
    return generic.NameObject if isinstance(value, ByteName) else type(value)


def _object(reader: PdfFileReader, number: int, revision: int) -> Any:
    try:
        return reader.get_object(generic.Reference(number, 0, reader), revision=revision)
    except Exception as error:
        return type(error)


def _compare(document: bytes) -> int:
    try:
        slow: Any = PdfFileReader(io.BytesIO(document), strict=True)
    except Exception as error:
        with pytest.raises(type(error)):
            Reader(document, DEFAULT)
        return 0
    if "/Encrypt" in slow.trailer:
        return 0
    fast = Reader(document, DEFAULT)
    sections, others = fast.xrefs._xref_sections, slow.xrefs._xref_sections
    assert [section.meta_info for section in sections] == [section.meta_info for section in others]
    for section, other in zip(sections, others, strict=True):
        parts = ("freed", "standard_xrefs", "xrefs_in_objstm", "explicit_refs_in_revision", "obj_streams_used")
        assert all(getattr(section.xref_data, part) == getattr(other.xref_data, part) for part in parts)
    assert fast.trailer.flatten() == slow.trailer.flatten()
    compared = 0
    for revision, section in enumerate(sections):
        for number, generation in section.xref_data.explicit_refs_in_revision:
            if generation == 0:
                one, two = _object(fast, number, revision), _object(slow, number, revision)
                assert one is two if isinstance(two, type) else _same(one, two), (number, one, two)
                compared += 1
    return compared


def test_papers_of_several_makers(harness: Harness) -> None:
    writer = copy_into_new_writer(PdfFileReader(io.BytesIO(harness.letter)))
    writer.stream_xrefs = True
    streams = io.BytesIO()
    writer.write(streams)
    for paper in (harness.letter, harness.scan, tagged(4), streams.getvalue(), hybrid(harness.letter), harness.signed):
        assert _compare(paper) > 5
        assert _compare(sign(paper, harness.sender.seal, NOW, field="Z", lenient=True)) > 10


def test_random_updates(harness: Harness) -> None:
    for seed in range(40):
        update = Update(harness.signed, random.Random(seed))
        update.do()
        try:
            document = update.written()
        except Exception:
            continue
        _compare(document)


def test_broken_bytes(harness: Harness) -> None:
    """Also where the file is broken, and wherever the fast way gives up."""
    dice = random.Random(3)
    paper = tagged(1, font_bytes=100, paragraph_words=2)
    for _ in range(300):
        at = dice.randrange(len(paper))
        piece = dice.choice(
            [b"%", b"(", b")", b"<", b">>", b" ", b"\\", b"#", b"0", b"R", b"/A/A", b"\n", b"null", b"-."]
        )
        _compare(paper[:at] + piece + paper[at + len(piece) :])


@pytest.mark.parametrize(
    ("text", "value"),
    [
        (b"<< /A 1 /B [2 0 R -3 4.50] >>", {"/A": 1, "/B": [Ref(2, 0), -3, "4.50"]}),
        (b"(a\\(b\\)\\101(c))", b"a(b)A(c)"),
        (b"< 4 1 42 5>", b"ABP"),
        (b"/A#42", "/AB"),
        (b"[true null 12 0 13 0 R]", ["true", "null", 12, 0, Ref(13, 0)]),
        (b"[/A[]<<>>()]", ["/A", [], {}, b""]),
        (
            b"[1 0 R 2 0 R[3 0 R\n4  0\r\nR]5 6 0 R/A 7 1 R]",
            [
                Ref(1, 0),
                Ref(2, 0),
                [Ref(3, 0), Ref(4, 0)],
                5,
                Ref(6, 0),
                "/A",
                Ref(7, 1),
            ],
        ),
        (b"[1 0 R\x002 0 R\x003\x000\x00R]", [Ref(1, 0), Ref(2, 0), Ref(3, 0)]),
        (b"[1 0 R(2 0 R)<3 0>4 5 0 R -6 7 8]", [Ref(1, 0), b"2 0 R", b"0", 4, Ref(5, 0), -6, 7, 8]),
        (b"[1 2 3 0 R 4 0]", [1, 2, Ref(3, 0), 4, 0]),
        (b"[0000001 0 R]", [Ref(1, 0)]),
    ],
)
def test_values(text: bytes, value: Any) -> None:
    assert read_value(text, 0, NESTING) == (value, len(text))


@pytest.mark.parametrize(
    "text",
    [
        b"<< /A 1 /A 2 >>",
        b"<< 1 2 >>",
        b"(a",
        b"<4g>",
        b"[1 % 2\n]",
        b"0 0 R",
        b"[1 0 R 0 0 R 2 0 R]",
        b"[1 0 R 00 0 R]",
        b"[1 0 R 2 0 R3 0 R]",
        b"[1 0 R 12345678 0 R]",
        b"[1 0 R 2 0  \n R]",
        b"[1 0 R\x0b2 0 R]",
        b"[1 0 R %\n 2 0 R]",
        b"[1 0 R",
        b"(\\8)",
        b"(\\1)",
        b"truly",
        b"/A{",
        b"[" * 99,
    ],
)
def test_values_nobody_should_guess(text: bytes) -> None:
    with pytest.raises(Inconclusive):
        read_value(text, 0, NESTING)


@pytest.mark.parametrize(
    ("old", "new"),
    [
        (b"endobj", b"endobj % remark"),
        (b"endobj\n", b"endobj\njunk "),
        (b"/Type/Page/", b"/A (open /Type/Page/"),
        (b"/FirstChar", b"/A<</B (endobj)>>/FirstChar"),
        (b"trailer", b"% trailer\ntrailer"),
        (b"\nstartxref\n", b"\nstartxref\n1"),
        (b"/Filter/FlateDecode/Length", b"/Filter/FlateDecode/Length 9/Length"),
        (b"/Filter/FlateDecode/Length", b"/L#65ngth 9/Filter/FlateDecode/Length"),
        (b"endstream", b"endstraem"),
    ],
)
def test_layouts_that_are_not_plain(old: bytes, new: bytes) -> None:
    paper = tagged(1, font_bytes=100, paragraph_words=2)
    assert read_layout(paper, NESTING).sections
    with pytest.raises(Inconclusive):
        read_layout(paper.replace(old, new, 1), NESTING)
