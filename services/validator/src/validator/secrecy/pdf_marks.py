"""Marks in a PDF: text of its first pages, annotations and stamps on them, form values, document information, metadata,
files inside it.

The file is read leniently, as this is no verdict on it. What cannot be read at all is searched stream by stream.
"""

import re
import zlib
from functools import partial
from html import unescape
from typing import Any

from pyhanko.pdf_utils import generic

from common.secrecy import Mark, mark_in_field, mark_in_text
from common.secrecy.markup import Markup, lines_of, readings
from validator.pdf.entries import entry
from validator.pdf.reader import Reader
from validator.secrecy.page_text import PageReader
from validator.secrecy.pdf_files import FileSearch, Nested
from validator.secrecy.pdf_pages import PageSearch, is_text, values_of_field
from validator.secrecy.search import Scan
from validator.secrecy.stream_data import stream_data

_ATTRIBUTE = re.compile(r"""=\s?["']([^"'<>]{1,200})["']""")
"""Values of attributes, as XMP may hold them (ISO 16684-1 §7.9.2.2)."""


def mark_in_pdf(document: bytes, nested: Nested, scan: Scan) -> Mark | None:
    """The first mark, with its place."""
    try:
        reader: Any = Reader(document, scan.policy, strict=False)
        if "/Encrypt" in reader.trailer:
            scan.missed.closed.append("encrypted PDF")
            return None
        root: Any = reader.trailer["/Root"]
    except Exception:
        return _mark_in_streams(document, scan)
    files = FileSearch(nested, scan)
    return (
        PageSearch(scan, PageReader(scan), files).mark_in_pages(root)
        or _mark_in_information(reader, scan)
        or _mark_in_metadata(root, scan)
        or _mark_in_form(root, scan)
        or files.mark_in_catalog(root)
    )


def _mark_in_information(reader: Any, scan: Scan) -> Mark | None:
    place = "document information"
    information = scan.tried(place, lambda: entry(reader.trailer, "/Info"), None)
    for key in information if isinstance(information, generic.DictionaryObject) else ():
        value = scan.tried(place, partial(entry, information, key), None)
        if is_text(value) and (mark := mark_in_field(str(value))):
            return mark.at(place)
    return None


def _mark_in_metadata(root: Any, scan: Scan) -> Mark | None:
    stream = scan.tried("metadata", lambda: entry(root, "/Metadata"), None)
    if not isinstance(stream, generic.StreamObject):
        return None
    made = stream_data(stream, scan.limits.max_stream_bytes, scan.limits)
    if made.fault:
        scan.missed.closed.append("metadata")
    if made.beyond:
        scan.missed.beyond.append("metadata")
    for text in readings(made.data):
        for line in [*lines_of(text, Markup.XML).splitlines(), *_ATTRIBUTE.findall(text)]:
            if line.strip() and (mark := mark_in_field(unescape(line.strip()))):
                return mark.at("metadata")
    return None


def _mark_in_form(root: Any, scan: Scan) -> Mark | None:
    """Values of form fields, those of fields without a place on a page included."""
    place = "form field"
    form = scan.tried(place, lambda: entry(root, "/AcroForm"), None)
    if not isinstance(form, generic.DictionaryObject):
        return None
    waiting = _listed(form, "/Fields", scan)
    for number, raw in enumerate(waiting):  # grows on the way
        if number >= scan.limits.max_annotations:
            scan.missed.beyond.append("form fields")
            return None
        field = scan.tried(place, raw.get_object, None)
        if not isinstance(field, generic.DictionaryObject):
            continue
        for value in values_of_field(scan.tried(place, partial(entry, field, "/V"), None)):
            if mark := mark_in_field(value):
                return mark.at(place)
        waiting += _listed(field, "/Kids", scan)
    return None


def _listed(node: Any, key: str, scan: Scan) -> list[Any]:
    """An array's references as they are; no more than are looked at."""
    array = scan.tried("form field", lambda: entry(node, key), None)
    return list(array)[: scan.limits.max_annotations + 1] if isinstance(array, generic.ArrayObject) else []


def _mark_in_streams(document: bytes, scan: Scan) -> Mark | None:
    """A file no reader opens: every stream that unpacks is read as page content, in simple fonts."""
    page_reader, limits = PageReader(scan), scan.limits
    for number, match in enumerate(re.finditer(rb"stream\r?\n", document)):
        if number >= limits.max_streams:
            scan.missed.beyond.append("streams")
            break
        data = document[match.end() : match.end() + limits.max_stream_bytes]
        try:
            data = zlib.decompressobj().decompress(data, limits.max_stream_bytes)
        except zlib.error:
            data = data.partition(b"endstream")[0][: limits.max_raw_stream_bytes]
        if mark := mark_in_text(page_reader.text(data, None)):
            return mark.at("unreadable PDF")
    return None
