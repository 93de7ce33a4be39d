"""Marks on the first pages of a PDF: their text, comments, stamps and values of form fields.

Each stream, annotation and node is read for itself: a broken one hides no other, and is noted.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from functools import partial
from typing import Any

from pyhanko.pdf_utils import generic

from common.secrecy import Mark, mark_in_field, mark_in_text
from validator.pdf.entries import entry, readable_entry
from validator.pdf.schema import ANNOTATION_TEXT_KEYS
from validator.secrecy.page_text import PageReader
from validator.secrecy.pdf_files import FileSearch
from validator.secrecy.search import Scan

TREE, PAGE, CONTENT, ANNOTATION = "page tree", "page", "page content that does not unpack", "annotation"


@dataclass(frozen=True, slots=True)
class PageSearch:
    """The search of the pages of one document."""

    scan: Scan
    reader: PageReader
    files: FileSearch

    def mark_in_pages(self, root: Any) -> Mark | None:
        """The first mark, with its page. Of pages behind the first, only the files are looked for."""
        for number, page in enumerate(self._pages(root), start=1):
            is_read = number <= self.scan.limits.max_pages
            mark = (mark_in_text(self._text(page)) if is_read else None) or self._mark_beside_the_text(page, is_read)
            if mark:
                return mark.at(f"page {number}")
        return None

    def _mark_beside_the_text(self, page: Any, is_read: bool) -> Mark | None:
        for annotation in self._annotations(page):
            if is_read and (mark := self._mark_in_annotation(annotation)):
                return mark.at("annotation")
            if mark := self.files.mark_at_annotation(annotation):
                return mark.at("annotation")
        return self.files.mark_in_associated(page)

    def _text(self, page: Any) -> str:
        resources = self._inherited(page, "/Resources")
        return self.scan.tried(PAGE, lambda: self.reader.text(self._content(page), resources), "")

    def _content(self, page: Any) -> bytes:
        content = self.scan.tried(CONTENT, lambda: entry(page, "/Contents"), None)
        streams: list[bytes] = []
        size, most = 0, self.scan.limits.max_content_bytes
        for raw in list(content) if isinstance(content, generic.ArrayObject) else [content]:
            part = self.scan.tried(CONTENT, raw.get_object, None) if raw is not None else None
            if not isinstance(part, generic.StreamObject):
                continue
            if size >= most:
                self.scan.missed.beyond.append("page")
                break
            streams.append(self.reader.data(part))
            size += len(streams[-1])
        return b"\n".join(streams)

    def _annotations(self, page: Any) -> Iterator[Any]:
        listed = self.scan.tried(ANNOTATION, lambda: entry(page, "/Annots"), None)
        for number, raw in enumerate(list(listed) if isinstance(listed, generic.ArrayObject) else ()):
            if number >= self.scan.limits.max_annotations:
                self.scan.missed.beyond.append("annotations")
                return
            annotation = self.scan.tried(ANNOTATION, raw.get_object, None)
            if isinstance(annotation, generic.DictionaryObject):
                yield annotation

    def _mark_in_annotation(self, annotation: Any) -> Mark | None:
        """Comments, stamps and the appearance and value of form fields."""
        written = [self.scan.tried(ANNOTATION, partial(entry, annotation, key), None) for key in ANNOTATION_TEXT_KEYS]
        texts = [str(each) for each in written if is_text(each)]
        for text in [*texts, *self._drawn_texts(annotation)]:
            if mark := mark_in_text(text):
                return mark
        for value in values_of_field(self._inherited(annotation, "/V")):
            if mark := mark_in_field(value):
                return mark
        return None

    def _drawn_texts(self, annotation: Any) -> Iterator[str]:
        """The normal appearance, of a field with several states each of them."""
        appearances = self.scan.tried(ANNOTATION, lambda: entry(annotation, "/AP"), None)
        if not isinstance(appearances, generic.DictionaryObject):
            return
        normal = self.scan.tried(ANNOTATION, lambda: entry(appearances, "/N"), None)
        if isinstance(normal, generic.StreamObject) or not isinstance(normal, generic.DictionaryObject):
            states = [normal]
        else:
            states = [self.scan.tried(ANNOTATION, partial(entry, normal, key), None) for key in normal]
        for state in states:
            yield self.scan.tried(ANNOTATION, partial(self.reader.form_text, state, None), "")

    def _pages(self, root: Any) -> Iterator[Any]:
        """Leaves of the page tree from the left; the limit ends loops and crowds."""
        waiting: list[Iterator[Any]] = [iter([self.scan.tried(TREE, lambda: entry(root, "/Pages"), None)])]
        nodes = pages = 0
        while waiting:
            node = next(waiting[-1], waiting)
            if node is waiting:
                waiting.pop()
                continue
            nodes += 1
            if nodes > self.scan.limits.max_page_tree_nodes:
                missed = self.scan.missed
                (missed.closed if pages < self.scan.limits.max_pages else missed.beyond).append(TREE)
                return
            if not isinstance(node, generic.DictionaryObject):
                continue
            if "/Kids" in node:
                waiting.append(self._kids(node))
            else:
                pages += 1
                yield node

    def _kids(self, node: Any) -> Iterator[Any]:
        kids = self.scan.tried(TREE, lambda: entry(node, "/Kids"), None)
        for raw in list(kids) if isinstance(kids, generic.ArrayObject) else ():
            yield self.scan.tried(TREE, raw.get_object, None)

    def _inherited(self, node: Any, key: str) -> Any:
        """The entry of a page, a field or one of its parents."""
        for _ in range(self.scan.limits.max_parents):
            value = self.scan.tried(PAGE, partial(entry, node, key), None)
            if value is not None:
                return value
            node = readable_entry(node, "/Parent")
            if not isinstance(node, generic.DictionaryObject):
                return None
        return None


def is_text(value: Any) -> bool:
    """Whether the value is a string."""
    return isinstance(value, generic.TextStringObject | generic.ByteStringObject)


def values_of_field(value: Any) -> list[str]:
    """The texts of a field's /V. A signature is none: its message is long, and means nothing."""
    values = list(value) if isinstance(value, generic.ArrayObject) else [value]
    return [str(each) for each in values if is_text(each)]
