"""The root of a log while leaves are added. Only the hashes of its complete subtrees are kept, a few dozen at most."""

from collections.abc import Iterable

from common.tlog.merkle import joined, node_hash


class Roots:
    """The root of a growing log."""

    def __init__(self, size: int = 0, subtrees: Iterable[bytes] = ()) -> None:
        """``subtrees``: of the log of this size (``tiles.subtrees_of``)."""
        self.size = size
        self._subtrees = [*subtrees]

    def add(self, leaf: bytes) -> None:
        """Append a leaf. ``leaf``: its hash."""
        node, size = leaf, self.size
        while size & 1:
            node, size = node_hash(self._subtrees.pop(), node), size >> 1
        self._subtrees.append(node)
        self.size += 1

    def root(self) -> bytes:
        """The root of the log with the leaves added so far."""
        return joined(self._subtrees)
