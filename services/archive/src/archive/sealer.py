"""The sealer: adds new entries of the ledger to the log, batch by batch, and signs a checkpoint for each batch.

One process seals at a time, by a lease. The safety of the log does not depend on the lease: a batch is saved under the
place in the log at which it begins, so is its checkpoint, and no object is ever overwritten. So two sealers with one
database write the same bytes, and of two sealers with different databases one is refused.
"""

import math
from collections.abc import Callable
from datetime import timedelta

import structlog

from archive.batches import Batch, Batches
from archive.checkpoints import Checkpoints
from archive.lease import Lease
from archive.log_store import LogConflict, LogStore
from common.clock import Clock, loop_time, utc_now
from common.metrics import set_log_refused
from common.tlog.checkpoint import Checkpoint
from common.tlog.merkle import EMPTY_ROOT
from common.tlog.note import SignerKey, VerifierKey
from common.tlog.roots import Roots
from common.tlog.tiles import TileInvalid, append, check_edge, edge_of, subtrees_of

log = structlog.get_logger("trunk.log")

BATCH_ENTRIES = 2_048
"""Largest number of entries in a batch."""
WORTH_A_BATCH = 256
"""So many entries are sealed without waiting for more."""
PAUSE = timedelta(seconds=8)
"""Fewer entries wait until this long after the last batch: with the time between rounds, less than ten seconds."""
ADOPTED_AT_ONCE = 256 * 1_024
"""Leaves kept in memory at the same time while a part of the log is adopted."""
LEASE = timedelta(seconds=6)
"""How long after a crash of the sealer another one takes over; less than a checkpoint may be late."""


class Sealer:
    """The sealer of one process. ``round`` is called by a timer."""

    def __init__(
        self,
        batches: Batches,
        lease: Lease,
        store: LogStore,
        key: SignerKey | None,
        *,
        former_keys: tuple[VerifierKey, ...] = (),
        adopted_size: int | None = None,
        pause: timedelta = PAUSE,
        now: Clock = utc_now,
        elapsed_seconds: Callable[[], float] = loop_time,
    ) -> None:
        """``key``: signs checkpoints; None = nothing is sealed. ``former_keys``: keys that signed earlier checkpoints.
        ``adopted_size``: see ``_adopt`` and ``Lease``. ``elapsed_seconds``: a monotonic clock."""
        self._pause_seconds, self._elapsed_seconds = pause.total_seconds(), elapsed_seconds
        self._batches = batches
        self._lease = lease
        self._store = store
        self._key = key
        self._checkpoints = Checkpoints(store, (key.verifier, *former_keys) if key else former_keys)
        self._adopted_size = adopted_size
        self._now = now
        self._is_checked = False
        """Whether database and store have been compared since this process got the lease."""
        self._missing_from: int | None = None
        """Where the next batch begins that must be written again; None = the store has all of them."""
        self._sealed_at = -math.inf
        """When this process wrote the last batch, by ``elapsed_seconds``."""
        self._edge: tuple[int, dict[str, bytes]] = (0, {})
        """A size of the log, and the tiles at the end of the log of that size, by path."""

    async def round(self) -> None:
        """Seal all entries not sealed yet, if this process holds the lease. Raises ``LogConflict`` and ``Outage``."""
        if self._key is None:
            set_log_refused("no_key")
            return
        try:
            while await self._lease.take():
                if not await self._seal(self._key):
                    set_log_refused(None)
                    return
        except LogConflict as conflict:
            set_log_refused(conflict.cause)
            self._is_checked = False
            raise
        self._is_checked = False
        set_log_refused(None)  # the process that holds the lease reports a refusal

    async def _seal(self, key: SignerKey) -> bool:
        """Write one batch. Returns whether there may be more to seal."""
        last = await self._batches.newest()
        if not self._is_checked:
            last = await self._compared(key, last)
            self._is_checked = True
        if self._missing_from is not None:
            await self._write_again(key, self._missing_from)
            return True
        if last and not last.root:
            await self._write(key, last)
        waiting = await self._batches.unsealed(BATCH_ENTRIES)
        if not waiting or self._may_wait(len(waiting)):
            return False
        start = last.size if last else 0
        if await self._store.note_of(start) is not None:
            return await self._was_continued(start)
        keys = tuple(each.key for each in waiting)
        batch = Batch(start=start, size=start + len(keys), entries=keys, opened_at=self._now())
        if await self._batches.open(batch):
            await self._write(key, batch)
        return len(keys) == BATCH_ENTRIES

    async def _was_continued(self, start: int) -> bool:
        """True if a process with the same database has continued the log at ``start``; else raises ``LogConflict``.

        Then another trunk has written there, or an older database was put under this process. Nothing may be saved or
        written, because it would stand in the way of the true log.
        """
        newest = await self._batches.newest()
        if newest is None or newest.size <= start:
            raise LogConflict("ahead", f"the log in the store goes on behind {start}, where the database ends")
        return True

    def _may_wait(self, entries: int) -> bool:
        """Whether to wait for more entries: each batch puts four objects, however few entries it has."""
        return entries < WORTH_A_BATCH and self._elapsed_seconds() - self._sealed_at < self._pause_seconds

    async def _write(self, key: SignerKey, batch: Batch) -> None:
        """Compute the tiles and the checkpoint of a saved batch, and put them into the store. Idempotent: a repetition
        puts the same bytes. Raises ``LogConflict``."""
        entries = await self._batches.entries(batch)
        if missing := [key for key in batch.entries if key not in entries]:
            detail = f"{len(missing)} entries of the log are not in the ledger, such as {missing[0]}"
            raise LogConflict("conflict", detail)
        edge = self._edge[1] if self._edge[0] == batch.start else await self._checked_edge(batch.start)
        after = append(batch.start, edge, [entries[key].leaf() for key in batch.entries])
        if batch.root and batch.root != after.root.hex():
            raise LogConflict("conflict", f"the entries from {batch.start} on have another root than was signed")
        at = max(batch.opened_at, self._now())  # a store takes no retention that ends in the past
        note = Checkpoint(key.name, after.size, after.root).signed(key)
        await self._store.expect_no_other(batch.start, note)
        await self._store.put_tiles(after.bundles | after.tiles, at)
        note = await self._store.put_note(batch.start, note, at)
        await self._checkpoints.publish(note, at)
        await self._batches.close(batch, after.root.hex())
        self._sealed_at = self._elapsed_seconds()
        tiles = edge | after.bundles | after.tiles
        self._edge = (after.size, {tile.path: tiles[tile.path] for tile in edge_of(after.size)})

    async def _compared(self, key: SignerKey, last: Batch | None) -> Batch | None:
        """Compare store and database when this process gets the lease, and write or adopt what one of them lacks.
        ``last``: the newest batch of the database. Returns the newest batch afterwards. Raises ``LogConflict``."""
        there = await self._checkpoints.last()
        size, end = last.size if last else 0, there.size if there else 0
        await self._expect_nothing_beyond(max(size, end))
        await self._lease.expect_confirmed(end, size, self._adopted_size)
        if there and end > size:
            return await self._adopt(key, there, last)
        self._missing_from = await self._batches.first_missing(self._is_in_store)
        if last and self._missing_from is None and (note := await self._store.note_of(last.start)):
            await self._checkpoints.publish(note, self._now())
        return last

    async def _expect_nothing_beyond(self, size: int) -> None:
        """Raise ``LogConflict`` if the store has tiles of a longer log than checkpoints and batches know of.

        Then checkpoints were hidden or lost, or tiles were written of which the database does not know. Going on could
        sign a second history, because a store accepts a conditional put over a delete marker.
        """
        name = await self._store.beyond(size)
        newest = await self._batches.newest() if name else None
        if name and (newest is None or newest.size <= size):  # otherwise another process has just written it
            raise LogConflict("conflict", f"{name} is in the store, and the checkpoints in sight end at {size}")

    async def _write_again(self, key: SignerKey, start: int) -> None:
        """Write the next batch from ``start`` on that the store does not have."""
        batch = await self._batches.next_from(start)
        if batch and batch.root:
            log.warning("a batch is missing in the store, and is written again", start=batch.start)
        if batch and batch.entries:
            await self._write(key, batch)
        self._missing_from = batch.size if batch else None

    async def _checked_edge(self, size: int) -> dict[str, bytes]:
        """The tiles at the end of the log of this size, from the store. Raises ``LogConflict`` unless they give the
        root that was signed, so that only a continuation of the signed log is signed."""
        edge, before = await self._store.edge(size), await self._batches.before(size)
        try:
            check_edge(size, edge, bytes.fromhex(before.root) if before else EMPTY_ROOT)
        except TileInvalid as error:
            raise LogConflict("conflict", str(error)) from error
        return edge

    async def _is_in_store(self, batch: Batch) -> bool:
        """Whether the store has the checkpoint of a batch, and the database has its root. Raises ``LogConflict`` if the
        two differ."""
        if not batch.entries:
            return True
        there = await self._checkpoints.of(batch.start)
        if there and batch.root and there != Checkpoint(there.origin, batch.size, bytes.fromhex(batch.root)):
            raise LogConflict("conflict", f"the checkpoint at {batch.start} is not that of the database")
        return bool(there and batch.root)

    async def _adopt(self, key: SignerKey, there: Checkpoint, last: Batch | None) -> Batch:
        """Continue behind a log that is longer in the store than in the database, which was restored from a backup.

        A person must have confirmed the size (``adopted_size``), otherwise raises ``LogConflict``. Entries that were
        entered before the backup and sealed after it are in the database; they are noted as sealed. The others are in
        the log and no longer in the ledger; their facts come again and are entered anew. The leaves in the tiles tell
        the two apart. They are trusted because they give the root of the signed checkpoint.
        """
        size = last.size if last else 0
        if there.size != self._adopted_size:
            raise LogConflict("ahead", f"the log in the store has {there.size} entries, the database leads to {size}")
        if last and last.root:
            note = await self._checkpoints.of(last.start)
            if note is None or (note.size, note.root.hex()) != (last.size, last.root):
                raise LogConflict("conflict", f"the checkpoint at {last.start} is not that of the database")
        elif last:
            await self._write(key, last)
        await self._expect_signed(size, there)
        batch = Batch(start=size, size=there.size, entries=(), opened_at=self._now(), root=there.root.hex())
        noted = await self._note_sealed(batch)
        await self._batches.open(batch)
        log.warning("goes on behind entries that the ledger does not have", start=size, size=there.size, kept=noted)
        return batch

    async def _expect_signed(self, size: int, there: Checkpoint) -> None:
        """Raise ``LogConflict`` unless the leaves in the store from ``size`` on give the root of the checkpoint."""
        roots = Roots(size, subtrees_of(size, await self._checked_edge(size)))
        async for leaves in self._store.leaves(size, there.size, there.size):
            for leaf in leaves:
                roots.add(leaf)
        if roots.root() != there.root:
            raise LogConflict("conflict", f"the tiles from {size} to {there.size} do not give the root that was signed")

    async def _note_sealed(self, adopted: Batch) -> int:
        """Note those entries of the ledger as sealed that an adopted part of the log has. Returns how many."""
        count = 0
        for start in range(adopted.start, adopted.size, ADOPTED_AT_ONCE):
            end = min(start + ADOPTED_AT_ONCE, adopted.size)
            leaves = {leaf async for tile in self._store.leaves(start, end, adopted.size) for leaf in tile}
            async for page in self._batches.unsealed_pages():
                keys = [each.key for each in page if bytes.fromhex(each.leaf_hash()) in leaves]
                await self._batches.seal(keys, adopted.start)
                count += len(keys)
        return count
