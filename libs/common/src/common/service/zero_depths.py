"""Decides which depths of 0 that the broker reports are believed. Pure.

A quorum queue that does not answer its node within 250 ms, because its leader is away or overloaded, is reported with 0
messages (``rabbit_quorum_queue:stat/2``), and a passive declaration shows that. So a queue that had messages at the
last look and shows none now may be empty, or silent. Until it shows a number again, or nothing but zeros for
``BELIEVED_AFTER``, it counts as it did at the last look.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta

BELIEVED_AFTER = timedelta(minutes=5)
"""How long a queue must have shown nothing but zeros to be believed empty. An election takes seconds, a restart of a
node minutes."""
BELIEVED_LOOKS = 3
"""At least so many looks in this time."""


@dataclass(frozen=True, slots=True)
class Zeros:
    """The zeros that a queue has shown in a row."""

    since: datetime
    looks: int = 0

    def one_more(self) -> "Zeros":
        """The zeros in a row after another one."""
        return Zeros(self.since, self.looks + 1)

    def are_believed(self, at: datetime) -> bool:
        """Whether the queue is empty."""
        return self.looks >= BELIEVED_LOOKS and at - self.since >= BELIEVED_AFTER


class KnownDepths:
    """The known depths of queues, as seen by one process."""

    def __init__(self, doubted_from: int, *, unseen: int = 0) -> None:
        """``doubted_from``: a zero is doubted if the queue held so many messages, or more, at the last look.
        ``unseen``: the depth to assume of a queue before the first look."""
        self._doubted_from = doubted_from
        self._unseen = unseen
        self._depths: dict[str, int] = {}
        self._zeros: dict[str, Zeros] = {}

    def after(self, seen: Mapping[str, int], at: datetime) -> dict[str, int]:
        """The depths of these queues after a look. A doubtful zero is replaced by the depth before it."""
        return {queue: self._after(queue, depth, at) for queue, depth in seen.items()}

    def forget(self, queue: str) -> None:
        """Treat a queue as before the first look."""
        self._depths.pop(queue, None)
        self._zeros.pop(queue, None)

    def _after(self, queue: str, depth: int, at: datetime) -> int:
        before = self._depths.get(queue, self._unseen)
        if not depth and before >= self._doubted_from:
            zeros = self._zeros[queue] = self._zeros.get(queue, Zeros(at)).one_more()
            if not zeros.are_believed(at):
                return before
        self._zeros.pop(queue, None)
        self._depths[queue] = depth
        return depth
