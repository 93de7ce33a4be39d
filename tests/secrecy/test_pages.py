"""Marks on pages: each stream, annotation and node is read for itself, in every filter that text may have."""

import zlib

import pytest

from mint.attacks.raw import page, plain, stream, text
from validator.secrecy import find_mark, search
from validator.secrecy.search import Missed

INK = b"BT /F1 14 Tf 72 700 Td (TUYET MAT) Tj ET"
OTHER = b"BT /F1 14 Tf 72 700 Td (Kinh gui) Tj ET"
PAGE = b"/Type /Page /Parent 2 0 R /MediaBox [0 0 595 842] /Resources << /Font << /F1 5 0 R >> >>"
FONT = b"<< /Type /Font /Subtype /Type1 /BaseFont /Times-Roman >>"
Objects = dict[int, bytes]


def filtered(data: bytes, filters: bytes, more: bytes = b"") -> bytes:
    return b"<< /Length %d /Filter %s %s >>\nstream\n%s\nendstream" % (len(data), filters, more, data)


def paged(*contents: bytes, objects: Objects | None = None, kids: bytes = b"3 0 R") -> bytes:
    """One page with these content streams."""
    numbers = b" ".join(b"%d 0 R" % (20 + number) for number in range(len(contents)))
    return plain(
        {
            1: b"<< /Type /Catalog /Pages 2 0 R >>",
            2: b"<< /Type /Pages /Kids [%s] /Count 1 >>" % kids,
            3: b"<< %s /Contents [%s] >>" % (PAGE, numbers),
            5: FONT,
            **{20 + number: content for number, content in enumerate(contents)},
            **(objects or {}),
        }
    )


def lzw(data: bytes, early: int = 1) -> bytes:
    """LZW with a growing table, as writers pack it."""
    table = {bytes([code]): code for code in range(256)}
    codes, size, former, width = [(256, 9)], 258, b"", 9
    for byte in data:
        longer = former + bytes([byte])
        if longer in table:
            former = longer
            continue
        codes.append((table[former], width))
        table[longer], size = size, size + 1
        width = max(9, (size - 1 + early).bit_length())
        former = bytes([byte])
    codes.append((table[former], width))
    codes.append((257, max(9, (size + early).bit_length())))
    bits = "".join(format(code, f"0{length}b") for code, length in codes)
    bits += "0" * (-len(bits) % 8)
    return int(bits, 2).to_bytes(len(bits) // 8, "big")


def runs(data: bytes) -> bytes:
    encoded = b"".join(bytes([len(data[at : at + 128]) - 1]) + data[at : at + 128] for at in range(0, len(data), 128))
    return encoded + bytes([257 - 30]) + b" " + b"\x80"


FLATE = zlib.compress(INK + b" " * 3000)
NOISE = bytes((n * 7 + n // 3) % 251 for n in range(3000))
BROKEN_LATER = zlib.compress(INK + b" q Q" * 50 + NOISE, 0)[:300] + b"\xff" * 60
COMMENT = b"<< /Type /Annot /Subtype /FreeText /Rect [0 0 99 99] /Contents (TUYET MAT) >>"
BROKEN = b"<< /Type /Annot /Subtype /Text /Contents (x"
EMPTY_NODES = {100 + n: b"<< /Type /Pages /Parent 2 0 R /Kids [] /Count 0 >>" for n in range(21)}
KIDS = b" ".join(b"%d 0 R" % number for number in EMPTY_NODES)


def noted(*numbers: int, objects: Objects, catalog: bytes = b"") -> bytes:
    listed = b" ".join(b"%d 0 R" % number for number in numbers)
    return page(text(b"x"), entries=b"/Annots [%s]" % listed, objects=objects, catalog=catalog)


WIDGET = b"<< /Type /Annot /Subtype /Widget /Parent 10 0 R /Rect [0 0 99 99] >>"
FIELD = b"<< /FT /Tx /T (a) /Kids [11 0 R] /V (TUYET MAT) >>"
STAMP = stream(INK, b"/Type /XObject /Subtype /Form /BBox [0 0 50 20]")
FOUND = {
    "before a stream that does not unpack": paged(stream(INK), filtered(b"abc", b"/FlateDecode")),
    "behind a stream that does not unpack": paged(filtered(b"abc", b"/FlateDecode"), stream(INK)),
    "behind a stream by a filter of pictures": paged(filtered(b"abc", b"/DCTDecode"), stream(INK)),
    "behind a stream that is none": paged(b"(text)", stream(INK)),
    "behind a stream that is not there": paged(stream(OTHER), stream(INK)).replace(b"[20 0 R 21", b"[90 0 R 21"),
    "in a stream that is cut": paged(filtered(FLATE[:-6], b"/FlateDecode")),
    "in a stream that breaks later": paged(filtered(BROKEN_LATER, b"/FlateDecode")),
    "over other text": paged(stream(OTHER + b"\n" + INK)),
    "LZW": paged(filtered(lzw(INK), b"/LZWDecode")),
    "LZW, long": paged(filtered(lzw(OTHER * 200 + b"\n" + INK), b"/LZW")),
    "LZW, late change": paged(
        filtered(lzw(OTHER * 200 + b"\n" + INK, 0), b"/LZWDecode", b"/DecodeParms << /EarlyChange 0 >>")
    ),
    "run lengths": paged(filtered(runs(OTHER * 9 + INK), b"/RunLengthDecode")),
    "two filters": paged(filtered(lzw(INK).hex().encode() + b">", b"[/ASCIIHexDecode /LZWDecode]")),
    "hexadecimal without an end": paged(filtered(INK.hex().encode(), b"/AHx")),
    "stamp behind a broken annotation": noted(11, 10, objects={10: COMMENT, 11: BROKEN}),
    "stamp before a broken annotation": noted(10, 11, objects={10: COMMENT, 11: BROKEN}),
    "stamp behind one that is not there": noted(90, 10, objects={10: COMMENT}),
    "one state of a button": noted(
        10, objects={10: b"<< /Subtype /Widget /Rect [0 0 9 9] /AP << /N << /Off 12 0 R /On 11 0 R >> >> >>",
                     11: STAMP, 12: stream(b"")}
    ),
    "comment beside a broken appearance": noted(
        10, objects={10: COMMENT[:-2] + b"/AP << /N 11 0 R >> >>", 11: BROKEN}
    ),
    "page behind 21 empty nodes": paged(stream(INK), objects=EMPTY_NODES, kids=KIDS + b" 3 0 R"),
    "page behind a broken node": paged(stream(INK), objects={100: b"<< /Kids ["}, kids=b"100 0 R 3 0 R"),
    "value of a field above its widget": noted(11, objects={10: FIELD, 11: WIDGET}),
    "value two levels above": noted(
        11, objects={10: FIELD.replace(b"/V (TUYET MAT)", b"/Parent 12 0 R"), 11: WIDGET, 12: b"<< /V (TUYET MAT) >>"}
    ),
    "value of a list": noted(11, objects={10: FIELD.replace(b"(TUYET MAT)", b"[(a) (TUYET MAT)]"), 11: WIDGET}),
    "value below a field, on no page": page(
        text(b"x"), catalog=b"/AcroForm << /Fields [12 0 R] >>",
        objects={12: b"<< /T (b) /Kids [13 0 R 10 0 R] >>", 13: BROKEN, 10: FIELD},
    ),
    "attribute of the metadata": page(
        catalog=b"/Metadata 10 0 R",
        objects={10: stream("<rdf:Description pdf:Keywords='MẬT'/>".encode(), b"/Type /Metadata /Subtype /XML")},
    ),
    "metadata in UTF-16": page(
        catalog=b"/Metadata 10 0 R", objects={10: stream("<dc:title>(Mật) Kế hoạch</dc:title>".encode("utf-16-be"))}
    ),
}  # fmt: skip
CLOSED = {
    "stream that does not unpack": paged(stream(OTHER), filtered(b"abc", b"/FlateDecode")),
    "stream by an unknown filter": paged(filtered(b"abc", b"/Unknown")),
    "LZW with a code that is not there": paged(filtered(b"\xff\xff\xff\xff", b"/LZWDecode")),
    "predictor that nobody undoes": paged(
        filtered(zlib.compress(INK), b"/FlateDecode", b"/DecodeParms << /Predictor 2 /Columns 4 >>")
    ),
    "broken annotation": noted(11, objects={11: BROKEN}),
    "broken node": paged(stream(OTHER), objects={100: b"<< /Kids ["}, kids=b"100 0 R 3 0 R"),
    "loop of nodes": paged(stream(OTHER), kids=b"2 0 R 2 0 R"),
    "metadata that do not unpack": page(
        catalog=b"/Metadata 10 0 R", objects={10: filtered(b"abc", b"/FlateDecode")}
    ),
    "form on a page that does not unpack": page(
        b"/S Do", resources=b"/XObject << /S 10 0 R >>",
        objects={10: filtered(b"abc", b"/FlateDecode", b"/Subtype /Form")},
    ),
}  # fmt: skip
OPEN = {
    "empty streams": paged(stream(b""), stream(OTHER)),
    "stream that is cut": paged(filtered(zlib.compress(OTHER)[:-4], b"/FlateDecode")),
    "streams that are not there": paged(stream(OTHER)).replace(b"/Contents [20", b"/Contents [90"),
    "annotation that is not there": noted(90, objects={}),
    "picture on a page": page(
        b"/S Do", resources=b"/XObject << /S 10 0 R >>",
        objects={10: filtered(b"abc", b"/DCTDecode", b"/Subtype /Image")},
    ),
    "picture that is not there": page(b"/S Do", resources=b"/XObject << /S 90 0 R >>"),
    "signature field": noted(
        10, objects={10: b"<< /FT /Sig /Subtype /Widget /V << /Contents <00> >> /Rect [0 0 0 0] >>"}
    ),
}  # fmt: skip


@pytest.mark.parametrize("case", FOUND)
def test_found(case: str) -> None:
    assert find_mark("a", FOUND[case]) is not None


@pytest.mark.parametrize("case", CLOSED)
def test_closed(case: str) -> None:
    result = search("a", CLOSED[case])
    assert isinstance(result, Missed)
    assert result.closed


@pytest.mark.parametrize("case", OPEN)
def test_open(case: str) -> None:
    assert search("a", OPEN[case]) is None
