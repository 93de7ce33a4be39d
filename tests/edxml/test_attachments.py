"""What an attachment really is: wrappers, magic bytes, damage, dangerous archives."""

import hashlib
import io
import struct
import zipfile

import pytest

from common.domain.reason import Reason
from common.edxml import Limits, Tolerance, Unreadable, attachment_of, parse
from common.edxml.filenames import clean, escapes
from common.edxml.sniff import Kind, sniff

PDF = b"%PDF-1.7\n%\xe2\xe3\xcf\xd3\nbody\n%%EOF\n"
OLE = b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1" + bytes(600)
PNG = b"\x89PNG\r\n\x1a\n" + bytes(40)
EXE = b"MZ\x90\x00" + bytes(100)
DECLARED_ZIP = ("<ContentType>application/pdf<", "<ContentType>application/zip<")
BOTH_ZIP = ("ContentType>application/pdf<", "ContentType>application/zip<")


def named(name: str, media_type: str = "application/zip") -> list[tuple[str, str]]:
    return [("15-TB.pdf", name), ("ContentType>application/pdf<", f"ContentType>{media_type}<")]


def only(parsed):
    """The one attachment and the bytes of its file."""
    (attachment,), (file,) = parsed.message.attachments, parsed.files
    assert file.tell() == 0
    content = file.read()
    assert (attachment.size_bytes, attachment.sha256) == (len(content), hashlib.sha256(content).hexdigest())
    return attachment, content


def office(zipped, folder: str = "word/") -> bytes:
    return zipped(("[Content_Types].xml", b"<Types/>"), (folder + "document.xml", b"<w/>"))


def test_a_plain_file_is_what_it_is(document, read) -> None:
    attachment, content = only(read(document(content=PDF)))
    assert content == PDF
    assert (attachment.content_id, attachment.name) == ("a1", "15-TB.pdf")
    assert (attachment.content_type, attachment.declared_type) == ("application/pdf", "application/pdf")


def test_a_wrapper_is_taken_off(document, read, zipped) -> None:
    parsed = read(document(BOTH_ZIP, content=zipped(("0f3a.pdf", PDF))))
    attachment, content = only(parsed)
    assert content == PDF
    assert (attachment.name, attachment.content_type) == ("15-TB.pdf", "application/pdf")
    assert attachment.declared_type == "application/zip"
    assert parsed.warnings == ()


def test_a_wrapper_that_nobody_declared_is_noted(document, read, zipped) -> None:
    parsed = read(document(content=zipped(("x.tmp", PDF))))
    assert only(parsed)[1] == PDF
    assert parsed.warnings == (Tolerance.T14,)


def test_a_wrapper_declared_in_one_place_is_noted(document, read, zipped) -> None:
    assert read(document(DECLARED_ZIP, content=zipped(("x.pdf", PDF)))).warnings == (Tolerance.T14,)


def test_a_folder_in_a_wrapper_is_no_file(document, read, zipped) -> None:
    content = zipped(("folder/", b""), ("folder/a.pdf", PDF))
    assert only(read(document(BOTH_ZIP, content=content)))[1] == PDF


APPLE_DOUBLE = b"\x00\x05\x16\x07\x00\x02\x00\x00Mac OS X        "
DESKTOP = {
    "AppleDouble in its folder": [("__MACOSX/", b""), ("__MACOSX/._a.pdf", APPLE_DOUBLE)],
    "AppleDouble beside it": [("._a.pdf", APPLE_DOUBLE)],
    "AppleDouble in a folder": [("x/._a.pdf", APPLE_DOUBLE)],
    ".DS_Store": [(".DS_Store", b"\x00\x00\x00\x01Bud1\x00\x00")],
    "desktop.ini": [("Desktop.ini", b"[.ShellClassInfo]\r\nIconFile=x")],
    "several": [(".DS_Store", b""), ("__MACOSX/._.DS_Store", APPLE_DOUBLE), ("__MACOSX/._a.pdf", APPLE_DOUBLE)],
}


@pytest.mark.parametrize("case", DESKTOP)
def test_what_a_desktop_leaves_behind_is_passed_over(document, read, zipped, case) -> None:
    parsed = read(document(BOTH_ZIP, content=zipped(*DESKTOP[case], ("a.pdf", PDF))))
    assert only(parsed)[1] == PDF
    assert parsed.warnings == (Tolerance.T27,)
    behind = read(document(BOTH_ZIP, content=zipped(("a.pdf", PDF), *DESKTOP[case])))
    assert only(behind)[1] == PDF
    assert behind.warnings == ()


@pytest.mark.parametrize("name", ["__MACOSX/a.pdf", "._a.pdf", ".DS_Store", "desktop.ini"])
def test_a_document_under_such_a_name_is_the_document(document, read, zipped, name) -> None:
    """Receivers' software may open it: nothing that it can show is passed over."""
    first = b"%PDF-1.4 another one"
    assert only(read(document(BOTH_ZIP, content=zipped((name, first)))))[1] == first


@pytest.mark.parametrize("case", DESKTOP)
def test_a_wrapper_of_nothing_else_is_empty(document, refusal, zipped, case) -> None:
    assert refusal(document(BOTH_ZIP, content=zipped(*DESKTOP[case]))).reason is Reason.E_ATT_CORRUPT


@pytest.mark.parametrize(
    ("folder", "name", "kind"),
    [("word/", "a.docx", Kind.DOCX), ("xl/", "a.xlsx", Kind.XLSX), ("ppt/", "a.pptx", Kind.PPTX)],
)
def test_office_files_stay_whole_wrapped_or_not(document, read, zipped, folder, name, kind) -> None:
    content = office(zipped, folder)
    for sent in (content, zipped(("u.bin", content))):
        attachment, stored = only(read(document(*named(name), content=sent)))
        assert (attachment.content_type, stored) == (kind, content)


def test_open_documents_stay_whole(document, read, zipped) -> None:
    content = zipped(("mimetype", b"application/vnd.oasis.opendocument.text"), ("content.xml", b"<x/>"))
    assert only(read(document(*named("a.odt"), content=content)))[0].content_type == Kind.ODT


@pytest.mark.parametrize("change", [[("15-TB.pdf", "hồ sơ.ZIP")],
                                    [("</AttachmentName><C", "</AttachmentName><Format>zip</Format><C")],
                                    [("15-TB.pdf", "15-TB.pdf.zip")]])  # fmt: skip
def test_an_archive_that_says_so_stays_one(document, read, zipped, change) -> None:
    content = zipped(("a.pdf", PDF), ("b.pdf", PDF))
    attachment, stored = only(read(document(*change, BOTH_ZIP, content=content)))
    assert (attachment.content_type, stored) == ("application/zip", content)


def test_old_office_files_are_told_by_name(document, read, zipped) -> None:
    attachment, _ = only(read(document(*named("bảng.xls"), content=zipped(("u.xls", OLE)))))
    assert attachment.content_type == "application/vnd.ms-excel"


def test_markup_under_a_word_name_is_read_and_noted(document, read, zipped) -> None:
    parsed = read(document(*named("a.doc"), content=zipped(("u.edxml", b'<?xml version="1.0"?><edXML/>'))))
    assert only(parsed)[0].content_type == "application/xml"
    assert parsed.warnings == (Tolerance.T14,)


def test_unknown_bytes_are_what_they_are_declared(document, read) -> None:
    attachment, _ = only(read(document(*named("a.txt", "text/plain"), content="chữ".encode())))
    assert attachment.content_type == "text/plain"
    attachment, _ = only(read(document(*named("a.xyz"), content=b"abc")))
    assert attachment.content_type == "application/octet-stream"


def test_manifest_order_is_the_order_of_the_files(document, read) -> None:
    text = document(content=PDF).decode()
    start, end = text.index("    <Attachment>"), text.index("  </AttachmentEncoded>")
    other = text[start:end].replace("cid:a1", "cid:a2").replace("15-TB.pdf", "phụ lục.pdf")
    reference = text[text.index("        <edXML:Reference>") : text.index("      </edXML:edXMLManifest>")]
    text = text.replace("    <Attachment>", other + "    <Attachment>")
    text = text.replace(reference, reference + reference.replace("cid:a1", "cid:a2"))
    parsed = read(text.encode())
    assert [attachment.name for attachment in parsed.message.attachments] == ["15-TB.pdf", "phụ lục.pdf"]
    assert len(parsed.files) == 2


@pytest.mark.parametrize("line_end", ["\n", "\r\n", "&#13;\n", " \t"])
def test_base64_may_be_broken_into_lines(document, read, line_end) -> None:
    text = document(content=PDF * 50).decode()
    start = text.index("JVBERi"), text.index("</edXML:ContentTransferEncoded>")
    code = text[start[0] : start[1]]
    lines = line_end.join(code[at : at + 75] for at in range(0, len(code), 75))
    assert only(read(text.replace(code, line_end + lines + line_end).encode()))[1] == PDF * 50


def test_base64_in_cdata(document, read) -> None:
    text = (
        document(content=PDF)
        .decode()
        .replace(">JVBERi", "><![CDATA[JVBERi")
        .replace("</edXML:ContentTr", "]]></edXML:ContentTr")
    )
    assert only(read(text.encode()))[1] == PDF


@pytest.mark.parametrize(
    "content",
    [
        EXE,
        b"\x7fELF" + bytes(60),
        b"#!/bin/sh\nrm",
        b"\xcf\xfa\xed\xfe" + bytes(30),
        b"L\0\0\0\x01\x14\x02\0",
        b"@echo off\r\n",
    ],
)
def test_programs_are_refused_by_their_bytes(document, refusal, zipped, content) -> None:
    assert refusal(document(content=content)).reason is Reason.E_ATT_TYPE
    assert refusal(document(BOTH_ZIP, content=zipped(("a.pdf", content)))).reason is Reason.E_ATT_TYPE
    assert refusal(document(*named("a.zip"), content=zipped(("a.pdf", content)))).reason is Reason.E_ATT_TYPE


@pytest.mark.parametrize("name", ["a.exe", "a.pdf.js", "a.pdf.EXE ", "x.bat"])
def test_programs_are_refused_by_their_names(document, refusal, name) -> None:
    assert refusal(document(("15-TB.pdf", name))).reason is Reason.E_ATT_TYPE


def test_bytes_that_fit_neither_name_nor_type_are_refused(document, refusal, read) -> None:
    assert refusal(document(content=PNG)).reason is Reason.E_ATT_TYPE
    assert refusal(document(content=b"<!DOCTYPE html><p>404")).reason is Reason.E_ATT_TYPE
    parsed = read(document(("ContentType>application/pdf<", "ContentType>image/png<"), content=PNG))
    assert parsed.message.attachments[0].content_type == "image/png"
    assert Tolerance.T14 in parsed.warnings


def test_a_picture_may_be_of_another_picture_format(document, read) -> None:
    assert (
        read(document(*named("scan.jpg", "image/jpeg"), content=PNG)).message.attachments[0].content_type == "image/png"
    )


def decoded_as_text(content: bytes) -> bytes:
    return content.decode("utf-8", "replace").encode()


def test_bytes_decoded_as_text_are_damaged(document, refusal, zipped) -> None:
    noise = bytes(range(256)) * 20
    for content in (PDF + noise, PNG + noise, OLE + noise, zipped(("a", noise))):
        assert refusal(document(*named("a.bin"), content=decoded_as_text(content))).reason is Reason.E_ATT_CORRUPT
    wrapped = zipped(("a.pdf", decoded_as_text(PDF + noise)))
    assert refusal(document(BOTH_ZIP, content=wrapped)).reason is Reason.E_ATT_CORRUPT


def test_a_few_replacement_characters_are_no_damage(document, read) -> None:
    read(document(content=PDF + b"\xef\xbf\xbd" * 3 + bytes(5000)))


def test_a_truncated_or_altered_archive_is_damaged(document, refusal, zipped) -> None:
    content = zipped(("a.pdf", PDF * 100))
    altered = bytearray(content)
    altered[60] ^= 0xFF
    for broken in (content[:-30], bytes(altered), content[:4] + bytes(200), b"PK\x03\x04", zipped()):
        assert refusal(document(BOTH_ZIP, content=broken)).reason is Reason.E_ATT_CORRUPT


@pytest.mark.parametrize(
    "name", ["../a.pdf", "/a.pdf", "a/../../b", "C:\\a.pdf", "..\\a.pdf", "\\\\host\\a", "a/..\\b"]
)
def test_entries_that_leave_their_folder_are_refused(document, refusal, zipped, name) -> None:
    for form in (BOTH_ZIP, *[("15-TB.pdf", "a.zip")]):
        content = zipped(("ok.pdf", PDF), (name, PDF))
        assert refusal(document(form, content=content)).reason is Reason.E_ATT_ZIP


def test_an_entry_name_with_a_nul_is_refused(document, refusal, zipped) -> None:
    content = zipped(("a.pdf@.exe", PDF)).replace(b"a.pdf@.exe", b"a.pdf\0.exe")
    assert refusal(document(BOTH_ZIP, content=content)).reason is Reason.E_ATT_ZIP


def test_bombs_are_refused_before_they_unpack(document, refusal, zipped) -> None:
    bomb = zipped(("a.pdf", PDF + bytes(5_000_000)))
    assert refusal(document(BOTH_ZIP, content=bomb)).reason is Reason.E_ATT_ZIP
    assert refusal(document(*named("a.zip"), content=bomb)).reason is Reason.E_ATT_ZIP


def test_a_small_blank_form_is_no_bomb(document, read, zipped) -> None:
    read(document(BOTH_ZIP, content=zipped(("a.pdf", PDF + bytes(50_000)))))


def test_an_archive_that_hides_its_size_is_damaged(document, refusal, zipped) -> None:
    content = bytearray(zipped(("a.pdf", PDF + bytes(5_000_000))))
    at = content.index(b"PK\x01\x02")
    struct.pack_into("<L", content, at + 24, 1000)
    assert refusal(document(BOTH_ZIP, content=bytes(content))).reason is Reason.E_ATT_ZIP


def test_unpacking_stops_at_the_size_limit(document, refusal, zipped) -> None:
    content = zipped(("a.pdf", PDF + b"abcdefgh" * 1000))
    limits = Limits(max_attachment_bytes=4000)
    assert refusal(document(BOTH_ZIP, content=content), limits).reason is Reason.E_SIZE
    assert refusal(document(*named("a.zip"), content=content), limits).reason is Reason.E_SIZE


def test_encrypted_archives_are_refused(document, refusal, zipped) -> None:
    content = bytearray(zipped(("a.pdf", PDF)))
    for at in (6, content.index(b"PK\x01\x02") + 8):
        content[at] |= 1
    for form in ([BOTH_ZIP], named("a.zip")):
        assert refusal(document(*form, content=bytes(content))).reason is Reason.E_ATT_ZIP


def test_unusual_methods_are_refused(document, refusal, zipped) -> None:
    content = zipped(("a.pdf", PDF), method=zipfile.ZIP_LZMA)
    assert refusal(document(BOTH_ZIP, content=content)).reason is Reason.E_ATT_ZIP


def test_nesting_ends_after_one_level(document, refusal, read, zipped) -> None:
    inner = zipped(("a.pdf", PDF))
    outer = zipped(("inner.zip", inner), ("b.pdf", PDF))
    read(document(*named("a.zip"), content=outer))
    assert refusal(document(*named("a.zip"), content=zipped(("outer.bin", outer)))).reason is Reason.E_ATT_ZIP
    assert refusal(document(BOTH_ZIP, content=zipped(("u.pdf", inner)))).reason is Reason.E_ATT_ZIP


def test_long_tables_of_contents_are_refused_unread(document, refusal, zipped) -> None:
    content = zipped(*((f"{number:08}", b"") for number in range(2000)))
    limits = Limits(max_zip_directory_bytes=70_000)
    assert refusal(document(*named("a.zip"), content=content), limits).reason is Reason.E_ATT_ZIP


def test_files_are_closed_when_a_package_is_refused(document, zipped) -> None:
    opened: list[io.BytesIO] = []

    def sink() -> io.BytesIO:
        opened.append(io.BytesIO())
        return opened[-1]

    with pytest.raises(Unreadable):
        parse(io.BytesIO(document(BOTH_ZIP, content=zipped(("u.pdf", EXE)))), sink)
    assert len(opened) == 2
    assert all(file.closed for file in opened)
    opened.clear()
    (attachment_file,) = parse(io.BytesIO(document(BOTH_ZIP, content=zipped(("u.pdf", PDF)))), sink).files
    assert [file.closed for file in opened] == [True, False]
    assert opened[1] is attachment_file


@pytest.mark.parametrize(
    ("name", "expected"),
    [("a.pdf", "a.pdf"), ("../../etc/passwd", "passwd"), ("C:\\temp\\công văn.pdf", "công văn.pdf"),
     (".htaccess", "htaccess"),
     ("gpj\u202efdp.exe", "gpjfdp.exe"), ("a\n.pdf", "a.pdf"), ("..", "attachment"), ("///", "attachment"),
     ("a.pdf. ", "a.pdf")],
)  # fmt: skip
def test_file_names_lose_what_could_do_harm(name, expected) -> None:
    assert clean(name) == expected


@pytest.mark.parametrize(
    ("entry", "expected"), [("a/b.pdf", False), ("a\\b.pdf", False), ("a..b", False), ("x/", False), ("d:x", True)]
)
def test_entry_names(entry, expected) -> None:
    assert escapes(entry) is expected


@pytest.mark.parametrize(
    ("head", "kind"),
    [(b"%PDF-1.4", Kind.PDF), (b"\r\njunk %PDF-1.4", Kind.PDF), (b"PK\x03\x04..%PDF-1.4", Kind.ZIP),
     (b"{\\rtf1", Kind.RTF),
     (b"\xff\xd8\xff\xe0", Kind.JPEG), (b"II*\0", Kind.TIFF), (b"GIF89a", Kind.GIF), (b"Rar!\x1a\x07\0", Kind.RAR),
     (b"7z\xbc\xaf\x27\x1c", Kind.SEVEN_ZIP), (b"\xef\xbb\xbf <?xml ", Kind.XML), (b" <HTML>", Kind.HTML), (b"", None),
     (b"MZ is a text", None), ("chữ".encode(), None)],
)  # fmt: skip
def test_magic(head, kind) -> None:
    assert sniff(head) is kind


def test_attachments_for_building(zipped) -> None:
    assert attachment_of("a", "x.pdf", PDF).content_type == "application/pdf"
    assert attachment_of("a", "x.docx", office(zipped)).content_type == Kind.DOCX
    assert attachment_of("a", "x.zip", zipped(("a", PDF))).content_type == Kind.ZIP
    with pytest.raises(ValueError, match="wrapper"):
        attachment_of("a", "x.pdf", zipped(("a", PDF)))
