"""``make bench-log``: what the log costs at many entries: CPU to append, prove and verify, and bytes.

In one process and in memory, with the code that the sealer, ``trunkctl log prove`` and ``trunkctl log verify`` use. The
database and the object store are left out: what they add is a query and some puts a batch.
"""

import argparse
import random
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime

from rich.console import Console
from rich.table import Table

from common.domain.names import Lane, PackageKind
from common.facts import PackageRepeated
from common.ledger import Entry, new_entry, new_salt
from common.tlog.audit import audit
from common.tlog.checkpoint import Checkpoint
from common.tlog.merkle import EMPTY_ROOT, leaf_hash
from common.tlog.names import CHECKPOINT, batch_checkpoint
from common.tlog.note import SignerKey
from common.tlog.proof import InclusionProof
from common.tlog.tiles import append, edge_of
from common.tlog.tree import Tree

AT = datetime(2026, 11, 22, 8, 30, tzinfo=UTC)
KEY = SignerKey.generate("log.example/bench")
PROOFS = 500
"""So many that the clock of a process, which may tick in 4 ms, tells them apart."""
PARTIAL = ".p/"


@dataclass
class Log:
    """A log in memory."""

    size: int = 0
    root: bytes = EMPTY_ROOT
    files: dict[str, bytes] = field(default_factory=dict)
    batches: int = 0

    def append(self, leaves: list[bytes]) -> None:
        """One batch, as the sealer writes it."""
        edge = {tile.path: self.files[tile.path] for tile in edge_of(self.size)}
        after = append(self.size, edge, leaves)
        note = Checkpoint(KEY.name, after.size, after.root).signed(KEY)
        self.files |= after.bundles | after.tiles | {batch_checkpoint(self.size): note, CHECKPOINT: note}
        self.size, self.root, self.batches = after.size, after.root, self.batches + 1

    def size_bytes(self, *, with_partial: bool) -> int:
        """Of all files; without the partial tiles that ``trunkctl log tidy`` removes, those at the end included."""
        contents = (data for name, data in self.files.items() if with_partial or PARTIAL not in name)
        return sum(map(len, contents))


def entries(count: int) -> Iterator[Entry]:
    """Entries about as long as those of a letter."""
    fact = PackageRepeated(
        event_id="0" * 32 + ":repeated:1",
        occurred_at=AT,
        subject="d" * 32,
        package_id="0" * 32,
        sender="000.00.14.H29",
        document_id="000.00.14.H29,2026/11/22,15/TB",
        kind=PackageKind.NEW,
        lane=Lane.NORMAL,
        accepted=True,
        submitted_at=AT,
    )
    return (new_entry(fact, AT, new_salt()) for _ in range(count))


@contextmanager
def counted(into: list[float]) -> Iterator[None]:
    """Note the CPU seconds of this process that the block takes."""
    before = time.process_time()
    yield
    into.append(time.process_time() - before)


def appended(log: Log, count: int, batch: int) -> tuple[float, float]:
    """CPU seconds for leaves, and for everything behind them."""
    of_leaves, of_log = list[float](), list[float]()
    for start in range(0, count, batch):
        batch_entries = [*entries(min(batch, count - start))]
        with counted(of_leaves):
            leaves = [each.leaf() for each in batch_entries]
        with counted(of_log):
            log.append(leaves)
    return sum(of_leaves), sum(of_log)


def proved(log: Log) -> tuple[float, float]:
    """CPU seconds of one proof, in the mean: to make it out of the tiles, and to check it with the public key."""
    places = random.Random(1).sample(range(log.size), min(PROOFS, log.size))
    making, checked = list[float](), list[float]()
    with counted(making):
        trees = [Tree(log.size, log.files.get) for _ in places]
        hashes = [tuple(tree.inclusion(place)) for tree, place in zip(trees, places, strict=True)]
    leaves = [leaf_hash(tree.entry(place)) for tree, place in zip(trees, places, strict=True)]
    proofs = [InclusionProof(place, path, log.files[CHECKPOINT]) for place, path in zip(places, hashes, strict=True)]
    with counted(checked):
        for proof, leaf in zip(proofs, leaves, strict=True):
            proof.check(leaf, [KEY.verifier])
    return making[0] / len(places), checked[0] / len(places)


def verified(log: Log) -> float:
    """CPU seconds to recompute everything."""
    seconds = list[float]()
    with counted(seconds):
        faults = list(audit(log.files.get, sorted(log.files), [KEY.verifier]))
    if faults:
        raise SystemExit(f"the log does not verify: {faults[:3]}")
    return seconds[0]


def main() -> None:
    """Append, prove, verify, and print the table."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--entries", type=int, default=100_000)
    parser.add_argument("--batch", type=int, default=2_048, help="entries of a batch; the sealer takes as many")
    options = parser.parse_args()
    log = Log()
    of_leaves, of_log = appended(log, options.entries, options.batch)
    making, checked = proved(log)
    of_audit = verified(log)
    table = Table("figure", "value", title=f"{log.size:,} entries in {log.batches:,} batches of {options.batch:,}")
    for name, value in (
        ("leaves made, a second of CPU", f"{options.entries / of_leaves:,.0f}"),
        ("leaves appended and signed, a second of CPU", f"{options.entries / of_log:,.0f}"),
        ("both, entries a second of CPU", f"{options.entries / (of_leaves + of_log):,.0f}"),
        ("making a proof, ms of CPU", f"{1000 * making:.2f}"),
        ("checking a proof, ms of CPU", f"{1000 * checked:.2f}"),
        ("hashes in the longest proof", f"{(log.size - 1).bit_length()}"),
        ("verified, entries a second of CPU", f"{options.entries / of_audit:,.0f}"),
        ("bytes an entry, all files", f"{log.size_bytes(with_partial=True) / log.size:.1f}"),
        ("bytes an entry, without partial tiles", f"{log.size_bytes(with_partial=False) / log.size:.1f}"),
        ("CPU seconds of the whole run", f"{time.process_time():.1f}"),
    ):
        table.add_row(name, value)
    Console().print(table)


if __name__ == "__main__":
    main()
