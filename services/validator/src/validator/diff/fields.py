"""The fields of the form: signature fields may be added, and empty ones signed.

A new field may stand in the form's own list, or below another field: the fields form a tree (ISO 32000-1 §12.7.3.1).
New fields are new objects and carry no actions, which could run scripts.
"""

from validator.diff.annotations import is_annotation_of_page
from validator.diff.appearance import check_appearance, is_shown
from validator.diff.change import Change, Level, Pair, as_array, as_dictionary
from validator.diff.change_not_allowed import ChangeNotAllowed
from validator.diff.new_field import Parent, check_new_field, check_signature, field_name, has_names, must_be_widget
from validator.diff.plain_entries import Entries, same, same_except
from validator.pdf.history import Place
from validator.pdf.schema import (
    ALWAYS_CHANGEABLE_FIELD_KEYS,
    FIELD_REFERENCE_KEYS,
    FILLED_FIELD_KEYS,
    HIDING_FLAGS,
    TIME_STAMP_TYPE,
)
from validator.pdf.values import Ref

TOP = Parent(None, "", None, False, 0)


def check_fields(change: Change, fields: Pair, parent: Parent = TOP) -> None:
    """A list of fields: the form's, or the ``/Kids`` of ``parent``."""
    before, now = as_array(fields.before, "list of fields"), as_array(fields.now, "list of fields")
    if parent.depth > change.limits.max_field_depth or len(now) > change.limits.max_form_fields:
        raise ChangeNotAllowed("too many fields")
    added = [each for each in now if each not in before]
    if len(now) - len(added) != len(before) or not all(each in now for each in before):
        raise ChangeNotAllowed("a field was taken away, or is listed twice")
    for place, each in enumerate(before):
        if isinstance(each, Ref):
            _check_old_field(change, each, fields.place.below(place), parent)
    if not added:
        return
    names = [field_name(change, each) for each in now]
    for each in added:
        if names.count(field_name(change, each)) != 1:
            raise ChangeNotAllowed("two fields of one name")
        check_new_field(change, each, parent)


def _check_old_field(change: Change, field: Ref, listed: Place, parent: Parent) -> None:
    before, now = (change.history.get(field, each) for each in (change.old, change.new))
    if before.is_stream or now.is_stream or not isinstance(before.value, dict) or not isinstance(now.value, dict):
        return  # no field; if it was changed, nothing explains it
    pair = Pair(before.value, now.value, Place(field.number, ()))
    may_grow = _check_kids(change, field, pair, parent)
    if field.number in change.replaced:
        _check_changed(change, field, pair, listed, parent, may_grow)


def _check_kids(change: Change, field: Ref, pair: Pair, parent: Parent) -> bool:
    """The fields below it. Returns whether its ``/Kids`` may differ: they are fields, and have been checked."""
    before, now = as_dictionary(pair.before, "field"), as_dictionary(pair.now, "field")
    if "/Kids" not in before or "/Kids" not in now:
        return False
    is_parent = (
        has_names(change, before["/Kids"])
        if as_array(change.old_value(before["/Kids"]), "/Kids")
        else ("/FT" not in before and "/Subtype" not in before)
    )
    if not is_parent:
        return False
    kids = change.follow(pair, "/Kids")
    check_fields(change, kids, parent.above(change, field, before))
    return True


def _check_changed(change: Change, field: Ref, pair: Pair, listed: Place, parent: Parent, may_grow: bool) -> None:
    before, now = as_dictionary(pair.before, "field"), as_dictionary(pair.now, "field")
    kids = {"/Kids"} if may_grow else set[str]()
    name = parent.name_of(field_name(change, field))
    if before.get("/FT", parent.kind) != "/Sig":
        if not same_except(before, now, kids):
            raise ChangeNotAllowed(f"field {name} was changed")
    elif "/V" in now and "/V" not in before:
        _check_signed(change, name, pair, kids)
    elif not same_except(before, now, ALWAYS_CHANGEABLE_FIELD_KEYS | kids):
        raise ChangeNotAllowed(f"field {name} was changed")
    _check_type(before, now)
    change.explain(field, Level.VALIDATION_DATA, lambda place: _is_expected(change, place, listed))


def _is_expected(change: Change, place: Place, listed: Place) -> bool:
    """The list of fields, pages that show it, the structure tree, and the way up from its widgets."""
    if place == listed or is_annotation_of_page(change, place):
        return True
    return bool(place.path) and place.path[-1] in FIELD_REFERENCE_KEYS


def _check_type(before: Entries, now: Entries) -> None:
    if not same(before.get("/Type"), now.get("/Type")) and ("/Type" in before or now["/Type"] != "/Annot"):
        raise ChangeNotAllowed("/Type of a field changed")


def _check_signed(change: Change, name: str, pair: Pair, kids: set[str]) -> None:
    """An empty signature field got its signature, with its appearance."""
    before, now = as_dictionary(pair.before, "field"), as_dictionary(pair.now, "field")
    if not same_except(before, now, FILLED_FIELD_KEYS | kids):
        raise ChangeNotAllowed(f"field {name} was changed")
    must_be_widget(before)
    _must_stay_hidden(change, before, now)
    check_appearance(change, pair)
    change.changed_fields.add(name)
    check_signature(change, name, now["/V"], is_shown(change, now))


def _must_stay_hidden(change: Change, before: Entries, now: Entries) -> None:
    """A time stamp vouches for no content, so it does not uncover what a viewer would draw of the field."""
    value = change.new_value(now["/V"])
    if not isinstance(value, dict) or value.get("/Type") != TIME_STAMP_TYPE:
        return
    flags, left = change.old_value(before.get("/F", 0)), change.new_value(now.get("/F", 0))
    if not isinstance(flags, int) or not isinstance(left, int) or flags & HIDING_FLAGS & ~left:
        raise ChangeNotAllowed("a time stamp uncovered a field")
