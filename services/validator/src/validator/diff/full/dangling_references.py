"""References of the signed document that an update could give another meaning.

pyHanko finds the uses of a changed object by walking down from the trailer. It leaves /Parent out, and does not enter
an object that it came through. Three uses escape it: a page inherits resources, box and rotation through /Parent,
whatever that leads to; a reference to an object that does not exist yet may stand where the walk does not come by; and
the catalog, through which every walk comes, may be a page's dictionary of resources as well.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any
from weakref import WeakKeyDictionary

from pyhanko.pdf_utils import generic
from pyhanko.pdf_utils.reader import HistoricalResolver
from pyhanko.sign.diff_analysis import SuspiciousModification

from validator.policy import DifferenceLimits

Number = tuple[int, int]
"""Object number and generation."""


@dataclass(frozen=True, slots=True)
class References:
    """What one signed revision refers to."""

    missing: frozenset[int]
    """Object numbers of references to nothing; without generation, as some readers ignore it."""
    parents: frozenset[Number]
    """What pages and nodes of the page tree name as their parents without being part of that tree."""
    in_two_roles: frozenset[Number]
    """The catalog, if anything but the trailer refers to it for more than the way up."""


_KNOWN: WeakKeyDictionary[HistoricalResolver, References] = WeakKeyDictionary()


def check_references(old: HistoricalResolver, new: HistoricalResolver, limits: DifferenceLimits) -> None:
    """Raises ``SuspiciousModification`` if an update fills a dangling reference or changes such a parent or catalog."""
    references = _KNOWN.get(old)
    if references is None:
        references = _KNOWN[old] = _references(old, limits)
    for reference in new.explicit_refs_in_revision():
        number = reference.idnum, reference.generation
        if reference.idnum in references.missing:
            raise SuspiciousModification(f"object {reference.idnum} was mentioned before it came")
        if number in references.parents:
            raise SuspiciousModification(f"object {reference.idnum} is what a page inherits from")
        if number in references.in_two_roles:
            raise SuspiciousModification("the catalog is more than the catalog")


def _references(old: HistoricalResolver, limits: DifferenceLimits) -> References:
    root = old.root_ref.idnum, old.root_ref.generation
    there, mentioned = set[Number](), {number for _, number, _ in _mentions(old.trailer_view)}
    roles: set[Number] = set()
    tables = {(each.idnum, each.generation) for each in old.reader.xrefs.xref_stream_refs}
    for number in _objects(old) - tables:
        try:
            value = old.get_object(generic.Reference(*number, old))
        except Exception:  # noqa: S112 - what nobody can read refers to nothing
            continue
        there.add(number)
        for key, named, holder in _mentions(value):
            mentioned.add(named)
            if named == root and not _is_expected(key, holder):
                roles.add(named)
    missing = frozenset(number for number, _ in mentioned - there - tables)
    return References(missing, _parents(old, limits.max_page_tree_nodes), frozenset(roles))


def _is_expected(key: str, holder: Any) -> bool:
    """A reference to the catalog that gives it no second role: the way up, what a certification certifies (ISO 32000-1
    table 253), or the trailer of a cross-reference stream."""
    if key == "/Data":
        return "/TransformMethod" in holder
    if key == "/Root":
        return "/Type" in holder and holder.raw_get("/Type") == "/XRef"
    return key == "/Parent"


def _objects(old: HistoricalResolver) -> set[Number]:
    """All that the tables up to this revision list."""
    listed: set[Number] = set()
    for revision in range(old.revision + 1):
        data = old.reader.xrefs.get_xref_data(revision)
        for part in (data, data.hybrid.xref_data) if data.hybrid else (data,):
            listed.update((number, generation) for number, (generation, _) in part.standard_xrefs.items())
            listed.update((number, 0) for number in part.xrefs_in_objstm)
    return listed


def _mentions(value: Any) -> Iterator[tuple[str, Number, Any]]:
    """References in a value, not followed, each with the key it stands under and the dictionary of that key."""
    waiting: list[tuple[str, Any, Any]] = [("", value, ())]
    while waiting:
        key, part, holder = waiting.pop()
        if isinstance(part, generic.IndirectObject):
            yield key, (part.idnum, part.generation), holder
        elif isinstance(part, generic.DictionaryObject):
            waiting += [(name, part.raw_get(name), part) for name in part]
        elif isinstance(part, generic.ArrayObject):
            waiting += [(key, part.raw_get(place), holder) for place in range(len(part))]


def _parents(old: HistoricalResolver, max_nodes: int) -> frozenset[Number]:
    """Parents outside of the page tree. Each node is looked at once, so that loops end."""
    listed: set[Number] = set()
    named: set[Number] = set()
    waiting = [old.root.raw_get("/Pages")]
    while waiting and len(listed) < max_nodes:
        raw = waiting.pop()
        if not isinstance(raw, generic.IndirectObject) or (raw.idnum, raw.generation) in listed:
            continue
        listed.add((raw.idnum, raw.generation))
        node = raw.get_object()
        if not isinstance(node, generic.DictionaryObject):
            continue
        parent = node.raw_get("/Parent") if "/Parent" in node else None
        if isinstance(parent, generic.IndirectObject):
            named.add((parent.idnum, parent.generation))
        kids = node["/Kids"] if "/Kids" in node else None  # noqa: SIM401 - ``get`` does not follow references
        if isinstance(kids, generic.ArrayObject):
            waiting += [kids.raw_get(place) for place in range(len(kids))]
    return frozenset(named - listed)
