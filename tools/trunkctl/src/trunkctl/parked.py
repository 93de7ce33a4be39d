"""What lies in the parking lot, as values: read from headers, grouped for people, turned into copies for a replay."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from common import headers, topology
from common.domain.reason import Reason

DROPPED = (
    headers.ATTEMPT,
    headers.FIRST_FAILED_AT,
    headers.FAILURE_REASON,
    headers.FAILURE_DETAIL,
    headers.PARK_REASON,
    headers.PARK_DETAIL,
    headers.PARK_QUEUE,
    headers.PARK_SERVICE,
    headers.PARKED_AT,
)
"""A replayed message starts its way anew."""
WORK_QUEUES = frozenset(name for service in topology.SERVICES for name in topology.consumed_queues(service))


@dataclass(frozen=True, slots=True, kw_only=True)
class Parked:
    """One message of the parking lot."""

    reason: str
    detail: str
    service: str
    queue: str
    """Where it was taken from, and where a replay puts it; empty = not known."""
    document: str
    """DocumentId, else the package's id, else the message's."""
    ids: frozenset[str]
    """Everything by which ``--id`` may name it."""
    parked_at: str
    """ISO 8601, or empty."""
    attempts: int
    replays: int

    @property
    def replayable(self) -> bool:
        """Whether it came from a queue that a service or a unit consumes."""
        return self.queue in WORK_QUEUES or self.queue.startswith(topology.inbox_queue(""))


@dataclass(frozen=True, slots=True)
class Group:
    """Messages parked for the same reason by the same service."""

    reason: str
    service: str
    queue: str
    members: tuple[Parked, ...]


def parked(told: Mapping[str, Any], message_id: str | None = None) -> Parked:
    """From a message's headers. A message without ours came from the broker: its handler failed too often."""
    death = _first_death(told)
    queue = _text(told.get(headers.PARK_QUEUE)) or _text(death.get("queue"))
    found = [_text(told.get(name)) for name in (headers.DOCUMENT_ID, headers.PACKAGE_ID, headers.DOCUMENT_KEY)]
    named = [name for name in (*found, message_id or "") if name]
    return Parked(
        reason=_text(told.get(headers.PARK_REASON)) or Reason.E_ATTEMPTS.value,
        detail=_text(told.get(headers.PARK_DETAIL)) or _text(death.get("reason")),
        service=_text(told.get(headers.PARK_SERVICE)) or _service_of(queue),
        queue=queue,
        document=named[0] if named else "",
        ids=frozenset(named),
        parked_at=_text(told.get(headers.PARKED_AT)) or _text(death.get("time")),
        attempts=_number(told.get(headers.ATTEMPT)),
        replays=_number(told.get(headers.REPLAY)),
    )


def grouped(messages: Iterable[Parked]) -> list[Group]:
    """By reason, service and queue; the largest group first, its oldest message first."""
    groups: dict[tuple[str, str, str], list[Parked]] = {}
    for message in messages:
        groups.setdefault((message.reason, message.service, message.queue), []).append(message)
    made = [Group(*key, tuple(sorted(members, key=lambda m: m.parked_at))) for key, members in groups.items()]
    return sorted(made, key=lambda group: (-len(group.members), group.reason, group.service, group.queue))


def chosen(message: Parked, ids: Iterable[str], reasons: Iterable[str], everything: bool) -> bool:
    """Whether a replay means this message; nothing named and not everything = nothing."""
    return everything or message.reason in set(reasons) or not message.ids.isdisjoint(ids)


def replay_headers(told: Mapping[str, Any], user: str | None) -> dict[str, Any]:
    """Headers of the copy. ``user``: who the broker says published the parked message.

    The user that submitted the package is kept, because intake trusts it on copies that the operator made.
    """
    kept = {name: value for name, value in headers.copied(told).items() if name not in DROPPED}
    kept[headers.REPLAY] = _number(told.get(headers.REPLAY)) + 1
    if user and headers.USER_ID not in kept:
        kept[headers.USER_ID] = user
    return kept


def _first_death(told: Mapping[str, Any]) -> Mapping[str, Any]:
    deaths = told.get("x-death")
    return deaths[0] if isinstance(deaths, list) and deaths and isinstance(deaths[0], Mapping) else {}


def _service_of(queue: str) -> str:
    return next((s for s in topology.SERVICES if queue in topology.consumed_queues(s)), "")


def _text(value: object) -> str:
    if isinstance(value, bytes):
        return value.decode(errors="replace")
    return str(value) if value is not None else ""


def _number(value: object) -> int:
    return value if isinstance(value, int) else 0
