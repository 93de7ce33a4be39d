"""The former topology, commit 6ce2cf4, as far as it has to be known to replace it or to go back to it: data only."""

from collections.abc import Iterable
from dataclasses import dataclass
from itertools import chain

from common.domain.names import Lane
from common.facts.flows import RECORDER, SERVICES
from common.topology import (
    DELIVERY_LIMIT,
    FACTS,
    INBOX_BYTES,
    INBOX_LENGTH,
    SUBMIT,
    Arguments,
    Binding,
    Exchange,
    Policy,
    Queue,
    Topology,
    facts_queue,
    lane_of,
    submit_key,
    unit_of_submit_queue,
)

PARK = "trunk.park"
"""Fanout exchange, and the queue behind it: the parking lot of all services."""
RETRY_SECONDS = {"trunk.retry.10s": 10, "trunk.retry.1m": 60, "trunk.retry.10m": 600, "trunk.retry.1h": 3600}
"""Fanout exchanges and queues of the retry ladder, and how long each held a message."""

USER_ID = "x-user-id"
"""On a copy made by a service: the user who published the original according to the broker; absent for its own."""
REPLAY = "x-replay"
"""On a message that an operator had replayed: how often. A sender cannot take it away."""
PARK_QUEUE, PARK_REASON, PARK_DETAIL = "x-park-queue", "x-park-reason", "x-park-detail"

TAKEN: dict[str, tuple[str, ...]] = {
    "intake": ("document.refused",),
    "validator": ("package.accepted",),
    "router": (
        "package.accepted",
        "package.refused",
        "package.repeated",
        "notice.accepted",
        "document.verified",
        "document.refused",
    ),
    RECORDER: ("#",),
    "notifier": (
        "package.refused",
        "document.refused",
        "delivery.placed",
        "delivery.refused",
        "status.recorded",
    ),
}
"""Which facts each service took."""

SAFE: Arguments = {
    "x-queue-type": "quorum",
    "x-delivery-limit": DELIVERY_LIMIT,
    "x-overflow": "reject-publish",
    "x-dead-letter-strategy": "at-least-once",
}
WORK_ARGUMENTS: Arguments = SAFE | {"x-dead-letter-exchange": PARK, "x-max-length": 500_000}
"""Of every queue that a service or a unit reads, inboxes included."""
INBOX_LIMITS = Policy(
    "trunk-former-inboxes", r"^inbox\..+$", {"max-length": INBOX_LENGTH, "max-length-bytes": INBOX_BYTES}
)
"""Gives inboxes with the former arguments the limits of those with the present ones: the lower limit holds."""


@dataclass(frozen=True, slots=True)
class WorkQueue:
    """A queue that a service read."""

    name: str
    service: str
    lane: Lane
    holds_submissions: bool = False

    def is_followed_by(self, queue: str) -> bool:
        """Whether a queue of the topology in force has taken the place of this one, or of a part of it."""
        if self.holds_submissions:
            return bool(unit_of_submit_queue(queue)) and lane_of(queue) is self.lane
        return queue == facts_queue(self.service, self.lane)


def _work_queues() -> Iterable[WorkQueue]:
    for lane in Lane:
        yield WorkQueue(f"trunk.intake.{lane}", "intake", lane, holds_submissions=True)
        for service in SERVICES:
            name = f"trunk.intake.facts.{lane}" if service == "intake" else f"trunk.{service}.{lane}"
            yield WorkQueue(name, service, lane)


WORK = {queue.name: queue for queue in _work_queues()}
QUEUES = {
    **{name: Queue(name, WORK_ARGUMENTS) for name in WORK},
    **{
        name: Queue(name, SAFE | {"x-message-ttl": seconds * 1000, "x-dead-letter-exchange": ""})
        for name, seconds in RETRY_SECONDS.items()
    },
    PARK: Queue(PARK, SAFE | {"x-delivery-limit": 1_000_000}),
}
"""Every queue of the former topology that has a name of its own; inboxes kept theirs."""
EXCHANGES = (PARK, *RETRY_SECONDS)


def topology(units: Iterable[str]) -> Topology:
    """Exchanges, queues and bindings, without the inboxes and without users."""
    of_facts = (
        Binding(FACTS, queue.name, f"{fact}.{queue.lane}")
        for queue in WORK.values()
        if not queue.holds_submissions
        for fact in TAKEN[queue.service]
    )
    of_units = (Binding(SUBMIT, f"trunk.intake.{lane}", submit_key(unit, lane)) for unit in units for lane in Lane)
    return Topology(
        exchanges=tuple(Exchange(name, "fanout") for name in EXCHANGES),
        queues=tuple(QUEUES.values()),
        bindings=tuple(chain(of_facts, of_units, (Binding(name, name, "") for name in EXCHANGES))),
    )


def queues_of(service: str) -> tuple[str, ...]:
    """The queues that a service read."""
    return tuple(queue.name for queue in WORK.values() if queue.service == service)
