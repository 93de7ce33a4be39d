"""Marks in a PDF: text of its first pages, annotations and stamps on them, form values, document information, metadata,
files inside it.

The file is read leniently, as this is no verdict on it. What cannot be read at all is searched stream by stream.
"""

import re
import zlib
from collections.abc import Callable, Iterator
from typing import Any, TypeVar

from pyhanko.pdf_utils import generic

from common.secrecy import Mark, mark_in_field, mark_in_text
from validator.pdf.entries import readable_entry
from validator.pdf.reader import Reader
from validator.pdf.schema import ANNOTATION_TEXT_KEYS
from validator.policy import SecrecyLimits
from validator.secrecy.page_text import PageReader
from validator.secrecy.pdf_files import FileSearch, Nested
from validator.secrecy.search import Scan

Value = TypeVar("Value")


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
        _mark_in_pages(root, files, scan)
        or _mark_in_information(reader)
        or _mark_in_metadata(root, scan)
        or _mark_in_form(root, scan)
        or files.mark_in_catalog(root)
    )


def _mark_in_pages(root: Any, files: FileSearch, scan: Scan) -> Mark | None:
    page_reader = PageReader(scan)
    for number, page in enumerate(_pages(root, scan.limits), start=1):
        if number > scan.limits.max_pages:
            break
        text = _page_text(page, page_reader, scan)
        if mark := (
            mark_in_text(text) or _mark_on_page(page, page_reader, files, scan) or files.mark_in_associated(page)
        ):
            return mark.at(f"page {number}")
    return None


def _page_text(page: Any, page_reader: PageReader, scan: Scan) -> str:
    resources = _inherited(page, "/Resources", scan.limits)
    return _unless_broken(lambda: page_reader.text(_content(page, scan.limits), resources), "")


def _mark_on_page(page: Any, page_reader: PageReader, files: FileSearch, scan: Scan) -> Mark | None:
    return _unless_broken(lambda: _mark_in_annotations(page, page_reader, files, scan), None)


def _mark_in_annotations(page: Any, page_reader: PageReader, files: FileSearch, scan: Scan) -> Mark | None:
    """Comments, stamps and the appearance of form fields."""
    for number, each in enumerate(readable_entry(page, "/Annots") or ()):
        if number >= scan.limits.max_annotations:
            scan.missed.beyond.append("annotations")
            break
        annotation = each.get_object()
        texts = [str(annotation[key]) for key in ANNOTATION_TEXT_KEYS if _is_text(annotation, key)]
        for text in [*texts, _drawn_text(annotation, page_reader)]:
            if mark := mark_in_text(text):
                return mark.at("annotation")
        if _is_text(annotation, "/V") and (mark := mark_in_field(str(annotation["/V"]))):
            return mark.at("annotation")
        if mark := files.mark_at_annotation(annotation):
            return mark.at("annotation")
    return None


def _drawn_text(annotation: Any, page_reader: PageReader) -> str:
    return _unless_broken(lambda: page_reader.form_text(annotation["/AP"]["/N"], None), "")


def _mark_in_information(reader: Any) -> Mark | None:
    information = readable_entry(reader.trailer, "/Info")
    if not isinstance(information, generic.DictionaryObject):
        return None
    for key in information:
        if _is_text(information, key) and (mark := mark_in_field(str(information[key]))):
            return mark.at("document information")
    return None


def _mark_in_metadata(root: Any, scan: Scan) -> Mark | None:
    most = scan.limits.max_stream_bytes
    data: bytes = _unless_broken(lambda: bytes(root["/Metadata"].data)[:most], b"")
    for line in re.split(r"<[^<>]{0,2000}>|\n", data.decode("utf-8", "ignore")):
        if line.strip() and (mark := mark_in_field(line.strip())):
            return mark.at("metadata")
    return None


def _mark_in_form(root: Any, scan: Scan) -> Mark | None:
    most = scan.limits.max_annotations
    fields: list[Any] = _unless_broken(lambda: list(root["/AcroForm"]["/Fields"]), [])
    if len(fields) > most:
        scan.missed.beyond.append("form fields")
    for value in map(_target, fields[:most]):
        if not isinstance(value, generic.DictionaryObject) or not _is_text(value, "/V"):
            continue
        if mark := mark_in_field(str(value["/V"])):
            return mark.at("form field")
    return None


def _pages(root: Any, limits: SecrecyLimits) -> Iterator[Any]:
    """Leaves of the page tree from the left; the limits end loops and crowds."""
    waiting = [readable_entry(root, "/Pages")]
    seen = 0
    while waiting and seen < limits.max_page_tree_nodes:
        seen += 1
        node = waiting.pop(0)
        if not isinstance(node, generic.DictionaryObject):
            continue
        if "/Kids" in node:
            waiting = [*map(_target, _kids(node)[: limits.max_kids]), *waiting]
        else:
            yield node


def _kids(node: Any) -> list[Any]:
    return _unless_broken(lambda: list(node["/Kids"]), [])


def _target(reference: Any) -> Any:
    """What a reference leads to; None = it cannot be read."""
    return _unless_broken(lambda: reference.get_object(), None)


def _inherited(page: Any, key: str, limits: SecrecyLimits) -> Any:
    node = page
    for _ in range(limits.max_parents):
        value = readable_entry(node, key)
        if value is not None:
            return value
        node = readable_entry(node, "/Parent")
        if node is None:
            return None
    return None


def _content(page: Any, limits: SecrecyLimits) -> bytes:
    if "/Contents" not in page:
        return b""
    content = page["/Contents"]
    parts = [each.get_object() for each in content] if isinstance(content, generic.ArrayObject) else [content]
    streams: list[bytes] = []
    size = 0
    for part in parts:
        if isinstance(part, generic.StreamObject) and size < limits.max_content_bytes:
            streams.append(bytes(part.data))
            size += len(streams[-1])
    return b"\n".join(streams)


def _is_text(dictionary: Any, key: str) -> bool:
    """Whether the entry is a text. A signature behind ``/V`` is not read: its message is long, and means nothing."""
    if key == "/V" and readable_entry(dictionary, "/FT") == "/Sig":
        return False
    return isinstance(readable_entry(dictionary, key), generic.TextStringObject | generic.ByteStringObject)


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


def _unless_broken(read: Callable[[], Value], otherwise: Value) -> Value:
    """Hostile bytes raise anything; what cannot be read holds no mark that people could see."""
    try:
        return read()
    except Exception:
        return otherwise
