"""Merkle tree hashes and proofs (RFC 9162, section 2.1), with SHA-256.

A proof is first computed as a list of ranges of leaves (``inclusion_ranges``, ``consistency_ranges``), whose hashes are
then looked up in the tree. The functions that check proofs follow sections 2.1.3.2 and 2.1.4.2, and need no tree.
"""

import hashlib
from collections.abc import Iterable, Iterator, Sequence

HASH_BYTES = 32
EMPTY_ROOT = hashlib.sha256().digest()
"""Root of a tree without leaves."""

Range = tuple[int, int]
"""The leaves from the first number (inclusive) to the second (exclusive)."""


class ProofInvalid(ValueError):
    """A proof does not lead to the root that it was checked against."""


def leaf_hash(entry: bytes) -> bytes:
    """Hash of a leaf."""
    return hashlib.sha256(b"\x00" + entry).digest()


def node_hash(left: bytes, right: bytes) -> bytes:
    """Hash of an inner node."""
    return hashlib.sha256(b"\x01" + left + right).digest()


def complete_subtrees(start: int, end: int) -> Iterator[tuple[int, int]]:
    """The complete subtrees that make up a range, from left to right, as (height, index among those of that height).

    ``start`` must be a multiple of the largest power of two that is not larger than the range.
    """
    while start < end:
        height = (end - start).bit_length() - 1
        yield height, start >> height
        start += 1 << height


def joined(hashes: Sequence[bytes]) -> bytes:
    """Hash of a range, from the hashes of its complete subtrees (left to right)."""
    if not hashes:
        return EMPTY_ROOT
    *rest, result = hashes
    for left in reversed(rest):
        result = node_hash(left, result)
    return result


def perfect(hashes: Sequence[bytes]) -> bytes:
    """Hash of the complete subtree over these neighbouring nodes of one height; their number is a power of two."""
    level = hashes
    while len(level) > 1:
        level = [node_hash(level[at], level[at + 1]) for at in range(0, len(level), 2)]
    return level[0]


def root_of(entries: Iterable[bytes]) -> bytes:
    """Root of the tree over these entries."""
    leaves = [leaf_hash(entry) for entry in entries]
    subtrees = complete_subtrees(0, len(leaves))
    return joined([perfect(leaves[i << height : (i + 1) << height]) for height, i in subtrees])


def inclusion_ranges(index: int, size: int) -> list[Range]:
    """Ranges whose hashes prove that leaf ``index`` is in the tree, from the leaf up (RFC 9162, section 2.1.3.1).
    Raises ``ValueError`` for an index outside of the tree."""
    if not 0 <= index < size:
        raise ValueError(f"no leaf {index} in a tree of size {size}")
    start, end = 0, size
    ranges: list[Range] = []
    while end - start > 1:
        middle = start + _split(end - start)
        ranges.append((middle, end) if index < middle else (start, middle))
        start, end = (start, middle) if index < middle else (middle, end)
    return ranges[::-1]


def consistency_ranges(old: int, new: int) -> list[Range]:
    """Ranges whose hashes prove that the tree of size ``old`` is the beginning of that of size ``new`` (RFC 9162,
    section 2.1.4.1). Raises ``ValueError`` if ``old`` is larger."""
    if not 0 <= old <= new:
        raise ValueError(f"size {old} is not before {new}")
    start, end = 0, new
    ranges: list[Range] = []
    while 0 < old < end:
        middle = start + _split(end - start)
        ranges.append((middle, end) if old <= middle else (start, middle))
        start, end = (start, middle) if old <= middle else (middle, end)
    if 0 < old < new and start > 0:
        ranges.append((start, end))
    return ranges[::-1]


def check_inclusion(index: int, size: int, leaf: bytes, proof: Sequence[bytes], root: bytes) -> None:
    """Raises ``ProofInvalid`` unless the leaf with the hash ``leaf`` is number ``index`` of the tree (RFC 9162, section
    2.1.3.2)."""
    if not 0 <= index < size:
        raise ProofInvalid(f"no leaf {index} in a tree of size {size}")
    node, last, result = index, size - 1, leaf
    for sibling in proof:
        if last == 0:
            raise ProofInvalid("the proof is too long")
        if node & 1 or node == last:
            result = node_hash(sibling, result)
            while node and not node & 1:
                node, last = node >> 1, last >> 1
        else:
            result = node_hash(result, sibling)
        node, last = node >> 1, last >> 1
    if last != 0:
        raise ProofInvalid("the proof is too short")
    if result != root:
        raise ProofInvalid("the proof leads to another root")


def check_consistency(old: int, new: int, proof: Sequence[bytes], old_root: bytes, new_root: bytes) -> None:
    """Raises ``ProofInvalid`` unless the tree of size ``old`` is the beginning of that of size ``new`` (RFC 9162,
    section 2.1.4.2)."""
    if not 0 <= old <= new:
        raise ProofInvalid(f"size {old} is not before {new}")
    if old in (0, new):
        expected = new_root if old == new else EMPTY_ROOT
        if proof or old_root != expected:
            raise ProofInvalid("the roots differ" if old_root != expected else "the proof is too long")
        return
    path = list(proof) if old & (old - 1) else [old_root, *proof]
    if not path:
        raise ProofInvalid("the proof is too short")
    node, last = old - 1, new - 1
    while node & 1:
        node, last = node >> 1, last >> 1
    first = second = path[0]
    for sibling in path[1:]:
        if last == 0:
            raise ProofInvalid("the proof is too long")
        if node & 1 or node == last:
            first, second = node_hash(sibling, first), node_hash(sibling, second)
            while node and not node & 1:
                node, last = node >> 1, last >> 1
        else:
            second = node_hash(second, sibling)
        node, last = node >> 1, last >> 1
    if last != 0:
        raise ProofInvalid("the proof is too short")
    if (first, second) != (old_root, new_root):
        raise ProofInvalid("the proof leads to other roots")


def _split(size: int) -> int:
    """The largest power of two that is smaller than ``size``."""
    return 1 << ((size - 1).bit_length() - 1)
