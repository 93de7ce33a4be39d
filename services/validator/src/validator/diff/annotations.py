"""The annotations of pages, and the places that refer to them."""

from collections.abc import Iterator

from validator.diff.change import Change
from validator.diff.change_not_allowed import ChangeNotAllowed
from validator.diff.plain_entries import same_except
from validator.pdf.history import Place
from validator.pdf.schema import ANNOTATION_REFERENCE_KEYS, FIELD_LIST_KEYS
from validator.pdf.values import Ref, Value


def annotations(change: Change) -> Iterator[Ref]:
    """Those of all pages of the old revision, as far as they are objects of their own."""
    root = change.catalog.before
    waiting: list[Value] = [root["/Pages"]] if isinstance(root, dict) and "/Pages" in root else []
    seen = set[int]()
    while waiting and len(seen) < change.limits.max_annotation_nodes:
        reference = waiting.pop()
        if not isinstance(reference, Ref) or reference.number in seen:
            continue
        seen.add(reference.number)
        node = change.old_value(reference)
        if not isinstance(node, dict):
            continue
        kids, shown = change.old_value(node.get("/Kids")), change.old_value(node.get("/Annots"))
        waiting += kids if isinstance(kids, list) else []
        yield from (each for each in shown if isinstance(each, Ref)) if isinstance(shown, list) else ()


def is_annotation_of_page(change: Change, place: Place) -> bool:
    """Whether the place is in the list of annotations of a page, which may be an object of its own."""
    match place.path:
        case ("/Annots", int()):
            return _is_page(change, place.holder)
        case (int(),):
            return all(
                each.path == ("/Annots",) and _is_page(change, each.holder)
                for each in change.history.uses(place.holder, change.old)
            )
        case _:
            return False


def _is_page(change: Change, number: int) -> bool:
    page = change.old_object(number)
    return isinstance(page.value, dict) and page.value.get("/Type") == "/Page" and not page.is_stream


def check_annotation_types(change: Change) -> None:
    """An annotation of a page may get the ``/Type`` that it may leave out (table 164)."""
    for number in change.replaced - change.explained:
        before, now = change.old_object(number), change.new_object(number)
        if before.is_stream or now.is_stream or not isinstance(before.value, dict) or not isinstance(now.value, dict):
            continue
        if "/Subtype" not in before.value or "/Type" in before.value or now.value.get("/Type") != "/Annot":
            continue
        uses = change.history.uses(number, change.old)
        if not same_except(before.value, now.value, {"/Type"}) or not any(
            is_annotation_of_page(change, place) for place in uses
        ):
            continue
        change.explain(Ref(number, 0), change.level, lambda place: _is_expected(change, place))


def _is_expected(change: Change, place: Place) -> bool:
    """Anywhere else it could be a font, say, which is none any more under another type."""
    if not place.path:
        return False
    keys = [step for step in place.path if isinstance(step, str)]
    if isinstance(place.path[-1], str):
        return place.path[-1] in ANNOTATION_REFERENCE_KEYS
    return is_annotation_of_page(change, place) or bool(keys and keys[-1] in FIELD_LIST_KEYS)


def must_be_kept(before: "list[Value]", now: "list[Value]", what: str) -> "list[Value]":
    """What ``now`` lists in addition; all of ``before`` must still be there, in its order."""
    rest, added = iter(before), []
    wanted = next(rest, None)
    for each in now:
        if wanted is not None and each == wanted:
            wanted = next(rest, None)
        else:
            added.append(each)
    if wanted is not None:
        raise ChangeNotAllowed(f"{what} taken away or moved")
    return added
