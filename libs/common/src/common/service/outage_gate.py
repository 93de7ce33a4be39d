"""Holds up messages for a short time while a server that they need is unavailable.

The broker delivers a returned message again after some seconds, so a backlog that fails at once would circulate through
the service. What a kind of message needs is learnt from what its messages have lacked; all kinds need the database.

========================================  ==========================================================================
an attempt                                the gate
========================================  ==========================================================================
lacks something                           remembers which message it was: one alone may be at fault itself
lacks what another message lacked before  closes for all kinds that have lacked it, for longer each time
is handled                                opens for what messages of its kind have lacked, and for nothing else
ends in any other way                     stays as it is
========================================  ==========================================================================

An attempt that lacks something while the gate is closed for it began before the closing, and changes nothing.

A message that waits here keeps its slot, for at most ten seconds. In a queue of facts, where other kinds may go on,
messages of closed kinds keep at most half of the slots; further ones are returned, and the broker delivers them again
after its shortest delay. All messages wait while something that all kinds need is unavailable, and in other queues,
which have messages of one kind only.
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
"""Pause before a message is returned, so that broker and process are not busy with a backlog that only circulates. With
eight slots, of which four are free, that limits it to 80 messages a second for each queue."""
NEEDED_BY_ALL = frozenset({DATABASE})
"""The dependencies of all kinds of messages. Nearly every handler reads or writes rows, so a success proves that the
database is available. A few do not, such as those of operators' requests to other services; they only reset the pauses
to the shortest."""


@dataclass(slots=True)
class Lack:
    """A dependency that was unavailable when it was last needed."""

    first_key: str
    """Key of the first message that lacked it."""
    pause_seconds: float = 0.0
    """Length of the latest closing; 0 = the gate has not closed for it yet."""
    closed_until: float = 0.0
    """By the clock of the event loop."""


class OutageGate:
    """The gate of one process."""

    def __init__(self, slots: int) -> None:
        """``slots``: messages of one queue that are handled at the same time."""
        self._most_waiting = slots // 2
        self._waiting: Counter[str] = Counter()
        """By queue, messages that wait here while other kinds in their queue may go on."""
        self._lacks: dict[str, Lack] = {}
        self._needs: dict[str, set[str]] = defaultdict(lambda: set(NEEDED_BY_ALL))

    async def admits(self, message: Incoming) -> bool:
        """Wait if the gate is closed for a message. True = the message may be tried now; False = return it to its
        queue."""
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
        """Until when messages of this kind are held up, by the clock of the event loop; 0 = they are not."""
        return max((lack.closed_until for lack in self._lacks_of(message).values()), default=0.0)

    def note_outage(self, message: Incoming, dependency: str) -> None:
        """Note that an attempt at a message lacked ``dependency``."""
        self._needs[kind_of(message)].add(dependency)
        lack = self._lacks.setdefault(dependency, Lack(message.key))
        if message.key != lack.first_key and loop_time() >= lack.closed_until:
            lack.pause_seconds = min(max(lack.pause_seconds * 2, FIRST_PAUSE_SECONDS), LONGEST_PAUSE_SECONDS)
            lack.closed_until = loop_time() + lack.pause_seconds

    def note_success(self, message: Incoming) -> None:
        """Note that a message was handled, so what its kind needs is available."""
        for dependency in self._lacks_of(message):
            del self._lacks[dependency]

    def _is_alone(self, message: Incoming) -> bool:
        """Whether other kinds of messages in its queue may go on."""
        is_for_all = any(self._lacks[each].closed_until > loop_time() for each in NEEDED_BY_ALL & self._lacks.keys())
        return kind_of(message) in FLOWS and not is_for_all

    def _lacks_of(self, message: Incoming) -> dict[str, Lack]:
        needs = self._needs.get(kind_of(message), NEEDED_BY_ALL)
        return {dependency: lack for dependency, lack in self._lacks.items() if dependency in needs}


def kind_of(message: Incoming) -> str:
    """The kind of a message: the name of its fact, or the first word of its queue. Messages of one kind have the same
    handler.

    Only services may publish to queues of facts, so a unit cannot choose the kind of its messages.
    """
    queue = message.queue.partition(".")[0]
    return message.type if queue == "facts" and message.type in FLOWS else queue
