"""The text of office files: Office Open XML, OpenDocument, and the old binary ones as far as their strings go."""

import io
import re
import zipfile
from collections.abc import Iterator
from html import unescape

from common.secrecy import Mark, mark_in_field, mark_in_text
from validator.secrecy.search import Scan

_PARTS = re.compile(
    r"word/(?:document|header\d*|footer\d*|comments|footnotes)\.xml|xl/(?:sharedStrings|workbook|worksheets/sheet\d+)\.xml"
    r"|ppt/slides/slide\d+\.xml|xl/drawings/\w+\.(?:xml|vml)|content\.xml|styles\.xml"
)
ENCRYPTED = "EncryptedPackage".encode("utf-16-le")
"""Name of the stream that holds an office file under a password (MS-OFFCRYPTO §1.3.3)."""
_METADATA = re.compile(r"docProps/(?:core|app|custom)\.xml|meta\.xml")
_BREAK = re.compile(
    r"</(?:w:p|a:p|si|text:p|text:h|table:table-cell|c|f)>|<(?:w:br|w:tab|text:line-break|text:tab)\b[^>]*>"
)
_TAG = re.compile(r"<[^<>]*+>")


def mark_in_office(data: bytes, scan: Scan) -> Mark | None:
    """A mark in an office file in a ZIP: paragraphs, cells and slides, then its properties."""
    with zipfile.ZipFile(io.BytesIO(data)) as archive:
        for name, text in _parts(archive, _PARTS, scan):
            if mark := mark_in_text(_TAG.sub("", _BREAK.sub("\n", text))):
                return mark.at(name)
        for name, text in _parts(archive, _METADATA, scan):
            for value in _TAG.split(text):
                if value.strip() and (mark := mark_in_field(unescape(value.strip()))):
                    return mark.at(name)
    return None


def mark_in_binary(data: bytes, scan: Scan) -> Mark | None:
    """A mark in an old binary office file, whose text lies there in two-byte letters."""
    head = data[: scan.limits.max_binary_office_bytes]
    if ENCRYPTED in data:
        scan.missed.closed.append("encrypted office file")
    if len(data) > len(head):
        scan.missed.beyond.append("text")
    for at in (0, 1):
        text = head[at : at + (len(head) - at) // 2 * 2].decode("utf-16-le", "replace")
        if mark := mark_in_text(re.sub("[\x00-\x1f\ufffd]+", "\n", text)):
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


def _parts(archive: zipfile.ZipFile, wanted: re.Pattern[str], scan: Scan) -> Iterator[tuple[str, str]]:
    """Name and text of the wanted parts. Text beyond a limit is not read, so a bomb costs no more than a document."""
    limits = scan.limits
    entries = [entry for entry in archive.infolist() if wanted.fullmatch(entry.filename)]
    if len(entries) > limits.max_office_parts:
        scan.missed.beyond.append(f"part {limits.max_office_parts} and more")
    for entry in entries[: limits.max_office_parts]:
        if entry.file_size > limits.max_office_part_bytes:
            scan.missed.beyond.append(entry.filename)
        with archive.open(entry) as part:
            yield entry.filename, unescape(part.read(limits.max_office_part_bytes).decode("utf-8", "replace"))
