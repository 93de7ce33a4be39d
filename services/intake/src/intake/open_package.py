"""Open packages: what intake keeps about a package until it is finished, and when it publishes its fact again. Pure.

The messages that carry a package through the trunk can be lost with the broker. Intake has promised the sender that the
package will not be lost. So it publishes the saved fact again until the archive says that the package is finished. Each
later step answers a repeated fact with what it saved the first time (decision 19).
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
"""The longest pause before the fact of an open package is published again."""
ASKED = datetime(1970, 1, 1, tzinfo=UTC)
"""``redrive_at`` of a package that an operator wants published again; it is due before all others."""
NOT_IN_THE_WAY = "notifier"
"""The one service that a package can be finished without. Its backlog does not keep facts from being published
again."""


class Stage(StrEnum):
    """Where an open package is, as far as intake knows."""

    SENT = "sent"
    """Its fact was published; no service has reported anything since."""
    WAITING = "waiting"
    """The router waits for room in an inbox or for the answer to a recall, or the validator for a revocation list."""
    HELD = "held"
    """A service has parked it; an operator decides."""
    DISCARDED = "discarded"
    """An operator has discarded it. It is no longer open, unless the discard is undone."""


class OpenPackage(BaseModel):
    """An open package whose fact is due to be published again."""

    model_config = ConfigDict(frozen=True, extra="ignore")

    record: PackageRecord
    stage: Stage
    redrives: int
    """How often its fact was published again."""
    redrive_at: datetime

    @property
    def is_asked_for(self) -> bool:
        """Whether an operator asked for it; otherwise it is due by time."""
        return self.redrive_at == ASKED

    @property
    def body(self) -> bytes:
        """The fact as it was first published."""
        return fact_body(self.record)


def fact_body(record: PackageRecord) -> bytes:
    """The saved bytes of the fact. For a record of an earlier release, which has none, they are made of the record."""
    return record.fact_body or fact_message(fact_of(record)).body


def with_fact(record: PackageRecord) -> PackageRecord:
    """The record with the bytes of its fact, so that the same bytes can be published again."""
    return record.model_copy(update={"fact_body": fact_body(record)})


def opening(lane: Lane, at: datetime, budgets: Mapping[Lane, timedelta]) -> dict[str, Any]:
    """The fields of the row of a package that was just decided. ``budgets``: see ``IntakeSettings.redrive_budgets``."""
    due_at = at + budgets[lane]
    return {"is_open": True, "stage": Stage.SENT.value, "redrives": 0, "redrive_at": due_at, "overdue_at": due_at}


def next_redrive(package: OpenPackage, now: datetime, budgets: Mapping[Lane, timedelta]) -> datetime:
    """When to publish the fact again after ``now``. The pauses double; a package that waits gets the longest one."""
    pause: timedelta = budgets[package.record.lane] * 2 ** min(package.redrives + 1, 20)
    return now + (LONGEST_PAUSE if package.stage is Stage.WAITING else min(pause, LONGEST_PAUSE))


def taken(package: OpenPackage, now: datetime, budgets: Mapping[Lane, timedelta]) -> dict[str, Any]:
    """The fields of the row of a package whose fact is about to be published again.

    A package that waited is treated as sent: no service has reported for ``LONGEST_PAUSE`` that it still waits. The
    service that has it answers the fact. If none does within the budget, the package counts as overdue like any other.
    """
    fields: dict[str, Any] = {"redrive_at": next_redrive(package, now, budgets), "redrives": package.redrives + 1}
    if package.stage is Stage.WAITING:
        fields |= {"stage": Stage.SENT.value, "overdue_at": now + budgets[package.record.lane]}
    return fields


def queues_in_the_way(lane: Lane) -> tuple[str, ...]:
    """The queues in which messages about open packages of a lane may lie."""
    services = (service for service in SERVICES if service != NOT_IN_THE_WAY)
    return (*(facts_queue(service, lane) for service in services), place_queue(lane))


def obstacle(depths: Mapping[str, int], most: int) -> str:
    """The deepest of the queues with ``most`` messages or more: packages are slow there rather than lost, so nothing is
    published again. Empty = there is none."""
    too_deep = {queue: depth for queue, depth in depths.items() if depth >= most}
    return max(too_deep, key=lambda queue: too_deep[queue], default="")
