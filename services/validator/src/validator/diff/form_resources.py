"""What the fields of a form are drawn with: resources and defaults.

Tools add the fonts of their own appearances to the form's resources. An exchanged font would make a field say something
else. A drawing may be exchanged, because only fonts write fields (ISO 32000-1 §12.7.3.3), unless an appearance has no
resources of its own and looks for its drawings there. Nor may a name be added for which such an appearance looks. Where
viewers draw some field themselves, everything that fields are drawn with must stay as it is.
"""

from collections.abc import Iterator

from pyhanko.pdf_utils import generic

from validator.diff.annotations import annotations
from validator.diff.change import Change, Level, Pair, as_dictionary
from validator.diff.change_not_allowed import ChangeNotAllowed
from validator.diff.plain_entries import Entries, same
from validator.pdf.schema import DRAWING_DEFAULTS
from validator.pdf.values import Ref, Value

LEVEL = Level.FORM_FILLING


def check_form_resources(change: Change, form: Pair) -> None:
    """``/DR``, ``/DA`` and ``/Q`` of the form."""
    before, now = as_dictionary(form.before, "the form"), as_dictionary(form.now, "the form")
    if not _concerns(change, before, now):
        return
    resources = change.follow(form, "/DR", LEVEL)
    change.take_in(now.get("/DR"), LEVEL)
    for kind in as_dictionary(resources.before, "/DR") if resources.before is not None else ():
        _check_kind(change, resources, kind)
    _check_new_names(change, resources)
    _check_defaults(change, form)


def _concerns(change: Change, before: Entries, now: Entries) -> bool:
    """Whether the update touches any of them."""
    if any(not same(before.get(key), now.get(key)) for key in DRAWING_DEFAULTS):
        return True
    resources = change.new_value(now.get("/DR"))
    parts = [now.get("/DR"), *(resources.values() if isinstance(resources, dict) else ())]
    return any(isinstance(each, Ref) and each.number in change.written for each in parts)


def _check_kind(change: Change, resources: Pair, kind: str) -> None:
    """One dictionary of the resources, which may be an object of its own."""
    was, is_, place = change.entry(resources, kind)
    known, found = change.history.value(was, change.old), change.history.value(is_, change.new)
    before, now = known.value, found.value
    if known.is_stream or not isinstance(before, dict):
        if not change.is_same(was, is_):
            raise ChangeNotAllowed("resources of the form exchanged")
        return
    if found.is_stream or not isinstance(now, dict):
        raise ChangeNotAllowed("resources of the form exchanged")
    if isinstance(is_, Ref):
        change.take_over(was, is_, place, LEVEL)
    for name, value in before.items():
        may = kind == "/XObject" and _may_exchange_drawing(change, value, now.get(name))
        if not same(value, now.get(name)) and not may:
            raise ChangeNotAllowed("resources of the form exchanged")
    change.take_in(now, LEVEL)


def _check_new_names(change: Change, resources: Pair) -> None:
    """What was not there when an appearance was signed does not appear in it: no appearance looks for it there."""
    before, now = resources.before, resources.now
    known = _names(change, before, change.old)
    added = {name for kind, name in _names(change, now, change.new) - known}
    if not added or not isinstance(now, dict):
        return
    for appearance in _appearances(change):
        stream = change.history.stream(appearance, change.old)
        if not isinstance(stream, generic.StreamObject) or _has_resources(stream):
            continue
        data = stream.data
        if b"#" in data or any(name.encode("latin-1") in data for name in added):
            raise ChangeNotAllowed("resources for an appearance that was signed without them")


def _names(change: Change, resources: "Value | None", revision: int) -> set[tuple[str, str]]:
    """Kind and name of each resource."""
    kinds = resources if isinstance(resources, dict) else {}
    listed = {kind: change.history.value(value, revision).value for kind, value in kinds.items()}
    return {(kind, name) for kind, names in listed.items() if isinstance(names, dict) for name in names}


def _has_resources(stream: generic.StreamObject) -> bool:
    return "/Resources" in stream and isinstance(stream["/Resources"], generic.DictionaryObject)


def _check_defaults(change: Change, form: Pair) -> None:
    before, now = as_dictionary(form.before, "the form"), as_dictionary(form.now, "the form")
    changed = [key for key in DRAWING_DEFAULTS if not _is_same_default(change, before.get(key), now.get(key))]
    if changed and _is_drawn_by_viewers(change, before):
        raise ChangeNotAllowed(f"fields would be drawn with another {changed[0]}")


def _is_same_default(change: Change, before: "Value | None", now: "Value | None") -> bool:
    """The value; of resources, also what its dictionaries list."""
    was, is_ = change.old_value(before), change.new_value(now)
    if not isinstance(was, dict) or not isinstance(is_, dict):
        return same(was, is_)
    return was.keys() == is_.keys() and all(
        same(change.history.value(was[key], change.old).value, change.history.value(is_[key], change.new).value)
        for key in was
    )


def _is_drawn_by_viewers(change: Change, form: Entries) -> bool:
    """Whether some field that is no signature has no appearance of its own, or one that viewers are told to renew."""
    renewed = change.old_value(form.get("/NeedAppearances")) not in (None, "false", "null")
    waiting = [(each, "") for each in _list(change, form.get("/Fields"))]
    for _ in range(change.limits.max_form_fields):
        if not waiting:
            return False
        reference, kind = waiting.pop()
        field = change.old_value(reference)
        if not isinstance(field, dict):
            continue
        kind = str(change.old_value(field.get("/FT", kind)))
        below = [each for each in _list(change, field.get("/Kids")) if isinstance(each, Ref)]
        waiting += [(kid, kind) for kid in below]
        if kind != "/Sig" and not below and (renewed or "/AP" not in field):
            return True
    return True


def _list(change: Change, value: "Value | None") -> "list[Value]":
    items = change.old_value(value)
    return items if isinstance(items, list) else []


def _may_exchange_drawing(change: Change, before: Value, now: "Value | None") -> bool:
    if not isinstance(before, Ref) or not isinstance(now, Ref) or not change.is_new(now):
        return False
    if not change.history.get(now, change.new).is_stream:
        return False
    return all(_draws_by_itself(change, each) for each in _appearances(change))


def _appearances(change: Change) -> Iterator[Ref]:
    """All appearance streams of all annotations."""
    for reference in annotations(change):
        entries = change.history.get(reference, change.old)
        waiting = [entries.value.get("/AP")] if isinstance(entries.value, dict) and not entries.is_stream else []
        for _ in range(change.limits.max_annotation_nodes):
            if not waiting:
                break
            node = waiting.pop()
            found = change.history.value(node, change.old)
            if found.is_stream and isinstance(node, Ref):
                yield node
            elif isinstance(found.value, dict):
                waiting += found.value.values()


def _draws_by_itself(change: Change, appearance: Ref) -> bool:
    """It has resources of its own, or draws no drawing."""
    stream = change.history.stream(appearance, change.old)
    return isinstance(stream, generic.StreamObject) and (_has_resources(stream) or b"Do" not in stream.data)
