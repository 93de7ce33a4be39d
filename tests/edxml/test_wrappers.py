"""A ZIP wrapper holds one file, whichever way it is read: by its directory, or from its first byte on."""

import io
import struct
import zipfile
from collections.abc import Callable

import pytest
from tests.edxml.test_attachments import APPLE_DOUBLE, BOTH_ZIP, PDF, named

from common.domain.reason import Reason

OTHER = b"%PDF-1.4 another one"
CENTRAL, LOCAL, END = b"PK\x01\x02", b"PK\x03\x04", b"PK\x05\x06"


def zip_of(*entries: tuple[str, bytes], change: Callable[[zipfile.ZipFile], None] = lambda _: None, **kind) -> bytes:
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w", kind.get("method", zipfile.ZIP_DEFLATED)) as archive:
        for name, data in entries:
            archive.writestr(name, data)
        change(archive)
    return out.getvalue()


class _Unseekable(io.BytesIO):
    """Makes zipfile write data descriptors."""

    def seekable(self) -> bool:
        return False

    def seek(self, *_: object) -> int:
        raise OSError


def streamed(*entries: tuple[str, bytes], method: int = zipfile.ZIP_DEFLATED, signature: bool = True) -> bytes:
    out = _Unseekable()
    with zipfile.ZipFile(out, "w", method) as archive:
        for name, data in entries:
            archive.writestr(name, data)
    archive_bytes = out.getvalue()
    return archive_bytes if signature else _moved(archive_bytes.replace(b"PK\x07\x08", b""), -4)


def _moved(archive: bytes, by: int) -> bytes:
    """The same with the directory's offset moved along."""
    changed = bytearray(archive)
    at = archive.rindex(END) + 16
    struct.pack_into("<L", changed, at, struct.unpack_from("<L", archive, at)[0] + by)
    return bytes(changed)


def inserted(archive: bytes, at: int, more: bytes) -> bytes:
    return _moved(archive[:at] + more + archive[at:], len(more))


def put(archive: bytes, at: int, form: str, value: int) -> bytes:
    changed = bytearray(archive)
    struct.pack_into(form, changed, at, value)
    return bytes(changed)


def behind_the_content(archive: bytes, more: bytes) -> bytes:
    """Bytes that count as packed, behind the end of the deflate stream of the only member."""
    at = archive.index(CENTRAL)
    size = struct.unpack_from("<L", archive, 18)[0] + len(more)
    archive = inserted(archive, at, more)
    return put(put(archive, 18, "<L", size), archive.index(CENTRAL) + 20, "<L", size)


ONE = zip_of(("a.pdf", PDF))
HIDDEN = zip_of(("b.pdf", OTHER))
HIDDEN_MEMBER = HIDDEN[: HIDDEN.index(CENTRAL)]
ACCEPTED = {
    "deflated": ONE,
    "stored": zip_of(("a.pdf", PDF), method=zipfile.ZIP_STORED),
    "with data descriptors": streamed(("a.pdf", PDF)),
    "with data descriptors without signature": streamed(("a.pdf", PDF), signature=False),
    "letters beyond ASCII": zip_of(("văn bản.pdf", PDF)),
    "with a comment": zip_of(("a.pdf", PDF), change=lambda archive: setattr(archive, "comment", b"sent by X")),
    "metadata listed last, stored first": zip_of(
        ("._a.pdf", APPLE_DOUBLE), ("a.pdf", PDF), change=lambda archive: archive.filelist.reverse()
    ),
}
REFUSED = {
    "two files": zip_of(("a.pdf", PDF), ("b.pdf", OTHER)),
    "two files in folders": zip_of(("x/", b""), ("x/a.pdf", PDF), ("y/a.pdf", OTHER)),
    "an empty one beside it": zip_of(("a.pdf", PDF), ("b.pdf", b"")),
    "the directory turns the order round": zip_of(
        ("b.pdf", OTHER), ("a.pdf", PDF), change=lambda archive: archive.filelist.reverse()
    ),
    "a first file that is not listed": zip_of(
        ("b.pdf", OTHER), ("a.pdf", PDF), change=lambda archive: archive.filelist.pop(0)
    ),
    "a last file that is not listed": zip_of(
        ("a.pdf", PDF), ("b.pdf", OTHER), change=lambda archive: archive.filelist.pop()
    ),
    "a file between metadata and document": zip_of(
        ("._a.pdf", APPLE_DOUBLE), ("b.pdf", OTHER), ("a.pdf", PDF), change=lambda archive: archive.filelist.pop(1)
    ),
    "a file behind a content": behind_the_content(ONE, HIDDEN_MEMBER),
    "bytes behind the directory": ONE + bytes(20),
    "a file before the archive": HIDDEN_MEMBER + ONE,
    "an archive in the comment": zip_of(("a.pdf", PDF), change=lambda archive: setattr(archive, "comment", HIDDEN)),
    "another name at the file": ONE.replace(b"a.pdf", b"b.exe", 1),
    "another method at the file": put(ONE, 8, "<H", zipfile.ZIP_STORED),
    "another size at the file": put(ONE, 22, "<L", 3),
    "another packed size at the file": put(ONE, 18, "<L", 3),
    "another checksum at the file": put(ONE, 14, "<L", 3),
    "a descriptor announced at the file alone": put(ONE, 6, "<H", 8),
    "another size in the descriptor": put(
        (sent := streamed(("a.pdf", PDF))), sent.index(b"PK\x07\x08") + 12, "<L", 3
    ),
    "stored, with its size behind it": streamed(("a.pdf", PDF), method=zipfile.ZIP_STORED),
    "more files than the end counts": put(ONE, ONE.rindex(END) + 8, "<H", 7),
    "a folder with a content": zip_of(("b.pdf/", OTHER), ("a.pdf", PDF)),
    "a document under a name of metadata": zip_of(("__MACOSX/a.pdf", OTHER), ("a.pdf", PDF)),
    "metadata that a PDF reader opens": zip_of(("._a.pdf", APPLE_DOUBLE + OTHER), ("a.pdf", PDF)),
    "parts of an office document beside it": zip_of(
        ("a.pdf", PDF), ("[Content_Types].xml", b"<Types/>"), ("word/document.xml", b"<w/>")
    ),
}  # fmt: skip


@pytest.mark.parametrize("case", ACCEPTED)
def test_one_file_is_taken_out(document, read, case) -> None:
    parsed = read(document(BOTH_ZIP, content=ACCEPTED[case]))
    assert parsed.files[0].read() == PDF


@pytest.mark.parametrize("case", REFUSED)
def test_what_two_readers_may_take_for_two_files(document, refusal, case) -> None:
    assert refusal(document(BOTH_ZIP, content=REFUSED[case])).reason is Reason.E_ATT_ZIP


def test_an_office_document_declared_as_a_wrapper_opens_with_its_own_part(document, refusal, zipped) -> None:
    whole = zipped(("[Content_Types].xml", b"<Types/>"), ("word/document.xml", b"<w/>"))
    content = zipped(("b.docx", whole), ("[Content_Types].xml", b"<Types/>"), ("word/document.xml", b"<w/>"))
    assert refusal(document(*named("a.docx"), content=content)).reason is Reason.E_ATT_ZIP


def test_the_sentence_tells_what_is_wrong(document, refusal) -> None:
    refused = refusal(document(BOTH_ZIP, content=REFUSED["two files"]))
    assert refused.reason is Reason.E_ATT_ZIP
    assert "more than one file" in refused.detail
