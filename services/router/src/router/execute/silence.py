"""How long an attempt at a placing waits for the inbox, so that attempts at one silent inbox do not take all slots."""

from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager

from common.domain.names import UnitCode

SILENCE_SECONDS = 10.0
"""After this time the attempt has failed, and another one follows; the message may still arrive."""
PATIENT_ATTEMPTS = 2
"""How many attempts at one inbox may wait that long at the same time."""
SHORT_SECONDS = 1.0
"""How long further attempts wait. An inbox with a leader answers within milliseconds."""


class Silence:
    """The waiting attempts of one process, by unit."""

    def __init__(self) -> None:
        self._waiting: Counter[UnitCode] = Counter()

    @contextmanager
    def patience_seconds(self, unit: UnitCode) -> Iterator[float]:
        """How long the attempt in the block may wait."""
        is_first = self._waiting[unit] < PATIENT_ATTEMPTS
        self._waiting[unit] += 1
        try:
            yield SILENCE_SECONDS if is_first else SHORT_SECONDS
        finally:
            self._waiting[unit] -= 1
            if not self._waiting[unit]:
                del self._waiting[unit]
