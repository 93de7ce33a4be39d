"""ZIP attachments: what kind they are, whether they are safe, and the one file out of a transport wrapper.

Entry names are looked at and never used as paths.
"""

import lzma
import struct
import zipfile
import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from typing import IO, BinaryIO, cast

from common.domain.reason import Reason
from common.edxml.active import OLE, package_runs, storage_runs
from common.edxml.filenames import escapes
from common.edxml.limits import Limits
from common.edxml.payload import Measured, Sink
from common.edxml.sniff import FORBIDDEN_EXTENSIONS, HEAD_BYTES, SEALED, Kind, extension, sniff
from common.edxml.unreadable import Unreadable
from common.edxml.zip_layout import Disagreement, Member, Seekable, members_in_order, unpacked

CHUNK_BYTES = 64 * 1024
ENCRYPTED = 0x1
RUNS = "An office document holds macros or a program."
METHODS = (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED)
BROKEN = (
    zipfile.BadZipFile, zipfile.LargeZipFile, zlib.error, lzma.LZMAError, struct.error, EOFError, ValueError,
    LookupError, OverflowError, AttributeError, TypeError, NotImplementedError, RuntimeError,
)  # fmt: skip
"""What zipfile raises over damaged archives (UnicodeError is a ValueError)."""

MAC_FOLDER = "__MACOSX"
DESKTOP_FILES = frozenset({".ds_store", "desktop.ini"})
DESKTOP_HEADS = (
    b"\x00\x05\x16\x07", b"\x00\x05\x16\x00", b"\x00\x00\x00\x01Bud1",
    b"[.ShellClassInfo]", b"\r\n[.ShellClassInfo]", b"\xff\xfe[\x00.\x00S\x00",
)  # fmt: skip
"""First bytes of AppleDouble, AppleSingle, .DS_Store and desktop.ini."""
PDF_HEAD = b"%PDF-"
SHOWN = frozenset({Kind.PDF, Kind.ZIP, Kind.RTF, Kind.HTML, *OLE})
"""Kinds of documents that are no part of an office document's own."""

_OFFICE_FOLDERS = {"word/": Kind.DOCX, "xl/": Kind.XLSX, "ppt/": Kind.PPTX}
_OPEN_DOCUMENTS = {kind.value.encode(): kind for kind in (Kind.ODT, Kind.ODS, Kind.ODP)}


class Archive:
    """One ZIP file, opened with bounds. Use :func:`open_archive`."""

    def __init__(self, zip_file: zipfile.ZipFile, file: Seekable, limits: Limits) -> None:
        self._zip = zip_file
        self._file = file
        self._limits = limits
        self.entries = [entry for entry in zip_file.infolist() if not entry.filename.endswith("/")]

    def kind(self) -> Kind:
        """An office document if its parts say so, else ZIP."""
        names = set(self._zip.namelist())
        if "[Content_Types].xml" in names:
            return next((kind for folder, kind in _OFFICE_FOLDERS.items() if _any_in(names, folder)), Kind.PACKAGE)
        if self.entries and self.entries[0].filename == "mimetype":
            self._check_entry(self.entries[0])
            return _OPEN_DOCUMENTS.get(self._head(self.entries[0]).strip(), Kind.PACKAGE)
        return Kind.ZIP

    def opens_with_a_document(self) -> bool:
        """Whether the first file is one that people read, and no part of an office document."""
        return bool(self.entries) and sniff(self._head(self.entries[0])) in SHOWN

    def unwrap(self, into: Measured) -> bool:
        """Copy the one file beside a desktop's metadata. Returns whether such metadata stands before it.

        Receivers take the first file, by the directory or by local headers: there may be no other.
        Raises ``Unreadable``: E_ATT_ZIP, E_ATT_CORRUPT or E_SIZE.
        """
        for entry in self.entries:
            self._check_entry(entry)
        try:
            with _damage_named():
                return self._unwrap(into)
        except Disagreement as error:
            text = f"Two programs may find two files in a ZIP wrapper: {error}."
            raise Unreadable(Reason.E_ATT_ZIP, text) from error

    def _unwrap(self, into: Measured) -> bool:
        members = [each for each in members_in_order(self._zip, self._file) if self._holds_something(each)]
        documents = [member for member in members if not self._is_metadata(member)]
        if not documents:
            raise Unreadable(Reason.E_ATT_CORRUPT, "An attachment is an empty ZIP wrapper.")
        if len(documents) > 1:
            raise Unreadable(Reason.E_ATT_ZIP, "A ZIP wrapper holds more than one file.")
        for chunk in unpacked(documents[0], self._file):
            into.write(chunk)
        into.file.seek(0)
        return documents[0] is not members[0]

    def _holds_something(self, member: Member) -> bool:
        """A file; folders hold nothing."""
        if not member.entry.filename.endswith("/"):
            return True
        if member.entry.file_size or any(unpacked(member, self._file)):
            raise Disagreement("a folder with a content")
        return False

    def _is_metadata(self, member: Member) -> bool:
        """By name and content: under such a name there could be a document that some reader opens."""
        entry = member.entry
        *folders, name = entry.filename.split("/")
        is_named = folders[:1] == [MAC_FOLDER] or name.startswith("._") or name.lower() in DESKTOP_FILES
        if not is_named or entry.file_size > self._limits.max_desktop_file_bytes:
            return False
        content = b"".join(unpacked(member, self._file))
        return not content or (content.startswith(DESKTOP_HEADS) and PDF_HEAD not in content[:HEAD_BYTES])

    def check(self, sink: Sink, depth: int = 0) -> None:
        """Look at every entry of an archive that stays one.

        Raises ``Unreadable``: E_SIZE or E_ATT_ZIP for a bomb, E_ATT_TYPE for programs in it.
        """
        if sum(entry.file_size for entry in self.entries) > self._limits.max_attachment_bytes:
            raise Unreadable(Reason.E_SIZE, "A ZIP attachment unpacks to more than an attachment may have.")
        for entry in self.entries:
            self._check_entry(entry)
            kind = sniff(self._head(entry))
            if kind is Kind.EXECUTABLE or extension(entry.filename) in FORBIDDEN_EXTENSIONS:
                raise Unreadable(Reason.E_ATT_TYPE, "A ZIP attachment holds a program.")
            if kind in SEALED:
                raise Unreadable(Reason.E_ATT_TYPE, "A ZIP attachment holds an archive that nobody can look into.")
            if kind is Kind.ZIP or kind in OLE:
                self._check_nested(entry, kind, sink, depth + 1)

    def check_office(self) -> None:
        """Look at an office document.

        Raises ``Unreadable``: E_ATT_ZIP for a bomb, E_ATT_TYPE for macros and programs in it.
        """
        if sum(entry.file_size for entry in self.entries) > self._limits.max_office_bytes:
            raise Unreadable(Reason.E_ATT_ZIP, "An office document unpacks to more than such a document may have.")
        for entry in self.entries:
            allowed = max(CHUNK_BYTES * 16, entry.compress_size * self._limits.max_office_ratio)
            if entry.file_size > allowed:
                text = f"An office document packs more than {self._limits.max_office_ratio} to 1."
                raise Unreadable(Reason.E_ATT_ZIP, text)
        with _damage_named():
            runs = package_runs(self._zip)
        if runs:
            raise Unreadable(Reason.E_ATT_TYPE, RUNS)

    def _check_nested(self, entry: zipfile.ZipInfo, kind: Kind, sink: Sink, depth: int) -> None:
        with sink() as file:
            self._copy(entry, Measured(file, self._limits.max_attachment_bytes))
            if kind in OLE:
                if storage_runs(file):
                    raise Unreadable(Reason.E_ATT_TYPE, RUNS)
                return
            with open_archive(file, self._limits) as nested:
                if nested.kind() is not Kind.ZIP:
                    nested.check_office()
                    return
                if depth > self._limits.max_zip_nesting:
                    raise Unreadable(Reason.E_ATT_ZIP, "A ZIP attachment holds archives within archives.")
                nested.check(sink, depth)

    def _check_entry(self, entry: zipfile.ZipInfo) -> None:
        if escapes(entry.orig_filename):
            raise Unreadable(Reason.E_ATT_ZIP, "An entry name in a ZIP attachment leaves its folder.")
        if entry.flag_bits & ENCRYPTED or entry.compress_type not in METHODS:
            raise Unreadable(Reason.E_ATT_ZIP, "A ZIP attachment is encrypted or packed by an unusual method.")
        if entry.file_size > self._allowed_bytes(entry):
            raise Unreadable(Reason.E_ATT_ZIP, f"A ZIP attachment packs more than {self._limits.max_zip_ratio} to 1.")

    def _allowed_bytes(self, entry: zipfile.ZipInfo) -> int:
        return max(self._limits.zip_ratio_from_bytes, entry.compress_size * self._limits.max_zip_ratio)

    def _copy(self, entry: zipfile.ZipInfo, into: Measured) -> None:
        """zipfile stops at the size the entry declares, which has been checked, and compares its CRC."""
        with _damage_named(), self._zip.open(entry) as packed:
            while chunk := packed.read(CHUNK_BYTES):
                into.write(chunk)
        into.file.seek(0)

    def _head(self, entry: zipfile.ZipInfo) -> bytes:
        with _damage_named(), self._zip.open(entry) as packed:
            return packed.read(HEAD_BYTES)


@contextmanager
def open_archive(file: BinaryIO, limits: Limits) -> Iterator[Archive]:
    """Open a ZIP file that starts at its first byte. Raises ``Unreadable`` (E_ATT_CORRUPT) if it is none."""
    bounded = BoundedReads(file, limits.max_zip_directory_bytes)
    with _damage_named():
        zip_file = zipfile.ZipFile(cast(IO[bytes], bounded))
    with zip_file:
        yield Archive(zip_file, bounded, limits)


class BoundedReads:
    """A file that refuses to hand out very much at once: zipfile reads a table of contents as a whole."""

    def __init__(self, file: BinaryIO, max_bytes: int) -> None:
        self._file = file
        self._max_bytes = max_bytes

    def read(self, size: int = -1) -> bytes:
        """Read. Raises ``Unreadable`` (E_ATT_ZIP) beyond the bound."""
        if size > self._max_bytes:
            raise self._refusal()
        data = self._file.read(self._max_bytes + 1 if size < 0 else size)
        if len(data) > self._max_bytes:
            raise self._refusal()
        return data

    def seek(self, offset: int, whence: int = 0) -> int:
        """Seek; a place before the start means damage, not trouble."""
        base = 0 if whence == 0 else self._file.tell() if whence == 1 else self._file.seek(0, 2)
        if base + offset < 0:
            raise zipfile.BadZipFile("an offset lies before the file")
        self._file.seek(base + offset)
        return base + offset

    def tell(self) -> int:
        """Where it stands."""
        return self._file.tell()

    def seekable(self) -> bool:
        """Always."""
        return True

    def _refusal(self) -> Unreadable:
        return Unreadable(Reason.E_ATT_ZIP, "A ZIP attachment has too long a table of contents.")


@contextmanager
def _damage_named() -> Iterator[None]:
    try:
        yield
    except BROKEN as error:
        raise Unreadable(Reason.E_ATT_CORRUPT, "A ZIP attachment is damaged.") from error


def _any_in(names: set[str], folder: str) -> bool:
    return any(name.startswith(folder) for name in names)
