"""What may come along: macros and packed programs are told by structure, bombs by sizes, the rest by an allow list."""

import random

import pytest

from common.domain.reason import Reason
from common.edxml import Limits
from common.edxml.sniff import Kind, sniff

from .test_attachments import BOTH_ZIP, OLE, PDF, named, office

TYPES = (
    b'<Types><Override PartName="/word/document.xml" '
    b'ContentType="application/vnd.ms-word.document.macroEnabled.main+xml"/></Types>'
)


def storage(entry: str, at: int = 512) -> bytes:
    """An old office file with a directory entry of that name."""
    filling = bytes(504) + random.Random(at).randbytes(at - 512)
    return (OLE[:8] + filling + entry.encode("utf-16-le")).ljust(at + 4096, b"\0")


def package(zipped, name: str, data: bytes = b"x") -> bytes:
    return zipped(("[Content_Types].xml", b"<Types/>"), ("word/document.xml", b"<w/>"), (name, data))


RUNS = {
    "VBA in Word": lambda z: package(z, "word/vbaProject.bin"),
    "VBA under another name": lambda z: package(z, "word/VbaProject1.bin"),
    "VBA data": lambda z: package(z, "word/vbaData.xml"),
    "VBA in Excel": lambda z: package(z, "xl/vbaProject.bin"),
    "Excel 4 macro sheet": lambda z: package(z, "xl/macrosheets/sheet1.xml"),
    "control": lambda z: package(z, "word/activeX/activeX1.bin"),
    "declared type": lambda z: zipped_types(z),
    "packed program": lambda z: package(z, "word/embeddings/oleObject1.bin", storage("\x01Ole10Native")),
    "OpenDocument Basic": lambda z: z(("mimetype", Kind.ODT.encode()), ("Basic/Standard/Module1.xml", b"x")),
    "OpenDocument script": lambda z: z(("mimetype", Kind.ODT.encode()), ("Scripts/python/a.py", b"x")),
    "old Word": lambda _: storage("Macros\0"),
    "old Excel": lambda _: storage("_VBA_PROJECT_CUR"),
    "old file with a packed program": lambda _: storage("\x01Ole10Native", 512 + 128 * 9),
    "far behind": lambda _: storage("_VBA_PROJECT", 512 + 128 * 40_000),
}


def zipped_types(zipped) -> bytes:
    return zipped(("[Content_Types].xml", TYPES), ("word/document.xml", b"<w/>"))


@pytest.mark.parametrize("case", RUNS)
def test_what_runs_is_refused(document, refusal, zipped, case) -> None:
    content = RUNS[case](zipped)
    name = "a.doc" if content[:4] != b"PK\x03\x04" else "a.docx"
    assert refusal(document(*named(name), content=content)).reason is Reason.E_ATT_TYPE
    assert refusal(document(BOTH_ZIP, content=zipped(("u.bin", content)))).reason is Reason.E_ATT_TYPE
    assert refusal(document(*named("a.zip"), content=zipped(("x", content)))).reason is Reason.E_ATT_TYPE


@pytest.mark.parametrize("name", ["a.docm", "a.XLSM", "a.pptm", "a.xlsb"])
def test_macro_formats_are_refused_by_name(document, refusal, zipped, name) -> None:
    assert refusal(document(*named(name), content=office(zipped))).reason is Reason.E_ATT_TYPE


def test_talking_about_macros_is_no_macro(document, read, zipped) -> None:
    text = "Macros VBA _VBA_PROJECT".encode("utf-16-le")
    read(document(*named("a.doc"), content=OLE + b"\0" + text + bytes(600)))
    read(document(*named("a.docx"), content=package(zipped, "word/media/image1.png")))


@pytest.mark.parametrize("magic", [b"Rar!\x1a\x07\0", b"7z\xbc\xaf\x27\x1c", b"\x1f\x8b\x08\0"])
def test_archives_that_nobody_looks_into_are_refused(document, refusal, zipped, magic) -> None:
    content = magic + bytes(60)
    assert refusal(document(*named("a.rar"), content=content)).reason is Reason.E_ATT_TYPE
    assert refusal(document(*named("a.zip"), content=zipped(("a.dat", content)))).reason is Reason.E_ATT_TYPE


def test_unknown_bytes_are_refused_and_unknown_text_is_not(document, refusal, read) -> None:
    assert refusal(document(*named("a.dat"), content=bytes(range(40)))).reason is Reason.E_ATT_TYPE
    for text in ("chữ,1\n".encode(), "chữ".encode("utf-16"), b"B\xb6ng l\xad\xacng\r\n\t", b"a\x1bb"):
        read(document(*named("a.csv", "text/csv"), content=text))


def test_an_office_bomb_is_refused(document, refusal, zipped) -> None:
    bomb = package(zipped, "word/media/big.xml", bytes(40_000_000))
    assert refusal(document(*named("a.docx"), content=bomb)).reason is Reason.E_ATT_ZIP
    limits = Limits(max_office_bytes=1000)
    large = package(zipped, "word/x.xml", bytes(2000))
    assert refusal(document(*named("a.docx"), content=large), limits).reason is Reason.E_ATT_ZIP


@pytest.mark.parametrize(
    ("head", "kind"),
    [(b"RIFF\0\0\0\0WEBPVP8 ", Kind.WEBP), (b"\0\0\0\x18ftypheic", Kind.HEIF), (b"AC1027", Kind.DWG),
     (b"\0\0\0\x0cjP  \r\n\x87\n", Kind.JPEG_2000),
     (b"\x30\x82\x01\x00\x06\x09\x2a\x86\x48\x86\xf7\x0d\x01\x07\x02", Kind.PKCS7)],
)  # fmt: skip
def test_further_kinds(document, read, head, kind) -> None:
    assert sniff(head) is kind
    assert read(document(*named("a.xyz"), content=head + bytes(50))).message.attachments[0].content_type == kind


def test_a_pdf_stays_a_pdf(document, read) -> None:
    assert read(document(content=PDF)).message.attachments[0].content_type == Kind.PDF
