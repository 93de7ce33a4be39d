"""Marks in a PDF: text of its first pages, annotations and stamps on them, form values, document information, metadata,
files inside it.

The file is read leniently: this is no verdict on it. What cannot be read at all is searched stream by stream.
"""

import re
import zlib
from collections.abc import Callable, Iterator
from typing import Any

from pyhanko.pdf_utils import generic

from common.secrecy import Mark, mark_in_field, mark_in_file_name, mark_in_text
from validator.pdf.reader import Reader
from validator.secrecy.pdf_text import MAX_CONTENT_BYTES, PageReader, entry
from validator.secrecy.search import Missed

MAX_PAGES = 12
"""Pages looked at from the beginning: the stamp stands on the first page (ND 30/2020, appendix I, box 10a), and a
document of several parts bears it at the beginning of each."""
MAX_TREE_NODES = 400
MAX_ANNOTATIONS = 100
MAX_FILES = 20
MAX_STREAMS = 100
MAX_STREAM_BYTES = 256 * 1024
MAX_RAW_BYTES = 32 * 1024
"""Streams that do not unpack: pictures, mostly."""

Look = Callable[[], Mark | None]
Nested = Callable[[str, bytes], Mark | None]
"""Looks into a file inside this one."""


def mark_in_pdf(document: bytes, nested: Nested, missed: Missed) -> Mark | None:
    """The first mark found, with its place."""
    try:
        reader: Any = Reader(document, strict=False)
        if "/Encrypt" in reader.trailer:
            missed.closed.append("encrypted PDF")
            return None
        root: Any = reader.trailer["/Root"]
    except Exception:
        return _in_streams(document, missed)
    looks: list[Look] = [
        lambda: _in_pages(root, missed),
        lambda: _in_information(reader),
        lambda: _in_metadata(root),
        lambda: _in_form(root, missed),
        lambda: _in_files(root, nested, missed),
    ]
    for look in looks:
        if found := look():
            return found
    return None


def _in_pages(root: Any, missed: Missed) -> Mark | None:
    made = PageReader(missed)
    for number, page in enumerate(_pages(root), start=1):
        if number > MAX_PAGES:
            break
        resources = _inherited(page, "/Resources")
        text = _quiet(lambda page=page, resources=resources: made.text(_content(page), resources), "")  # type: ignore[misc]
        if found := mark_in_text(text) or _quiet(lambda page=page: _in_annotations(page, made, missed), None):  # type: ignore[misc]
            return found.at(f"page {number}")
    return None


def _in_annotations(page: Any, made: PageReader, missed: Missed) -> Mark | None:
    """Comments, stamps and the appearance of form fields."""
    for number, each in enumerate(entry(page, "/Annots") or ()):
        if number >= MAX_ANNOTATIONS:
            missed.beyond.append("annotations")
            break
        note = each.get_object()
        words = [str(note[key]) for key in ("/Contents", "/V", "/NM", "/Subj") if _is_text(note, key)]
        drawn = _quiet(lambda note=note: made.stream(note["/AP"]["/N"], None), "")  # type: ignore[misc]
        for text in [*words, drawn]:
            if found := mark_in_text(text):
                return found.at("annotation")
        if _is_text(note, "/V") and (found := mark_in_field(str(note["/V"]))):
            return found.at("annotation")
    return None


def _in_information(reader: Any) -> Mark | None:
    information = entry(reader.trailer, "/Info")
    if not isinstance(information, generic.DictionaryObject):
        return None
    for key in information:
        if _is_text(information, key) and (found := mark_in_field(str(information[key]))):
            return found.at("document information")
    return None


def _in_metadata(root: Any) -> Mark | None:
    data: bytes = _quiet(lambda: bytes(root["/Metadata"].data)[:MAX_STREAM_BYTES], b"")
    for line in re.split(r"<[^<>]{0,2000}>|\n", data.decode("utf-8", "ignore")):
        if line.strip() and (found := mark_in_field(line.strip())):
            return found.at("metadata")
    return None


def _in_form(root: Any, missed: Missed) -> Mark | None:
    fields = _quiet(lambda: list(root["/AcroForm"]["/Fields"]), [])
    if len(fields) > MAX_ANNOTATIONS:
        missed.beyond.append("form fields")
    for each in fields[:MAX_ANNOTATIONS]:
        value = _quiet(lambda each=each: each.get_object(), None)  # type: ignore[misc]
        if (
            isinstance(value, generic.DictionaryObject)
            and _is_text(value, "/V")
            and (found := mark_in_field(str(value["/V"])))
        ):
            return found.at("form field")
    return None


def _in_files(root: Any, nested: Nested, missed: Missed) -> Mark | None:
    for number, (name, data) in enumerate(_quiet(lambda: list(_files(root)), [])):
        if number >= MAX_FILES:
            missed.closed.append(f"more than {MAX_FILES} files inside a PDF")
            break
        if found := mark_in_file_name(name) or nested(name, data):
            return found.at("file inside the PDF")
    return None


def _files(root: Any) -> Iterator[tuple[str, bytes]]:
    """Embedded files by the catalog's name tree, two levels deep."""
    tree = root["/Names"]["/EmbeddedFiles"]
    leaves = [tree, *(kid.get_object() for kid in entry(tree, "/Kids") or ())]
    for leaf in leaves[: MAX_FILES + 1]:
        for each in list(entry(leaf, "/Names") or ())[1 : 2 * MAX_FILES + 2 : 2]:
            spec = each.get_object()
            name = str(entry(spec, "/UF") or entry(spec, "/F") or "")
            data = _quiet(lambda spec=spec: bytes(spec["/EF"]["/F"].data), b"")  # type: ignore[misc]
            yield name, data


def _pages(root: Any) -> Iterator[Any]:
    """Leaves of the page tree from the left; loops and crowds end it."""
    waiting = [entry(root, "/Pages")]
    seen = 0
    while waiting and seen < MAX_TREE_NODES:
        seen += 1
        node = waiting.pop(0)
        if not isinstance(node, generic.DictionaryObject):
            continue
        if "/Kids" in node:
            kids = _quiet(lambda node=node: list(node["/Kids"])[:MAX_TREE_NODES], [])  # type: ignore[misc]
            opened = (_quiet(lambda kid=kid: kid.get_object(), None) for kid in kids[: MAX_PAGES + 8])  # type: ignore[misc]
            waiting = [*opened, *waiting]
        else:
            yield node


def _inherited(page: Any, key: str) -> Any:
    node = page
    for _ in range(20):
        found = entry(node, key)
        if found is not None:
            return found
        node = entry(node, "/Parent")
        if node is None:
            return None
    return None


def _content(page: Any) -> bytes:
    if "/Contents" not in page:
        return b""
    content = page["/Contents"]
    parts = [each.get_object() for each in content] if isinstance(content, generic.ArrayObject) else [content]
    out: list[bytes] = []
    size = 0
    for part in parts:
        if isinstance(part, generic.StreamObject) and size < MAX_CONTENT_BYTES:
            out.append(bytes(part.data))
            size += len(out[-1])
    return b"\n".join(out)


def _is_text(dictionary: Any, key: str) -> bool:
    """Whether the entry is a text; a signature behind ``/V`` is not read: its message is long, and says nothing."""
    if key == "/V" and entry(dictionary, "/FT") == "/Sig":
        return False
    return isinstance(entry(dictionary, key), generic.TextStringObject | generic.ByteStringObject)


def _in_streams(document: bytes, missed: Missed) -> Mark | None:
    """A file no reader opens: every stream that unpacks is read as page content, in simple fonts."""
    made = PageReader(missed)
    for number, found in enumerate(re.finditer(rb"stream\r?\n", document)):
        if number >= MAX_STREAMS:
            missed.beyond.append("streams")
            break
        data = document[found.end() : found.end() + MAX_STREAM_BYTES]
        try:
            data = zlib.decompressobj().decompress(data, MAX_STREAM_BYTES)
        except zlib.error:
            data = data.partition(b"endstream")[0][:MAX_RAW_BYTES]
        if mark := mark_in_text(made.text(data, None)):
            return mark.at("unreadable PDF")
    return None


def _quiet(read: Callable[[], Any], otherwise: Any) -> Any:
    """Hostile bytes raise anything; what cannot be read holds no mark that people could see."""
    try:
        return read()
    except Exception:
        return otherwise
