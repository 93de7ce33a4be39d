"""Verifies a whole log, and says what came of it."""

from collections.abc import Callable, Iterable
from dataclasses import dataclass, field

from common.tlog.audit import Claim, Fault, Verified, audit
from common.tlog.checkpoint import open_checkpoint
from common.tlog.note import NoteInvalid, VerifierKey
from common.tlog.tiles import TileInvalid
from common.tlog.tree import Tree
from trunkctl.log.leaves import LeafTable
from trunkctl.log.reading import LogReader


@dataclass(slots=True)
class Outcome:
    """What is known of a log."""

    verified: Verified
    faults: list[Fault] = field(default_factory=list)

    @property
    def size(self) -> int:
        """Entries that were verified."""
        return self.verified.checkpoint.size if self.verified.checkpoint else 0


def verify(
    files: LogReader,
    keys: Iterable[VerifierKey],
    kept: Iterable[Claim] = (),
    tell: Callable[[Fault], None] = lambda _: None,
) -> Outcome:
    """Read all of it. ``kept``: checkpoints from elsewhere; ``tell``: each fault as it is found."""
    faults: list[Fault] = []

    def note(more: Iterable[Fault]) -> None:
        for fault in more:
            faults.append(fault)
            tell(fault)

    trusted, claims = list(keys), [*files.claims(), *kept]
    run = audit(
        files.read,
        files.names,
        trusted,
        claims,
        leaves=LeafTable(),
        newest_size=lambda: size_now(files, trusted),
    )
    while True:
        try:
            note([next(run)])
        except StopIteration as end:
            note(files.faults())
            return Outcome(end.value, faults)


def size_now(files: LogReader, keys: Iterable[VerifierKey]) -> int:
    """Size of the newest checkpoint as it is now; 0 = there is none that can be trusted."""
    note = files.newest()
    try:
        return open_checkpoint(note, keys).size if note else 0
    except NoteInvalid:
        return 0


def leaves_since(files: LogReader, keys: Iterable[VerifierKey], size: int) -> set[bytes]:
    """Hashes of the leaves that the log has got since it had that size, by its newest checkpoint as it is now.

    The tiles are believed: the next check verifies them. None where they cannot be read.
    """
    tree = Tree(size_now(files, keys), files.now)
    try:
        return {tree.leaf(at) for at in range(size, tree.size)}
    except TileInvalid:
        return set()
