"""Whether a field shows something on a page; in doubt it does: what is no rectangle to one reader, another draws."""

from typing import Any

from pyhanko.pdf_utils import generic

MAX_WIDGETS = 1_000
NUMBERS = generic.NumberObject | generic.FloatObject


def is_visible(field: Any, *, is_signed: bool = False) -> bool:
    """The field, or any widget below it, has a rectangle that is not surely empty.

    Viewers show an empty signature field of their own accord, and of a signed one (``is_signed``) what it brings: an
    appearance, or the colours of one.
    """
    waiting = [field]
    for _ in range(MAX_WIDGETS):
        if not waiting:
            return False
        found = waiting.pop().get_object()
        if not isinstance(found, generic.DictionaryObject):
            return True
        draws = not is_signed or "/AP" in found or "/MK" in found
        if draws and "/Rect" in found and not _is_empty(found["/Rect"]):
            return True
        kids = found["/Kids"] if "/Kids" in found else generic.ArrayObject()
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
