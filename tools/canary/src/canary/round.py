"""One round as a value: which of the expected messages have arrived, and how the round ends. Pure."""

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass, field, replace

from canary.names import RECEIVER, SENDER, Outcome, Step

LABEL = "ORIGINAL"
"""What the trunk calls a document with both signatures."""
KEPT = ("waiting", "held", "returned")
"""Receipts that say that the trunk holds the package back."""


@dataclass(frozen=True, slots=True)
class Package:
    """Bytes that a unit submits."""

    sender: str
    body: bytes

    @property
    def sha256(self) -> str:
        """Digest of the bytes, in hex."""
        return hashlib.sha256(self.body).hexdigest()

    @property
    def package_id(self) -> str:
        """The trunk's id of this package, as docs/upstream.md says it is computed."""
        return hashlib.sha256("\0".join(("package", self.sender, self.sha256)).encode()).hexdigest()[:32]


@dataclass(frozen=True, slots=True, kw_only=True)
class Arrival:
    """One message of an inbox."""

    inbox: str
    """Code of the unit that read it."""
    type: str
    """document, receipt, refusal or status."""
    package_id: str
    body: bytes
    label: str = ""
    receipt: str = ""
    """Of a receipt: accepted, waiting, held or returned."""
    reason: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Round:
    """The packages that were sent, and the steps that have happened."""

    letter: Package
    answer: Package
    """The status 03 that the receiver submits once it has the letter."""
    done: Mapping[Step, float] = field(default_factory=dict)
    """Seconds from the beginning of the round to each step that has happened."""
    failure: Outcome | None = None
    """Why the round can no longer succeed."""
    is_held: bool = False
    """A receipt said that the trunk holds a package back."""
    reason: str = ""
    """Reason token of the trunk, from a refusal or from a receipt of a package that is held back."""

    def after(self, step: Step, seconds: float) -> "Round":
        """The round with this step done; a repeat changes nothing."""
        return self if step in self.done else replace(self, done={**self.done, step: seconds})

    def outcome(self, seconds: float, patience_seconds: float) -> Outcome | None:
        """The outcome if the round ends now; None = it continues."""
        if self.failure:
            return self.failure
        if len(self.done) == len(Step):
            return Outcome.SUCCESS
        if seconds < patience_seconds:
            return None
        if Step.CONFIRMED not in self.done:
            return Outcome.UNCONFIRMED
        return Outcome.HELD if self.is_held else Outcome.LATE


def concerns(arrival: Arrival, current: Round) -> bool:
    """Whether a message belongs to this round, and not to an earlier one or to somebody else's package."""
    return arrival.package_id in (current.letter.package_id, current.answer.package_id)


def note(current: Round, arrival: Arrival, seconds: float) -> Round:
    """The round after a message; one that does not concern it changes nothing."""
    if not concerns(arrival, current):
        return current
    is_letter = arrival.package_id == current.letter.package_id
    match (arrival.type, arrival.inbox):
        case ("refusal", _):
            return replace(current, failure=Outcome.REFUSED, reason=arrival.reason)
        case ("receipt", _) if arrival.receipt in KEPT:
            return replace(current, is_held=True, reason=arrival.reason)
        case ("receipt", unit) if arrival.receipt == "accepted" and unit == (SENDER if is_letter else RECEIVER):
            return current.after(Step.ACCEPTED if is_letter else Step.REPORTED, seconds)
        case ("document", unit) if is_letter and unit == RECEIVER:
            is_whole = arrival.body == current.letter.body and arrival.label == LABEL
            return current.after(Step.DELIVERED, seconds) if is_whole else replace(current, failure=Outcome.WRONG)
        case ("status", unit) if not is_letter and unit == SENDER:
            is_whole = arrival.body == current.answer.body
            return current.after(Step.ANSWERED, seconds) if is_whole else replace(current, failure=Outcome.WRONG)
        case _:
            return replace(current, failure=Outcome.WRONG)


def pause_seconds(began: float, now: float, every_seconds: float) -> float:
    """Seconds until the next round begins, by a monotonic clock; 0 if the round took longer than the interval."""
    return max(0.0, began + every_seconds - now)
