"""The text of office files: Office Open XML, OpenDocument, and the old binary ones as far as their strings go."""

import re
import zipfile
from collections.abc import Callable
from functools import partial

from common.edxml.sniff import HEAD_BYTES, IMAGES, is_text, sniff
from common.secrecy import Mark, mark_in_field, mark_in_text
from common.secrecy.markup import Markup, lines_of, readings, values_of
from validator.secrecy.search import Scan

_MAIN = re.compile(r"(?:word/document|xl/workbook|ppt/presentation)\d*\.(?:xml|bin)")
_NAMED = re.compile(
    r"word/(?:document|header|footer|comments|footnotes|endnotes)\d*\.xml"
    r"|xl/(?:sharedStrings|workbook|comments\d*|(?:worksheets|chartsheets)/sheet\d+)\.xml"
    r"|ppt/(?:slides/slide|notesSlides/notesSlide|slideMasters/slideMaster|slideLayouts/slideLayout)\d+\.xml"
    r"|content\.xml|styles\.xml|docProps/(?:core|app|custom)\.xml|meta\.xml"
)
"""Parts that are named in reports; other names are the writer's and may tell what is secret."""
_MARKUP_NAMES = (".xml", ".vml", ".rels")
_HEADER_CODE = re.compile(r"&(?:\"[^\"\n]{0,100}\"|K[0-9A-Fa-f]{6}|\d{1,3}|[A-Z])")
"""Codes in the heads and feet of sheets (ECMA-376 part 1, 18.3.1.46)."""
ENCRYPTED = "EncryptedPackage".encode("utf-16-le")
"""Name of the stream that holds an office file under a password (MS-OFFCRYPTO §1.3.3)."""
_METADATA = re.compile(r"docProps/(?:core|app|custom)\.xml|meta\.xml")
_CONTROLS = re.compile("[\x00-\x1f\ufffd]+")
_NO_LETTERS = re.compile("[^ -\u024f\u02b0-\u04ff\u1e00-\u206f]+")
"""What stands between the strings of a binary sheet (MS-XLSB): neither Latin nor what looks like it."""
Nested = Callable[[str, bytes], Mark | None]
"""Looks into a file inside this one: name, bytes."""


def is_office(names: list[str]) -> bool:
    """Whether the members of an archive, in their order, make an office document: its main part is there."""
    if names[:1] == ["mimetype"]:
        return "content.xml" in names
    return "[Content_Types].xml" in names and any(map(_MAIN.fullmatch, names))


def mark_in_office(archive: zipfile.ZipFile, nested: Nested, scan: Scan) -> Mark | None:
    """A mark in an office file in a ZIP: in any part of markup, or in a file inside it.

    What is read of all parts together is limited, so a bomb costs no more than a document.
    """
    limits = scan.limits
    entries = [entry for entry in archive.infolist() if not entry.is_dir()]
    entries.sort(key=lambda entry: not _NAMED.fullmatch(entry.filename))
    left = limits.max_office_bytes
    for number, entry in enumerate(entries, start=1):
        place = entry.filename if _NAMED.fullmatch(entry.filename) else f"part {number}"
        if number > limits.max_office_parts or left <= 0:
            scan.missed.beyond.append(f"{place} and more")
            return None
        part = scan.tried("part of an office file", partial(_read, archive, entry, scan, place), b"")
        left -= len(part)
        if mark := _mark_in_part(entry.filename, part, nested, scan):
            return mark.at(place)
    return None


def _read(archive: zipfile.ZipFile, entry: zipfile.ZipInfo, scan: Scan, place: str) -> bytes:
    """A part as far as it is looked at: nothing of pictures, of markup the beginning, other files whole."""
    with archive.open(entry) as opened:
        head = opened.read(HEAD_BYTES)
        if sniff(head) in IMAGES:
            return b""
        is_markup = entry.filename.lower().endswith(_MARKUP_NAMES)
        most = scan.limits.max_office_part_bytes if is_markup else scan.limits.max_member_bytes
        if entry.file_size > most:
            (scan.missed.beyond if is_markup else scan.missed.closed).append(place)
        return head + opened.read(most - len(head))


def _mark_in_part(name: str, part: bytes, nested: Nested, scan: Scan) -> Mark | None:
    if not name.lower().endswith(_MARKUP_NAMES):
        return _mark_in_file(name, part, nested, scan)
    for text in readings(part):
        lines = lines_of(text, Markup.SHEET)
        if mark := mark_in_text(_HEADER_CODE.sub("\n", lines) if name.startswith("xl/") else lines):
            return mark
        if _METADATA.fullmatch(name):
            for value in values_of(text):
                if mark := mark_in_field(value):
                    return mark
    return None


def _mark_in_file(name: str, file: bytes, nested: Nested, scan: Scan) -> Mark | None:
    """A file inside: whatever the common look knows. Fonts, drawings and settings are of no known kind and no text."""
    head = file[:HEAD_BYTES]
    if sniff(head) is None and not _may_be_text(head):
        return mark_in_binary(file, scan, _NO_LETTERS) if name.endswith(".bin") else None
    return nested(name.rpartition("/")[2], file) if file else None


def _may_be_text(head: bytes) -> bool:
    wide = (head.decode(encoding, "ignore").encode() for encoding in ("utf-16-le", "utf-16-be"))
    return is_text(head) or (b"\0" in head and any(is_text(each) and b"\0" not in each for each in wide))


def mark_in_binary(data: bytes, scan: Scan, ends: re.Pattern[str] = _CONTROLS) -> Mark | None:
    """A mark in a binary office file, whose text lies there in two-byte letters. ``ends``: what ends a line."""
    head = data[: scan.limits.max_binary_office_bytes]
    if ENCRYPTED in data:
        scan.missed.closed.append("encrypted office file")
    if len(data) > len(head):
        scan.missed.beyond.append("text")
    for at in (0, 1):
        text = head[at : at + (len(head) - at) // 2 * 2].decode("utf-16-le", "replace")
        if mark := mark_in_text(ends.sub("\n", text)):
            return mark.at("text")
    return None


def mark_in_rich_text(data: bytes, scan: Scan) -> Mark | None:
    """A mark in RTF: escapes read, groups and control words left out."""
    limit = scan.limits.max_office_part_bytes
    text = data[:limit].decode("cp1252", "replace")
    if len(data) > limit:
        scan.missed.beyond.append("text")
    text = re.sub(r"\\u(-?\d+)\s?(?:\\'[0-9a-fA-F]{2}|\?)?", lambda m: chr(int(m[1]) % 65536), text)
    text = re.sub(r"\\'([0-9a-fA-F]{2})", lambda m: bytes.fromhex(m[1]).decode("cp1258", "replace"), text)
    text = re.sub(r"\\(?:par|line|cell|row|sect)\b\s?", "\n", text)
    mark = mark_in_text(re.sub(r"\\[a-z]+-?\d*\s?|[{}]", "", text))
    return mark.at("text") if mark else None
