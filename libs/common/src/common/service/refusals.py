"""Queues on which consuming failed: each is left out for some time, and begun after all others when it is tried again.

A queue without a leader does not let anybody consume. RabbitMQ answers after its own time limit, and then closes the
whole connection (error 541), with all other consumers on it. So a queue that failed must not be met again at once, nor
before the others.
"""

from collections.abc import Callable, Iterable

from aiormq.exceptions import AMQPConnectionError, ChannelAccessRefused, ConnectionInternalError

FIRST_SECONDS = 60.0
"""Pause before consuming a queue again after its first failure. Each further one is twice as long."""
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

    def note(self, queue: str, error: BaseException) -> None:
        """Note that consuming from a queue failed.

        A connection may be lost while a queue is begun that has nothing to do with it. So if the broker did not name
        the queue, the first loss only puts it last, and a second one in a row counts as a failure.
        """
        may_be_chance = _is_lost_connection(error) and queue not in self._failures
        failures = self._failures[queue] = 0 if may_be_chance else self._failures.get(queue, 0) + 1
        is_forbidden = isinstance(error, ChannelAccessRefused)
        self._until[queue] = self._clock() + (REFUSED_SECONDS if is_forbidden else refused_for_seconds(failures))

    def forget(self, queue: str) -> None:
        """Note that a queue is consumed."""
        self._failures.pop(queue, None)
        self._until.pop(queue, None)

    def now(self) -> set[str]:
        """The queues to leave out now."""
        now = self._clock()
        return {queue for queue, until in self._until.items() if until > now}

    def last(self, queues: Iterable[str]) -> list[str]:
        """Queues in the order in which to begin them: those that failed come last."""
        return sorted(queues, key=lambda queue: (queue in self._failures, queue))


def _is_lost_connection(error: BaseException) -> bool:
    cause = error.__cause__ or error
    is_lost = isinstance(cause, OSError | AMQPConnectionError) or type(cause) is Exception
    return is_lost and not isinstance(cause, ConnectionInternalError | TimeoutError)
