"""Recomputes a whole log from its files, and names every fault in them.

Only the public keys are trusted, and checkpoints that were kept elsewhere. Faults are values, not exceptions.
"""

from collections.abc import Callable, Generator, Iterable, Iterator
from dataclasses import dataclass, field
from typing import NamedTuple, Protocol, TypeVar

from common.tlog.chain import Chain, Claims
from common.tlog.checkpoint import Checkpoint, open_checkpoint
from common.tlog.merkle import HASH_BYTES, leaf_hash, perfect
from common.tlog.names import CHECKPOINT, batch_checkpoint, start_of
from common.tlog.note import NoteInvalid, VerifierKey
from common.tlog.partial import ReadFile, read_tile
from common.tlog.roots import Roots
from common.tlog.tiles import (
    ENTRIES,
    HEIGHT,
    WIDTH,
    Tile,
    TileInvalid,
    entries_in,
    hashes_in,
    is_within,
    levels_of,
    tile_at,
    tiles_of,
    widest,
)

T = TypeVar("T")


class Fault(NamedTuple):
    """One fault of a file."""

    name: str
    """Of the file."""
    what: str
    """The fault, for people."""


class Claim(NamedTuple):
    """A checkpoint that must be one of this log."""

    name: str
    """Where it comes from: the name of a file."""
    note: bytes
    """The signed note."""


class Leaves(Protocol):
    """The first place of each leaf, by the hash of the leaf. A dict is one."""

    def setdefault(self, leaf: bytes, place: int, /) -> int:
        """Note the place of a leaf, unless it has one. Returns the first place."""

    def get(self, leaf: bytes, /) -> int | None:
        """The first place of a leaf; None = it has none."""

    def values(self) -> Iterable[int]:
        """All first places, in the order in which they were noted."""


class Repeated(NamedTuple):
    """An entry that is in the log more than once. That does not weaken the proofs of the log."""

    place: int
    first: int
    """Its first place."""


@dataclass(slots=True)
class Verified:
    """The result of an audit."""

    checkpoint: Checkpoint | None = None
    """The newest one; None = the log is empty."""
    leaves: Leaves = field(default_factory=lambda: dict[bytes, int]())
    """First place of each leaf by its hash, if the caller asked for leaves."""
    repeated: list[Repeated] = field(default_factory=list)
    """Entries that are in the log more than once, if the caller asked for leaves."""


def audit(
    read: ReadFile,
    names: Iterable[str],
    keys: Iterable[VerifierKey],
    known: Iterable[Claim] = (),
    *,
    leaves: Leaves | None = None,
    newest_size: Callable[[], int] = lambda: 0,
) -> Generator[Fault, None, Verified]:
    """Yields every fault, and returns the result of the audit.

    ``read``: gives the bytes of a file; ``names``: of all files in sorted order, iterated over twice; ``keys``: trusted
    public keys; ``known``: further checkpoints, such as older versions or those kept elsewhere; ``leaves``: an empty
    mapping that gets the place of each leaf; ``newest_size``: asks again for the size of the newest checkpoint, because
    a log may grow while its files are listed. What was added since is left to the next audit.
    """
    trusted = list(keys)
    chain, others = Chain(), list[tuple[str, Checkpoint]]()
    expected: int | None = 0
    for name in names:
        if (start := start_of(name)) is None:
            continue
        if expected is not None and start != expected:
            yield Fault(batch_checkpoint(expected), f"missing: the next one begins at {start}")
        point = yield from _opened(Claim(name, read(name) or b""), trusted)
        if point and point.size <= start:
            yield Fault(name, f"ends at {point.size}, and begins at {start}")
        if point and not chain.add(start, point):
            others.append((name, point))
        expected = point.size if point else None  # a checkpoint that cannot be read is not reported as missing, too
    newest, last = read(CHECKPOINT), chain.last
    size = last.size if last else 0
    if newest is None and expected != 0:
        yield Fault(CHECKPOINT, "missing")
    for claim in (*([Claim(CHECKPOINT, newest)] if newest is not None else []), *known):
        if point := (yield from _opened(claim, trusted)):
            others.append((claim.name, point))
    for name, point in others:
        if point.size > size:
            yield Fault(name, f"of size {point.size}, and the log ends at {size}: its end was cut off")
        elif name == CHECKPOINT and point.size < size and newest_size() < size:
            yield Fault(name, f"of size {point.size}, and the log has {size}: a newer one was hidden")
    verified = Verified(last) if leaves is None else Verified(last, leaves)
    yield from _walk(read, size, Claims(chain, others), None if leaves is None else verified)
    yield from _strays(read, names, size, newest_size)
    return verified


def _opened(claim: Claim, keys: list[VerifierKey]) -> Generator[Fault, None, Checkpoint | None]:
    try:
        return open_checkpoint(claim.note, keys)
    except NoteInvalid as error:
        yield Fault(claim.name, f"cannot be trusted: {error}")
        return None


def _walk(read: ReadFile, size: int, claims: Claims, verified: Verified | None) -> Iterator[Fault]:
    """Checks every entry, every tile, and the root at every checkpoint. Yields the faults."""
    roots = Roots()
    nodes: list[bytes] = []
    """Of level 1: one for each full bundle."""
    yield from _root_faults(roots, claims)
    for bundle in tiles_of(size, ENTRIES):
        leaves = yield from _leaves(read, bundle, size)
        if leaves is None:
            yield Fault(bundle.path, "from here on nothing can be computed")
            return
        for leaf in leaves:
            if verified and (first := verified.leaves.setdefault(leaf, roots.size)) != roots.size:
                verified.repeated.append(Repeated(roots.size, first))
            roots.add(leaf)
            yield from _root_faults(roots, claims)
        if bundle.width == WIDTH:
            nodes.append(perfect(leaves))
    for level in levels_of(size)[1:]:
        row, nodes = nodes, []
        for tile in tiles_of(size, level):
            computed = row[tile.index * WIDTH :][: tile.width]
            hashes = yield from _parsed(read, tile, hashes_in)
            if hashes is not None and hashes != computed:
                yield Fault(tile.path, "does not hold the hashes of the tiles below")
            if tile.width == WIDTH:
                nodes.append(perfect(computed))


def _root_faults(roots: Roots, claims: Claims) -> Iterator[Fault]:
    for name, root in claims.at(roots.size):
        if root != roots.root():
            yield Fault(name, f"of size {roots.size}, has another root than the entries: another history, or altered")


def _leaves(read: ReadFile, bundle: Tile, size: int) -> Generator[Fault, None, list[bytes] | None]:
    """Yields the faults of a bundle and its tile. Returns the hashes of the leaves; None = they are unknown."""
    tile = Tile(0, bundle.index, bundle.width)
    entries = yield from _parsed(read, bundle, entries_in)
    hashes = yield from _parsed(read, tile, hashes_in)
    if entries is None:
        return hashes
    leaves = [leaf_hash(entry) for entry in entries]
    if hashes is None or hashes == leaves:
        return leaves
    first = (bundle.index << HEIGHT) + next(at for at, leaf in enumerate(leaves) if leaf != hashes[at])
    if bundle.width == WIDTH and _vouches(read, bundle.index, size, perfect(leaves)):
        yield Fault(tile.path, f"does not hold the leaf of entry {first}")
        return leaves
    yield Fault(bundle.path, f"entry {first} does not give the leaf in {tile.path}")
    return hashes


def _vouches(read: ReadFile, index: int, size: int, node: bytes) -> bool:
    """Whether the tile one level above has this hash for the full tile with this index."""
    first = index & -WIDTH
    above = Tile(1, index >> HEIGHT, min(WIDTH, (size >> HEIGHT) - first))
    at = (index - first) * HASH_BYTES
    try:
        return (read_tile(read, above) or b"")[at : at + HASH_BYTES] == node
    except TileInvalid:
        return False


def _parsed(read: ReadFile, tile: Tile, parse: Callable[[Tile, bytes], T]) -> Generator[Fault, None, T | None]:
    try:
        data = read_tile(read, tile)
        if data is not None:
            return parse(tile, data)
    except TileInvalid as error:
        yield Fault(tile.path, f"damaged: {error}")
        return None
    yield Fault(tile.path, "missing")
    return None


def _strays(read: ReadFile, names: Iterable[str], size: int, newest_size: Callable[[], int]) -> Iterator[Fault]:
    """Yields files that do not belong to the log, and partial tiles that are not the beginning of the widest one."""
    size_now: int | None = None
    read_tile_of: Tile | None = None
    data: bytes | None = None
    for name in names:
        if name == CHECKPOINT or start_of(name) is not None:
            continue
        tile = tile_at(name)
        if tile is None or not is_within(tile, size):
            size_now = newest_size() if size_now is None else size_now
            if tile is None or not is_within(tile, size_now):
                yield Fault(name, "is no part of the log")
            continue
        whole = widest(tile, size)
        if tile == whole:
            continue
        if whole != read_tile_of:  # partial tiles of one number come one after the other
            read_tile_of, data = whole, read(whole.path)
        part = read(name) if data is not None else None  # None: it was removed since it was listed
        if data is not None and part is not None and not (part and data.startswith(part)):
            yield Fault(name, f"is not the beginning of {whole.path}")
