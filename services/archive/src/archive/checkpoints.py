"""Checkpoints in the store, as far as a key signed them that is trusted: the newest, and that of each batch."""

from collections.abc import Iterable
from datetime import datetime

from archive.log_store import LogConflict, LogStore
from common.tlog.checkpoint import Checkpoint, open_checkpoint
from common.tlog.note import NoteInvalid, VerifierKey


class Checkpoints:
    """Everything raises ``LogConflict`` where one is of a key that is not trusted, or the newest is hidden."""

    def __init__(self, store: LogStore, trusted: Iterable[VerifierKey]) -> None:
        self._store = store
        self._trusted = tuple(trusted)

    async def of(self, start: int) -> Checkpoint | None:
        """That of the batch that begins there, if it was written."""
        return self._opened(await self._store.note_of(start))

    async def last(self) -> Checkpoint | None:
        """The last one. The one that is published as the newest may be of an earlier batch: the sealer stopped between
        the two, or a copy of the store was made while the log grew.
        """
        last = self._opened(await self._store.newest_note())
        size = last.size if last else 0
        while following := await self.of(size):
            if following.size <= size:
                raise LogConflict("conflict", f"the checkpoint at {size} ends at {following.size}")
            last, size = following, following.size
        return last

    async def publish(self, note: bytes, now: datetime) -> None:
        """Make a checkpoint the newest, unless a slower or a faster sealer has published it or a newer one."""
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
