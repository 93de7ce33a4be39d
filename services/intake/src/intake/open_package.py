"""A package is open until all of it is done: what is kept of it until then, and when its fact is published again; pure.

The messages that carry a package through the trunk can be lost with the broker. Intake, which answered the sender,
keeps the promise: it publishes the saved fact again until the archive says that the package is finished. Every later
step answers a repeated fact with what it saved.
"""

from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from enum import StrEnum
from typing import Any

from pydantic import BaseModel, ConfigDict

from common.domain.names import Lane
from common.facts.flows import SERVICES
from common.service.outgoing import fact_message
from common.topology import facts_queue, place_queue
from intake.announce import fact_of
from intake.record import PackageRecord

LONGEST_PAUSE = timedelta(hours=24)
"""The longest pause between two times that the fact of a package is published again."""
ASKED = datetime(1970, 1, 1, tzinfo=UTC)
"""``redrive_at`` of a package that an operator wants published again: before all others."""
NOT_IN_THE_WAY = "notifier"
"""The service without which packages are finished: a backlog of notifications keeps nothing from being published."""


class Stage(StrEnum):
    """Where an open package is, as far as intake knows."""

    SENT = "sent"
    """Its fact was published; nobody has said more."""
    WAITING = "waiting"
    """The router keeps messages of it that wait for room in an inbox, or for the answer to a recall."""
    HELD = "held"
    """A service has parked it; an operator decides."""
    DISCARDED = "discarded"
    """An operator has given it up: it is not open any more, unless that is taken back."""


class OpenPackage(BaseModel):
    """A package that is to be published again."""

    model_config = ConfigDict(frozen=True, extra="ignore")

    record: PackageRecord
    stage: Stage
    redrives: int
    """How often its fact was published again."""
    redrive_at: datetime

    @property
    def is_asked_for(self) -> bool:
        """An operator wants it, not the clock."""
        return self.redrive_at == ASKED

    @property
    def body(self) -> bytes:
        """The fact as it was published first; of a package of an earlier release, made of its record."""
        return fact_body(self.record)


def fact_body(record: PackageRecord) -> bytes:
    """The saved bytes of the fact, or without them the fact that the record says."""
    return record.fact_body or fact_message(fact_of(record)).body


def with_fact(record: PackageRecord) -> PackageRecord:
    """The record with the bytes of its fact, to be published as often as it takes."""
    return record.model_copy(update={"fact_body": fact_body(record)})


def opening(lane: Lane, at: datetime, budgets: Mapping[Lane, timedelta]) -> dict[str, Any]:
    """The fields of a package that was just decided."""
    due_at = at + budgets[lane]
    return {"is_open": True, "stage": Stage.SENT.value, "redrives": 0, "redrive_at": due_at, "overdue_at": due_at}


def next_redrive(package: OpenPackage, now: datetime, budgets: Mapping[Lane, timedelta]) -> datetime:
    """When to publish the fact again after this time. The pauses double; what waits at the router has the longest."""
    pause: timedelta = budgets[package.record.lane] * 2 ** min(package.redrives + 1, 20)
    return now + (LONGEST_PAUSE if package.stage is Stage.WAITING else min(pause, LONGEST_PAUSE))


def taken(package: OpenPackage, now: datetime, budgets: Mapping[Lane, timedelta]) -> dict[str, Any]:
    """The fields of a package whose fact is about to be published again.

    One that waited, and of which nobody has said so for as long as that counts, is where nobody knows: whoever has it
    answers the fact; if nobody does within the budget, it may be lost like any other.
    """
    fields: dict[str, Any] = {"redrive_at": next_redrive(package, now, budgets), "redrives": package.redrives + 1}
    if package.stage is Stage.WAITING:
        fields |= {"stage": Stage.SENT.value, "overdue_at": now + budgets[package.record.lane]}
    return fields


def queues_in_the_way(lane: Lane) -> tuple[str, ...]:
    """The queues in which the messages of an open package may lie."""
    services = (service for service in SERVICES if service != NOT_IN_THE_WAY)
    return (*(facts_queue(service, lane) for service in services), place_queue(lane))


def obstacle(depths: Mapping[str, int], most: int) -> str:
    """The queue that is so deep that packages are slow rather than lost; empty = nothing speaks against publishing."""
    too_deep = {queue: depth for queue, depth in depths.items() if depth >= most}
    return max(too_deep, key=lambda queue: too_deep[queue], default="")
