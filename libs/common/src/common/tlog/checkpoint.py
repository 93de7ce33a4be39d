"""Checkpoints as C2SP tlog-checkpoint: the size and the root of a log, in a signed note."""

import re
from collections.abc import Iterable
from dataclasses import dataclass

from common.tlog.base64_text import decoded, encoded
from common.tlog.merkle import HASH_BYTES
from common.tlog.note import NoteInvalid, SignerKey, VerifierKey, open_note

SIZE = re.compile("0|[1-9][0-9]{0,18}")
"""Of a log, or the index of an entry: decimal, without leading zeros."""


@dataclass(frozen=True, slots=True)
class Checkpoint:
    """The state of a log."""

    origin: str
    """Name of the log; also that of its key."""
    size: int
    root: bytes

    @property
    def text(self) -> str:
        """What is signed."""
        return f"{self.origin}\n{self.size}\n{encoded(self.root)}\n"

    def signed(self, key: SignerKey) -> bytes:
        """The note. The same checkpoint always gives the same bytes."""
        return key.sign(self.text)


def told_size(note: bytes) -> int | None:
    """The size that a note tells, whoever has signed it; None = it is no checkpoint."""
    _, _, rest = note.partition(b"\n")
    size = rest.partition(b"\n")[0].decode("utf-8", errors="replace")
    return int(size) if SIZE.fullmatch(size) else None


def open_checkpoint(note: bytes, keys: Iterable[VerifierKey]) -> Checkpoint:
    """A checkpoint that one of these keys has signed for the log of the key's name. Raises ``NoteInvalid``."""
    trusted = list(keys)
    lines = open_note(note, trusted).split("\n")
    if len(lines) < 4 or not all(lines[:-1]):
        raise NoteInvalid("no checkpoint")
    origin, size, written = lines[:3]
    if not SIZE.fullmatch(size):
        raise NoteInvalid("the size of the checkpoint is malformed")
    try:
        root = decoded(written)
    except ValueError:
        raise NoteInvalid("the root of the checkpoint is malformed") from None
    if len(root) != HASH_BYTES:
        raise NoteInvalid("the root of the checkpoint is malformed")
    if origin not in {key.name for key in trusted}:
        raise NoteInvalid(f"the checkpoint is of another log: {origin}")
    return Checkpoint(origin, int(size), root)
