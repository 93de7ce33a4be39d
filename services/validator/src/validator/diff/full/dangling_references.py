"""(4.1) What the signed document waits for: references to nothing, and the nodes that its pages inherit from.

The library finds the uses of a changed object by walking down from the trailer; it leaves /Parent out, and does not
enter an object that it came through. Three things escape it: a page inherits its resources, its box and its rotation by
/Parent, whatever that leads to; an object that nothing has defined yet may be mentioned where the walk does not come
by; and the catalog, which every walk comes through, may be a page's dictionary of resources as well.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any
from weakref import WeakKeyDictionary

from pyhanko.pdf_utils import generic
from pyhanko.pdf_utils.reader import HistoricalResolver
from pyhanko.sign.diff_analysis import SuspiciousModification

Number = tuple[int, int]
"""Object number and generation."""

MAX_NODES = 200_000


@dataclass(frozen=True, slots=True)
class Awaited:
    """What one signed revision refers to."""

    missing: frozenset[int]
    """Numbers mentioned, and not there: some readers do not look at the generation."""
    parents: frozenset[Number]
    """What pages and nodes of their tree name as their parents without being part of that tree."""
    in_two_roles: frozenset[Number]
    """The catalog, if anything but the trailer refers to it for more than the way up."""


_KNOWN: WeakKeyDictionary[HistoricalResolver, Awaited] = WeakKeyDictionary()


def check_awaited(old: HistoricalResolver, new: HistoricalResolver) -> None:
    """Nothing that the old revision waits for may come, and no such parent may change."""
    awaited = _KNOWN.get(old)
    if awaited is None:
        awaited = _KNOWN[old] = _awaited(old)
    for reference in new.explicit_refs_in_revision():
        number = reference.idnum, reference.generation
        if reference.idnum in awaited.missing:
            raise SuspiciousModification(f"object {reference.idnum} was mentioned before it came")
        if number in awaited.parents:
            raise SuspiciousModification(f"object {reference.idnum} is what a page inherits from")
        if number in awaited.in_two_roles:
            raise SuspiciousModification("the catalog is more than the catalog")


def _awaited(old: HistoricalResolver) -> Awaited:
    root = old.root_ref.idnum, old.root_ref.generation
    there, mentioned = set[Number](), {number for _, number, _ in _mentions(old.trailer_view)}
    roles: set[Number] = set()
    tables = {(each.idnum, each.generation) for each in old.reader.xrefs.xref_stream_refs}
    for number in _objects(old) - tables:
        try:
            found = old.get_object(generic.Reference(*number, old))
        except Exception:  # noqa: S112 - a leftover that nobody can read mentions nothing
            continue
        there.add(number)
        for key, named, holder in _mentions(found):
            mentioned.add(named)
            if named == root and not _speaks_of_it(key, holder):
                roles.add(named)
    missing = frozenset(number for number, _ in mentioned - there - tables)
    return Awaited(missing, _parents(old), frozenset(roles))


def _speaks_of_it(key: str, holder: Any) -> bool:
    """The way up; a certification that says what it certifies (ISO 32000-1 table 253); the trailer in a stream."""
    if key == "/Data":
        return "/TransformMethod" in holder
    if key == "/Root":
        return "/Type" in holder and holder.raw_get("/Type") == "/XRef"
    return key == "/Parent"


def _objects(old: HistoricalResolver) -> set[Number]:
    """All that the tables up to this revision list."""
    found: set[Number] = set()
    for revision in range(old.revision + 1):
        data = old.reader.xrefs.get_xref_data(revision)
        for part in (data, data.hybrid.xref_data) if data.hybrid else (data,):
            found.update((number, generation) for number, (generation, _) in part.standard_xrefs.items())
            found.update((number, 0) for number in part.xrefs_in_objstm)
    return found


def _mentions(found: Any) -> Iterator[tuple[str, Number, Any]]:
    """References in a value, not followed, each with the key it stands under and the dictionary of that key."""
    waiting: list[tuple[str, Any, Any]] = [("", found, ())]
    while waiting:
        key, value, holder = waiting.pop()
        if isinstance(value, generic.IndirectObject):
            yield key, (value.idnum, value.generation), holder
        elif isinstance(value, generic.DictionaryObject):
            waiting += [(name, value.raw_get(name), value) for name in value]
        elif isinstance(value, generic.ArrayObject):
            waiting += [(key, value.raw_get(place), holder) for place in range(len(value))]


def _parents(old: HistoricalResolver) -> frozenset[Number]:
    """A loop or a crowd ends the walk: each node is looked at once."""
    listed: set[Number] = set()
    named: set[Number] = set()
    waiting = [old.root.raw_get("/Pages")]
    while waiting and len(listed) < MAX_NODES:
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
