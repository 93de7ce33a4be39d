"""One update beside the revision it is compared with, and which of its objects are explained so far.

Every object that an update writes must be explained by a rule: because it is new and stands where new objects may
stand, or because it replaces an object in a way that the rule allows. An object that was there before may be used in
several places, with another meaning in each. So a rule also names the places it has looked at, and a replaced object
is allowed only if the signed document refers to it from nowhere else.
"""

from collections import defaultdict
from collections.abc import Callable, Set
from dataclasses import dataclass
from enum import Enum, IntEnum
from functools import cached_property

from validator.diff.change_not_allowed import ChangeNotAllowed
from validator.diff.plain_entries import Entries, same
from validator.pdf.history import TRAILER, History, Place, PlainObject, references
from validator.pdf.values import Ref, Value
from validator.policy import DifferenceLimits
from validator.report.change_rules import ChangeRule


class Zone(Enum):
    """Where the changes lie."""

    BETWEEN = "between"
    """A later signature vouches for them: signature fields, validation data and document information may change."""
    BEHIND = "behind"
    """Behind the last signature nobody vouches for the bytes. They may only add a DSS (EN 319 142-1 §5.4), and the date
    and the tool of the last change."""
    STAMPED = "stamped"
    """Behind the last signature, but document time stamps follow. They prove a time and vouch for no content, but need
    a field like any signature; rule (4.4) says that it shows nothing."""


class Level(IntEnum):
    """What permission a change needs. The numbers are those of DocMDP (ISO 32000-1 table 254)."""

    VALIDATION_DATA = 1
    """None: a certification that allows no changes still allows validation data and time stamps."""
    FORM_FILLING = 2
    """The permission to fill in forms and to sign."""


@dataclass(frozen=True, slots=True)
class Pair:
    """One value before the update and after it, references followed."""

    before: "Value | None"
    """None = there was none."""
    now: "Value | None"
    place: Place
    """Where the value stood before."""


Expected = Callable[[Place], bool]


class Change:
    """The update that ``new`` made, compared with revision ``old``."""

    def __init__(self, history: History, old: int, new: int, zone: Zone) -> None:
        self.history, self.old, self.new, self.zone = history, old, new, zone
        self.policy = history.reader.policy
        self.written = history.defined_in(new)
        self._known = history.defined_until(old)
        self.replaced = self.written & self._known
        self.added = self.written - self._known
        self.rule = ChangeRule.UNUSED
        """The rule that is being asked."""
        self._explained_by: dict[int, ChangeRule] = {}
        self._expected: dict[int, list[Expected]] = defaultdict(list)
        self.level = Level.VALIDATION_DATA
        self.changed_fields: set[str] = set()
        """Names of fields that a lock would protect (FieldMDP)."""
        self.new_widgets: set[int] = set()
        """Numbers of the widgets of new signature fields."""
        self.has_unsigned_field = False
        """A new signature field has no signature yet."""

    @property
    def limits(self) -> DifferenceLimits:
        """Of the policy."""
        return self.policy.difference

    # values

    def old_value(self, value: "Value | None") -> "Value | None":
        """A value of the old revision, references followed. Raises ``ChangeNotAllowed`` for a stream."""
        return None if value is None else self._value(self.history.value(value, self.old))

    def new_value(self, value: "Value | None") -> "Value | None":
        """A value of the new revision, references followed. Raises ``ChangeNotAllowed`` for a stream."""
        return None if value is None else self._value(self.history.value(value, self.new))

    @staticmethod
    def _value(found: PlainObject) -> Value:
        if found.is_stream:
            raise ChangeNotAllowed("a stream where none is expected")
        return found.value

    def old_object(self, number: int) -> PlainObject:
        """An object of that number, as the old revision has it."""
        return self.history.get(self.history.reference(number, self.old), self.old)

    def new_object(self, number: int) -> PlainObject:
        """An object of that number, as the new revision has it."""
        return self.history.get(self.history.reference(number, self.new), self.new)

    def is_new(self, reference: Ref) -> bool:
        """No revision up to the old one defined an object of that number."""
        return reference.number not in self._known

    @cached_property
    def catalog(self) -> Pair:
        """The catalog."""
        before = self.history.whole_trailer(self.old).get("/Root")
        return self.pair(before, self.history.whole_trailer(self.new).get("/Root"), Place(TRAILER, ("/Root",)))

    def pair(self, before: "Value | None", now: "Value | None", place: Place) -> Pair:
        """Two values that stand for each other; ``place``: of the one before."""
        inner = Place(before.number, ()) if isinstance(before, Ref) else place
        return Pair(self.old_value(before), self.new_value(now), inner)

    def entry(self, above: Pair, key: str) -> tuple["Value | None", "Value | None", Place]:
        """An entry of two dictionaries as it stands, and its place."""
        before = above.before.get(key) if isinstance(above.before, dict) else None
        now = above.now.get(key) if isinstance(above.now, dict) else None
        return before, now, above.place.below(key)

    # what is explained

    @property
    def explained(self) -> Set[int]:
        """Numbers of the objects that a rule has explained."""
        return self._explained_by.keys()

    def rule_of(self, number: int) -> ChangeRule:
        """The rule under which an object was written; asked when all of them hold."""
        otherwise = ChangeRule.REWRITTEN if number in self.replaced else ChangeRule.UNUSED
        return self._explained_by.get(number, otherwise)

    def explain(self, reference: Ref, level: Level, expected: Expected | None = None) -> None:
        """The object may be written. ``expected``: whether a place that refers to it is one the rule has looked at."""
        if expected is not None:
            self._expected[reference.number].append(expected)
        if reference.number in self.written:
            self._explained_by.setdefault(reference.number, self.rule)
            self.level = max(self.level, level)

    def follow(self, above: Pair, key: str, level: Level = Level.VALIDATION_DATA) -> Pair:
        """An entry that may be written again, in place or as an object of its own; the rule checks what it holds.

        Raises ``ChangeNotAllowed`` if the entry went away, is a stream, or takes an object that was there before.
        """
        before, now, place = self.entry(above, key)
        if now is None and before is not None:
            raise ChangeNotAllowed(f"{key} was taken away")
        if isinstance(now, Ref):
            self.take_over(before, now, place, level)
        return self.pair(before, now, place)

    def take_over(self, before: "Value | None", now: Ref, place: Place, level: Level) -> None:
        """An entry refers to the same object as before, or to a new one. Raises ``ChangeNotAllowed``."""
        if before != now and not self.is_new(now):
            raise ChangeNotAllowed(f"{place.path[-1]} took over object {now.number}")
        self.explain(now, level, lambda each: each == place)

    def take_in(self, value: "Value | None", level: Level) -> bool:
        """Explain all new objects behind a value. Returns whether there were any."""
        found, waiting = set[int](), [value]
        while waiting:
            for reference, _ in references(waiting.pop()):
                if self.is_new(reference) and reference.number not in found:
                    found.add(reference.number)
                    self.explain(reference, level)
                    waiting.append(self.history.get(reference, self.new).value)
        return bool(found & self.written)

    # the end

    def must_be_explained(self) -> None:
        """Raises ``ChangeNotAllowed`` for an object that no rule explained, or that is used elsewhere as well."""
        checked = set[int]()
        for number in sorted(self.replaced):
            if self.history.reference(number, self.old) != self.history.reference(number, self.new):
                raise ChangeNotAllowed(f"object {number} got another generation")
            if self.is_rewritten(number):
                continue
            if number not in self.explained:
                raise ChangeNotAllowed(f"object {number} was changed")
            self._must_have_one_meaning(number, checked)

    def _must_have_one_meaning(self, number: int, checked: set[int]) -> None:
        """Only expected places refer to it; nor are the objects in which they stand, if a rule came through them, used
        for anything else.
        """
        if number in checked:
            return
        checked.add(number)
        expected = self._expected[number]
        places = self.history.uses(number, self.old)
        strange = [place for place in places if not any(rule(place) for rule in expected)]
        for place in strange:
            if place.holder == TRAILER or place.holder in self.history.reachable(self.old):
                raise ChangeNotAllowed(f"object {number} is also used by object {place.holder}")
        for place in places:
            if place.holder in self._expected:
                self._must_have_one_meaning(place.holder, checked)

    def unexpected_uses(self, number: int, expected: Expected) -> list[Place]:
        """Places in the old revision that refer to the object and are not expected; of objects that are in use."""
        places = [place for place in self.history.uses(number, self.old) if not expected(place)]
        return [
            place for place in places if place.holder == TRAILER or place.holder in self.history.reachable(self.old)
        ]

    def is_rewritten(self, number: int) -> bool:
        """The object was written again as it was."""
        return self.is_same(self.history.reference(number, self.old), self.history.reference(number, self.new))

    def is_same(self, before: "Value | None", now: "Value | None") -> bool:
        """Whether two values are equal, references followed; of a stream, its data as well."""
        known, found = self.history.value(before, self.old), self.history.value(now, self.new)
        if known.is_stream != found.is_stream or not same(known.value, found.value):
            return False
        if not isinstance(before, Ref) or not isinstance(now, Ref) or not known.is_stream:
            return True
        one, other = self.history.stream(before, self.old), self.history.stream(now, self.new)
        return bool(one.encoded_data == other.encoded_data)


def as_dictionary(value: "Value | None", what: str) -> Entries:
    """The value, which must be a dictionary; an empty one for None. Raises ``ChangeNotAllowed``."""
    if value is None:
        return {}
    if not isinstance(value, dict):
        raise ChangeNotAllowed(f"{what} is no dictionary")
    return value


def as_array(value: "Value | None", what: str) -> "list[Value]":
    """The value, which must be an array; an empty one for None. Raises ``ChangeNotAllowed``."""
    if value is None:
        return []
    if not isinstance(value, list):
        raise ChangeNotAllowed(f"{what} is no array")
    return value
