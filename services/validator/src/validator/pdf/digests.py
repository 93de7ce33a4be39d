"""Digests of one document: signatures cover the same first bytes again and again, which are hashed once."""

import hashlib
from typing import Any


class Digests:
    """What is known of the digests of ``document`` so far."""

    def __init__(self, document: bytes) -> None:
        self._view = memoryview(document)
        self._states: dict[str, list[tuple[int, Any]]] = {}

    def covered(self, algorithm: str, hole: tuple[int, int], end: int) -> bytes:
        """Of all bytes before ``end`` but the hole."""
        state = self._first(algorithm, hole[0])
        state.update(self._view[hole[1] : end])
        return bytes(state.digest())

    def whole(self, algorithm: str = "sha256") -> bytes:
        """Of the document."""
        return bytes(self._first(algorithm, len(self._view)).digest())

    def _first(self, algorithm: str, count: int) -> Any:
        """A state that has seen the first ``count`` bytes, the caller's to go on with."""
        states = self._states.setdefault(algorithm, [(0, hashlib.new(algorithm))])
        seen, state = max((known for known in states if known[0] <= count), key=lambda known: known[0])
        if seen < count:
            state = state.copy()
            state.update(self._view[seen:count])
            states.append((count, state))
        return state.copy()


class Covered(tuple[memoryview, memoryview]):
    """The two ranges that a signature covers, which know their digest."""

    digests: Digests
    hole: tuple[int, int]
    end: int

    def digest(self, algorithm: str) -> bytes:
        """Of both ranges together."""
        return self.digests.covered(algorithm, self.hole, self.end)
