"""One file, whatever it is: its name, its text, and the files inside it, nested once."""

import io
import zipfile

from common.edxml.sniff import HEAD_BYTES, MARKUP, SEALED, Kind, sniff
from common.secrecy import MAX_CHARS, Mark, mark_in_file_name, mark_in_text
from common.secrecy.markup import lines_of, markup_of, readings
from validator.policy import DEFAULT, Policy
from validator.secrecy.office_marks import is_office, mark_in_binary, mark_in_office, mark_in_rich_text
from validator.secrecy.pdf_marks import mark_in_pdf
from validator.secrecy.search import Missed, Scan

OLE = {Kind.OLE, Kind.DOC, Kind.XLS, Kind.PPT}


def search(name: str, data: bytes, policy: Policy = DEFAULT) -> Mark | Missed | None:
    """The first mark in a file; else what was not searched; None = all of it was, and there is no mark."""
    scan = Scan(policy)
    return _look(name, data, 0, scan) or (scan.missed if scan.missed else None)


def find_mark(name: str, data: bytes, policy: Policy = DEFAULT) -> Mark | None:
    """The first mark in a file, with its place. Members of archives are named by their number."""
    return _look(name, data, 0, Scan(policy))


def _look(name: str, data: bytes, depth: int, scan: Scan) -> Mark | None:
    if depth > scan.limits.max_nesting:
        scan.missed.closed.append("file nested too deeply")
        return None
    if mark := mark_in_file_name(name):
        return mark.at("file name")
    try:
        return _look_inside(data, depth, scan)
    except Exception:  # archives raise anything
        scan.missed.closed.append("file that cannot be read")
        return None


def _look_inside(data: bytes, depth: int, scan: Scan) -> Mark | None:
    kind = sniff(data[:HEAD_BYTES])
    if kind is Kind.PDF:
        return mark_in_pdf(data, lambda name, nested: _look(name, nested, depth + 1, scan), scan)
    if kind is Kind.ZIP:
        return _mark_in_zip(data, depth, scan)
    if kind in OLE:
        return mark_in_binary(data, scan)
    if kind is Kind.RTF:
        return mark_in_rich_text(data, scan)
    if kind is None or kind in MARKUP:
        return _mark_in_plain_text(data, scan)
    if kind in SEALED:
        scan.missed.closed.append("archive that nobody looks into")
    return None


def _mark_in_zip(data: bytes, depth: int, scan: Scan) -> Mark | None:
    limits = scan.limits
    with zipfile.ZipFile(io.BytesIO(data)) as archive:
        entries = [entry for entry in archive.infolist() if not entry.is_dir()]
        if is_office([entry.filename for entry in entries]):
            return mark_in_office(archive, lambda name, nested: _look(name, nested, depth + 1, scan), scan)
        if len(entries) > limits.max_members:
            scan.missed.closed.append(f"more than {limits.max_members} members of an archive")
        for number, entry in enumerate(entries[: limits.max_members], start=1):
            if mark := _mark_in_member(archive, entry, f"member {number}", depth, scan):
                return mark.at(f"member {number}")
    return None


def _mark_in_member(
    archive: zipfile.ZipFile, entry: zipfile.ZipInfo, place: str, depth: int, scan: Scan
) -> Mark | None:
    if mark := mark_in_file_name(entry.filename.rpartition("/")[2]):
        return mark
    if depth >= scan.limits.max_nesting or entry.file_size > scan.limits.max_member_bytes:
        if entry.file_size:
            scan.missed.closed.append(f"{place} of an archive")
        return None
    member = scan.tried(f"{place} of an archive", lambda: archive.read(entry), b"")
    return _look("", member, depth + 1, scan) if member else None


def _mark_in_plain_text(data: bytes, scan: Scan) -> Mark | None:
    head = data[: scan.limits.max_text_bytes]
    for text in readings(head):
        if len(data) > len(head) or len(text) > MAX_CHARS:
            scan.missed.beyond.append("text")
        is_marked_up = "<" in text or "&" in text
        if mark := mark_in_text(text) or (mark_in_text(lines_of(text, markup_of(text))) if is_marked_up else None):
            return mark.at("text")
    return None
