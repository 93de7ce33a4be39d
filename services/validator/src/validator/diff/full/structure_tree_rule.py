"""(d) The structure tree of a tagged document may grow by elements that hold nothing but new signature fields.

Tools that sign tagged documents enter the field into the tree (PDF/UA): a new element below an old one, an entry of the
parent tree for the field. Old elements keep all their entries and children, in their order; no new element may carry
text of its own (/ActualText, /Alt, /E), attributes, or page content that was there before: a screen reader, or a copy
of the text, would otherwise tell something else than what was signed.
"""

from collections.abc import Iterable, Iterator
from typing import Any

from pyhanko.pdf_utils import generic
from pyhanko.pdf_utils.generic import Reference
from pyhanko.pdf_utils.reader import HistoricalResolver
from pyhanko.sign.diff_analysis import SuspiciousModification
from pyhanko.sign.diff_analysis.commons import compare_dicts
from pyhanko.sign.diff_analysis.rules_api import ReferenceUpdate, WhitelistRule

from validator.pdf.entries import entry
from validator.pdf.pyhanko_internals import load_usages, usages
from validator.pdf.schema import OBJECT_REFERENCE_KEYS, STRUCTURE_ELEMENT_KEYS
from validator.policy import DifferenceLimits

TREE = ("/Root", "/StructTreeRoot")
PARENTS = (*TREE, "/ParentTree")

Old = HistoricalResolver
New = HistoricalResolver


class StructureTreeRule(WhitelistRule):
    """Elements for new signature fields, and what had to change to enter them."""

    def __init__(self, limits: DifferenceLimits) -> None:
        self._max_depth = limits.max_structure_depth

    def apply(self, old: Old, new: New) -> Iterable[ReferenceUpdate]:
        """Changed objects of the tree, used nowhere else, and new ones."""
        raw = old.root.raw_get("/StructTreeRoot") if "/StructTreeRoot" in old.root else None
        if not isinstance(raw, generic.IndirectObject):
            return
        root = raw.reference
        growth = Growth(old, new, self._max_depth)
        changed = {
            reference
            for reference in new.explicit_refs_in_revision()
            if not old.is_ref_unassignable(reference) and growth.is_in_tree(reference)
        }
        if not changed:
            return
        for reference in changed:
            if reference == root:
                growth.check_root(old(root), new(root))
            elif not growth.is_in_parents(reference):
                growth.check_element(old(reference), new(reference))
        growth.check_parents(old(root), new(root))
        for reference in changed:
            yield ReferenceUpdate(reference)
        for reference in growth.came:
            yield ReferenceUpdate(reference)


class Growth:
    """What the tree of ``new`` has more than that of ``old``; whatever is not allowed raises."""

    def __init__(self, old: Old, new: New, max_depth: int) -> None:
        self.old, self.new, self.max_depth = old, new, max_depth
        load_usages(old)
        self.widgets = set(_new_widgets(old, new))
        self.elements: set[Reference] = set()
        self.came: set[Reference] = set()

    def is_in_tree(self, reference: Reference) -> bool:
        """Used in the old document, and only as root, as child of elements, and in the parent tree."""
        paths = self._paths(reference)
        return bool(paths) and all(_below(path, PARENTS) or _is_child(path) for path in paths)

    def is_in_parents(self, reference: Reference) -> bool:
        """Used in the old document, and only in the parent tree."""
        paths = self._paths(reference)
        return bool(paths) and all(_below(path, PARENTS) for path in paths)

    def _paths(self, reference: Reference) -> list[tuple[str | int, ...]]:
        return [path.path for path in usages(self.old, reference)]

    def check_root(self, before: Any, now: Any) -> None:
        """The root: children added, the parent tree, and the next free key of it."""
        may = {"/K", "/ParentTree", "/ParentTreeNextKey"}
        if "/RoleMap" not in before and "/RoleMap" in now and now["/RoleMap"] == generic.DictionaryObject():
            may.add("/RoleMap")  # an empty one maps nothing
        compare_dicts(before, now, frozenset(may))
        if entry(now, "/ParentTreeNextKey", 0) < entry(before, "/ParentTreeNextKey", 0):
            raise SuspiciousModification("keys of the parent tree would be given twice")
        self._check_children(before, now)

    def check_element(self, before: Any, now: Any) -> None:
        """An element, or an array of children that is an object of its own."""
        if isinstance(before, generic.ArrayObject) and isinstance(now, generic.ArrayObject):
            self._check_added(list(_raw(before)), list(_raw(now)))
            return
        if not isinstance(before, generic.DictionaryObject) or "/S" not in before or "/P" not in before:
            raise SuspiciousModification("not an element of the structure tree")
        compare_dicts(before, now, frozenset({"/K"}))
        self._check_children(before, now)

    def _check_children(self, before: Any, now: Any) -> None:
        self._check_added(_children(before), _children(now))
        raw = now.raw_get("/K") if "/K" in now else None
        if isinstance(raw, generic.IndirectObject) and isinstance(raw.get_object(), generic.ArrayObject):
            self._take(raw.reference)

    def _check_added(self, before: list[Any], now: list[Any]) -> None:
        if now[: len(before)] != before:
            raise SuspiciousModification("children of an element taken away or moved")
        for child in now[len(before) :]:
            self._check_new(child, 0)

    def _check_new(self, child: Any, depth: int) -> None:
        """A new element with nothing in it but new signature fields, or the reference to one."""
        if isinstance(child, generic.IndirectObject):
            if not self.old.is_ref_unassignable(child.reference):
                raise SuspiciousModification("an old object became a child")
            self._take(child.reference)
        entries = child.get_object()
        if depth > self.max_depth or not isinstance(entries, generic.DictionaryObject):
            raise SuspiciousModification("new child that is no element")
        if isinstance(entries, generic.StreamObject):
            raise SuspiciousModification("new child that is a stream")
        if entry(entries, "/Type") == "/OBJR":
            self._check_object(entries)
            return
        if not entries.keys() <= STRUCTURE_ELEMENT_KEYS or "/S" not in entries or not _children(entries):
            raise SuspiciousModification("new element that holds more than signature fields")
        if isinstance(child, generic.IndirectObject):
            self.elements.add(child.reference)
        raw = entries.raw_get("/K")
        if isinstance(raw, generic.IndirectObject) and isinstance(raw.get_object(), generic.ArrayObject):
            self._take(raw.reference)
        for below in _children(entries):
            self._check_new(below, depth + 1)

    def _check_object(self, entries: Any) -> None:
        shown = entries.raw_get("/Obj")
        if not entries.keys() <= OBJECT_REFERENCE_KEYS or not isinstance(shown, generic.IndirectObject):
            raise SuspiciousModification("reference to an object that is no signature field")
        if shown.reference not in self.widgets:
            raise SuspiciousModification("new element for something else than a new signature field")

    def _take(self, reference: Reference) -> None:
        if self.old.is_ref_unassignable(reference):
            self.came.add(reference)

    def check_parents(self, before: Any, now: Any) -> None:
        """The parent tree: every old entry as it was, new ones for new elements."""
        old_entries = dict(_entries(entry(before, "/ParentTree"), self.max_depth))
        taken: set[Reference] = set()
        new_entries = dict(_entries(entry(now, "/ParentTree"), self.max_depth, taken))
        raw = now.raw_get("/ParentTree") if "/ParentTree" in now else None
        if isinstance(raw, generic.IndirectObject):
            taken.add(raw.reference)
        for reference in taken:
            if not self.old.is_ref_unassignable(reference) and not self.is_in_parents(reference):
                raise SuspiciousModification("parent tree with other objects of the document in it")
            self._take(reference)
        for key, value in old_entries.items():
            if key not in new_entries or not self._is_same_entry(value, new_entries[key]):
                raise SuspiciousModification("entry of the parent tree changed")
            if isinstance(value, generic.IndirectObject) and self.old(value.reference) != self.new(value.reference):
                raise SuspiciousModification("entry of the parent tree overwritten")
        for key in new_entries.keys() - old_entries.keys():
            value = new_entries[key]
            if not isinstance(value, generic.IndirectObject) or value.reference not in self.elements:
                raise SuspiciousModification("entry of the parent tree for something else than a new element")

    def _is_same_entry(self, before: Any, now: Any) -> bool:
        """The same value; or an array of the same references, written again as an object of its own."""
        if before == now:
            return True
        if not isinstance(now, generic.IndirectObject) or not self.old.is_ref_unassignable(now.reference):
            return False
        elements, written = before.get_object(), now.get_object()
        if not isinstance(elements, generic.ArrayObject) or not isinstance(written, generic.ArrayObject):
            return False
        self._take(now.reference)
        return list(_raw(elements)) == list(_raw(written))


def _below(path: tuple[str | int, ...], where: tuple[str, ...]) -> bool:
    return path[: len(where)] == where


def _is_child(path: tuple[str | int, ...]) -> bool:
    """From the root of the tree down, by /K and places in its arrays alone."""
    return _below(path, TREE) and all(step == "/K" or isinstance(step, int) for step in path[len(TREE) :])


def _new_widgets(old: Old, new: New) -> Iterator[Reference]:
    """Signature fields that are new; and their widgets, where those are objects of their own."""
    form = entry(new.root, "/AcroForm")
    fields = entry(form, "/Fields") if isinstance(form, generic.DictionaryObject) else None
    for raw in _raw(fields) if isinstance(fields, generic.ArrayObject) else ():
        if not isinstance(raw, generic.IndirectObject) or not old.is_ref_unassignable(raw.reference):
            continue
        field = raw.get_object()
        if isinstance(field, generic.DictionaryObject) and entry(field, "/FT") == "/Sig":
            yield raw.reference
            for kid in _raw(entry(field, "/Kids", generic.ArrayObject())):
                if isinstance(kid, generic.IndirectObject) and old.is_ref_unassignable(kid.reference):
                    yield kid.reference


def _raw(array: Any) -> Iterator[Any]:
    return (array.raw_get(place) for place in range(len(array)))


def _children(entries: Any) -> list[Any]:
    """/K as a list: one child need not be in an array."""
    if "/K" not in entries:
        return []
    value = entries["/K"]
    return list(_raw(value)) if isinstance(value, generic.ArrayObject) else [entries.raw_get("/K")]


def _entries(node: Any, depth: int, taken: set[Reference] | None = None) -> Iterator[tuple[int, Any]]:
    """A number tree flattened, ``depth`` levels deep; ``taken`` collects the objects that it is made of."""
    if node is None:
        return
    if depth < 0 or not isinstance(node, generic.DictionaryObject):
        raise SuspiciousModification("parent tree not readable")
    for key in ("/Nums", "/Kids"):
        raw = node.raw_get(key) if key in node else None
        if isinstance(raw, generic.IndirectObject) and taken is not None:
            taken.add(raw.reference)
    numbers = list(_raw(entry(node, "/Nums", generic.ArrayObject())))
    if len(numbers) % 2 or not all(isinstance(key, generic.NumberObject) for key in numbers[::2]):
        raise SuspiciousModification("parent tree not readable")
    yield from zip((int(key) for key in numbers[::2]), numbers[1::2], strict=True)
    for kid in _raw(entry(node, "/Kids", generic.ArrayObject())):
        if not isinstance(kid, generic.IndirectObject):
            raise SuspiciousModification("parent tree not readable")
        if taken is not None:
            taken.add(kid.reference)
        yield from _entries(kid.get_object(), depth - 1, taken)
