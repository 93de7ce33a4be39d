"""Queues on which consuming failed: each is left out for some time, and begun after all others when it is tried again.
After a failure, none of them is tried for a minute.

A queue without a leader does not let anybody consume. RabbitMQ answers after its own time limit, and then closes the
whole connection (error 541), with all other consumers on it. So a queue that failed must not be met again at once, nor
before the others; and where many have no leader, the connection must last for a while between two of them.
"""

from collections.abc import Callable, Iterable

from aiormq.exceptions import AMQPConnectionError, ChannelAccessRefused, ConnectionInternalError

FIRST_SECONDS = 60.0
"""Pause before consuming a queue again after its first failure. Each further one is twice as long. Also the pause after
any failure before one of the queues that failed is tried."""
REFUSED_SECONDS = 300.0
"""The longest pause, and the one for a queue that this user may not read: the broker reports each refusal as a security
event."""


def refused_for_seconds(failures: int) -> float:
    """The pause after so many failures in a row; 0 = none."""
    return min(FIRST_SECONDS * 2 ** min(failures - 1, 20), REFUSED_SECONDS) if failures else 0.0


class Refusals:
    """The failures of one consumer."""

    def __init__(self, clock: Callable[[], float]) -> None:
        """``clock``: monotonic, in seconds."""
        self._clock = clock
        self._failures: dict[str, int] = {}
        self._until: dict[str, float] = {}
        self._all_until = float("-inf")

    def note(self, queue: str, error: BaseException) -> None:
        """Note that consuming from a queue failed.

        A connection may be lost while a queue is begun that has nothing to do with it. So if the broker did not name
        the queue, the first loss only puts it last, and a second one in a row counts as a failure.
        """
        may_be_chance = _is_lost_connection(error) and queue not in self._failures
        failures = self._failures[queue] = 0 if may_be_chance else self._failures.get(queue, 0) + 1
        is_forbidden = isinstance(error, ChannelAccessRefused)
        now = self._clock()
        self._until[queue] = now + (REFUSED_SECONDS if is_forbidden else refused_for_seconds(failures))
        if failures:
            self._all_until = now + FIRST_SECONDS

    def forget(self, queue: str) -> bool:
        """Note that a queue is consumed, or does not exist. Returns whether it had failed before."""
        self._until.pop(queue, None)
        return self._failures.pop(queue, None) is not None

    def now(self) -> set[str]:
        """The queues to leave out now."""
        now = self._clock()
        return {queue for queue, until in self._until.items() if max(until, self._all_until) > now}

    def to_begin(self, queues: Iterable[str]) -> list[str]:
        """Which of these queues to begin, in this order: all that have not failed, and then the one whose pause was
        over first."""
        fresh, failed = set[str](), set[str]()
        for queue in queues:
            (failed if queue in self._failures else fresh).add(queue)
        return sorted(fresh) + sorted(failed, key=lambda queue: (self._until[queue], queue))[:1]


def _is_lost_connection(error: BaseException) -> bool:
    cause = error.__cause__ or error
    is_lost = isinstance(cause, OSError | AMQPConnectionError) or type(cause) is Exception
    return is_lost and not isinstance(cause, ConnectionInternalError | TimeoutError)
