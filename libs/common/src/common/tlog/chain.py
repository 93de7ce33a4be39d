"""What checkpoints say of the root of a log at each of its sizes, held in few bytes: there are thousands a day."""

from array import array
from collections.abc import Iterable, Iterator

from common.tlog.checkpoint import Checkpoint
from common.tlog.merkle import HASH_BYTES
from common.tlog.names import batch_checkpoint


class Chain:
    """The checkpoints of batches, each larger than the one before: 48 bytes each."""

    def __init__(self) -> None:
        self.last: Checkpoint | None = None
        self.sizes = array("Q")
        self._starts, self._roots = array("Q"), bytearray()

    def add(self, start: int, point: Checkpoint) -> bool:
        """False = it is not larger than the one before."""
        if point.size <= (self.last.size if self.last else 0):
            return False
        self._starts.append(start)
        self.sizes.append(point.size)
        self._roots += point.root
        self.last = point
        return True

    def claim(self, at: int) -> tuple[str, bytes]:
        """Name and root of one of them, by number."""
        return batch_checkpoint(self._starts[at]), bytes(self._roots[at * HASH_BYTES : (at + 1) * HASH_BYTES])


class Claims:
    """Roots that are claimed, asked for size by size from 0 on."""

    def __init__(self, chain: Chain, others: Iterable[tuple[str, Checkpoint]]) -> None:
        """``others``: checkpoints besides the chain, with their names."""
        self._chain, self._at = chain, 0
        self._others: dict[int, list[tuple[str, bytes]]] = {}
        for name, point in others:
            self._others.setdefault(point.size, []).append((name, point.root))

    def at(self, size: int) -> list[tuple[str, bytes]]:
        """Names and roots of the checkpoints of that size."""
        return [*self._of_chain(size), *self._others.get(size, ())]

    def _of_chain(self, size: int) -> Iterator[tuple[str, bytes]]:
        if self._at < len(self._chain.sizes) and self._chain.sizes[self._at] == size:
            yield self._chain.claim(self._at)
            self._at += 1
