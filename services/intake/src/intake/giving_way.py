"""How long the normal lane gives way to urgent packages: fully to those that come now and then, half of the time to a
flood."""

MOST_SECONDS = 10.0
"""The normal lane may be held up for so long, less the time in which it was not. Then it goes on for as long, so that a
unit that calls everything urgent does not stop the city."""


class GivingWay:
    """When the normal lane gives way. Times are those of one monotonic clock, in seconds."""

    def __init__(self) -> None:
        self._asked_at = self._goes_on_until = float("-inf")
        self._gave_way = False
        self._held_up_seconds = 0.0

    def until(self, now: float, *, has_urgent: bool) -> float:
        """When it may go on: not after ``now`` if it need not give way. To be asked whenever that may have changed.

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
