"""The roots that checkpoints claim for sizes of a log, kept in little memory: there are thousands of them a day."""

from array import array
from collections.abc import Iterable, Iterator

from common.tlog.checkpoint import Checkpoint
from common.tlog.merkle import HASH_BYTES
from common.tlog.names import batch_checkpoint


class Chain:
    """The checkpoints of batches, each larger than the one before. Takes 48 bytes for each."""

    def __init__(self) -> None:
        self.last: Checkpoint | None = None
        self.sizes = array("Q")
        self._starts, self._roots = array("Q"), bytearray()

    def add(self, start: int, point: Checkpoint) -> bool:
        """Add the checkpoint of the batch that begins at ``start``. False = it is not larger than the one before, and
        was not added."""
        if point.size <= (self.last.size if self.last else 0):
            return False
        self._starts.append(start)
        self.sizes.append(point.size)
        self._roots += point.root
        self.last = point
        return True

    def claim(self, at: int) -> tuple[str, bytes]:
        """Name and root of the checkpoint with number ``at``, from 0."""
        return batch_checkpoint(self._starts[at]), bytes(self._roots[at * HASH_BYTES : (at + 1) * HASH_BYTES])


class Claims:
    """The claimed roots. ``at`` must be called for each size from 0 on."""

    def __init__(self, chain: Chain, others: Iterable[tuple[str, Checkpoint]]) -> None:
        """``others``: checkpoints besides the chain, with their names."""
        self._chain, self._at = chain, 0
        self._others: dict[int, list[tuple[str, bytes]]] = {}
        for name, point in others:
            self._others.setdefault(point.size, []).append((name, point.root))

    def at(self, size: int) -> list[tuple[str, bytes]]:
        """Names and roots of the checkpoints of a size."""
        return [*self._of_chain(size), *self._others.get(size, ())]

    def _of_chain(self, size: int) -> Iterator[tuple[str, bytes]]:
        if self._at < len(self._chain.sizes) and self._chain.sizes[self._at] == size:
            yield self._chain.claim(self._at)
            self._at += 1
