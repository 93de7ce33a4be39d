"""The catalog: the same object or a new one, and entries of it that may change."""

from validator.diff.change import Change, Zone, as_dictionary
from validator.diff.change_not_allowed import ChangeNotAllowed
from validator.diff.plain_entries import same_except
from validator.pdf.history import TRAILER, Place, references
from validator.pdf.schema import CATALOG_BEHIND, CATALOG_BETWEEN, CATALOG_STAMPED, PAGE_TREE_TYPES, PLAIN_CATALOG_KEYS
from validator.pdf.values import Ref

MAY_CHANGE = {Zone.BETWEEN: CATALOG_BETWEEN, Zone.STAMPED: CATALOG_STAMPED, Zone.BEHIND: CATALOG_BEHIND}


def check_catalog(change: Change) -> None:
    """All that stands in the catalog itself; what its entries lead to is up to their own rules."""
    was, root = (change.history.whole_trailer(each).get("/Root") for each in (change.old, change.new))
    if not isinstance(root, Ref) or (root != was and not change.is_new(root)):
        raise ChangeNotAllowed("the trailer names another object as its catalog")
    before, now = as_dictionary(change.catalog.before, "catalog"), as_dictionary(change.catalog.now, "catalog")
    if not same_except(before, now, MAY_CHANGE[change.zone]):
        raise ChangeNotAllowed("the catalog says something else")
    change.explain(root, change.level, lambda place: _is_expected(change, place))
    for key in PLAIN_CATALOG_KEYS:
        _check_plain_entry(change, key)


def _is_expected(change: Change, place: Place) -> bool:
    """The catalog may be named as the way up, and as what a certification certifies (ISO 32000-1 table 253).

    Not as what a page inherits from: the entries of the catalog would become the page's.
    """
    if place.holder == TRAILER:
        return place.path == ("/Root",)
    if not place.path:
        return False
    holder = change.old_object(place.holder).value
    if place.path[-1] == "/Parent":
        return isinstance(holder, dict) and holder.get("/Type") not in PAGE_TREE_TYPES
    for step in place.path[:-1]:
        holder = holder[step]  # type: ignore[index]
    return place.path[-1] == "/Data" and isinstance(holder, dict) and "/TransformMethod" in holder


def _check_plain_entry(change: Change, key: str) -> None:
    """An entry without references of its own."""
    before, now, _ = change.entry(change.catalog, key)
    if before == now and not (isinstance(now, Ref) and now.number in change.written):
        return
    pair = change.follow(change.catalog, key)
    if any(True for _ in references(pair.now)):
        raise ChangeNotAllowed(f"{key} refers to other objects")
