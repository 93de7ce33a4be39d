"""For one message of a former queue: in whose name it goes on, and where to. Pure.

The broker vouches for ``user_id``: the user who published the message that lies there. On a copy that a service made of
a message from its own queue, that is the service, and its header ``x-user-id`` names the user for whom the broker had
vouched. The header counts only there: as the word of a service about what it had read. It does not count on a message
that an operator had replayed, because a replay carried on what the sender had written.

=============================  ===============================  ====================================================
``user_id``                    header                           the name in which it goes on
=============================  ===============================  ====================================================
the service that owns it       ``x-replay``                     nobody's
the service that owns it       ``x-user-id``                    that user's; nobody's if it is void or an operator's
the service that owns it       neither                          the service's: its own fact
``operator``                   ``x-replay``                     nobody's
none                           any                              nobody's
anybody else                   any                              theirs
=============================  ===============================  ====================================================

In nobody's name, a fact is quarantined by the service that gets it, and a submission is parked and never handled.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from common.domain.directory import Directory
from common.facts.flows import OPERATOR, SERVICES
from common.service.incoming import MAX_TEXT_BYTES, Death
from common.topology import dead_letters, facts_queue, submit_queue, unit_of_inbox
from trunkctl.takeover.former import (
    PARK,
    PARK_DETAIL,
    PARK_QUEUE,
    PARK_REASON,
    REPLAY,
    RETRY_SECONDS,
    USER_ID,
    WORK,
    WorkQueue,
)

Headers = Mapping[str, Any]


@dataclass(frozen=True, slots=True, kw_only=True)
class FormerMessage:
    """A message in a queue of the former topology."""

    queue: str
    routing_key: str
    user_id: str | None
    headers: Headers


@dataclass(frozen=True, slots=True, kw_only=True)
class Destination:
    """Where a message goes, and in whose name."""

    user_id: str | None
    queue: str = ""
    """To this queue; or else …"""
    dead_letters_of: str = ""
    """… to the dead letters of this service, as if it had died as ``death`` says."""
    death: Death | None = None

    @property
    def address(self) -> tuple[str, str]:
        """Exchange and routing key."""
        return (dead_letters(self.dead_letters_of), "") if self.death else ("", self.queue)


def destination(message: FormerMessage, directory: Directory) -> Destination:
    """Where a message of any former queue goes. Raises ``KeyError`` for another queue: its messages stay there."""
    if message.queue == PARK:
        return _of_parked(message, directory)
    if message.queue not in RETRY_SECONDS:
        return _of_work(message, WORK[message.queue], directory)
    target = message.routing_key
    if target in WORK:
        return _of_work(message, WORK[target], directory)
    reason = f"was to be delivered to {target} after a pause"
    return _dead(_service_or_router(message.user_id), message.user_id, message.queue, reason)


def publisher(owner: str, user_id: str | None, headers: Headers) -> str | None:
    """The user in whose name a message of ``owner``'s queue goes on; None = nobody."""
    if REPLAY in headers and user_id in (owner, OPERATOR):
        return None
    if user_id != owner:
        return user_id
    original = headers.get(USER_ID, owner)
    return original if _is_name(original) and original != OPERATOR else None


def _of_work(message: FormerMessage, source: WorkQueue, directory: Directory) -> Destination:
    user = publisher(source.service, message.user_id, message.headers)
    queue = _follower(source, user, directory)
    if queue == source.name:
        return _dead(source.service, user, queue, "no unit's user published it")
    return Destination(user_id=user, queue=queue)


def _of_parked(message: FormerMessage, directory: Directory) -> Destination:
    queue, reason = _death(message.headers)
    source = WORK.get(queue)
    if source is None:
        owner = "router" if unit_of_inbox(queue) else _service_or_router(message.user_id)
        return _dead(owner, publisher(owner, message.user_id, message.headers), queue or PARK, reason)
    user = publisher(source.service, message.user_id, message.headers)
    return _dead(source.service, user, _follower(source, user, directory), reason)


def _follower(source: WorkQueue, user: str | None, directory: Directory) -> str:
    """The queue in which the message would lie today; for a submission of no unit, the former one."""
    if not source.holds_submissions:
        return facts_queue(source.service, source.lane)
    unit = directory.unit_of_user(user) if user else None
    return submit_queue(unit.code, source.lane) if unit else source.name


def _death(headers: Headers) -> tuple[str, str]:
    """The queue in which a parked message lay, and why it was parked: by the broker's entry, else by the service's."""
    deaths = headers.get("x-death")
    newest = deaths[0] if isinstance(deaths, list) and deaths and isinstance(deaths[0], Mapping) else {}
    if newest:
        return _text(newest.get("queue")), _text(newest.get("reason"))
    reason = f"{_text(headers.get(PARK_REASON))}: {_text(headers.get(PARK_DETAIL))}"
    return _text(headers.get(PARK_QUEUE)), reason.strip(": ")


def _dead(owner: str, user: str | None, queue: str, reason: str) -> Destination:
    short = reason.encode()[:MAX_TEXT_BYTES].decode(errors="ignore")
    death = Death(queue=queue, exchange="", routing_key=queue, reason=short)
    return Destination(user_id=user, dead_letters_of=owner, death=death)


def _service_or_router(user: str | None) -> str:
    return user if user in SERVICES else "router"


def _is_name(value: object) -> bool:
    return isinstance(value, str) and value.isprintable() and 0 < len(value.encode()) <= MAX_TEXT_BYTES


def _text(value: object) -> str:
    """A text that can be sent again, in one line."""
    if not isinstance(value, str):
        return ""
    return "".join(character if character.isprintable() else " " for character in value).strip()
