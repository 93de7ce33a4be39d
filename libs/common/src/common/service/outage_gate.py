"""Holds up messages for a moment while what they need is away.

The broker brings a returned message back after some seconds, so a backlog that fails at once would circle through the
service. What a message needs is learnt from what messages of its kind have lacked; the database is needed by all.

========================================  ==========================================================================
an attempt                                the gate
========================================  ==========================================================================
lacks something                           remembers which message it was: one alone may be at fault itself
lacks what another message lacked before  closes for all kinds that have lacked it, for longer each time
is handled                                opens for what messages of its kind have lacked, and for nothing else
ends in any other way                     stays as it is
========================================  ==========================================================================

An attempt that lacks something while the gate is closed for it began before, and says nothing new.

A message that waits here keeps its slot, ten seconds at most. In a queue of facts, where other kinds may go on, those
of closed kinds keep at most half of the slots: further ones are given back, and the broker brings them again after its
shortest delay. While something is away that all kinds need, and in other queues, which hold one kind, all wait.
"""

import asyncio
from collections import Counter, defaultdict
from dataclasses import dataclass

from common.clock import loop_time
from common.database import DATABASE
from common.facts.flows import FLOWS
from common.service.incoming import Incoming

FIRST_PAUSE_SECONDS, LONGEST_PAUSE_SECONDS = 0.5, 10.0
BEFORE_RETURN_SECONDS = 0.05
"""A message that is given back comes again within seconds: so broker and process are not busy with a backlog that only
goes round. With eight slots, of which four are free, it is 80 messages a second for each queue."""
NEEDED_BY_ALL = frozenset({DATABASE})
"""Nearly every handler reads or writes rows: one that succeeds proves that these are there. The few that do not, such
as those of operators' requests to other services, only make the pauses begin at the shortest again."""


@dataclass(slots=True)
class Lack:
    """Something that was away when it was last needed."""

    first_key: str
    """Key of the message that lacked it first."""
    pause_seconds: float = 0.0
    """Of the latest closing; 0 = it has not closed the gate yet."""
    closed_until: float = 0.0
    """On the clock of the event loop."""


class OutageGate:
    """The gate of one process. Of each kind of message it knows what such messages have lacked."""

    def __init__(self, slots: int) -> None:
        """``slots``: messages of one queue that are handled at the same time."""
        self._most_waiting = slots // 2
        self._waiting: Counter[str] = Counter()
        """Messages that wait here and leave their queue to other kinds, by queue."""
        self._lacks: dict[str, Lack] = {}
        self._needs: dict[str, set[str]] = defaultdict(lambda: set(NEEDED_BY_ALL))

    async def admits(self, message: Incoming) -> bool:
        """Return True when the message may be tried; False when it is to be given back, which is no haste."""
        seconds = self.closed_until(message) - loop_time()
        if seconds <= 0.0:
            return True
        if not self._is_alone(message):
            await asyncio.sleep(seconds)
            return True
        if self._waiting[message.queue] >= self._most_waiting:
            await asyncio.sleep(min(seconds, BEFORE_RETURN_SECONDS))
            return False
        self._waiting[message.queue] += 1
        try:
            await asyncio.sleep(seconds)
        finally:
            self._waiting[message.queue] -= 1
        return True

    def closed_until(self, message: Incoming) -> float:
        """Until when messages of this kind are held up, on the clock of the event loop; 0 = they are not."""
        return max((lack.closed_until for lack in self._lacks_of(message).values()), default=0.0)

    def note_outage(self, message: Incoming, dependency: str) -> None:
        """An attempt at the message lacked ``dependency``."""
        self._needs[kind_of(message)].add(dependency)
        lack = self._lacks.setdefault(dependency, Lack(message.key))
        if message.key != lack.first_key and loop_time() >= lack.closed_until:
            lack.pause_seconds = min(max(lack.pause_seconds * 2, FIRST_PAUSE_SECONDS), LONGEST_PAUSE_SECONDS)
            lack.closed_until = loop_time() + lack.pause_seconds

    def note_success(self, message: Incoming) -> None:
        """The message was handled: what its kind needs is there."""
        for dependency in self._lacks_of(message):
            del self._lacks[dependency]

    def _is_alone(self, message: Incoming) -> bool:
        """Whether other kinds in its queue may go on."""
        is_for_all = any(self._lacks[each].closed_until > loop_time() for each in NEEDED_BY_ALL & self._lacks.keys())
        return kind_of(message) in FLOWS and not is_for_all

    def _lacks_of(self, message: Incoming) -> dict[str, Lack]:
        needs = self._needs.get(kind_of(message), NEEDED_BY_ALL)
        return {dependency: lack for dependency, lack in self._lacks.items() if dependency in needs}


def kind_of(message: Incoming) -> str:
    """Messages of one kind go to one handler: the name of a fact, or the first word of the queue.

    Only a service may publish to a queue of facts, so a unit can name no other kind than its own.
    """
    queue = message.queue.partition(".")[0]
    return message.type if queue == "facts" and message.type in FLOWS else queue
