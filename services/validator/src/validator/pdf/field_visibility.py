"""Whether a signature field shows something on a page. In doubt it does: readers differ on what is no rectangle."""

from typing import Any

from pyhanko.pdf_utils import generic

from validator.pdf.schema import DRAWN_ENTRIES, WIDGET

NUMBERS = generic.NumberObject | generic.FloatObject


def is_visible(field: Any, max_widgets: int, *, is_signed: bool = False) -> bool:
    """Whether the field, or any widget below it, has a rectangle that is not certainly empty.

    Viewers show an empty signature field of their own accord. Of a signed one (``is_signed``) they show what it brings:
    an appearance, or the colours and borders of one. A field with more than ``max_widgets`` widgets counts as visible.
    """
    waiting = [field]
    for _ in range(max_widgets):
        if not waiting:
            return False
        entries = waiting.pop().get_object()
        if not isinstance(entries, generic.DictionaryObject):
            return True
        if "/Subtype" in entries and entries["/Subtype"] != WIDGET:
            return True
        draws = not is_signed or any(key in entries for key in DRAWN_ENTRIES)
        if draws and "/Rect" in entries and not _is_empty(entries["/Rect"]):
            return True
        kids = entries["/Kids"] if "/Kids" in entries else generic.ArrayObject()
        if not isinstance(kids, generic.ArrayObject):
            return True
        waiting += [kids.raw_get(place) for place in range(len(kids))]
    return True


def _is_empty(rectangle: Any) -> bool:
    if not isinstance(rectangle, generic.ArrayObject) or len(rectangle) != 4:
        return False
    corners = [rectangle[place] for place in range(4)]
    if not all(isinstance(corner, NUMBERS) for corner in corners):
        return False
    left, bottom, right, top = corners
    return bool(left == right or bottom == top)
