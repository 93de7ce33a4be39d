"""The root of a log while leaves are added, out of the hashes of its complete subtrees: a few dozen at most."""

from collections.abc import Iterable

from common.tlog.merkle import joined, node_hash


class Roots:
    """Roots of a growing log."""

    def __init__(self, size: int = 0, subtrees: Iterable[bytes] = ()) -> None:
        """``subtrees``: of the log of that size, see ``tiles.subtrees_of``."""
        self.size = size
        self._subtrees = [*subtrees]

    def add(self, leaf: bytes) -> None:
        """Append a leaf, by its hash."""
        node, size = leaf, self.size
        while size & 1:
            node, size = node_hash(self._subtrees.pop(), node), size >> 1
        self._subtrees.append(node)
        self.size += 1

    def root(self) -> bytes:
        """Of the log as it is now."""
        return joined(self._subtrees)
