"""One file, whatever it is: its name, its text, and the files inside it, nested once."""

import io
import zipfile
import zlib

from common.edxml.sniff import HEAD_BYTES, MARKUP, Kind, sniff
from common.secrecy import Mark, mark_in_file_name, mark_in_text
from validator.secrecy.office import mark_in_binary, mark_in_office, mark_in_rich_text
from validator.secrecy.pdf import mark_in_pdf
from validator.secrecy.search import Missed

MAX_DEPTH = 2
"""An archive in an archive: what intake lets in."""
MAX_MEMBERS = 200
MAX_MEMBER_BYTES = 50 * 1024 * 1024
MAX_TEXT_BYTES = 4 * 1024 * 1024
UNREADABLE = (
    zipfile.BadZipFile, zipfile.LargeZipFile, OSError, ValueError, KeyError, EOFError, RuntimeError, zlib.error
)  # fmt: skip
"""What the library raises for archives that are broken, encrypted, or packed in a way it does not know."""
OLE = {Kind.OLE, Kind.DOC, Kind.XLS, Kind.PPT}


def search(name: str, data: bytes) -> Mark | Missed | None:
    """The first mark in a file; else what was not looked at, if anything was not."""
    missed = Missed()
    return find_mark(name, data, missed=missed) or (missed if missed else None)


def find_mark(name: str, data: bytes, depth: int = 0, missed: Missed | None = None) -> Mark | None:
    """The first mark in a file, with its place; names of members are not repeated, only their number."""
    missed = Missed() if missed is None else missed
    if depth > MAX_DEPTH:
        missed.closed.append("file nested too deeply")
        return None
    if found := mark_in_file_name(name):
        return found.at("file name")
    try:
        return _inside(data, depth, missed)
    except UNREADABLE:
        missed.closed.append("file that cannot be read")
        return None


def _inside(data: bytes, depth: int, missed: Missed) -> Mark | None:
    kind = sniff(data[:HEAD_BYTES])
    if kind is Kind.PDF:
        return mark_in_pdf(data, lambda name, held: find_mark(name, held, depth + 1, missed), missed)
    if kind is Kind.ZIP:
        return _in_zip(data, depth, missed)
    if kind in OLE:
        return mark_in_binary(data, missed)
    if kind is Kind.RTF:
        return mark_in_rich_text(data, missed)
    if kind is None or kind in MARKUP:
        return _in_plain_text(data, missed)
    return None


def _in_zip(data: bytes, depth: int, missed: Missed) -> Mark | None:
    with zipfile.ZipFile(io.BytesIO(data)) as archive:
        entries = [entry for entry in archive.infolist() if not entry.is_dir()]
        names = {entry.filename for entry in entries}
        if "[Content_Types].xml" in names or (entries and entries[0].filename == "mimetype"):
            return mark_in_office(data, missed)
        if len(entries) > MAX_MEMBERS:
            missed.closed.append(f"more than {MAX_MEMBERS} members of an archive")
        for number, entry in enumerate(entries[:MAX_MEMBERS], start=1):
            held = b""
            if depth < MAX_DEPTH and entry.file_size <= MAX_MEMBER_BYTES:
                with archive.open(entry) as member:
                    held = member.read(MAX_MEMBER_BYTES)
            elif entry.file_size:
                missed.closed.append(f"member {number} of an archive")
            found = mark_in_file_name(entry.filename.rpartition("/")[2]) or (
                find_mark("", held, depth + 1, missed) if held else None
            )
            if found:
                return found.at(f"member {number}")
    return None


def _in_plain_text(data: bytes, missed: Missed) -> Mark | None:
    head = data[:MAX_TEXT_BYTES]
    if len(data) > MAX_TEXT_BYTES:
        missed.beyond.append("text")
    for encoding in ("utf-16", "utf-8-sig") if head[:2] in (b"\xff\xfe", b"\xfe\xff") else ("utf-8-sig",):
        text = head.decode(encoding, "replace")
        if found := mark_in_text(text):
            return found.at("text")
    return None
