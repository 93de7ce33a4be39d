"""How long the normal lane gives way to urgent packages: always if they are few, half of the time if they are many."""

MOST_SECONDS = 10.0
"""The normal lane gives way for at most this long; time in which it need not give way is deducted from the time in
which it did. Then it goes on for as long, so that a unit that marks everything as urgent does not stop the others."""


class GivingWay:
    """When the normal lane gives way. Times are in seconds, by one monotonic clock."""

    def __init__(self) -> None:
        self._asked_at = self._goes_on_until = float("-inf")
        self._gave_way = False
        self._held_up_seconds = 0.0

    def until(self, now: float, *, has_urgent: bool) -> float:
        """When the normal lane may go on; ``now`` or earlier if it need not give way. Call it whenever that may change.

        ``has_urgent``: an urgent package is under way.
        """
        since, self._asked_at = now - self._asked_at, now
        more = since if self._gave_way else -since
        self._held_up_seconds = max(self._held_up_seconds + more, 0.0) if since < MOST_SECONDS else 0.0
        if self._held_up_seconds >= MOST_SECONDS:
            self._goes_on_until = now + 2 * MOST_SECONDS - self._held_up_seconds
            self._held_up_seconds = 0.0
        self._gave_way = has_urgent and now >= self._goes_on_until
        return now + MOST_SECONDS - self._held_up_seconds if self._gave_way else now
