"""Message records: the data of a service about a message that it could not handle at once.

A record begins with the first failed attempt that counts. It is removed when the message is handled; otherwise the
message is parked until an operator decides. ``common.service.record_transitions`` has the changes of a record,
``common.service.record_store`` stores it.
"""

from datetime import datetime, timedelta
from enum import StrEnum

from pydantic import BaseModel, ConfigDict

from common.domain.reason import Reason
from common.domain.security import SecurityKind
from common.facts import ObjectRef, ParkedPackage
from common.service.settle import History

KEEP_SETTLED = timedelta(days=30)
"""How long a replayed or discarded message is kept; a discard can be undone until then."""
DECISIONS_KEPT = 100
"""How many earlier decisions a record keeps; the latest."""
DEAD_LETTERS_KEPT = 100
"""How many dead letters a record remembers; the latest."""


class RecordState(StrEnum):
    """The state of the message."""

    WAITING = "waiting"
    """It is in its queue, and will be tried again."""
    GIVEN_UP = "given_up"
    """It is on its way to the dead letters; the reason is known."""
    PARKED = "parked"
    """It is kept in the record until an operator decides."""
    QUARANTINED = "quarantined"
    """It is kept in the record; its publisher was not entitled to it, so it is never handled."""
    REPLAYING = "replaying"
    """An operator has decided to replay it, and that is not finished."""
    REPLAYED = "replayed"
    DISCARDED = "discarded"


UNDER_WAY = (RecordState.WAITING, RecordState.GIVEN_UP)
"""States of messages that are in their queue, or between it and the dead letters."""
HELD = (RecordState.PARKED, RecordState.QUARANTINED)
"""States of messages that wait for an operator."""
SETTLED = (RecordState.REPLAYED, RecordState.DISCARDED)
"""States of messages about which an operator has decided; a discard can still be undone."""


class OperatorDecision(BaseModel):
    """A decision of an operator about a message, and its outcome."""

    model_config = ConfigDict(frozen=True, extra="ignore")

    event_id: str
    """Of the request."""
    action: str
    actor: str
    purpose: str
    at: datetime
    """When it took effect. Of two decisions about the same message, the newer one has the later time."""
    outcome: str = ""
    """``done``, or why not; empty = not carried out yet."""
    reason: Reason | None = None
    """Why the message was parked then; None in records of earlier releases."""

    def is_same(self, other: "OperatorDecision") -> bool:
        """Whether two decisions are the same. Different decisions may have the same event id, which the operator
        chooses."""
        identity = (self.event_id, self.action, self.actor, self.purpose)
        return identity == (other.event_id, other.action, other.actor, other.purpose)


class ParkedAs(BaseModel):
    """The data saved when a dead letter was parked, for its announcement."""

    model_config = ConfigDict(frozen=True, extra="ignore")

    number: int
    """1 = the first time that the message was parked."""
    died_at: datetime
    """When the broker moved the dead letter."""
    at: datetime
    reason: Reason
    detail: str = ""
    is_quarantined: bool = False
    security: SecurityKind | None = None


class StoredMessage(BaseModel):
    """The parts of a message that are needed to handle it again."""

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
    """The object with a large body; either this or ``body`` is set."""


class About(BaseModel):
    """The package or document that a parked message concerns, as far as the message states it reliably."""

    model_config = ConfigDict(frozen=True, extra="ignore")

    subject: str = ""
    package_id: str = ""
    document_id: str = ""
    sender: str = ""
    event_id: str = ""
    """Of the message itself, if it was in a unit's inbox."""
    holds_package: bool = False
    """Whether the message carries a package on its way, so that the package's sender must be notified."""
    package: ParkedPackage | None = None
    """The fields of the fact about that package; None in records of earlier releases."""


class MessageRecord(BaseModel):
    """The record of one message."""

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
    """The kind of security event, if giving the message up is one."""
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
    """When the broker moved each dead letter that was parked, the latest last, at most ``DEAD_LETTERS_KEPT``. By these
    times a dead letter that is delivered again is recognised."""
    parked_as: tuple[ParkedAs, ...] = ()
    """How it was parked each time, the latest last, at most ``DEAD_LETTERS_KEPT``. The fields of the record may differ
    by the time a parking is announced, because a copy was given up, or a replay has failed."""
    message: StoredMessage | None = None
    about: About = About()
    decision: OperatorDecision | None = None
    earlier_decisions: tuple[OperatorDecision, ...] = ()
    """Older decisions, the latest last, at most ``DECISIONS_KEPT``. A decision that is delivered again is found here,
    and not carried out again."""
    expires_at: datetime | None = None
    """When the record of a settled message may be removed."""

    @property
    def history(self) -> History:
        """The earlier attempts, for ``settle``. A new copy of a settled message starts without any."""
        if self.state in SETTLED and self.next_attempt_at is None:
            return History()
        return History(self.attempts, timedelta(seconds=self.waited_seconds))

    @property
    def is_held(self) -> bool:
        """Whether the message waits for an operator."""
        return self.state in HELD

    def is_due(self, now: datetime) -> bool:
        """Whether the pause after the last failed attempt is over."""
        return self.next_attempt_at is None or self.next_attempt_at <= now
