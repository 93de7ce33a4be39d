"""Keeps reading to so many bytes a second, so that a check of everything takes nothing from whoever works."""

import threading
import time
from collections.abc import Callable


class Pace:
    """Of one run, over all its threads."""

    def __init__(
        self,
        bytes_per_second: float = 0.0,
        clock: Callable[[], float] = time.monotonic,
        wait: Callable[[float], None] = time.sleep,
    ) -> None:
        """``bytes_per_second``: 0 = as fast as can be; ``wait``: for so many seconds."""
        self._rate = bytes_per_second
        self._clock = clock
        self._wait = wait
        self._free_at = clock()
        self._lock = threading.Lock()

    def take(self, size_bytes: int) -> None:
        """Wait until so many bytes more may have been read."""
        if not self._rate:
            return
        with self._lock:
            now = self._clock()
            self._free_at = max(self._free_at, now) + size_bytes / self._rate
            wait_seconds = self._free_at - now
        self._wait(wait_seconds)
