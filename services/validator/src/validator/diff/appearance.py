"""What a signature field shows, and the appearance that an empty one gets when it is signed."""

from validator.diff.change import Change, Level, Pair, as_dictionary
from validator.diff.change_not_allowed import ChangeNotAllowed
from validator.diff.plain_entries import Entries, number
from validator.pdf.schema import APPEARANCE_STATES
from validator.pdf.values import Ref, Value

LEVEL = Level.FORM_FILLING


def is_shown(change: Change, field: Entries) -> bool:
    """Whether the field or one of its widgets has a rectangle that is not certainly empty."""
    kids = change.new_value(field.get("/Kids"))
    widgets = [change.new_value(each) for each in kids] if isinstance(kids, list) else []
    return any(isinstance(each, dict) and _has_area(change, each) for each in (field, *widgets))


def _has_area(change: Change, widget: Entries) -> bool:
    if "/Rect" not in widget:
        return False
    rectangle = change.new_value(widget["/Rect"])
    if not isinstance(rectangle, list):
        return True
    corners = [number(change.new_value(each)) for each in rectangle]
    match corners:
        case [left, bottom, right, top] if None not in corners:
            return left != right and bottom != top
        case _:
            return True


def check_appearance(change: Change, field: Pair) -> None:
    """``/AP`` of a field that was signed: new streams, or old ones that nothing else shows, written again."""
    appearance = change.follow(field, "/AP", LEVEL)
    if appearance.now is None:
        return
    _must_be_its_own(change, field)
    now = as_dictionary(appearance.now, "/AP")
    for state in APPEARANCE_STATES:
        change.take_in(now.get(state), LEVEL)
        if "/AS" not in as_dictionary(field.before, "field"):
            _check_same_stream(change, appearance, state)


def _must_be_its_own(change: Change, field: Pair) -> None:
    """The appearance that it had is no object that something else uses as well."""
    before, now, place = change.entry(field, "/AP")
    if isinstance(before, Ref) and before != now and change.unexpected_uses(before.number, lambda each: each == place):
        raise ChangeNotAllowed("an appearance that something else uses as well")


def _check_same_stream(change: Change, appearance: Pair, state: str) -> None:
    before, now, place = change.entry(appearance, state)
    if not isinstance(now, Ref) or before != now or now.number not in change.replaced:
        return
    if change.history.get(now, change.old).is_stream and change.history.get(now, change.new).is_stream:
        change.explain(now, LEVEL, lambda each: each == place)
        change.take_in(_entries(change, now), LEVEL)


def _entries(change: Change, stream: Ref) -> Value:
    return change.history.get(stream, change.new).value
