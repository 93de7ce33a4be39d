"""The ledger and its batches in the database, for the comparison with the log: read only."""

from collections.abc import Callable, Collection, Generator, Iterator, Mapping, Sequence
from datetime import UTC, datetime, timedelta
from typing import Any, NamedTuple

from pymongo import MongoClient

from archive.record import Record
from common.chained_ledger import linked_hash
from common.indexes import database_name
from common.ledger import Entry, chained_key, entry_key, entry_of
from common.tlog.audit import Fault, Leaves, Verified
from trunkctl.archive_entry import difference
from trunkctl.archive_records import inexact, read
from trunkctl.databases import asking

PAGE = 500
LATE = timedelta(minutes=1)
"""An entry that is not in the log after so long is told."""
Row = dict[str, Any]
Range = tuple[int, int]
"""Entries of the log: the first, and the one behind the last."""
Adopted = Mapping[Range, int | None]
"""Entries of the log that a restore of the database is known to have lost, with how many of them the ledger still had
when that was confirmed; None = nobody has said."""
FindLeaf = Callable[[bytes, int, int], int | None]
"""The first place at which a leaf with this hash stands, from one entry of the log up to, and without, another."""
LeavesSince = Callable[[int], Collection[bytes]]
"""Hashes of the leaves that the log has now, from one entry of it on."""
NAMES_ENTRY = {"document_key", "event_id", "ledger_seq", "ledger_hash"}
"""Fields by which a record names its entry; a row without them is told as unreadable elsewhere."""


class LedgerRows:
    """Collections ``ledger`` and ``batches`` of the archive's database. Raises ``CommandError``."""

    def __init__(self, ledger: Any, batches: Any) -> None:
        self._ledger, self._batches = ledger, batches

    @classmethod
    def of(cls, client: MongoClient[Row]) -> "LedgerRows":
        """Those of a database."""
        database = client[database_name("archive")]
        return cls(database["ledger"], database["batches"])

    def is_empty(self) -> bool:
        """Whether the ledger has no entry."""
        with asking():
            return self._ledger.find_one({}, {"_id": 1}) is None

    def named(self, identifier: str) -> list[Row]:
        """Entries of a document key or a fixed word, of a package, or of one event; oldest first."""
        below = {"_id": {"$gte": f"{identifier}/", "$lt": f"{identifier}0"}}
        packages = {"event_id": {"$gte": f"{identifier}:", "$lt": f"{identifier};"}}
        with asking():
            entries = list(self._ledger.find({"$or": [below, packages, {"event_id": identifier}]}))
        return sorted(entries, key=lambda row: (row["recorded_at"], row["_id"]))

    def place(self, row: Row, find: FindLeaf) -> int | None:
        """Number of an entry in the log; None = it has none yet. Raises ``ValueError`` where the log does not have it.

        A batch that was adopted after a restore names no entries; ``find`` looks for the leaf in its part of the log.
        """
        if "batch" not in row:
            return None
        up_to = {"_id": {"$lte": f"{row['batch']:016d}"}}
        with asking():
            batch = next(iter(self._batches.find(up_to).sort("_id", -1).limit(1)), None)
        if batch is None or row["batch"] >= batch["size"]:
            return None
        if row["_id"] in batch["entries"]:
            return int(batch["start"] + batch["entries"].index(row["_id"]))
        place = find(bytes.fromhex(entry_of(row).leaf_hash()), int(batch["start"]), int(batch["size"]))
        if place is None:
            raise ValueError(f"entries {batch['start']} to {batch['size'] - 1} of it are others than {row['_id']}")
        return place

    def faults(
        self,
        log: Verified,
        now: datetime,
        *,
        since: LeavesSince = lambda _: (),
        adopted: Adopted | None = None,
    ) -> Iterator[Fault]:
        """Entries that the log does not hold as they are, and leaves that stand for no entry."""
        size, leaves = log.checkpoint.size if log.checkpoint else 0, log.leaves
        matched, not_carried, sealed_since = bytearray(size), 0, list[tuple[str, bytes | None]]()
        lost = yield from self._batch_faults()
        after: Row = {}
        while True:
            with asking():
                page = list(self._ledger.find(after).sort("_id", 1).limit(PAGE))
            if not page:
                break
            after = {"_id": {"$gt": page[-1]["_id"]}}
            for row in page:
                if "seq" in row and "is_sealed" not in row:
                    not_carried += 1
                    continue
                place, what = _judged(row, leaves, now)
                if place is None and isinstance(batch := row.get("batch"), int) and batch >= size:
                    sealed_since.append((str(row["_id"]), _leaf(row)))
                    continue
                if place is not None and matched[place]:
                    what = "stands for the same entry of the log as another row"
                if place is not None:
                    matched[place] = True
                if what:
                    yield Fault(str(row["_id"]), what)
        if not_carried:
            yield Fault(
                f"{not_carried} entries of earlier releases", "are not in the log yet: the archive carries them"
            )
        grown = since(size) if sealed_since else ()
        for key, leaf in sealed_since:
            if leaf not in grown:
                yield Fault(key, f"is said to be in the log behind entry {size}, and is not there")
        yield from _lost_faults(lost, matched, adopted or {})
        for place in leaves.values():
            if not matched[place] and not any(start <= place < end for start, end in lost):
                yield Fault(f"entry {place} of the log", "no entry of the ledger gives it: changed, or removed")

    def entries_of(self, facts: Sequence[str]) -> Iterator[Row]:
        """All entries of these facts, each page by a query of its own."""
        after: Row = {}
        while True:
            with asking():
                page = list(self._ledger.find({"fact": {"$in": [*facts]}, **after}).sort("_id", 1).limit(PAGE))
            yield from page
            if not page:
                return
            after = {"_id": {"$gt": page[-1]["_id"]}}

    def _batch_faults(self) -> Generator[Fault, None, list[Range]]:
        """Batches that do not follow each other. Returns the ranges that are said to be lost."""
        expected, lost = 0, list[Range]()
        with asking():
            for row in self._batches.find({}).sort("_id", 1):
                start, end, entries = row.get("start"), row.get("size"), row.get("entries", [])
                if not (isinstance(start, int) and isinstance(end, int) and isinstance(entries, list)):
                    yield Fault(f"batch {row['_id']}", "cannot be read")
                    continue
                if row["_id"] != f"{start:016d}" or start != expected or end <= start:
                    yield Fault(f"batch {row['_id']}", f"does not begin at {expected}, where the one before ends")
                elif not entries:
                    lost.append((start, end))
                elif len(entries) != end - start:
                    yield Fault(f"batch {row['_id']}", f"names {len(entries)} entries, and has {end - start}")
                expected = end
        return lost

    def record_faults(self, records: list[Row]) -> Iterator[tuple[str, str]]:
        """Package id and fault of each record that does not name its entry's leaf, says otherwise than its entry, or
        is written in other types than the archive writes."""
        named = [each for row in records if (each := _named(row))]
        with asking():
            entries = {row["_id"]: row for row in self._ledger.find({"_id": {"$in": [each.key for each in named]}})}
        for row, record, key, leaf in named:
            record_id = str(row["_id"])
            if record and (what := inexact(row, record)):
                yield record_id, f"its {what} is of another type than the archive writes"
            if key not in entries:
                yield record_id, f"its entry {key} is not in the ledger"
            elif hash_of(entries[key]) != leaf:
                yield record_id, f"its entry {key} is not the one that the record names"
            elif record and (what := difference(record, entries[key].get("body"))):
                yield record_id, f"its {what} is not the one of its entry {key}"


def _lost_faults(lost: list[Range], matched: bytearray, adopted: Adopted) -> Iterator[Fault]:
    """Ranges that nobody has confirmed, and those of which the ledger has fewer entries than when that was done.

    Where the ledger has every entry, nothing was lost, and there is nothing to confirm.
    """
    for start, end in lost:
        name, kept = f"entries {start} to {end - 1} of the log", sum(matched[start:end])
        if kept == end - start:
            continue
        wanted = adopted.get((start, end), 0)
        if (start, end) not in adopted:
            said = "are said to be lost by a restore of the database"
            yield Fault(name, f"{said} but for {kept}: if so, name them as {start}-{end}/{kept}")
        elif wanted is not None and kept < wanted:
            yield Fault(name, f"were lost but for {wanted}, and the ledger has {kept} of them: removed, or changed")


class _Named(NamedTuple):
    """A row about a record, and the entry that it names."""

    row: Row
    record: Record | None
    """None = the row cannot be read as one, which is told elsewhere."""
    key: str
    leaf: str


def _named(row: Row) -> _Named | None:
    """None = the row names no entry, and cannot be read."""
    record = read(row)
    fields = record.model_dump() if record else row
    if record is None and not (row.keys() >= NAMES_ENTRY and isinstance(row["ledger_seq"], int)):
        return None
    seq, document_key = fields["ledger_seq"], fields["document_key"]
    key = chained_key(document_key, seq) if seq else entry_key(document_key, fields["event_id"])
    return _Named(row, record, key, fields["ledger_hash"])


def hash_of(row: Row) -> str:
    """What a record names of an entry: its leaf's hash, or its hash in the chain of an earlier release."""
    if "hash" in row:
        return str(row["hash"])
    entry = _entry(row)
    return entry.leaf_hash() if entry else ""


def _judged(row: Row, leaves: Leaves, now: datetime) -> tuple[int | None, str]:
    """Place in the log, if it has one, and what is wrong."""
    entry = _entry(row)
    place = leaves.get(bytes.fromhex(entry.leaf_hash())) if entry else None
    if entry and row["_id"] != entry.key:
        return place, f"lies under another key than its own, {entry.key}"
    if entry and entry.link and linked_hash(entry, entry.link.seq, entry.link.prev) != entry.link.hash:
        return place, "does not give the hash that an earlier release has chained"
    if place is not None:
        return place, ""
    if entry is None and not (row.get("salt") is not None and isinstance(row.get("recorded_at"), datetime)):
        return None, "cannot be read"
    if row.get("is_sealed"):
        return None, "does not give a leaf of the log: changed after it was sealed"
    waits = now - row["recorded_at"].astimezone(UTC)
    return None, f"is not in the log after {int(waits.total_seconds())} seconds" if waits > LATE else ""


def _leaf(row: Row) -> bytes | None:
    entry = _entry(row)
    return bytes.fromhex(entry.leaf_hash()) if entry else None


def _entry(row: Row) -> Entry | None:
    try:
        entry = entry_of(row)
        entry.leaf()
    except (KeyError, ValueError, TypeError, AttributeError):
        return None
    return entry
