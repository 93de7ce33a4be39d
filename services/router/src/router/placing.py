"""A placing: one message for one unit's inbox. It is saved before it is tried, and tried until the inbox has it."""

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
"""A placing that was ordered this long ago and not tried is ordered again, because its order may be lost."""
OTHER_RUN_LASTS = timedelta(seconds=30)
"""How long a run leaves a due placing to another run that has made it due, and that orders it or has ordered it. If
that run ended before it did so, the sweep orders the placing after this time."""
FIRST_PAUSE, LONGEST_PAUSE = timedelta(seconds=5), timedelta(minutes=10)
"""Pauses between attempts at an inbox that does not take a message. They double from the first to the longest."""


class MessageType(StrEnum):
    """The AMQP ``type`` of an inbox message."""

    DOCUMENT = "document"
    STATUS = "status"
    REFUSAL = "refusal"
    RECEIPT = "receipt"


class PlacingState(StrEnum):
    """The state of a placing."""

    DUE = "due"
    """To be tried, or being tried."""
    WAITING = "waiting"
    """The inbox did not take the message; it is tried again after a pause."""
    HELD = "held"
    """New content for a unit from which the document is being taken back. It is not tried before the unit answers."""
    WITHDRAWN = "withdrawn"
    """Never to be tried: the document was taken back before the unit got it, or the unit agreed to a recall."""
    PLACED = "placed"
    """The inbox has the message."""
    RETURNED = "returned"
    """The unit's system returned the message, which is parked until an operator decides."""


class Cause(StrEnum):
    """Why a message is not in its inbox; a label of metrics."""

    FULL = "full"
    """The inbox has reached its limit, because the unit does not read it."""
    MISSING = "missing"
    """The inbox does not exist (yet): the unit was imported before it was provisioned."""
    SILENT = "silent"
    """The broker neither takes nor refuses the message: the inbox has no leader."""
    CLOSED = "closed"
    """The unit was closed while the message waited; only in rows of earlier releases."""
    RECALL = "recall"
    """The unit has not answered a recall of the document yet."""
    RETURNED = "returned"
    """The unit's system rejected the message, or did not settle it within the broker's time limit."""


NOT_TAKEN = (Cause.FULL, Cause.MISSING, Cause.CLOSED)
"""Causes after which a message is not in the inbox, unless an attempt was uncertain."""


@dataclass(frozen=True, slots=True)
class Failure:
    """An attempt at a placing that the inbox did not confirm."""

    cause: Cause
    is_uncertain: bool = False
    """Whether the inbox may have taken the message all the same, in this attempt or in an earlier one."""


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
    """The content of a message of the trunk itself; None = the message is the package."""
    package: ObjectRef | None = None
    sha256: Sha256 = ""
    """Of the package, or of ``body``."""
    decision: str = ""
    """Event id of the decision that ordered it; empty for answers to senders."""
    is_alone: bool = False
    """Whether it is the only placing of its decision."""
    delivery: str = ""
    """Document key, if this is the delivery of a document."""
    fact: dict[str, Any] | None = None
    """The fact to be announced once it is placed."""
    refusal: dict[str, Any] | None = None
    """Of a held placing: the answer to the sender if it is withdrawn."""
    refused: dict[str, Any] | None = None
    """Of a held placing: the fact to be announced if it is withdrawn."""
    opened_at: datetime
    state: PlacingState = PlacingState.DUE
    cause: Cause | None = None
    attempts: int = 0
    is_uncertain: bool = False
    """Whether an attempt has or may have ended without a noted answer of the inbox, so that the inbox may have the
    message."""
    withdrawn_by: str = ""
    """Of a withdrawn delivery: event id of the recall, of its answer, or of the operator's decision."""
    recall: str = ""
    """Of a withdrawn delivery: the placing of the recall, to be tried if the delivery turns up in the inbox after
    all."""
    withdrawal: dict[str, Any] | None = None
    """The fact that was announced when it was first withdrawn. It may be placed after all, and withdrawn again."""
    next_attempt_at: datetime
    placed_at: datetime | None = None
    """When the inbox last got the message. It stays while the message is placed again after the broker lost its
    data."""
    returned_at: datetime | None = None
    """When the message that the unit's system last returned was parked; None in rows of earlier releases."""
    renew_at: datetime | None = None
    """Of a large package: when to issue its address again, if the unit has not read it by then."""
    requests: tuple[RowRequest, ...] = ()
    """Requests of operators, with their outcomes."""

    @property
    def is_kept_back(self) -> bool:
        """Whether a recall that was submitted later took effect before the placing was tried. It is never tried, and
        announced with the recall."""
        return self.state is PlacingState.WITHDRAWN and bool(self.withdrawn_by) and self.fact is None


class PlaceOrder(BaseModel):
    """The body of a message at ``trunk.place``: try this placing now."""

    model_config = ConfigDict(frozen=True, extra="ignore")

    placing_id: str
    again: bool = False
    """Whether to place it even if the inbox has had it already."""
    attempt: int | None = None
    """How many attempts had failed when this one was ordered; None in orders of earlier releases."""
    is_waiting: bool = False
    """Whether the placing waited for its inbox then."""

    def is_overtaken(self, placing: Placing, *, is_redelivered: bool) -> bool:
        """Whether another order has led to an attempt since this one was given, so that nothing is left to do for it.

        Each failed attempt changes the number of attempts. A placing that waited when this was ordered, and is due now,
        is being tried. If the order is redelivered, that may be its own attempt, whose process has ended.
        """
        if self.again or self.attempt is None or placing.state not in (PlacingState.DUE, PlacingState.WAITING):
            return False
        is_tried = self.is_waiting and placing.state is PlacingState.DUE and not is_redelivered
        return is_tried or self.attempt != placing.attempts

    def is_unbegun(self, placing: Placing) -> bool:
        """Whether this order, if it is redelivered, has surely led to no attempt.

        The beginning of an attempt at a waiting placing changes its state, and the end changes the number of attempts.
        For a placing in state ``due`` that is not known: a process may have ended during its first attempt.
        """
        return placing.state is PlacingState.WAITING and self.attempt == placing.attempts


def delivery_placing_id(package_id: PackageId, receiver: UnitCode) -> str:
    """Id of the placing by which a package gives a document to a unit."""
    return event_id(package_id, f"placed/{receiver}")


def order_message(placing: Placing, attempt: int, *, again: bool = False) -> Outgoing:
    """The message that orders an attempt at a placing."""
    is_waiting = placing.state is PlacingState.WAITING
    order = PlaceOrder(placing_id=placing.id, again=again, attempt=attempt, is_waiting=is_waiting)
    return Outgoing(
        exchange=PLACE,
        routing_key=place_key(placing.lane),
        body=order.model_dump_json().encode(),
        event_id=f"{placing.id}/{attempt}",
        type="place",
        headers=placing.headers,
    )


def pause_after(attempts: int) -> timedelta:
    """The pause after the n-th failed attempt (1 = first)."""
    pause: timedelta = FIRST_PAUSE * 2 ** min(attempts - 1, 20)
    return min(pause, LONGEST_PAUSE)
