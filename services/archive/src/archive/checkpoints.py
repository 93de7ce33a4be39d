"""The checkpoints in the store, verified with trusted keys: the newest one, and that of each batch."""

from collections.abc import Iterable
from datetime import datetime

from archive.log_store import LogConflict, LogStore
from common.tlog.checkpoint import Checkpoint, open_checkpoint
from common.tlog.note import NoteInvalid, VerifierKey


class Checkpoints:
    """All methods raise ``LogConflict`` if a checkpoint is not signed by a trusted key or the newest is hidden, and
    ``Outage`` while the object store is unavailable."""

    def __init__(self, store: LogStore, trusted: Iterable[VerifierKey]) -> None:
        self._store = store
        self._trusted = tuple(trusted)

    async def of(self, start: int) -> Checkpoint | None:
        """The checkpoint of the batch that begins at ``start``; None = it was not written."""
        return self._opened(await self._store.note_of(start))

    async def last(self) -> Checkpoint | None:
        """The checkpoint of the last batch; None = the log is empty.

        The one published as the newest may be of an earlier batch: the sealer may have stopped before publishing, or
        the store may be a copy that was made while the log grew.
        """
        last = self._opened(await self._store.newest_note())
        size = last.size if last else 0
        while following := await self.of(size):
            if following.size <= size:
                raise LogConflict("conflict", f"the checkpoint at {size} ends at {following.size}")
            last, size = following, following.size
        return last

    async def publish(self, note: bytes, now: datetime) -> None:
        """Publish a checkpoint as the newest, unless another sealer has published it or a newer one."""
        newest, this = self._opened(await self._store.newest_note()), self._opened(note)
        if newest is None or (this and newest.size < this.size):
            await self._store.publish(note, now)

    def _opened(self, note: bytes | None) -> Checkpoint | None:
        if note is None:
            return None
        try:
            return open_checkpoint(note, self._trusted)
        except NoteInvalid as error:
            raise LogConflict("conflict", f"a checkpoint in the store cannot be trusted: {error}") from error
