"""The text of office files: Office Open XML, OpenDocument, and the old binary ones as far as their strings go."""

import io
import re
import zipfile
from collections.abc import Iterator
from html import unescape

from common.secrecy import Mark, mark_in_field, mark_in_text
from validator.secrecy.search import Missed

MAX_PART_BYTES = 4 * 1024 * 1024
MAX_PARTS = 60
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


def mark_in_office(data: bytes, missed: Missed) -> Mark | None:
    """A mark in an office file in a ZIP: paragraphs, cells and slides, then its properties."""
    with zipfile.ZipFile(io.BytesIO(data)) as archive:
        for name, text in _parts(archive, _PARTS, missed):
            if found := mark_in_text(_TAG.sub("", _BREAK.sub("\n", text))):
                return found.at(name)
        for name, text in _parts(archive, _METADATA, missed):
            for value in _TAG.split(text):
                if value.strip() and (found := mark_in_field(unescape(value.strip()))):
                    return found.at(name)
    return None


def mark_in_binary(data: bytes, missed: Missed) -> Mark | None:
    """A mark in an old binary office file: its text lies there in two-byte letters, or in one-byte ones."""
    head = data[: 4 * MAX_PART_BYTES]
    if ENCRYPTED in data:
        missed.closed.append("encrypted office file")
    if len(data) > len(head):
        missed.beyond.append("text")
    for at in (0, 1):
        text = head[at : at + (len(head) - at) // 2 * 2].decode("utf-16-le", "replace")
        if found := mark_in_text(re.sub("[\x00-\x1f\ufffd]+", "\n", text)):
            return found.at("text")
    return None


def mark_in_rich_text(data: bytes, missed: Missed) -> Mark | None:
    """A mark in RTF: escapes read, groups and control words left out."""
    text = data[:MAX_PART_BYTES].decode("cp1252", "replace")
    if len(data) > MAX_PART_BYTES:
        missed.beyond.append("text")
    text = re.sub(r"\\u(-?\d+)\s?(?:\\'[0-9a-fA-F]{2}|\?)?", lambda m: chr(int(m[1]) % 65536), text)
    text = re.sub(r"\\'([0-9a-fA-F]{2})", lambda m: bytes.fromhex(m[1]).decode("cp1258", "replace"), text)
    text = re.sub(r"\\(?:par|line|cell|row|sect)\b\s?", "\n", text)
    found = mark_in_text(re.sub(r"\\[a-z]+-?\d*\s?|[{}]", "", text))
    return found.at("text") if found else None


def _parts(archive: zipfile.ZipFile, wanted: re.Pattern[str], missed: Missed) -> Iterator[tuple[str, str]]:
    """Parts by name; text beyond a bound is not looked at, so a bomb costs no more than a document."""
    found = [entry for entry in archive.infolist() if wanted.fullmatch(entry.filename)]
    if len(found) > MAX_PARTS:
        missed.beyond.append(f"part {MAX_PARTS} and more")
    for entry in found[:MAX_PARTS]:
        if entry.file_size > MAX_PART_BYTES:
            missed.beyond.append(entry.filename)
        with archive.open(entry) as part:
            yield entry.filename, unescape(part.read(MAX_PART_BYTES).decode("utf-8", "replace"))
