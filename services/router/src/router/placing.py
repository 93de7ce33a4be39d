"""Placing a message in one unit's inbox, as a value: saved before it is tried, and kept until the inbox has it."""

from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Any

from pydantic import BaseModel, ConfigDict

from common.domain.ids import event_id
from common.domain.names import Lane, PackageId, Sha256, UnitCode
from common.facts import ObjectRef
from common.service.outgoing import Outgoing
from common.service.row_requests import RowRequest
from common.topology import PLACE, place_key

LOST_AFTER = timedelta(minutes=10)
"""A placing that nobody has tried for so long is tried again: its order may be lost."""
FIRST_PAUSE, LONGEST_PAUSE = timedelta(seconds=5), timedelta(minutes=10)
"""Pauses between attempts at an inbox that does not take a message; they double."""


class MessageType(StrEnum):
    """The AMQP ``type`` of an inbox message."""

    DOCUMENT = "document"
    STATUS = "status"
    REFUSAL = "refusal"
    RECEIPT = "receipt"


class PlacingState(StrEnum):
    """Where the message is."""

    DUE = "due"
    """Not tried yet."""
    WAITING = "waiting"
    """The inbox did not take it; it is tried again."""
    HELD = "held"
    """New content for a unit from which the document is being taken back: nobody tries it before the unit answers."""
    WITHDRAWN = "withdrawn"
    """The document was taken back before the unit got this, or the unit agreed to a recall: it never gets this."""
    PLACED = "placed"
    RETURNED = "returned"
    """The unit's system gave it back; the message is parked until an operator decides."""


class Cause(StrEnum):
    """Why an inbox does not take a message; a label of metrics."""

    FULL = "full"
    """The unit does not read: its inbox has reached its limit."""
    MISSING = "missing"
    """The inbox does not exist (yet): the unit was imported before it was provisioned."""
    SILENT = "silent"
    """The broker neither takes nor refuses it: the inbox has no leader."""
    CLOSED = "closed"
    """The unit was closed while the message waited."""
    RECALL = "recall"
    """The unit has not answered a recall of the document yet."""
    RETURNED = "returned"
    """The unit's system rejected it, or took it and did not settle it until the broker gave up."""


NOT_TAKEN = (Cause.FULL, Cause.MISSING, Cause.CLOSED)
"""Causes after which a message is not in the inbox, unless an attempt was uncertain."""


@dataclass(frozen=True, slots=True)
class Failure:
    """An attempt at a placing that the inbox did not confirm."""

    cause: Cause
    is_uncertain: bool = False
    """The inbox may have taken it all the same: in this attempt, or in one before."""


class Placing(BaseModel):
    """One message for one inbox."""

    model_config = ConfigDict(frozen=True, extra="ignore")

    id: str
    """Event id of the inbox message."""
    receiver: UnitCode
    lane: Lane
    type: MessageType
    headers: dict[str, str]
    content_type: str = ""
    body: bytes | None = None
    """What the trunk itself says; None = the package."""
    package: ObjectRef | None = None
    sha256: Sha256 = ""
    """Of the package, whether it is the body or lies in the object store."""
    decision: str = ""
    """The decision that ordered it; empty for answers to senders."""
    is_alone: bool = False
    """The only placing of its decision."""
    delivery: str = ""
    """Document key, if this is the delivery of a document."""
    fact: dict[str, Any] | None = None
    """The fact to be announced once it is placed."""
    refusal: dict[str, Any] | None = None
    """Of a held placing: what the sender is answered if it is withdrawn."""
    refused: dict[str, Any] | None = None
    """Of a held placing: the fact to be announced if it is withdrawn."""
    opened_at: datetime
    state: PlacingState = PlacingState.DUE
    cause: Cause | None = None
    attempts: int = 0
    is_uncertain: bool = False
    """An attempt ended without an answer of the inbox, which may have the message since then."""
    withdrawn_by: str = ""
    """Of a delivery that was withdrawn: the event id of the recall, of its answer, or of what an operator did."""
    recall: str = ""
    """Of such a delivery: the placing that tells the unit of the recall, should the delivery turn up in its inbox."""
    withdrawal: dict[str, Any] | None = None
    """The fact that was announced when it was withdrawn first; it may be placed after all, and be withdrawn again."""
    next_attempt_at: datetime
    placed_at: datetime | None = None
    """When the inbox got it last; also while it is placed again, after the broker has lost its data."""
    returned_at: datetime | None = None
    """When what the unit's system gave back last was parked; None in rows of earlier releases."""
    renew_at: datetime | None = None
    """Of a large package: when its address is to be issued again, if the unit has not read it by then."""
    requests: tuple[RowRequest, ...] = ()
    """Of operators, with what became of them."""

    @property
    def is_kept_back(self) -> bool:
        """A recall that was submitted later came first: nobody ever places it, and whoever decided so announces it."""
        return self.state is PlacingState.WITHDRAWN and bool(self.withdrawn_by) and self.fact is None


class PlaceOrder(BaseModel):
    """The body of a message at ``trunk.place``: try this placing now."""

    model_config = ConfigDict(frozen=True, extra="ignore")

    placing_id: str
    again: bool = False
    """Place it also if the inbox had it already: its sender asked again."""
    attempt: int | None = None
    """How many attempts had failed when this one was ordered; None in orders of earlier releases."""


def delivery_placing_id(package_id: PackageId, receiver: UnitCode) -> str:
    """Id of the placing by which a package gives a document to a unit."""
    return event_id(package_id, f"placed/{receiver}")


def order_message(placing: Placing, attempt: int, *, again: bool = False) -> Outgoing:
    """The order as a message."""
    order = PlaceOrder(placing_id=placing.id, again=again, attempt=attempt)
    return Outgoing(
        exchange=PLACE,
        routing_key=place_key(placing.lane),
        body=order.model_dump_json().encode(),
        event_id=f"{placing.id}/{attempt}",
        type="place",
        headers=placing.headers,
    )


def pause_after(attempts: int) -> timedelta:
    """The pause after the n-th attempt that failed (1 = first)."""
    pause: timedelta = FIRST_PAUSE * 2 ** min(attempts - 1, 20)
    return min(pause, LONGEST_PAUSE)
