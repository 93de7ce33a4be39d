"""One revision against the one before, and the objects in it that are known to be harmless so far."""

from validator.diff.fast_path.plain_entries import references
from validator.pdf.history import History
from validator.pdf.inconclusive import Inconclusive
from validator.pdf.values import Ref, Value


class RevisionChange:
    """What every part of the check works on; ``used`` collects the objects whose role is known."""

    def __init__(self, history: History, revision: int, *, at_the_end: bool) -> None:
        """``at_the_end``: there is no signature in or behind this revision."""
        self.history, self.new, self.old, self.at_the_end = history, revision, revision - 1, at_the_end
        self.xrefs = history.reader.xrefs
        self.limits = history.reader.policy.fast_path
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
        """Raises ``Inconclusive`` unless a signature follows, whose signer vouches for this revision."""
        if self.at_the_end:
            raise Inconclusive

    def takes_over(self, before: "Value | None", now: Ref, holder: int) -> None:
        """An entry refers to a new object, or still to the same one, to which only ``holder`` refers."""
        if now.generation or (before != now and now.number not in self.added):
            raise Inconclusive
        if now.number in self.replaced:
            self.only_held_by(now.number, {holder})
        if now.number in self.added | self.replaced:
            self.used.add(now.number)

    def only_held_by(self, number: int, holders: set[int]) -> None:
        """(q10) No other object of all that was written before refers to a changed one."""
        if number in self.replaced and not set(self.history.mentions(self.old).holders(number)) <= holders:
            raise Inconclusive

    def kept(self, before: "Value | None", now: "Value | None", holder: int) -> int:
        """Number of the object an entry still leads to; ``holder`` where the value is written in place."""
        if isinstance(before, Ref) != isinstance(now, Ref):
            raise Inconclusive
        if not isinstance(now, Ref):
            return holder
        if before != now:
            raise Inconclusive
        self.takes_over(before, now, holder)
        return now.number

    def take_in(self, value: "Value | None", depth: int = 0) -> None:
        """Give new objects the role of what refers to them; all that they refer to must exist."""
        if depth > self.limits.max_depth:
            raise Inconclusive
        for reference in references(value):
            if reference.generation:
                raise Inconclusive
            target = self.history.get(reference.number, self.new)
            if reference.number in self.replaced:
                raise Inconclusive
            if reference.number in self.added and reference.number not in self.used:
                self.used.add(reference.number)
                self.take_in(target.value, depth + 1)

    def flat(self, key: str, revision: int) -> "Value | None":
        """An entry of the trailer, inherited from earlier ones."""
        for each in range(revision, -1, -1):
            if (value := self.history.trailer(each).get(key)) is not None:
                return value
        return None
