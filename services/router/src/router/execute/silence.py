"""How long an attempt waits for the answer of an inbox, so that one silent inbox does not take all slots."""

from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager

from common.domain.names import UnitCode

SILENCE_SECONDS = 10.0
"""An inbox that has not answered by then waits for another attempt; its publish stays on its way."""
PATIENT_ATTEMPTS = 2
"""Attempts at one inbox that wait so long at the same time."""
SHORT_SECONDS = 1.0
"""How long the others wait. An inbox with a leader answers within milliseconds."""


class Silence:
    """Attempts of one process that wait for an answer, by inbox."""

    def __init__(self) -> None:
        self._waiting: Counter[UnitCode] = Counter()

    @contextmanager
    def patience_seconds(self, unit: UnitCode) -> Iterator[float]:
        """How long the attempt that is made in here may wait."""
        is_first = self._waiting[unit] < PATIENT_ATTEMPTS
        self._waiting[unit] += 1
        try:
            yield SILENCE_SECONDS if is_first else SHORT_SECONDS
        finally:
            self._waiting[unit] -= 1
            if not self._waiting[unit]:
                del self._waiting[unit]
