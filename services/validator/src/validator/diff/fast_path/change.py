"""One revision against the one before, and what has been found harmless in it so far."""

from validator.diff.fast_path.plain_entries import references
from validator.pdf.history import History
from validator.pdf.inconclusive import Unsure
from validator.pdf.values import Ref, Value

MAX_DEPTH = 30


class Revision:
    """What every part of the check works on; ``used`` grows by each object whose role is known."""

    def __init__(self, history: History, revision: int, *, at_the_end: bool) -> None:
        """``at_the_end``: there is no signature in or behind this revision."""
        self.history, self.new, self.old, self.at_the_end = history, revision, revision - 1, at_the_end
        self.xrefs = history.reader.xrefs
        self.size = max(self.xrefs.get_xref_container_info(each).size for each in range(revision))
        """Above all earlier object numbers."""
        self.added: set[int] = set()
        self.replaced: set[int] = set()
        self.used: set[int] = set()
        self.root = 0
        """Number of the catalog."""
        self.widgets: list[int] = []
        """New signature fields."""
        self.field_holders: set[int] = set()
        """Objects that may mention a signature field."""

    def must_be_vouched_for(self) -> None:
        """A signature follows, whose maker answers for what this revision says."""
        if self.at_the_end:
            raise Unsure

    def takes_over(self, before: "Value | None", now: Ref, holder: int) -> None:
        """An entry refers to a new object, or still to the same one, which only ``holder`` mentions."""
        if now.generation or (before != now and now.number not in self.added):
            raise Unsure
        if now.number in self.replaced:
            self.only_held_by(now.number, {holder})
        if now.number in self.added | self.replaced:
            self.used.add(now.number)

    def only_held_by(self, number: int, holders: set[int]) -> None:
        """(q10) A changed object is mentioned by nobody else in all that was written before."""
        if number in self.replaced and not set(self.history.mentions(self.old).holders(number)) <= holders:
            raise Unsure

    def kept(self, before: "Value | None", now: "Value | None", holder: int) -> int:
        """Number of the object an entry still leads to, ``holder`` where it is written there directly."""
        if isinstance(before, Ref) != isinstance(now, Ref):
            raise Unsure
        if not isinstance(now, Ref):
            return holder
        if before != now:
            raise Unsure
        self.takes_over(before, now, holder)
        return now.number

    def take_in(self, value: "Value | None", depth: int = 0) -> None:
        """New objects that only new ones lead to; all that they refer to is there."""
        if depth > MAX_DEPTH:
            raise Unsure
        for reference in references(value):
            if reference.generation:
                raise Unsure
            found = self.history.get(reference.number, self.new)
            if reference.number in self.replaced:
                raise Unsure
            if reference.number in self.added and reference.number not in self.used:
                self.used.add(reference.number)
                self.take_in(found.value, depth + 1)

    def flat(self, key: str, revision: int) -> "Value | None":
        """A trailer's entry, inherited from earlier ones."""
        for each in range(revision, -1, -1):
            if (value := self.history.trailer(each).get(key)) is not None:
                return value
        return None
