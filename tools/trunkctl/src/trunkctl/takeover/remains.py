"""What the broker still holds of the former topology, and how it is described beside the topology in force: pure."""

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from typing import Any

from common.facts.flows import SERVICES
from common.topology import Binding, Exchange, Queue, Topology, User, dead_letters, unit_of_inbox
from trunkctl.takeover import former
from trunkctl.takeover.former import PARK, RETRY_SECONDS, WORK, WORK_ARGUMENTS

TAKE_OVER = "trunkctl topology take-over"
DEAD_LETTERS_OF_INBOXES = Binding(PARK, dead_letters("router"), "")
"""Inboxes with the former arguments dead-letter to the former exchange; without a queue of its own, to the router."""


@dataclass(frozen=True, slots=True)
class Remains:
    """Objects of the former topology that exist."""

    queues: frozenset[str] = frozenset()
    exchanges: frozenset[str] = frozenset()
    bindings: frozenset[Binding] = frozenset()
    """Into its queues."""
    inboxes: frozenset[str] = frozenset()
    """Inboxes with its arguments."""

    @property
    def serves_former_release(self) -> bool:
        """Whether services of the former release can still work, so that they need their rights."""
        return bool(self.queues - {PARK})

    @property
    def is_nothing(self) -> bool:
        """Whether all of it is gone."""
        return not (self.queues or self.exchanges or self.inboxes)

    @property
    def is_only_inboxes(self) -> bool:
        """Whether nothing but inboxes is left, and the exchange to which they dead-letter."""
        return bool(self.inboxes) and PARK in self.exchanges and PARK not in self.queues

    def without_work(self) -> "Remains":
        """The same after the queues of the services have gone."""
        return replace(self, queues=self.queues & {PARK}, exchanges=self.exchanges & {PARK})


def remains_of(
    queues: Mapping[str, Mapping[str, Any]], exchanges: Iterable[str], bindings: Iterable[tuple[str, str, str]]
) -> Remains:
    """From what the management API lists: queues with their arguments, exchanges, bindings."""
    present = frozenset(former.QUEUES.keys() & queues.keys())
    is_former = {name for name, row in queues.items() if unit_of_inbox(name) and row["arguments"] == WORK_ARGUMENTS}
    return Remains(
        queues=present,
        exchanges=frozenset(exchanges) & set(former.EXCHANGES),
        bindings=frozenset(Binding(*each) for each in bindings if each[0] and each[1] in present),
        inboxes=frozenset(is_former),
    )


def beside(topology: Topology, remains: Remains) -> Topology:
    """The topology in force, changed so that what remains of the former one can go on working beside it.

    A key that is bound to a former queue is not bound to the queue that follows it: no message lies in both. An inbox
    keeps its arguments, which cannot be changed. The services have the rights of both releases while both can work.
    """
    described = replace(
        topology,
        queues=tuple(_as_it_is(queue, remains) for queue in topology.queues),
        bindings=tuple(b for b in topology.bindings if not _is_held_back(b, remains)),
        users=tuple(_with_former_rights(user, remains) for user in topology.users),
    )
    return described + Topology(
        exchanges=tuple(Exchange(name, "fanout") for name in sorted(remains.exchanges)),
        queues=tuple(former.QUEUES[name] for name in sorted(remains.queues)),
        bindings=(*sorted(remains.bindings, key=str), *((DEAD_LETTERS_OF_INBOXES,) if remains.is_only_inboxes else ())),
        policies=(former.INBOX_LIMITS,) if remains.inboxes else (),
    )


def leftovers(remains: Remains) -> list[str]:
    """One line for each object that is to go, and how."""
    exchanges = () if remains.is_only_inboxes else sorted(remains.exchanges)
    last = f"exchange {PARK}: of the former release; goes with the last of its inboxes, by `{TAKE_OVER} --inboxes`"
    return [
        *(f"queue {name}: of the former release; `{TAKE_OVER}` moves its messages, then removes it"
          for name in sorted(remains.queues)),
        *(f"exchange {name}: of the former release; `{TAKE_OVER}` removes it" for name in exchanges),
        *([last] if remains.is_only_inboxes else []),
        *(f"queue {name}: has the arguments of the former release, and works; `{TAKE_OVER} --inboxes` replaces it "
          "while it is empty and its unit is not connected" for name in sorted(remains.inboxes)),
    ]  # fmt: skip


def _as_it_is(queue: Queue, remains: Remains) -> Queue:
    return Queue(queue.name, WORK_ARGUMENTS) if queue.name in remains.inboxes else queue


def _is_held_back(binding: Binding, remains: Remains) -> bool:
    return any(
        (each.exchange, each.key) == (binding.exchange, binding.key)
        and each.queue in WORK
        and WORK[each.queue].is_followed_by(binding.queue)
        for each in remains.bindings
    )


def _with_former_rights(user: User, remains: Remains) -> User:
    if user.name not in SERVICES or not remains.serves_former_release:
        return user
    return replace(
        user,
        write=_also(user.write, (PARK, *RETRY_SECONDS)),
        read=_also(user.read, former.queues_of(user.name)),
    )


def _also(expression: str, names: Iterable[str]) -> str:
    """An anchored expression, and some more names."""
    return f"{expression.removesuffix(')$')}|{'|'.join(map(re.escape, names))})$"
