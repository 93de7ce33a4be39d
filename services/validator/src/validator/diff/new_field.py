"""One new signature field, or a new field with nothing but such fields below it."""

from dataclasses import dataclass
from functools import lru_cache

from pyhanko.pdf_utils import generic

from validator.diff.appearance import is_shown
from validator.diff.change import Change, Level, as_array, as_dictionary
from validator.diff.change_not_allowed import ChangeNotAllowed
from validator.diff.plain_entries import Entries
from validator.pdf.history import references
from validator.pdf.schema import ACTION_KEYS, NEW_FIELD_PARTS, TIME_STAMP_TYPE, WIDGET
from validator.pdf.values import Ref, Value

REMEMBERED_FIELD_NAMES = 256


@dataclass(frozen=True, slots=True)
class Parent:
    """The field above, and what it passes on."""

    reference: Ref | None
    """None = the form itself."""
    name: str
    """With the names above it."""
    kind: "Value | None"
    """Its /FT, its own or inherited."""
    has_value: bool
    depth: int

    def name_of(self, name: str) -> str:
        """The full name of a field below."""
        return f"{self.name}.{name}" if self.name else name

    def above(self, change: Change, reference: Ref, entries: Entries) -> "Parent":
        """The same for the fields below the one of these entries."""
        return Parent(
            reference,
            self.name_of(field_name(change, reference)),
            entries.get("/FT", self.kind),
            self.has_value or "/V" in entries or "/DV" in entries,
            self.depth + 1,
        )


def field_name(change: Change, field: Value) -> str:
    """Its partial name; empty if it has none."""
    entries = change.new_value(field)
    name = entries.get("/T") if isinstance(entries, dict) else None
    return _as_text(name) if isinstance(name, bytes) else ""


@lru_cache(maxsize=REMEMBERED_FIELD_NAMES)
def _as_text(name: bytes) -> str:
    text = generic.pdf_string(name)
    return str(text) if isinstance(text, generic.TextStringObject) else name.decode("latin-1")


def has_names(change: Change, kids: Value) -> bool:
    """Whether all of these are fields; a widget has no name."""
    listed = as_array(change.new_value(kids), "/Kids")
    return bool(listed) and all(field_name(change, each) for each in listed)


def check_new_field(change: Change, field: Value, parent: Parent) -> None:
    """A field that was added below ``parent``. Raises ``ChangeNotAllowed``."""
    if not isinstance(field, Ref) or not change.is_new(field):
        raise ChangeNotAllowed("an old object became a field")
    entries = as_dictionary(change.new_value(field), "field")
    name = field_name(change, field)
    if not name or "." in name:
        raise ChangeNotAllowed("name of a new field")
    if ACTION_KEYS & entries.keys():
        raise ChangeNotAllowed("new field that does something when it is touched")
    if entries.get("/Parent", parent.reference) != parent.reference:
        raise ChangeNotAllowed("new field below another parent")
    if "/Kids" in entries and has_names(change, entries["/Kids"]):
        _check_new_parent(change, field, entries, parent)
    else:
        _check_signature_field(change, field, entries, parent)


def _check_new_parent(change: Change, field: Ref, entries: Entries, parent: Parent) -> None:
    inherits = parent.above(change, field, entries)
    if "/Subtype" in entries or inherits.has_value or inherits.depth > change.limits.max_field_depth:
        raise ChangeNotAllowed("new field that is more than a parent of fields")
    change.explain(field, Level.VALIDATION_DATA)
    kids = _kids(change, entries)
    names = [field_name(change, each) for each in kids]
    if len(set(names)) != len(names):
        raise ChangeNotAllowed("two fields of one name")
    for each in kids:
        check_new_field(change, each, inherits)


def _kids(change: Change, entries: Entries) -> "list[Value]":
    kids = entries.get("/Kids")
    if isinstance(kids, Ref):
        change.explain(kids, Level.VALIDATION_DATA)
    return as_array(change.new_value(kids), "/Kids")


def _check_signature_field(change: Change, field: Ref, entries: Entries, parent: Parent) -> None:
    if entries.get("/FT", parent.kind) != "/Sig" or parent.has_value:
        raise ChangeNotAllowed("new field that is no signature field")
    must_be_widget(entries)
    name = parent.name_of(field_name(change, field))
    shown = is_shown(change, entries)
    level = Level.FORM_FILLING if shown else Level.VALIDATION_DATA
    change.explain(field, level)
    brings = [change.take_in(entries.get(key), Level.FORM_FILLING) for key in NEW_FIELD_PARTS]
    if "/Kids" not in entries:
        change.new_widgets.add(field.number)
    for each in _kids(change, entries):
        brings.append(_check_widget(change, each, field, level))
    if shown or any(brings):
        change.changed_fields.add(name)
    if "/V" in entries:
        check_signature(change, name, entries["/V"], shown)
    else:
        change.has_unsigned_field = True


def must_be_widget(entries: Entries) -> None:
    """A field on a page is a widget and nothing else: viewers draw a square or a note without being given a picture.

    Raises ``ChangeNotAllowed``.
    """
    if entries.get("/Subtype", WIDGET) != WIDGET:
        raise ChangeNotAllowed("a field that is another annotation than a widget")


def _check_widget(change: Change, kid: Value, field: Ref, level: Level) -> bool:
    """Returns whether it brings an appearance."""
    if not isinstance(kid, Ref) or not change.is_new(kid):
        raise ChangeNotAllowed("an old object became a widget")
    entries = as_dictionary(change.new_value(kid), "widget")
    if "/T" in entries or "/Kids" in entries or ACTION_KEYS & entries.keys() or entries.get("/Parent", field) != field:
        raise ChangeNotAllowed("widget that is more than one")
    must_be_widget(entries)
    change.explain(kid, level)
    change.new_widgets.add(kid.number)
    return change.take_in(entries.get("/AP"), Level.FORM_FILLING)


def check_signature(change: Change, name: str, value: Value, shown: bool) -> None:
    """The signature dictionary of the field ``name``: a new object. Raises ``ChangeNotAllowed``."""
    if not isinstance(value, Ref) or not change.is_new(value):
        raise ChangeNotAllowed(f"signature of field {name} is no new object")
    entries = as_dictionary(change.new_value(value), "signature")
    is_quiet_time_stamp = entries.get("/Type") == TIME_STAMP_TYPE and not shown
    level = Level.VALIDATION_DATA if is_quiet_time_stamp else Level.FORM_FILLING
    change.explain(value, level)
    for reference, path in references(entries.get("/Reference")):
        if path[-1] == "/TransformParams" and change.is_new(reference):
            change.explain(reference, level)
    if not is_quiet_time_stamp:
        change.changed_fields.add(name)
