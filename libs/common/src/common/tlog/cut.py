"""A cut of the log: its files up to one checkpoint, without those that were written since.

Files are listed and copied one after the other while the log grows. A copy with tiles but without the checkpoint that
covers them cannot be continued, because the next batch would put other bytes under the same names.

Signatures are not checked here; ``audit`` does that.
"""

import itertools
from collections.abc import Callable, Sequence
from typing import NamedTuple

from common.tlog.checkpoint import told_size
from common.tlog.names import CHECKPOINT, batch_checkpoint, start_of
from common.tlog.partial import ReadFile
from common.tlog.tiles import is_within, tile_at, written_by


class End(NamedTuple):
    """The end of a log, by its last checkpoint."""

    size: int
    unpublished: int | None
    """Where the last batch begins, if the file ``checkpoint`` is still that of an earlier one."""


def last_of(read: ReadFile) -> End:
    """The end of a log. The file ``checkpoint`` may be that of an earlier batch, so those of later batches are read."""
    end = End(told_size(read(CHECKPOINT) or b"") or 0, None)
    while (following := told_size(read(batch_checkpoint(end.size)) or b"") or 0) > end.size:
        end = End(following, end.size)
    return end


def end_of(read: ReadFile) -> int:
    """The size of a log by its last checkpoint."""
    return last_of(read).size


def is_beyond(name: str, size: int) -> bool:
    """Whether a file, other than ``checkpoint``, was written after the log had this size."""
    if (start := start_of(name)) is not None:
        return start >= size
    tile = tile_at(name)
    return tile is not None and not is_within(tile, size)


def whole_size(starts: Sequence[int], end: int, has: Callable[[str], bool]) -> int:
    """The size of a copy of the log by its newest checkpoint for which the copy has all files of the batch.

    ``starts``: where the last batches begin, in order; ``end``: size of the log after the last of them; ``has``:
    whether the copy has a file.
    """
    for start, size in reversed([*itertools.pairwise((*starts, end))]):
        if all(has(tile.path) for tile in written_by(start, size)):
            return size
    return starts[0] if starts else 0
