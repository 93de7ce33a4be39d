"""Marks inside files: pages, stamps and metadata of PDFs, office files, archives; and what must not be found."""

import io
import random
import struct
import zipfile

import pytest

from common.secrecy import Level
from mint.attacks import ATTACKS, Class, Scene
from mint.attacks.raw import appended, body_of, page, stream, with_entry
from mint.city import build_city
from mint.paper import letter
from tests.validator.conftest import NOW, SENDER
from validator.secrecy import find_mark, search
from validator.secrecy.search import Missed


def hexed(text: str) -> bytes:
    """A string of two-byte codes that are the letters themselves."""
    return b"<" + text.encode("utf-16-be").hex().encode() + b">"


MAP = stream(b"1 begincodespacerange <0000> <ffff> endcodespacerange\n1 beginbfrange\n<0000> <ffff> <0000>\nendbfrange")
"""Codes read as themselves, as far as ranges are followed."""


def unicode_page(*lines: str, content: bytes | None = None) -> bytes:
    """A page in a composite font with a ToUnicode map."""
    text = "".join(lines)
    rows = b"".join(b"<%04x> <%04x>\n" % (ord(each), ord(each)) for each in sorted(set(text + "MẬTUYỆỐI ")))
    to_unicode = stream(b"%d beginbfchar\n%sendbfchar" % (len(rows.splitlines()), rows), packed=True)
    text_content = b"BT /U 14 Tf 72 760 Td " + b" 0 -20 Td ".join(hexed(line) + b" Tj" for line in lines) + b" ET"
    font = b"<< /Type /Font /Subtype /Type0 /BaseFont /A /Encoding /Identity-H /ToUnicode 11 0 R >>"
    built = page(content or text_content, objects={10: font, 11: to_unicode})
    return built.replace(b"/F1 5 0 R ", b"/U 10 0 R ", 1)


def spread(text: str, step: int = 20) -> bytes:
    """Each letter at a place of its own."""
    moved = b"".join(b"1 0 0 1 %d 700 Tm %s Tj " % (72 + n * step, hexed(each)) for n, each in enumerate(text))
    return b"BT /U 14 Tf " + moved + b"ET"


HEADING = "CỘNG HÒA XÃ HỘI CHỦ NGHĨA VIỆT NAM"
STAMP = stream(b"BT /F1 14 Tf (MAT) Tj ET", b"/Type /XObject /Subtype /Form /BBox [0 0 50 20]")


def stamped() -> bytes:
    """A stamp annotation with an appearance."""
    note = b"<< /Type /Annot /Subtype /Stamp /Rect [50 700 120 720] /AP << /N 11 0 R >> >>"
    return page(entries=b"/Annots [10 0 R]", objects={10: note, 11: STAMP})


def differences() -> bytes:
    """A simple font with letters by name."""
    font = (
        b"<< /Type /Font /Subtype /TrueType /BaseFont /A /Encoding << /Differences [1 /M /Acircumflexdotbelow /T] >> >>"
    )
    return page(b"BT /D 14 Tf (\\001\\002\\003) Tj ET", objects={10: font}).replace(b"/F1 5 0 R ", b"/D 10 0 R ", 1)


def metadata(xml: str) -> bytes:
    return page(catalog=b"/Metadata 10 0 R", objects={10: stream(xml.encode(), b"/Type /Metadata /Subtype /XML")})


def information(entry: bytes) -> bytes:
    return page(more=b"/Info 10 0 R", objects={10: b"<< /Title %s >>" % entry})


def attached(name: bytes, held: bytes) -> bytes:
    return page(
        catalog=b"/Names << /EmbeddedFiles << /Names [(a) 10 0 R] >> >>",
        objects={10: b"<< /Type /Filespec /F (%s) /EF << /F 11 0 R >> >>" % name, 11: stream(held)},
    )


def second_page(text: bytes) -> bytes:
    pdf = page()
    more = body_of(pdf, 3).replace(b"/Contents 4 0 R", b"/Contents 11 0 R")
    return appended(
        pdf,
        {
            2: b"<< /Type /Pages /Kids [3 0 R 10 0 R] /Count 2 >>",
            10: more,
            11: stream(b"BT /F1 9 Tf (%s) Tj ET" % text),
        },
    )


def zipped(*entries: tuple[str, bytes]) -> bytes:
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, data in entries:
            archive.writestr(name, data)
    return out.getvalue()


def word(*paragraphs: str, title: str = "", header: str = "") -> bytes:
    body = "".join(f"<w:p><w:r><w:t>{text}</w:t></w:r></w:p>" for text in paragraphs)
    return zipped(
        ("[Content_Types].xml", b"<Types/>"),
        ("word/document.xml", f"<w:document>{body}</w:document>".encode()),
        ("word/header1.xml", f"<w:hdr><w:p><w:t>{header}</w:t></w:p></w:hdr>".encode()),
        ("docProps/core.xml", f"<cp><dc:title>{title}</dc:title></cp>".encode()),
    )


def broken(pdf: bytes) -> bytes:
    """No reader finds its way in it."""
    return pdf.replace(b"startxref", b"startxxxx").replace(b"trailer", b"trailxx").replace(b"xref", b"xxxx")


FOUND = {
    "stamp on a page": unicode_page(HEADING, "MẬT", "Số: 15/BC"),
    "stamp in two words": unicode_page(HEADING, "TỐI MẬT"),
    "letters apart": unicode_page(content=spread("MẬT")),
    "letters far apart": unicode_page(content=spread("TUYỆT MẬT", 30)),
    "stamp beside the heading": unicode_page(
        HEADING,
        content=b"BT /U 12 Tf 1 0 0 1 72 760 Tm " + hexed("MẬT")
        + b" Tj 1 0 0 1 250 760 Tm " + hexed(HEADING) + b" Tj ET",
    ),
    "array with kerning": unicode_page(
        content=b"BT /U 12 Tf [" + hexed("M") + b" 40 " + hexed("Ậ") + b" 40 " + hexed("T") + b"] TJ ET"
    ),
    "capitals without diacritics": page(b"BT /F1 14 Tf 72 760 Td (UY BAN NHAN DAN) Tj 0 -20 Td (MAT) Tj ET"),
    "letters by name": differences(),
    "stamp annotation": stamped(),
    "comment": page(entries=b"/Annots [10 0 R]", objects={10: b"<< /Subtype /FreeText /Contents (TOI MAT) >>"}),
    "form that the page shows": page(b"/S Do", resources=b"/XObject << /S 10 0 R >>", objects={10: STAMP}),
    "second page": second_page(b"TUYET MAT"),
    "title": information(b"(\\376\\377\\000M\\036\\254\\000T)"),
    "title in hexadecimal": information(hexed("\ufeffTối mật")),
    "metadata": metadata("<x:xmpmeta><dc:title>(Mật) Kế hoạch</dc:title></x:xmpmeta>"),
    "form field": page(
        catalog=b"/AcroForm << /Fields [10 0 R] >>", objects={10: b"<< /FT /Tx /T (a) /V (TUYET MAT) >>"}
    ),
    "file inside a PDF": attached(b"a.txt", "MẬT\n".encode()),
    "name of a file inside a PDF": attached(b"TUYET_MAT.txt", b"x"),
    "PDF that no reader opens": broken(page(b"BT /F1 14 Tf (TUYET MAT) Tj ET")),
    "paragraph": word("Kính gửi", "MẬT"),
    "page heading": word("Kính gửi", header="TỐI MẬT"),
    "title of an office file": word("Kính gửi", title="Kế hoạch (Mật)"),
    "cell": zipped(("[Content_Types].xml", b"<T/>"),
                   ("xl/sharedStrings.xml", "<sst><si><t>TUYỆT MẬT</t></si></sst>".encode())),
    "OpenDocument": zipped(
        ("mimetype", b"application/vnd.oasis.opendocument.text"), ("content.xml", "<text:p>MẬT</text:p>".encode())
    ),
    "old Word file": b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1" + bytes(501) + "\rTỐI MẬT\r".encode("utf-16-le"),
    "RTF": rb"{\rtf1 {\b M\u7852?T}\par Kinh gui}",
    "text file": "Số 15\r\nMẬT\r\n".encode(),
    "text in UTF-16": "Số 15\nMẬT\n".encode("utf-16"),
    "web page": "<html><p>\nTỐI MẬT\n</p>".encode(),
    "member of an archive": zipped(("a.txt", b"x"), ("b.pdf", unicode_page(HEADING, "MẬT"))),
    "name of a member": zipped(("ho so/Tối mật.txt", b"x")),
    "member of an archive in an archive": zipped(("a.zip", zipped(("b.txt", "TUYỆT MẬT".encode())))),
    "office file in an archive": zipped(("a.docx", word("MẬT"))),
}  # fmt: skip


@pytest.mark.parametrize("case", FOUND)
def test_found(case: str) -> None:
    mark = find_mark("15-BC.bin", FOUND[case])
    assert mark is not None
    assert mark.level in Level
    assert mark.place


NOT_FOUND = {
    "letter": letter(),
    "law's name": unicode_page("LUẬT BẢO VỆ BÍ MẬT NHÀ NƯỚC"),
    "law's name in pieces": unicode_page(
        content=b"BT /U 12 Tf 1 0 0 1 72 760 Tm "
        + hexed("BẢO VỆ BÍ ") + b" Tj 1 0 0 1 142 760 Tm " + hexed("MẬT") + b" Tj 1 0 0 1 170 760 Tm "
        + hexed(" NHÀ NƯỚC") + b" Tj ET"
    ),
    "honey": unicode_page("MẬT ONG", "Mật độ dân số", "đổi mật khẩu"),
    "levels of the law": word("Độ mật gồm Tuyệt mật, Tối mật, Mật"),
    "title about secrecy": information(hexed("\ufeffCông tác bảo vệ bí mật nhà nước")),
    "nothing": b"",
    "bytes": bytes(range(256)) * 40,
    "archive": zipped(("a.txt", b"x"), ("bao-mat.pdf", page())),
}  # fmt: skip


@pytest.mark.parametrize("case", NOT_FOUND)
def test_not_found(case: str) -> None:
    assert find_mark("15-BC.pdf", NOT_FOUND[case]) is None


def test_the_file_name_counts() -> None:
    assert find_mark("15-BC_MẬT.pdf", b"") is not None


def test_what_is_not_looked_at() -> None:
    """Bounds, on purpose: pictures cannot be read, and text in a font without a map is glyph numbers only."""
    assert find_mark("a.jpg", b"\xff\xd8\xff MAT") is None
    mute = b"<< /Type /Font /Subtype /Type0 /BaseFont /A /Encoding /Identity-H >>"
    pdf = page(b"BT /U 9 Tf <0001> Tj ET", objects={10: mute}).replace(b"/F1 5 0 R ", b"/U 10 0 R ", 1)
    assert find_mark("a.pdf", pdf) is None


def test_hostile_files_raise_nothing() -> None:
    dice = random.Random(3)
    for case in ("stamp annotation", "letters apart", "member of an archive", "paragraph", "metadata", "RTF"):
        data = FOUND[case]
        for _ in range(25):
            at = dice.randrange(len(data))
            find_mark("a", data[:at] + dice.randbytes(dice.randrange(40)) + data[at + dice.randrange(40) :])


def test_bombs_and_loops_raise_nothing() -> None:
    city = build_city(NOW, kind="p256")
    scene = Scene(city, SENDER, letter(), NOW)
    for attack in ATTACKS.values():
        if attack.kind is Class.BOMB:
            find_mark("a.pdf", attack.make(scene))
    loop = with_entry(body_of(page(), 3), b"/Annots 3 0 R")
    find_mark("a.pdf", appended(page(), {3: loop}))
    find_mark("a.zip", b"PK\x03\x04" + struct.pack("<L", 7) * 100)


def _locked() -> bytes:
    """An archive with a member under a password, by its flag."""
    archive = bytearray(zipped(("a.txt", b"x")))
    archive[6] |= 1
    archive[archive.index(b"PK\x01\x02") + 8] |= 1
    return bytes(archive)


def _pdf_in(depth: int) -> bytes:
    return attached(b"a.pdf", _pdf_in(depth - 1)) if depth else page()


CLOSED = {
    "member under a password": _locked(),
    "archive that is broken": zipped(("a.txt", b"x"))[:-30],
    "too many members": zipped(*((f"{number}.txt", b"x") for number in range(201))),
    "archive nested too deeply": zipped(("a.zip", zipped(("b.zip", zipped(("c.txt", b"MAT")))))),
    "too many files inside a PDF": page(
        catalog=b"/Names << /EmbeddedFiles << /Names [%s] >> >>" % (b"(a) 10 0 R " * 21),
        objects={10: b"<< /Type /Filespec /F (a.txt) /EF << /F 11 0 R >> >>", 11: stream(b"x")},
    ),
    "PDF inside a PDF inside a PDF inside a PDF": _pdf_in(3),
    "PDF under a password": page(more=b"/Encrypt << /Filter /Standard /V 1 /R 2 /O (o) /U (u) /P -1 >>"),
    "office file under a password": b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1"
    + bytes(504)
    + "EncryptedPackage".encode("utf-16-le"),
}  # fmt: skip
BEYOND = {
    "long text": b"x\n" * 3_000_000,
    "long page": page(b"q Q " * 600_000),
    "crowded page": page(b"() Tj " * 60_002),
    "many notes": page(
        entries=b"/Annots [%s]" % (b"10 0 R " * 101), objects={10: b"<< /Type /Annot /Subtype /Text >>"}
    ),
}  # fmt: skip


@pytest.mark.parametrize("case", CLOSED)
def test_what_no_search_can_open(case: str) -> None:
    missed = search("a.bin", CLOSED[case])
    assert isinstance(missed, Missed)
    assert missed.closed


@pytest.mark.parametrize("case", BEYOND)
def test_what_lies_beyond(case: str) -> None:
    missed = search("a.bin", BEYOND[case])
    assert isinstance(missed, Missed)
    assert missed.beyond
    assert not missed.closed


def test_everything_was_seen() -> None:
    for case in NOT_FOUND:
        assert search("15-BC.pdf", NOT_FOUND[case]) is None, case
    assert search("15-BC.bin", FOUND["member of an archive in an archive"]) is not None
