"""A log of some entries in memory, with its ledger, as the sealer leaves them."""

from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from typing import Any

from common.domain.names import Lane, PackageKind
from common.facts import PackageRepeated
from common.ledger import Entry, new_entry, new_salt, row_of
from common.tlog.audit import Verified
from common.tlog.checkpoint import Checkpoint
from common.tlog.names import CHECKPOINT, batch_checkpoint
from common.tlog.note import SignerKey
from tests.common.tlog.written import Written

AT = datetime(2026, 11, 22, 8, 30, tzinfo=UTC)
KEY = SignerKey.generate("log.example/trunk")
PUBLIC = str(KEY.verifier)


def entry(number: int) -> Entry:
    about: dict[str, Any] = {"kind": PackageKind.NEW, "lane": Lane.NORMAL, "accepted": True, "submitted_at": AT}
    fact = PackageRepeated(
        event_id=f"p{number:03}:repeated:1",
        occurred_at=AT,
        subject="d" * 32,
        package_id=f"p{number:03}",
        sender="000.00.14.H29",
        document_id="000.00.14.H29,2026/11/22,15/TB",
        **about,
    )
    return new_entry(fact, AT + timedelta(seconds=number), new_salt())


class Whole:
    """``entries`` in order; ``files`` of the log; ``rows`` and ``batches`` of the database."""

    def __init__(self, *sizes: int, also: Sequence[int] = ()) -> None:
        """``also``: entries that a last batch seals once more."""
        self.entries = [entry(number) for number in range(sizes[-1])]
        self.written = Written([])
        self.files: dict[str, bytes] = {}
        self.rows: list[dict[str, Any]] = []
        self.batches: list[dict[str, Any]] = []
        for size in sizes:
            self._seal(size)
        if also:
            self.entries += [self.entries[number] for number in also]
            self._seal(len(self.entries))

    def grow(self, size: int) -> None:
        """One more batch."""
        self.entries += [entry(number) for number in range(len(self.entries), size)]
        self._seal(size)

    def _seal(self, size: int) -> None:
        start = self.written.size
        batch = self.entries[start:size]
        self.written.append([each.leaf() for each in batch])
        self.files |= self.written.tiles
        self.files[batch_checkpoint(start)] = Checkpoint(KEY.name, size, self.written.root).signed(KEY)
        self.files[CHECKPOINT] = self.files[batch_checkpoint(start)]
        self.rows += [row_of(each) | {"is_sealed": True, "batch": start} for each in batch]
        keys = [each.key for each in batch]
        self.batches.append({"_id": f"{start:016d}", "start": start, "size": size, "entries": keys})

    @property
    def verified(self) -> Verified:
        """What verifying the log gives."""
        return Verified(Checkpoint(KEY.name, self.written.size, self.written.root), self.leaves)

    @property
    def leaves(self) -> dict[bytes, int]:
        return {bytes.fromhex(each.leaf_hash()): at for at, each in enumerate(self.entries)}
