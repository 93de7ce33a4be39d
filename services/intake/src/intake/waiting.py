"""A package that cannot be decided yet: what is kept of it, and how long it waits; pure.

It is about a document which has not come. Or another package holds its DocumentId that may still be refused: then its
sender is told nothing yet, for there is nothing to do about it.
"""

from collections.abc import Container, Sequence
from datetime import UTC, datetime, timedelta
from itertools import zip_longest
from typing import Any, TypeVar

from pydantic import BaseModel, ConfigDict

from common.domain import ids
from common.domain.envelope import Message
from common.domain.names import Lane, PackageKind
from common.domain.outcome import Refused
from common.domain.reason import Reason
from common.facts import ObjectRef, Text
from intake.accept import Awaits, Contested
from intake.record import Arrival, document_id_of

T = TypeVar("T")
LOOK_AGAIN_AFTER = timedelta(minutes=10)
"""A package that nothing has woken is looked at after so long: its document's word may be lost."""
LOOK_AT_HOLDER_AFTER = timedelta(minutes=1)
"""A package that waits for the end of another one is looked at so often, if nothing wakes it: seldom enough that all
that one unit may let wait take a part of the rounds, and others their turn in each."""
LEASE = timedelta(minutes=1)
"""For so long a package that one process looks at is left alone by others."""
WOKEN = datetime(1970, 1, 1, tzinfo=UTC)
"""``next_look_at`` of a package that is due whatever clocks say: those of two processes may be minutes apart."""


class WaitingPackage(BaseModel):
    """One row; it is removed once the package is decided."""

    model_config = ConfigDict(frozen=True, extra="ignore")

    package_id: str
    sender: str
    document_id: str
    kind: PackageKind
    lane: Lane
    """Of the queue it came by."""
    submitted_at: datetime
    package: ObjectRef
    upload: ObjectRef | None = None
    awaited: tuple[str, ...]
    """Document keys; with ``holder`` that of the package itself."""
    holder: str = ""
    """The package that holds its DocumentId; empty if it waits for documents."""
    needs_all: bool = False
    """All of them must come (a replacement), not one."""
    detail: Text = ""
    since: datetime | None = None
    """When it began to wait for what it waits for now; None in rows of earlier releases."""
    deadline: datetime
    next_look_at: datetime
    announced: bool = False
    """Set after the broker confirmed the fact that tells the sender."""
    trace: dict[str, str] = {}
    """W3C trace context of the submission; empty in rows of earlier releases."""

    @property
    def subject(self) -> str:
        """Key under which a package that is not let in is recorded."""
        return ids.document_key(self.sender, self.document_id)

    @property
    def arrival(self) -> Arrival:
        """The submission, as when it came."""
        return Arrival(
            sender=self.sender,
            package=self.package,
            lane=self.lane,
            at=self.submitted_at,
            upload=self.upload,
            trace=self.trace,
        )

    def has_come(self, known: Container[str]) -> bool:
        """Whether it can be decided, by the document keys that are known now."""
        check = all if self.needs_all else any
        return check(key in known for key in self.awaited)


def waiting_of(arrival: Arrival, message: Message, awaits: Awaits, deadline: datetime) -> WaitingPackage:
    """The row of a package that waits from its arrival on."""
    return _row(
        arrival,
        message,
        awaited=awaits.documents,
        needs_all=awaits.needs_all,
        detail=f"{awaits.detail}; waits until {deadline.isoformat(timespec='minutes')}",
        since=arrival.at,
        deadline=deadline,
        next_look_at=min(deadline, arrival.at + LOOK_AGAIN_AFTER),
    )


def waiting_for_holder(
    arrival: Arrival, message: Message, contested: Contested, now: datetime, deadline: datetime
) -> WaitingPackage:
    """The row of a package whose DocumentId another one holds, as it was found now."""
    return _row(
        arrival,
        message,
        awaited=(ids.document_key(arrival.sender, document_id_of(message)),),
        holder=contested.holder,
        detail=contested.refused.detail,
        since=now,
        deadline=deadline,
        next_look_at=min(deadline, now + LOOK_AT_HOLDER_AFTER),
    )


def _row(arrival: Arrival, message: Message, **more: Any) -> WaitingPackage:
    return WaitingPackage(
        package_id=arrival.package_id,
        sender=arrival.sender,
        document_id=document_id_of(message),
        kind=message.kind,
        lane=arrival.lane,
        submitted_at=arrival.at,
        package=arrival.package,
        upload=arrival.upload,
        trace=arrival.trace,
        **more,
    )


def refused_wait(awaits: Awaits, deadline: datetime, now: datetime, waiting: int, limit: int) -> Refused | None:
    """Why a package does not wait, or no longer. ``waiting``: how many other packages of its sender do."""
    if now >= deadline:
        return Refused(Reason.E_REFDOC, f"{awaits.detail} until {deadline.isoformat(timespec='minutes')}")
    if waiting >= limit:
        return Refused(Reason.E_REFDOC, f"{awaits.detail}, and {waiting} packages of the unit wait already")
    return None


def share(limit: int, units: int) -> int:
    """How many packages of each unit may be in a round of so many packages."""
    return -(-limit // max(1, units))


def in_turn(queues: Sequence[Sequence[T]]) -> list[T]:
    """One of each queue, then the next of each: who has many in line holds up nobody who has one."""
    return [each for turn in zip_longest(*queues) for each in turn if each is not None]


def next_look(waiting: WaitingPackage, now: datetime) -> datetime:
    """When to look again at a package that waits on."""
    pause = LOOK_AT_HOLDER_AFTER if waiting.holder else LOOK_AGAIN_AFTER
    return min(max(waiting.deadline, now), now + pause)
