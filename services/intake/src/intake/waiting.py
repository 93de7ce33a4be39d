"""Packages that cannot be decided yet: the row of each, and how long it waits. Pure.

A package waits because it is about a document that has not come, or because another package holds its DocumentId and
may still be refused. In the latter case its sender is not notified, since there is nothing for the sender to do.
"""

from collections.abc import Container
from datetime import UTC, datetime, timedelta
from typing import Any

from pydantic import BaseModel, ConfigDict

from common.domain import ids
from common.domain.envelope import Message
from common.domain.names import Lane, PackageKind
from common.domain.outcome import Refused
from common.domain.reason import Reason
from common.facts import ObjectRef, Text
from intake.accept import Awaits, Contested
from intake.record import Arrival, document_id_of

LOOK_AGAIN_AFTER = timedelta(minutes=10)
"""Pause before a package that waits for a document is looked at again, if nothing wakes it: the fact about its document
may be lost."""
LOOK_AT_HOLDER_AFTER = timedelta(minutes=1)
"""The same for a package that waits for the end of another one. It is long enough that all packages which one unit may
have waiting fill only a part of each round."""
LEASE = timedelta(minutes=1)
"""How long other processes leave a package alone that one process looks at."""
WOKEN = datetime(1970, 1, 1, tzinfo=UTC)
"""``next_look_at`` of a package that is due by any clock; those of two processes may differ by minutes."""


class WaitingPackage(BaseModel):
    """The row of one waiting package; it is removed once the package is decided."""

    model_config = ConfigDict(frozen=True, extra="ignore")

    package_id: str
    sender: str
    document_id: str
    kind: PackageKind
    lane: Lane
    """Of the queue that it came from."""
    submitted_at: datetime
    package: ObjectRef
    upload: ObjectRef | None = None
    awaited: tuple[str, ...]
    """Keys of the documents for which it waits; with ``holder``, its own document key."""
    holder: str = ""
    """The package that holds its DocumentId; empty if it waits for documents."""
    needs_all: bool = False
    """Whether all of the documents must come (a replacement); otherwise one suffices."""
    detail: Text = ""
    since: datetime | None = None
    """When it began to wait for its present reason; None in rows of earlier releases."""
    deadline: datetime
    next_look_at: datetime
    announced: bool = False
    """Set once the broker has confirmed ``package.waiting``."""
    trace: dict[str, str] = {}
    """W3C trace context of the submission; empty in rows of earlier releases."""

    @property
    def subject(self) -> str:
        """Document key under which the package is recorded while it is not let in."""
        return ids.document_key(self.sender, self.document_id)

    @property
    def arrival(self) -> Arrival:
        """The submission as it arrived."""
        return Arrival(
            sender=self.sender,
            package=self.package,
            lane=self.lane,
            at=self.submitted_at,
            upload=self.upload,
            trace=self.trace,
        )

    def has_come(self, known: Container[str]) -> bool:
        """Whether the package can be decided. ``known``: keys of the documents that have come."""
        check = all if self.needs_all else any
        return check(key in known for key in self.awaited)


def waiting_of(arrival: Arrival, message: Message, awaits: Awaits, deadline: datetime) -> WaitingPackage:
    """The row of a package that waits for documents from its arrival on."""
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
    """The row of a package that waits from ``now`` on, because another one holds its DocumentId."""
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
    """The refusal of a package that may not wait, or may not wait any longer; None = it may. ``waiting``: how many
    other packages of its sender wait; ``limit``: how many may."""
    if now >= deadline:
        return Refused(Reason.E_REFDOC, f"{awaits.detail} until {deadline.isoformat(timespec='minutes')}")
    if waiting >= limit:
        return Refused(Reason.E_REFDOC, f"{awaits.detail}, and {waiting} packages of the unit wait already")
    return None


def next_look(waiting: WaitingPackage, now: datetime) -> datetime:
    """When to look again at a package that still waits."""
    pause = LOOK_AT_HOLDER_AFTER if waiting.holder else LOOK_AGAIN_AFTER
    return min(max(waiting.deadline, now), now + pause)
