"""How attempts at silent inboxes are kept from taking the slots and the channel of all others.

An inbox without a leader neither takes nor refuses a message. Many may be silent at once, when nodes of the broker are
lost. So few attempts of a process wait long, and an inbox that has not answered once is tried with one message at a
time, over a connection of its own: after some unanswered messages for one queue, RabbitMQ reads no more from their
channel.
"""

import asyncio
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace

from common.clock import loop_time
from common.domain.names import UnitCode
from common.service.outgoing import Outgoing, PublishRefused
from router.execute.sender import Sender
from router.placing import FIRST_PAUSE, Placing

SILENCE_SECONDS = 10.0
"""After this time the attempt has failed, and another one follows; the message may still arrive."""
PATIENT_ATTEMPTS = 2
"""How many attempts of one process may wait that long at the same time, at whatever inboxes."""
SHORT_SECONDS = 1.0
"""How long further attempts wait. An inbox with a leader answers within milliseconds."""


@dataclass(frozen=True, slots=True)
class Patience:
    """How to try an inbox."""

    seconds: float
    """How long the attempt may wait."""
    is_apart: bool
    """Whether to publish over the connection for queues that may not answer."""


class Silence:
    """The silent inboxes known to one process."""

    def __init__(self, seconds: Callable[[], float] = loop_time) -> None:
        """``seconds``: a monotonic clock."""
        self._seconds = seconds
        self._silent: dict[UnitCode, float] = {}
        """Units whose inboxes did not answer the last attempt that has ended, and when each may be tried again, by that
        clock."""
        self._tried: Counter[UnitCode] = Counter()
        """Attempts under way, by unit."""
        self._patient = 0

    @contextmanager
    def attempt(self, unit: UnitCode) -> Iterator[Patience | None]:
        """How the attempt in the block is made; None = not now, because another attempt at the same silent inbox is
        under way or has just failed."""
        is_silent = unit in self._silent
        if self._is_resting(unit):
            yield None
            return
        is_patient = self._patient < PATIENT_ATTEMPTS
        self._patient += is_patient
        self._tried[unit] += 1
        try:
            yield Patience(SILENCE_SECONDS if is_patient else SHORT_SECONDS, is_silent)
        except TimeoutError:
            self._silent[unit] = self._seconds() + FIRST_PAUSE.total_seconds()
            raise
        except PublishRefused:
            self._silent.pop(unit, None)
            raise
        else:
            self._silent.pop(unit, None)
        finally:
            self._patient -= is_patient
            self._tried[unit] -= 1
            if not self._tried[unit]:
                del self._tried[unit]

    async def publish(self, sender: Sender, message: Outgoing, unit: UnitCode) -> bool:
        """Publish to an inbox. False = not tried now. Raises ``TimeoutError`` if the inbox does not answer, and
        ``PublishRefused``."""
        with self.attempt(unit) as patience:
            if patience is None:
                return False
            async with asyncio.timeout(patience.seconds):
                await sender.publish(replace(message, is_apart=patience.is_apart))
            return True

    def to_order(self, due: Sequence[Placing]) -> list[Placing]:
        """Those of the due placings to order now: for a silent inbox one, and none while one is being tried."""
        busy = {unit for unit in self._silent if self._is_resting(unit)}
        chosen = []
        for placing in due:
            if placing.receiver not in busy:
                chosen.append(placing)
            if placing.receiver in self._silent:
                busy.add(placing.receiver)
        return chosen

    def _is_resting(self, unit: UnitCode) -> bool:
        return unit in self._silent and (unit in self._tried or self._silent[unit] > self._seconds())
