"""Up to where the copies at a second store make a log that can be continued, and what makes it one again.

Older copies were made in the order of names. They hold tiles of batches whose checkpoint they do not have, and may hold
checkpoints whose tiles they do not have.
"""

import itertools
from collections import deque
from collections.abc import Container, Iterator
from dataclasses import replace
from datetime import datetime
from functools import partial
from typing import NamedTuple

from minio import Minio

from archive.log_store import KEPT
from common.objects import LOG
from common.tlog.checkpoint import told_size
from common.tlog.cut import last_of, whole_size
from common.tlog.names import BATCH_CHECKPOINTS, CHECKPOINT, batch_checkpoint, start_of
from common.tlog.tiles import TILES, all_tiles_of
from trunkctl.backup.copies import Read, answering, read, write
from trunkctl.backup.inventory import Inventory
from trunkctl.backup.log_cut import log_file
from trunkctl.backup.second_store import OBJECTS
from trunkctl.command_error import CommandError
from trunkctl.store_patience import NoAnswer, Patience, Unreadable

LOOKED_BACK = 1_000
"""At most so many of the last checkpoints are left out."""
PLACE = f"{OBJECTS}{LOG}/"


class Cut(NamedTuple):
    """Sizes of the log."""

    size: int
    """Up to which it is restored."""
    end: int
    """By the last checkpoint of which there is a copy."""


def cut_of(source: Minio, bucket: str, patience: Patience, lost: Container[str] = ()) -> Cut:
    """Where the log is cut. ``lost``: bucket and key of objects that are given up. Raises ``CommandError``."""
    last = deque(_checkpoints(source, bucket), LOOKED_BACK)
    end = 0
    while last:
        is_lost = f"{LOG}/{batch_checkpoint(last[-1].start)}" in lost
        end = 0 if is_lost else _size(source, bucket, last[-1], patience)
        if end > last[-1].start:
            break
        end = last.pop().start
    size = whole_size([each.start for each in last], end, lambda path: _has(source, bucket, path))
    return Cut(size, end)


def missing_tiles(source: Minio, bucket: str, size: int) -> Iterator[str]:
    """Paths of the tiles that a log of this size has, and of which there is no copy. Raises ``CommandError``.

    The log is restored up to ``size`` all the same: files behind a missing one are still what was signed.
    """
    copied = (name.removeprefix(PLACE).rpartition("/")[0] for name, _ in _copies(source, bucket, TILES))
    with Inventory.of(copied) as there:
        for path in (tile.path for tile in all_tiles_of(size)):
            if not there.has(path) and not _has(source, bucket, path):
                yield path


def locked_anew(key: str, copy: Read, now: datetime) -> Read:
    """A file of the log with a lock that begins now.

    A hundred years count from when a file was put, and whoever verifies the log knows of no other time. Partial tiles
    keep their lock, and what was not locked stays so.
    """
    if ".p/" in key or copy.locked_until is None:
        return copy
    return replace(copy, locked_until=max(copy.locked_until, now + KEPT))


def publish_last(target: Minio) -> None:
    """Make the checkpoint of the last restored batch the newest, as the sealer does. Raises ``Damaged``.

    Versions of ``checkpoint`` were copied before later batches, or were left out as they are of batches that are no
    whole. Whoever verifies the log would take the newest for one that hides another.
    """
    start = last_of(partial(log_file, target)).unpublished
    if start is None:
        return
    with answering("The object store"), read(target, LOG, batch_checkpoint(start)) as copy:
        if copy is not None:
            write(target, LOG, CHECKPOINT, copy, copy.order)


class _Checkpoint(NamedTuple):
    start: int
    copies: list[tuple[str, str | None]]
    """Names and versions."""


def _checkpoints(source: Minio, bucket: str) -> Iterator[_Checkpoint]:
    copies = _copies(source, bucket, BATCH_CHECKPOINTS)
    for key, group in itertools.groupby(copies, key=lambda copy: copy[0].removeprefix(PLACE).rpartition("/")[0]):
        if (start := start_of(key)) is not None:
            yield _Checkpoint(start, [*group])


def _size(source: Minio, bucket: str, checkpoint: _Checkpoint, patience: Patience) -> int:
    """Of the log with the batch; 0 = no copy is sound.

    Raises ``CommandError``, also where a copy cannot be read that may be sound: whatever is cut off is lost.
    """

    def size_in(name: str, version_id: str | None) -> int:
        with read(source, bucket, name, version_id) as copy:
            is_sound = copy is not None and copy.sha256 == copy.said_sha256
            return (told_size(copy.file.read()) or 0) if copy and is_sound else 0

    def is_answering() -> object:
        return next(iter(source.list_objects(bucket, prefix=OBJECTS)), None)

    unread = ""
    for name, version_id in checkpoint.copies:
        try:
            if size := patience.ask(name, partial(size_in, name, version_id), is_answering):
                return size
        except Unreadable as error:
            unread = f"{name}: {error}"
        except NoAnswer as error:
            raise CommandError(f"The second store does not answer as it should ({error}).") from error
    if unread:
        raise CommandError(
            f"Where the log ends is not known: {unread}. Run this again with --resume, or give it up (--lost)."
        )
    return 0


def _has(source: Minio, bucket: str, path: str) -> bool:
    return next(_copies(source, bucket, f"{path}/"), None) is not None


def _copies(source: Minio, bucket: str, prefix: str) -> Iterator[tuple[str, str | None]]:
    with answering("The second store"):
        for each in source.list_objects(bucket, prefix=PLACE + prefix, recursive=True, include_version=True):
            if not each.is_delete_marker:
                yield each.object_name or "", each.version_id
