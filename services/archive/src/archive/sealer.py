"""The sealer: orders new entries of the ledger into the log, batch by batch, and signs a checkpoint for each.

One process seals at a time, by lease. What protects the log does not depend on the lease: a batch is saved under the
place at which it begins, all objects are put only where nothing lies, and the checkpoint of a batch lies under that
place, too. So two sealers with one database write the same bytes, and of two with different databases one is refused.
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
"""Most entries of a batch."""
WORTH_A_BATCH = 256
"""So many entries are sealed at once."""
PAUSE = timedelta(seconds=8)
"""Fewer entries wait until so long after the last batch: with the time between two rounds, less than ten seconds."""
ADOPTED_AT_ONCE = 256 * 1_024
"""Leaves that are held at the same time while a part of the log is adopted."""
LEASE = timedelta(seconds=6)
"""After a crash of the sealer another one takes over so much later: less than a checkpoint may be late."""


class Sealer:
    """One process's sealer; ``round`` is called by timer."""

    def __init__(
        self,
        batches: Batches,
        lease: Lease,
        store: LogStore,
        key: SignerKey | None,
        *,
        former_keys: tuple[VerifierKey, ...] = (),
        adopted_size: int = 0,
        pause: timedelta = PAUSE,
        now: Clock = utc_now,
        elapsed_seconds: Callable[[], float] = loop_time,
    ) -> None:
        """``former_keys``: that have signed earlier checkpoints. ``adopted_size``: see ``_adopt``.

        ``elapsed_seconds``: a clock that never goes back.
        """
        self._pause_seconds, self._elapsed_seconds = pause.total_seconds(), elapsed_seconds
        self._batches = batches
        self._lease = lease
        self._store = store
        self._key = key
        self._checkpoints = Checkpoints(store, (key.verifier, *former_keys) if key else former_keys)
        self._adopted_size = adopted_size
        self._now = now
        self._is_checked = False
        """Whether database and store were compared since this process got the lease."""
        self._missing_from: int | None = None
        """Where the next batch begins that has to be written again; None = the store has all of them."""
        self._sealed_at = -math.inf
        """When this process wrote the last batch, by the elapsed seconds."""
        self._edge: tuple[int, dict[str, bytes]] = (0, {})
        """Tiles at the end of the log of that size."""

    async def round(self) -> None:
        """Seal everything that is not sealed yet, if this process holds the lease. Raises ``LogConflict``."""
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
        set_log_refused(None)  # whoever holds the lease says why it does not go on

    async def _seal(self, key: SignerKey) -> bool:
        """Write one batch; whether there may be more."""
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
            return await self._went_on(start)
        keys = tuple(each.key for each in waiting)
        batch = Batch(start=start, size=start + len(keys), entries=keys, opened_at=self._now())
        if await self._batches.open(batch):
            await self._write(key, batch)
        return len(keys) == BATCH_ENTRIES

    async def _went_on(self, start: int) -> bool:
        """Whether it was a process with this database that has continued the log there. Raises ``LogConflict``.

        Otherwise another trunk has, or an older database was put under this process: nothing may be saved or written,
        as what lies beside the true log bars it.
        """
        newest = await self._batches.newest()
        if newest is None or newest.size <= start:
            raise LogConflict("ahead", f"the log in the store goes on behind {start}, where the database ends")
        return True

    def _may_wait(self, entries: int) -> bool:
        """Few entries soon after a batch wait for more: each batch puts four objects, however few entries it has."""
        return entries < WORTH_A_BATCH and self._elapsed_seconds() - self._sealed_at < self._pause_seconds

    async def _write(self, key: SignerKey, batch: Batch) -> None:
        """Compute a saved batch and put it into the store. Again puts the same bytes."""
        kept = await self._batches.entries(batch)
        if gone := [each for each in batch.entries if each not in kept]:
            raise LogConflict("conflict", f"{len(gone)} entries of the log are not in the ledger, such as {gone[0]}")
        edge = self._edge[1] if self._edge[0] == batch.start else await self._checked_edge(batch.start)
        after = append(batch.start, edge, [kept[each].leaf() for each in batch.entries])
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
        known = edge | after.bundles | after.tiles
        self._edge = (after.size, {tile.path: known[tile.path] for tile in edge_of(after.size)})

    async def _compared(self, key: SignerKey, last: Batch | None) -> Batch | None:
        """Bring store and database together at the beginning. Returns the newest batch. Raises ``LogConflict``."""
        there = await self._checkpoints.last()
        size, end = last.size if last else 0, there.size if there else 0
        await self._expect_nothing_beyond(max(size, end))
        if not await self._lease.is_confirmed(end, self._adopted_size):
            raise LogConflict("ahead", f"the log has {end} entries, and the database was restored and leads to {size}")
        if there and end > size:
            return await self._adopt(key, there, last)
        self._missing_from = await self._batches.first_missing(self._is_in_store)
        if last and self._missing_from is None and (note := await self._store.note_of(last.start)):
            await self._checkpoints.publish(note, self._now())
        return last

    async def _expect_nothing_beyond(self, size: int) -> None:
        """Raise ``LogConflict`` where the store has tiles of a longer log than checkpoints and batches lead to.

        Then checkpoints were hidden or lost, or tiles were written of which the database does not know. What would be
        signed is another history: a store takes a conditional put over a delete marker.
        """
        name = await self._store.beyond(size)
        newest = await self._batches.newest() if name else None
        if name and (newest is None or newest.size <= size):  # otherwise another process has just written it
            raise LogConflict("conflict", f"{name} is in the store, and the checkpoints in sight end at {size}")

    async def _write_again(self, key: SignerKey, start: int) -> None:
        """Write the next batch that the store does not have."""
        batch = await self._batches.next_from(start)
        if batch and batch.root:
            log.warning("a batch is missing in the store, and is written again", start=batch.start)
        if batch and batch.entries:
            await self._write(key, batch)
        self._missing_from = batch.size if batch else None

    async def _checked_edge(self, size: int) -> dict[str, bytes]:
        """The tiles at the end of the log, out of the store. Only what continues the signed log is signed."""
        edge, before = await self._store.edge(size), await self._batches.before(size)
        try:
            check_edge(size, edge, bytes.fromhex(before.root) if before else EMPTY_ROOT)
        except TileInvalid as error:
            raise LogConflict("conflict", str(error)) from error
        return edge

    async def _is_in_store(self, batch: Batch) -> bool:
        """Whether the store has the checkpoint of a batch, and the database knows. Raises ``LogConflict``."""
        if not batch.entries:
            return True
        there = await self._checkpoints.of(batch.start)
        if there and batch.root and there != Checkpoint(there.origin, batch.size, bytes.fromhex(batch.root)):
            raise LogConflict("conflict", f"the checkpoint at {batch.start} is not that of the database")
        return bool(there and batch.root)

    async def _adopt(self, key: SignerKey, there: Checkpoint, last: Batch | None) -> Batch:
        """The store is ahead: the database was restored from a backup. A person must say that it may go on from there.

        Of the entries between, the backup has those that were entered before it was made and sealed afterwards: they
        are noted as sealed. The others are in the log and no longer in the ledger; their facts come again and are
        entered anew. Which those are, tiles tell: they are believed once they give the root of the checkpoint.
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
        kept = await self._note_sealed(batch)
        await self._batches.open(batch)
        log.warning("goes on behind entries that the ledger does not have", start=size, size=there.size, kept=kept)
        return batch

    async def _expect_signed(self, size: int, there: Checkpoint) -> None:
        """Raise ``LogConflict`` unless the leaves behind this size, in their order, give the root that was signed."""
        roots = Roots(size, subtrees_of(size, await self._checked_edge(size)))
        async for leaves in self._store.leaves(size, there.size, there.size):
            for leaf in leaves:
                roots.add(leaf)
        if roots.root() != there.root:
            raise LogConflict("conflict", f"the tiles from {size} to {there.size} do not give the root that was signed")

    async def _note_sealed(self, adopted: Batch) -> int:
        """Note entries of the ledger as sealed that an adopted part of the log holds. Returns how many."""
        kept = 0
        for start in range(adopted.start, adopted.size, ADOPTED_AT_ONCE):
            end = min(start + ADOPTED_AT_ONCE, adopted.size)
            leaves = {leaf async for tile in self._store.leaves(start, end, adopted.size) for leaf in tile}
            async for page in self._batches.unsealed_pages():
                keys = [each.key for each in page if bytes.fromhex(each.leaf_hash()) in leaves]
                await self._batches.seal(keys, adopted.start)
                kept += len(keys)
        return kept
