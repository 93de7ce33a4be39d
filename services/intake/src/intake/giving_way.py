"""How long the normal lane gives way to urgent packages: fully to one now and then, half of the time to a flood."""

MOST_SECONDS = 10.0
"""Urgent packages that come without a pause hold up the normal lane for so long. Then it goes on for as long, so that a
unit that calls everything urgent does not stop the city."""


class GivingWay:
    """When the normal lane gives way. Times are those of one monotonic clock, in seconds."""

    def __init__(self) -> None:
        self._began_at = self._seen_at = float("-inf")

    def until(self, now: float, *, has_urgent: bool) -> float:
        """When it may go on: not after ``now`` if it need not give way.

        ``has_urgent``: an urgent package is under way.
        """
        if not has_urgent:
            return now
        if now - self._seen_at > MOST_SECONDS:
            self._began_at = now
        self._seen_at = now
        into = (now - self._began_at) % (2 * MOST_SECONDS)
        return now + max(MOST_SECONDS - into, 0.0)
