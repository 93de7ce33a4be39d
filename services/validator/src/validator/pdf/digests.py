"""Digests of one document. Signatures cover the same first bytes again and again; those are hashed once."""

import hashlib
from dataclasses import dataclass
from typing import Any


class Digests:
    """The digests of ``document`` that are known so far."""

    def __init__(self, document: bytes) -> None:
        self._view = memoryview(document)
        self._states: dict[str, list[tuple[int, Any]]] = {}

    def covered(self, algorithm: str, hole: tuple[int, int], end: int) -> bytes:
        """Digest of all bytes before ``end`` except the hole."""
        state = self._state_after(algorithm, hole[0])
        state.update(self._view[hole[1] : end])
        return bytes(state.digest())

    def whole(self, algorithm: str = "sha256") -> bytes:
        """Digest of the document."""
        return bytes(self._state_after(algorithm, len(self._view)).digest())

    def _state_after(self, algorithm: str, count: int) -> Any:
        """A hash state that has seen the first ``count`` bytes; the caller may go on with it."""
        states = self._states.setdefault(algorithm, [(0, hashlib.new(algorithm))])
        seen, state = max((known for known in states if known[0] <= count), key=lambda known: known[0])
        if seen < count:
            state = state.copy()
            state.update(self._view[seen:count])
            states.append((count, state))
        return state.copy()


@dataclass(frozen=True, slots=True)
class CoveredBytes:
    """The two ranges that a signature covers."""

    digests: Digests
    hole: tuple[int, int]
    end: int

    def digest(self, algorithm: str) -> bytes:
        """Digest of both ranges together."""
        return self.digests.covered(algorithm, self.hole, self.end)
