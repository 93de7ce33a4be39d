"""Files inside a PDF: of the name tree, at annotations, associated with the document, a page or an annotation
(ISO 32000-1 §7.11, ISO 32000-2 §14.13). Whatever cannot be read is noted, for a file can be anything.
"""

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from functools import partial
from typing import Any

from pyhanko.pdf_utils import generic

from common.secrecy import Mark, mark_in_file_name
from validator.pdf.entries import entry
from validator.pdf.schema import FILE_NAME_KEYS
from validator.secrecy.search import Scan
from validator.secrecy.stream_data import stream_data

Nested = Callable[[str, bytes], Mark | None]
"""Looks into a file inside this one: name, bytes."""
UNREADABLE = "file inside a PDF that cannot be read"


@dataclass(slots=True)
class FileSearch:
    """The search of the files of one document, each once."""

    nested: Nested
    scan: Scan
    seen: set[object] = field(default_factory=set)
    files: int = 0

    def mark_in_catalog(self, root: Any) -> Mark | None:
        """Files of the name tree, and those associated with the document."""
        names = self.scan.tried(UNREADABLE, lambda: entry(root, "/Names"), None)
        for leaf in self._leaves(names):
            for raw in leaf[1::2]:
                if not self._counted():
                    return None
                if mark := self._mark_in_file(raw):
                    return mark
        return self.mark_in_associated(root)

    def mark_in_associated(self, owner: Any) -> Mark | None:
        """Files that a dictionary lists in /AF."""
        listed = self.scan.tried(UNREADABLE, lambda: entry(owner, "/AF"), None)
        for raw in list(listed) if isinstance(listed, generic.ArrayObject) else [listed]:
            if mark := self._mark_beside_the_tree(raw):
                return mark
        return None

    def mark_at_annotation(self, annotation: Any) -> Mark | None:
        """The file of a file attachment, or one that is associated with the annotation."""
        file = annotation.raw_get("/FS") if "/FS" in annotation else None
        return self._mark_beside_the_tree(file) or self.mark_in_associated(annotation)

    def _mark_beside_the_tree(self, raw: Any) -> Mark | None:
        """A file that the tree may list, too."""
        place = raw.reference if isinstance(raw, generic.IndirectObject) else id(raw)
        if raw is None or place in self.seen:
            return None
        return self._mark_in_file(raw) if self._counted() else None

    def _leaves(self, names: Any) -> Iterator[Any]:
        """Nodes of the name tree that list files, from the left."""
        if not isinstance(names, generic.DictionaryObject):
            return
        waiting: list[Any] = [self.scan.tried(UNREADABLE, lambda: entry(names, "/EmbeddedFiles"), None)]
        for _ in range(self.scan.limits.max_page_tree_nodes):
            if not waiting:
                return
            node = waiting.pop(0)
            if isinstance(node, generic.DictionaryObject):
                waiting = [*self._listed(node, "/Kids"), *waiting]
                yield self._listed(node, "/Names", resolved=False)
        self.scan.missed.closed.append("tree of files inside a PDF")

    def _listed(self, node: Any, key: str, *, resolved: bool = True) -> list[Any]:
        """Entries of an array, no more than the whole search takes of files."""
        array = self.scan.tried(UNREADABLE, lambda: entry(node, key), None)
        if not isinstance(array, generic.ArrayObject):
            return []
        most = self.scan.limits.max_page_tree_nodes
        if len(array) > most:
            self.scan.missed.closed.append("tree of files inside a PDF")
        raw = list(array)[:most]
        return [self.scan.tried(UNREADABLE, each.get_object, None) for each in raw] if resolved else raw

    def _mark_in_file(self, raw: Any) -> Mark | None:
        if isinstance(raw, generic.IndirectObject):
            self.seen.add(raw.reference)
        file = self.scan.tried(UNREADABLE, raw.get_object, None)
        if not isinstance(file, generic.DictionaryObject):
            return None
        names = [self.scan.tried(UNREADABLE, partial(entry, file, key), None) for key in FILE_NAME_KEYS]
        texts = [str(name) for name in names if isinstance(name, generic.TextStringObject | generic.ByteStringObject)]
        for name in texts:
            if mark := mark_in_file_name(name):
                return mark.at("file inside the PDF")
        for stream in self._streams(file):
            made = stream_data(stream, self.scan.limits.max_member_bytes, self.scan.limits)
            if made.fault or made.beyond:
                self.scan.missed.closed.append(UNREADABLE)
            if mark := self.nested(texts[0] if texts else "", made.data):
                return mark.at("file inside the PDF")
        return None

    def _streams(self, file: Any) -> Iterator[Any]:
        """The streams that a file specification names, each once in the document."""
        versions = self.scan.tried(UNREADABLE, lambda: entry(file, "/EF"), None)
        for key in versions if isinstance(versions, generic.DictionaryObject) else ():
            raw = versions.raw_get(key)
            place = raw.reference if isinstance(raw, generic.IndirectObject) else id(raw)
            if place in self.seen:
                continue
            self.seen.add(place)
            stream = self.scan.tried(UNREADABLE, raw.get_object, None)
            if isinstance(stream, generic.StreamObject):
                yield stream
            elif not isinstance(stream, generic.NullObject):
                self.scan.missed.closed.append(UNREADABLE)

    def _counted(self) -> bool:
        self.files += 1
        most = self.scan.limits.max_embedded_files
        if self.files == most + 1:
            self.scan.missed.closed.append(f"more than {most} files inside a PDF")
        return self.files <= most
