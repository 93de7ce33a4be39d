"""The progress of packages: what each fact says about it. Facts may arrive in any order, and repeatedly. Pure.

``archive.store.Progress`` merges what they say: a stage only moves forward, and a unit is settled once. A package is
finished when it is on record and the ledger has the facts of as many receivers as the router has announced.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from enum import IntEnum
from typing import Any

from common.domain.envelope import Envelope, Message
from common.domain.names import UnitCode
from common.facts import (
    BaseFact,
    DeliveryPlaced,
    DeliveryRefused,
    DocumentRecalled,
    DocumentRefused,
    DocumentVerified,
    NoticeAccepted,
    PackageAccepted,
    PackageRefused,
    PackageRouted,
    RoutingRefused,
    StatusRecorded,
)
from common.metrics.documents import Unfinished


class Mark(IntEnum):
    """The state of one stage of a package. Of two marks the greater one counts."""

    AHEAD = 0
    WAITS = 1
    DONE = 2


Marks = dict[Unfinished, Mark]

VALIDATION, ROUTING, ARCHIVING = Unfinished.VALIDATION, Unfinished.ROUTING, Unfinished.ARCHIVING


@dataclass(frozen=True, slots=True)
class Said:
    """The information of one fact about the progress of its package."""

    marks: Marks
    settles: UnitCode | None = None
    """A unit for which the router has done all that the package asks."""
    units: int | None = None
    """How many units the package names; None = the fact does not say."""
    expected: int | None = None
    """How many units the router has settled; None = the fact does not say."""


def said(fact: BaseFact, units: int | None = None) -> Said | None:
    """The information of a fact about progress; None = it has none. ``units``: how many units the package of a verified
    document or a notice names."""
    match fact:
        case PackageAccepted():
            return Said({VALIDATION: Mark.WAITS})
        case DocumentVerified():
            return Said({VALIDATION: Mark.DONE, ROUTING: Mark.WAITS, ARCHIVING: Mark.WAITS}, units=units)
        case NoticeAccepted():
            return Said({ROUTING: Mark.WAITS, ARCHIVING: Mark.WAITS}, units=units)
        case DocumentRefused():
            return Said({VALIDATION: Mark.DONE, ARCHIVING: Mark.WAITS})
        case PackageRefused():
            return Said({ARCHIVING: Mark.WAITS})
        case PackageRouted():
            return Said({}, expected=fact.receivers)
        case RoutingRefused():
            return Said({ROUTING: Mark.DONE})
        case DeliveryPlaced() | DeliveryRefused() | StatusRecorded() | DocumentRecalled():
            return Said({}, settles=fact.receiver)
        case _:
            return None


def units_named(message: Message) -> int:
    """How many units a package names: its receivers, and the units that an update adds or removes; 1 for a status."""
    if not isinstance(message, Envelope):
        return 1
    changed = (change.unit for change in message.business.receiver_changes)
    return len({*(unit.code for unit in message.receivers), *changed})


def is_routed(routing: int, units: int | None, settled: int) -> bool:
    """Whether all units that the package names are settled. ``routing``: the ``Mark`` of that stage; ``units``: how
    many it names; ``settled``: how many are settled."""
    return routing == Mark.WAITS and units is not None and settled >= units


def is_finished(archiving: int, expected: int | None, settled: int) -> bool:
    """Whether the package is on record, and the ledger has a fact about each receiver that the router has settled.

    ``archiving``: the ``Mark`` of that stage; ``expected``: number of receivers that the router has announced.
    """
    return archiving == Mark.DONE and expected is not None and settled >= expected


def is_told_by_another(row: Mapping[str, Any], event_id: str) -> bool:
    """Whether intake has been informed that the package is finished, or is being informed by the handler of another
    event.

    That event is delivered again until its handler has informed intake. The same holds for this event, if its handler
    was the first to find the package finished.
    """
    return bool(row.get("is_told")) or row.get("finished_by") not in (None, event_id)
