"""Pages: new signature fields join their annotations; the rest of a page means what it meant.

A page with an attribute of its own and a page that inherits an equal one are the same page, because some tools write
down what a page inherits when they touch it. It is also the same page with the tab order of the structure (/Tabs /S),
which tools for tagged documents add where nothing readable stood, and with boxes that differ by less than a thousandth
of a point. That holds for what is a page and nothing else: not if a dictionary of names (a table of pictures, say)
lists it as well.
"""

from validator.diff.annotations import must_be_kept
from validator.diff.change import Change, Level, as_array
from validator.diff.change_not_allowed import ChangeNotAllowed
from validator.diff.plain_entries import Entries, number, same, same_except
from validator.pdf.history import Place
from validator.pdf.schema import INHERITED_PAGE_KEYS, PAGE_BOXES, PAGE_REFERENCE_KEYS, PAGE_TREE_ADDITIONS
from validator.pdf.values import Ref, Value

LEVEL = Level.VALIDATION_DATA


def check_pages(change: Change) -> None:
    """Changed pages, lists of annotations that are objects of their own, and the root of the page tree."""
    root = change.catalog.before.get("/Pages") if isinstance(change.catalog.before, dict) else None
    if isinstance(root, Ref) and root.number in change.replaced:
        _check_root(change, root)
    shown: list[Value] = []
    for each in sorted(change.replaced - change.explained):
        page = _page_of(change, each)
        if page is not None and _is_in_tree(change, page, root):
            shown += _check_page(change, page)
    if any(shown.count(each) > 1 for each in shown):
        raise ChangeNotAllowed("a new field is shown twice")


def _check_root(change: Change, root: Ref) -> None:
    before, now = change.old_value(root), change.new_value(root)
    if not isinstance(before, dict) or not isinstance(now, dict) or not same_except(before, now, PAGE_TREE_ADDITIONS):
        raise ChangeNotAllowed("the page tree says something else")
    if not all(isinstance(now.get(key, b""), bytes) for key in PAGE_TREE_ADDITIONS):
        raise ChangeNotAllowed("version of a tool that is more than that")
    change.explain(root, Level.FORM_FILLING, lambda place: place.path[-1:] in (("/Parent",), ("/Pages",)))


def _page_of(change: Change, changed: int) -> Ref | None:
    """The page that an object is, or whose annotations it lists."""
    known = change.old_object(changed)
    if isinstance(known.value, dict) and known.value.get("/Type") == "/Page" and not known.is_stream:
        return change.history.reference(changed, change.old)
    if isinstance(known.value, list):
        for place in change.history.uses(changed, change.old):
            if place.path == ("/Annots",) and place.holder not in change.replaced:
                return change.history.reference(place.holder, change.old)
    return None


def _is_in_tree(change: Change, page: Ref, root: "Value | None") -> bool:
    """From the page up to the root of the tree, each node lists the one below; none of them changed otherwise."""
    child = page
    for _ in range(change.policy.pdf.max_parents):
        entries = change.old_value(child)
        parent = entries.get("/Parent") if isinstance(entries, dict) else None
        if not isinstance(parent, Ref):
            return False
        node = change.old_value(parent)
        kids = change.old_value(node.get("/Kids")) if isinstance(node, dict) else None
        if not isinstance(kids, list) or kids.count(child) != 1:
            return False
        if parent == root:
            return True
        child = parent
    return False


def _check_page(change: Change, page: Ref) -> "list[Value]":
    """Returns the annotations that were added."""
    before, now = change.old_value(page), change.new_value(page)
    if not isinstance(before, dict) or not isinstance(now, dict):
        raise ChangeNotAllowed("a page is none any more")
    if not same_except(before, now, {"/Annots"}):
        _must_be_same_page(change, page, before, now)
    change.explain(page, LEVEL, lambda _: True)  # its other uses see a page still, with more annotations
    return _check_annotations(change, page, before, now)


def _must_be_same_page(change: Change, page: Ref, before: Entries, now: Entries) -> None:
    was = _with_inherited(change, before, change.old)
    if not same_except(was, _with_inherited(change, now, change.new), {"/Annots"}):
        raise ChangeNotAllowed(f"page {page.number} was changed")
    if change.unexpected_uses(page.number, _is_use_of_page):
        raise ChangeNotAllowed(f"page {page.number} is more than a page")


def _is_use_of_page(place: Place) -> bool:
    """In arrays, as in a destination, or as the page that something lies on."""
    return bool(place.path) and (isinstance(place.path[-1], int) or place.path[-1] in PAGE_REFERENCE_KEYS)


def _with_inherited(change: Change, page: Entries, revision: int) -> Entries:
    made, node = dict(page), page
    for _ in range(change.policy.pdf.max_parents):
        above = change.history.value(node.get("/Parent"), revision)
        if not isinstance(above.value, dict):
            break
        node = above.value
        made = {key: node[key] for key in INHERITED_PAGE_KEYS if key in node} | made
    if made.get("/Tabs") == "/S" or not _is_name_or_reference(made.get("/Tabs")):
        made.pop("/Tabs", None)
    places = change.policy.pdf.box_decimal_places
    return made | {key: _rounded(made[key], places) for key in PAGE_BOXES if key in made}


def _is_name_or_reference(value: "Value | None") -> bool:
    return isinstance(value, Ref) or (isinstance(value, str) and value.startswith("/"))


def _rounded(box: Value, places: int) -> Value:
    """The box with its numbers rounded; anything else as it is."""
    match box:
        case [left, bottom, right, top] if not isinstance(box, Ref):
            corners = [number(each) for each in (left, bottom, right, top)]
            return box if None in corners else [str(round(each, places)) for each in corners if each is not None]
        case _:
            return box


def _check_annotations(change: Change, page: Ref, before: Entries, now: Entries) -> "list[Value]":
    was, is_ = before.get("/Annots"), now.get("/Annots")
    if is_ is None and was is None:
        return []
    if isinstance(is_, Ref):
        change.take_over(was, is_, Place(page.number, ("/Annots",)), LEVEL)
    known, listed = as_array(change.old_value(was), "annotations"), as_array(change.new_value(is_), "annotations")
    if same(known, listed):
        return []
    added = must_be_kept(known, listed, "annotations")
    if not all(isinstance(each, Ref) and each.number in change.new_widgets for each in added):
        raise ChangeNotAllowed("an annotation that is no new signature field")
    return added
