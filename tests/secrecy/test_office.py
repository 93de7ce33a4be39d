"""Marks in archives and office files: any part of markup, any file inside, in any encoding of XML."""

import pytest

from tests.secrecy.test_files import word, zipped
from validator.secrecy import find_mark, search
from validator.secrecy.search import Missed

TYPES = ("[Content_Types].xml", b"<Types/>")
TEXT = "<w:document><w:body><w:p><w:r><w:t>%s</w:t></w:r></w:p></w:body></w:document>"
SECRET, EMPTY = (TEXT % "MẬT").encode(), b"<w:document/>"
SLIDE = "<p:sld><a:p><a:r><a:t>MẬT</a:t></a:r></a:p></p:sld>".encode()
OLE = b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1" + bytes(501) + "\rTỐI MẬT\r".encode("utf-16-le")


def of_word(*parts: tuple[str, bytes], main: bytes = EMPTY) -> bytes:
    return zipped(TYPES, ("word/document.xml", main), *parts)


def of_excel(*parts: tuple[str, bytes]) -> bytes:
    return zipped(TYPES, ("xl/workbook.xml", b"<workbook/>"), *parts)


def of_slides(*parts: tuple[str, bytes]) -> bytes:
    return zipped(TYPES, ("ppt/presentation.xml", b"<p:presentation/>"), *parts)


def text(content: str) -> bytes:
    return of_word(main=(TEXT % content).encode())


FOUND = {
    "an archive with the types of an office file": zipped(TYPES, ("a.docx", word("MẬT"))),
    "an archive that begins with a media type": zipped(("mimetype", b"x"), ("a.docx", word("MẬT"))),
    "a text beside the types of an office file": zipped(TYPES, ("a.txt", "MẬT".encode())),
    "main part under another name": zipped(TYPES, ("word/document2.xml", SECRET)),
    "main part under a name of the writer's": zipped(TYPES, ("a/b.xml", SECRET)),
    "endnotes": of_word(("word/endnotes.xml", SECRET)),
    "glossary": of_word(("word/glossary/document.xml", SECRET)),
    "embedded document": of_word(("word/embeddings/a.docx", word("MẬT"))),
    "embedded PDF name": of_word(("word/embeddings/TUYET_MAT.pdf", b"%PDF-1.4")),
    "embedded old file": of_word(("word/embeddings/oleObject1.bin", OLE)),
    "chunk of a web page": of_word(("word/afchunk.htm", "<html><p>MẬT</p></html>".encode())),
    "chunk of text": of_word(("word/afchunk.txt", "MẬT".encode())),
    "chunk of text in UTF-16": of_word(("word/afchunk.dat", "Số 15\nMẬT\n".encode("utf-16-le"))),
    "chunk of RTF": of_word(("word/a.rtf", rb"{\rtf1 {\b M\u7852?T}\par Kinh gui}")),
    "UTF-16": of_word(main=("<?xml version='1.0' encoding='utf-16'?>" + TEXT % "MẬT").encode("utf-16")),
    "UTF-16 without a mark": of_word(main=("<?xml version='1.0'?>" + TEXT % "MẬT").encode("utf-16-be")),
    "in brackets": text("&lt;MẬT&gt;"),
    "other brackets": text("‹MẬT&gt;"),
    "by number": text("M&#7852;T"),
    "section": text("<![CDATA[MẬT]]>"),
    "runs": text("M</w:t></w:r><w:r><w:rPr><w:b/></w:rPr><w:t>ẬT"),
    "unknown prefix": of_word(main=b"<x:document>" + "<x:p><x:t>Số</x:t></x:p><x:p><x:t>MẬT</x:t></x:p>".encode()),
    "notes of a slide": of_slides(("ppt/notesSlides/notesSlide1.xml", SLIDE)),
    "master of slides": of_slides(("ppt/slideMasters/slideMaster1.xml", SLIDE)),
    "layout of slides": of_slides(("ppt/slideLayouts/slideLayout1.xml", SLIDE)),
    "comment on a slide": of_slides(("ppt/comments/comment1.xml", "<p:cm><p:text>MẬT</p:text></p:cm>".encode())),
    "comment on a cell": of_excel(("xl/comments1.xml", "<comments><text><t>MẬT</t></text></comments>".encode())),
    "head of a chart sheet": of_excel(("xl/chartsheets/sheet1.xml", "<oddHeader>MẬT</oddHeader>".encode())),
    "head of a sheet with codes": of_excel(
        ("xl/worksheets/sheet1.xml", "<oddHeader>&amp;C&amp;\"Arial,Bold\"&amp;14MẬT&amp;RTrang</oddHeader>".encode())
    ),
    "chart": of_excel(("xl/charts/chart1.xml", "<c:tx><c:v>MẬT</c:v></c:tx>".encode())),
    "cell with its own text": of_excel(
        ("xl/worksheets/sheet1.xml", "<c t='inlineStr'><is><t>MẬT</t></is></c>".encode())
    ),
    "binary sheet": zipped(
        TYPES, ("xl/workbook.bin", b"\x01\x02"),
        ("xl/sharedStrings.bin", b"\x13\x0b\x00\x03\x00\x00\x00" + "MẬT".encode("utf-16-le") + b"\x13\x0b\x00"),
    ),
    "OpenDocument, an object": zipped(
        ("mimetype", b"application/vnd.oasis.opendocument.text"), ("content.xml", b"<x/>"),
        ("Object 1/content.xml", "<text:p>MẬT</text:p>".encode()),
    ),
    "beside a member that is damaged": zipped(("a.txt", b"Kinh gui" * 9), ("b.txt", "MẬT".encode())).replace(
        b"a.txt", b"c.txt", 1
    ),
}  # fmt: skip
CLOSED = {
    "7z in an office file": of_word(("word/embeddings/a.bin", b"7z\xbc\xaf\x27\x1c" + bytes(50))),
    "archives too deep in an office file": of_word(
        ("word/a.zip", zipped(("b.zip", zipped(("c.zip", zipped(("d.txt", b"x")))))))
    ),
    "a damaged part": of_word(("word/endnotes.xml", SECRET)).replace(b"word/endnotes", b"word/endn0tes", 1),
}  # fmt: skip
OPEN = {
    "other words in runs": text("BÍ </w:t></w:r><w:r><w:t>MẬT</w:t></w:r><w:r><w:t> NHÀ NƯỚC"),
    "bold letters in a sheet": of_excel(
        ("xl/sharedStrings.xml", "<si><r><t>BÍ </t></r><r><rPr><b/></rPr><t>MẬT</t></r></si>".encode())
    ),
    "pictures, fonts, settings": of_word(
        ("word/media/image1.png", b"\x89PNG\r\n\x1a\n" + bytes(99)),
        ("word/media/image2.emf", b"\x01\0\0\0" + bytes(range(256)) * 9),
        ("word/fonts/font1.odttf", bytes(range(255, -1, -1)) * 9),
        ("word/printerSettings1.bin", bytes(range(256)) * 9),
    ),
    "embedded sheet": of_word(("word/embeddings/a.xlsx", of_excel())),
    "office file in an archive in an archive": zipped(("a.zip", zipped(("b.docx", of_word())))),
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


def test_the_place_tells_no_name_of_the_writer() -> None:
    mark = find_mark("a", zipped(TYPES, ("word/document.xml", EMPTY), ("word/Kế hoạch A.xml", SECRET)))
    assert mark is not None
    assert "Kế hoạch" not in str(mark)
