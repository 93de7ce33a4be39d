"""The difference analysis of one document: what all revisions behind a signature changed.

Each revision is compared with the one before it. If that shows a change which is not allowed, it is compared with the
signed revision itself: a tool may add an empty field in one update, and change it again in the update that signs it.
"""

from collections import defaultdict
from collections.abc import Callable
from dataclasses import dataclass

from validator.diff.annotations import check_annotation_types
from validator.diff.catalog import check_catalog
from validator.diff.change import Change, Level, Zone
from validator.diff.change_not_allowed import ChangeNotAllowed
from validator.diff.form import check_form
from validator.diff.information import check_information
from validator.diff.metadata import check_metadata
from validator.diff.orphans import check_new_objects, check_readers_find_no_more
from validator.diff.output_intents import check_output_intents
from validator.diff.pages import check_pages
from validator.diff.structure_tree import check_structure_tree
from validator.diff.validation_data import check_validation_data
from validator.pdf.history import History
from validator.pdf.inconclusive import Inconclusive
from validator.pdf.plain_history import plain_history_of
from validator.pdf.read_history import read_history_of
from validator.pdf.reader import Reader
from validator.report.change_rules import ChangeRule

RULES: tuple[tuple[ChangeRule, Callable[[Change], None]], ...] = (
    (ChangeRule.CATALOG, check_catalog),
    (ChangeRule.INFORMATION, check_information),
    (ChangeRule.METADATA, check_metadata),
    (ChangeRule.VALIDATION_DATA, check_validation_data),
    (ChangeRule.FORM, check_form),
    (ChangeRule.PAGES, check_pages),
    (ChangeRule.ANNOTATIONS, check_annotation_types),
    (ChangeRule.STRUCTURE_TREE, check_structure_tree),
    (ChangeRule.OUTPUT_INTENTS, check_output_intents),
    (ChangeRule.UNUSED, check_new_objects),
)
"""In this order: pages ask for the new fields, and the structure tree for what is left."""
FIELDS_ALONE = {ChangeRule.FORM, ChangeRule.ANNOTATIONS, ChangeRule.STRUCTURE_TREE}
NOT_IN = {
    Zone.BETWEEN: set(),
    Zone.STAMPED: {ChangeRule.OUTPUT_INTENTS},
    Zone.BEHIND: {ChangeRule.OUTPUT_INTENTS, *FIELDS_ALONE},
}
"""Rules that do not apply in a zone."""


@dataclass(frozen=True, slots=True, order=True)
class AllowedChange:
    """What one rule let an update write."""

    revision: int
    since: int
    """The revision it was compared with."""
    rule: ChangeRule
    objects: tuple[int, ...]
    """Numbers of the objects written."""


@dataclass(frozen=True, slots=True)
class Changes:
    """What some revisions changed, all of it allowed."""

    level: Level = Level.VALIDATION_DATA
    """The permission that it needs."""
    fields: frozenset[str] = frozenset()
    """Names of the fields that a lock would protect."""
    has_unsigned_field: bool = False
    """A signature field was added without a signature."""
    allowed: frozenset[AllowedChange] = frozenset()
    """Which rule allowed which of them."""

    def __add__(self, other: "Changes") -> "Changes":
        return Changes(
            max(self.level, other.level),
            self.fields | other.fields,
            self.has_unsigned_field or other.has_unsigned_field,
            self.allowed | other.allowed,
        )


class Analysis:
    """The changes of one document. What is known of a pair of revisions is kept: its signatures share them."""

    def __init__(self, reader: Reader) -> None:
        self._reader = reader
        self._known: dict[tuple[int, int, Zone], Changes | ChangeNotAllowed] = {}
        self._read_slowly = False

    def since(self, signed: int, last: int, *, time_stamps_follow: bool) -> Changes:
        """All revisions behind ``signed``. ``last``: the last revision whose signature vouches for what is before it.

        Raises ``ChangeNotAllowed``, or anything on hostile bytes.
        """
        total = Changes()
        behind = Zone.STAMPED if time_stamps_follow else Zone.BEHIND
        for revision in range(signed + 1, self._reader.total_revisions):
            total += self._step(signed, revision, Zone.BETWEEN if revision <= last else behind)
        return total

    @property
    def has_unsigned_field(self) -> bool:
        """Whether an update may have added a signature field without a signature, as far as was asked until now."""
        return not self._known or any(
            isinstance(each, ChangeNotAllowed) or each.has_unsigned_field for each in self._known.values()
        )

    def _step(self, signed: int, revision: int, zone: Zone) -> Changes:
        try:
            return self._between(revision - 1, revision, zone)
        except ChangeNotAllowed:
            if signed == revision - 1:
                raise
            return self._between(signed, revision, zone)

    def _between(self, old: int, new: int, zone: Zone) -> Changes:
        key = old, new, zone
        if key not in self._known:
            try:
                self._known[key] = self._judged(old, new, zone)
            except ChangeNotAllowed as refused:
                self._known[key] = refused
        known = self._known[key]
        if isinstance(known, ChangeNotAllowed):
            raise known
        return known

    def _judged(self, old: int, new: int, zone: Zone) -> Changes:
        """From the plain history if that has an answer."""
        plain = None if self._read_slowly else plain_history_of(self._reader)
        if plain is not None:
            try:
                return judge(plain, old, new, zone)
            except Inconclusive:
                self._read_slowly = True
        history = read_history_of(self._reader)
        history.reachable(old)  # nobody can say what was signed if a part of it cannot be read
        return judge(history, old, new, zone)

    @property
    def is_read_slowly(self) -> bool:
        """The file was not laid out plainly, so that all of its objects had to be read."""
        return self._read_slowly or plain_history_of(self._reader) is None


def judge(history: History, old: int, new: int, zone: Zone) -> Changes:
    """What revision ``new`` changed of revision ``old``. Raises ``ChangeNotAllowed``; and ``Inconclusive`` for a plain
    history that has no answer.
    """
    change = Change(history, old, new, zone)
    if history.freed_in(new) & history.defined_until(old):
        raise ChangeNotAllowed("an object was freed")
    if awaited := history.mentioned(change.added, old):
        raise ChangeNotAllowed(f"object {min(awaited)} was mentioned before it came")
    check_readers_find_no_more(change)
    for rule, check in RULES:
        if rule not in NOT_IN[zone]:
            change.rule = rule
            check(change)
    change.must_be_explained()
    return Changes(change.level, frozenset(change.changed_fields), change.has_unsigned_field, _allowed(change))


def _allowed(change: Change) -> frozenset[AllowedChange]:
    by_rule: dict[ChangeRule, list[int]] = defaultdict(list)
    for number in sorted(change.written):
        by_rule[change.rule_of(number)].append(number)
    return frozenset(AllowedChange(change.new, change.old, rule, tuple(numbers)) for rule, numbers in by_rule.items())


def analysis_of(reader: Reader) -> Analysis:
    """The analysis of the document behind ``reader``, kept with it."""
    if "difference_analysis" not in reader.memo:
        reader.memo["difference_analysis"] = Analysis(reader)
    analysis: Analysis = reader.memo["difference_analysis"]
    return analysis
