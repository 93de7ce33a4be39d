"""Checkpoints (C2SP tlog-checkpoint): the size and the root of a log, in a signed note."""

import re
from collections.abc import Iterable
from dataclasses import dataclass

from common.tlog.base64_text import decoded, encoded
from common.tlog.merkle import HASH_BYTES
from common.tlog.note import NoteInvalid, SignerKey, VerifierKey, open_note

SIZE = re.compile("0|[1-9][0-9]{0,18}")
"""The size of a log, or the index of an entry: decimal, without leading zeros."""


@dataclass(frozen=True, slots=True)
class Checkpoint:
    """The state of a log."""

    origin: str
    """Name of the log; also that of its key."""
    size: int
    root: bytes

    @property
    def text(self) -> str:
        """The text that is signed: origin, size and root (base64), each on a line."""
        return f"{self.origin}\n{self.size}\n{encoded(self.root)}\n"

    def signed(self, key: SignerKey) -> bytes:
        """The signed note. The same checkpoint and key always give the same bytes."""
        return key.sign(self.text)


def told_size(note: bytes) -> int | None:
    """The size in a note, without checking its signature; None = the note is not a checkpoint."""
    _, _, rest = note.partition(b"\n")
    size = rest.partition(b"\n")[0].decode("utf-8", errors="replace")
    return int(size) if SIZE.fullmatch(size) else None


def open_checkpoint(note: bytes, keys: Iterable[VerifierKey]) -> Checkpoint:
    """The checkpoint in a note that one of these keys has signed; its origin must be the name of a key. Raises
    ``NoteInvalid``."""
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
