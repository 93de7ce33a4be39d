"""The packages sent, their expected results, and the messages in the units' inboxes. Pure: no clock, no broker."""

from dataclasses import dataclass, field
from enum import StrEnum

from common.domain.names import UnitCode
from common.domain.reason import Reason


class Kind(StrEnum):
    """How a package is counted."""

    DOCUMENT = "document"
    """Brings a document: delivered or refused."""
    REPEAT = "repeat"
    """The same bytes again: the sender gets the same answer again."""
    RECALL = "recall"
    STATUS = "status"


class Outcome(StrEnum):
    """The result for a package."""

    DELIVERED = "delivered"
    """At least one receiver has it."""
    REFUSED = "refused"
    """No unit has it, and the sender got the reason."""
    ANSWERED = "answered"
    """A repeat: the sender got the answer again."""
    UNANSWERED = "unanswered"


@dataclass(frozen=True, slots=True, kw_only=True)
class Expected:
    """The expected result for a package, complete: nothing else may happen."""

    placed: frozenset[UnitCode] = frozenset()
    """Units that must find it in their inbox."""
    turned: frozenset[tuple[UnitCode, Reason]] = frozenset()
    """Receivers that must be refused, each with its reason, while the others get it."""
    reason: Reason | None = None
    """Why the whole package must be refused."""


@dataclass(slots=True, kw_only=True)
class Case:
    """One package on its way. Times are seconds of one monotonic clock."""

    kind: Kind
    title: str
    sender: UnitCode
    receivers: tuple[UnitCode, ...]
    expected: Expected
    package_id: str
    document_key: str
    urgent: bool
    burst: bool = False
    """Submitted with many others at one moment."""
    sent_at: float
    placed: dict[UnitCode, float] = field(default_factory=dict)
    turned: set[tuple[UnitCode, Reason]] = field(default_factory=set)
    reason: Reason | None = None
    answered_again: bool = False
    altered_for: list[UnitCode] = field(default_factory=list)
    """Units that got other bytes than were sent (must stay empty)."""
    last_at: float | None = None
    """When the last thing was seen."""

    def note_placed(self, unit: UnitCode, at: float, *, intact: bool) -> None:
        """A unit found the package in its inbox; a second copy changes nothing."""
        if unit not in self.placed:
            self.placed[unit] = at
            self.last_at = at
        if not intact:
            self.altered_for.append(unit)

    def note_refused(self, reason: Reason, receiver: UnitCode, at: float) -> None:
        """Records that the sender got a refusal of the package, or of one ``receiver``."""
        if receiver:
            self.turned.add((receiver, reason))
        else:
            self.reason = reason
        self.last_at = at

    def note_repeated_answer(self, at: float) -> None:
        """Records that the sender of a repeat got the same answer again."""
        self.answered_again = True
        self.last_at = at

    @property
    def complete(self) -> bool:
        """Whether nothing more is to be waited for: all that must come has come, or a refusal has ended it."""
        if self.kind is Kind.REPEAT:
            return self.answered_again
        if self.reason or self.expected.reason:
            return self.reason is not None
        return self.expected.placed <= self.placed.keys() and {u for u, _ in self.expected.turned} <= {
            u for u, _ in self.turned
        }

    @property
    def outcome(self) -> Outcome:
        """What became of the package so far."""
        if not self.complete:
            return Outcome.UNANSWERED
        if self.kind is Kind.REPEAT:
            return Outcome.ANSWERED
        return Outcome.DELIVERED if self.placed else Outcome.REFUSED

    @property
    def as_expected(self) -> bool:
        """Whether exactly the expected messages have come."""
        if self.kind is Kind.REPEAT:
            return self.answered_again
        return (
            self.placed.keys() == self.expected.placed
            and self.turned == self.expected.turned
            and self.reason == self.expected.reason
            and not self.altered_for
        )

    @property
    def seconds(self) -> float | None:
        """From submission to the last thing that was seen; None = nothing was."""
        return None if self.last_at is None else self.last_at - self.sent_at
