"""What a service remembers of a message that it could not handle at once: values.

A record begins with the first attempt that counts, and ends with the message: handled (removed), or parked until an
operator decides. ``common.service.record_transitions`` says how it changes, ``common.service.record_store`` keeps it.
"""

from datetime import datetime, timedelta
from enum import StrEnum

from pydantic import BaseModel, ConfigDict

from common.domain.reason import Reason
from common.domain.security import SecurityKind
from common.facts import ObjectRef, ParkedPackage
from common.service.settle import History

KEEP_SETTLED = timedelta(days=30)
"""How long a replayed or discarded message is kept; until then a discard can be taken back."""
DECISIONS_KEPT = 100
"""Earlier decisions of one record, the latest."""
DEAD_LETTERS_KEPT = 100
"""Dead letters that one record remembers, the latest."""


class RecordState(StrEnum):
    """Where the message is."""

    WAITING = "waiting"
    """In its queue, to be tried again."""
    GIVEN_UP = "given_up"
    """On its way to the dead letters; the reason is known."""
    PARKED = "parked"
    """Kept here until an operator decides."""
    QUARANTINED = "quarantined"
    """Kept here; its publisher was not entitled to it, so it is never handled."""
    REPLAYING = "replaying"
    """An operator had it handled again; that is not finished."""
    REPLAYED = "replayed"
    DISCARDED = "discarded"


UNDER_WAY = (RecordState.WAITING, RecordState.GIVEN_UP)
"""States of messages that are in their queue, or between it and the dead letters."""
HELD = (RecordState.PARKED, RecordState.QUARANTINED)
"""States of messages that wait for an operator."""
SETTLED = (RecordState.REPLAYED, RecordState.DISCARDED)
"""States of messages that an operator has decided about for good, as far as that cannot be taken back."""


class OperatorDecision(BaseModel):
    """The latest decision of an operator, and what became of it."""

    model_config = ConfigDict(frozen=True, extra="ignore")

    event_id: str
    """Of the request."""
    action: str
    actor: str
    purpose: str
    at: datetime
    """When it took effect; of a newer decision about the same message, later."""
    outcome: str = ""
    reason: Reason | None = None
    """Why the message was parked then; None in records of earlier releases."""

    def is_same(self, other: "OperatorDecision") -> bool:
        """Whether it is this very decision; another one under the same event id is another one."""
        mine = (self.event_id, self.action, self.actor, self.purpose)
        return mine == (other.event_id, other.action, other.actor, other.purpose)


class StoredMessage(BaseModel):
    """The message itself, as far as it is needed to handle it again."""

    model_config = ConfigDict(frozen=True, extra="ignore")

    exchange: str = ""
    routing_key: str = ""
    type: str = ""
    content_type: str = ""
    message_id: str = ""
    correlation_id: str = ""
    published_at: datetime | None = None
    trace: dict[str, str] = {}
    labels: dict[str, str] = {}
    size_bytes: int
    sha256: str
    body: bytes | None = None
    body_ref: ObjectRef | None = None
    """Where a large body lies; either this or ``body`` is set."""


class About(BaseModel):
    """The package or document that a parked message concerns, as far as the message says so reliably."""

    model_config = ConfigDict(frozen=True, extra="ignore")

    subject: str = ""
    package_id: str = ""
    document_id: str = ""
    sender: str = ""
    event_id: str = ""
    """Of the message itself, if it had been in a unit's inbox."""
    holds_package: bool = False
    """The message carries a package on its way: its sender has to be told."""
    package: ParkedPackage | None = None
    """What its fact says of that package; None in records of earlier releases."""


class MessageRecord(BaseModel):
    """One message."""

    model_config = ConfigDict(frozen=True, extra="ignore")

    record_id: str
    revision: int = 0
    """Counts changes, for compare-and-set; 0 = not saved yet."""
    state: RecordState = RecordState.WAITING
    queue: str
    user_id: str | None = None
    reason: Reason | None = None
    detail: str = ""
    security: SecurityKind | None = None
    """The kind of security event that giving it up was."""
    is_quarantined: bool = False
    attempts: int = 0
    waited_seconds: float = 0.0
    first_failed_at: datetime
    last_failed_at: datetime
    next_attempt_at: datetime | None = None
    parked_at: datetime | None = None
    parkings: int = 0
    """How often it was parked."""
    dead_letters: tuple[datetime, ...] = ()
    """When the broker moved those that were taken, the latest last, at most ``DEAD_LETTERS_KEPT``: one of them that is
    delivered again is recognised."""
    message: StoredMessage | None = None
    about: About = About()
    decision: OperatorDecision | None = None
    earlier_decisions: tuple[OperatorDecision, ...] = ()
    """Older ones, the latest last, at most ``DECISIONS_KEPT``: one that is delivered again is not carried out again."""
    expires_at: datetime | None = None
    """When the record of a settled message may be removed."""

    @property
    def history(self) -> History:
        """What ``settle`` needs to know. A copy of a settled message has the whole patience before it."""
        if self.state in SETTLED and self.next_attempt_at is None:
            return History()
        return History(self.attempts, timedelta(seconds=self.waited_seconds))

    @property
    def is_held(self) -> bool:
        """Whether it waits for an operator."""
        return self.state in HELD

    def is_due(self, now: datetime) -> bool:
        """Whether a message that failed for now may be tried again."""
        return self.next_attempt_at is None or self.next_attempt_at <= now
