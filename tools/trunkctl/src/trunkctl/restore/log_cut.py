"""Up to where the copies at a second store make a log that can be continued.

Older copies were made in the order of names. They hold tiles of batches whose checkpoint they do not have, and may hold
checkpoints whose tiles they do not have.
"""

import itertools
from collections import deque
from collections.abc import Iterator
from typing import NamedTuple

from minio import Minio

from common.objects import LOG
from common.tlog.checkpoint import told_size
from common.tlog.cut import whole_size
from common.tlog.names import BATCH_CHECKPOINTS, start_of
from trunkctl.backup.copies import answering, read
from trunkctl.backup.second_store import OBJECTS

LOOKED_BACK = 1_000
"""At most so many of the last checkpoints are left out."""
PLACE = f"{OBJECTS}{LOG}/"


class Cut(NamedTuple):
    """Sizes of the log."""

    size: int
    """Up to which it is restored."""
    end: int
    """By the last checkpoint of which there is a copy."""


def cut_of(source: Minio, bucket: str) -> Cut:
    """Where the log is cut. Raises ``Trouble``."""
    last = deque(_checkpoints(source, bucket), LOOKED_BACK)
    end = 0
    while last and (end := _size(source, bucket, last[-1])) <= last[-1].start:
        end = last.pop().start
    size = whole_size([each.start for each in last], end, lambda path: _has(source, bucket, path))
    return Cut(size, end)


class _Checkpoint(NamedTuple):
    start: int
    copies: list[tuple[str, str | None]]
    """Names and versions."""


def _checkpoints(source: Minio, bucket: str) -> Iterator[_Checkpoint]:
    copies = _copies(source, bucket, BATCH_CHECKPOINTS)
    for key, group in itertools.groupby(copies, key=lambda copy: copy[0].removeprefix(PLACE).rpartition("/")[0]):
        if (start := start_of(key)) is not None:
            yield _Checkpoint(start, [*group])


def _size(source: Minio, bucket: str, checkpoint: _Checkpoint) -> int:
    """Of the log with the batch; 0 = no copy is sound."""
    for name, version_id in checkpoint.copies:
        with answering("The second store"), read(source, bucket, name, version_id) as found:
            if found and found.sha256 == found.said_sha256 and (size := told_size(found.file.read())):
                return size
    return 0


def _has(source: Minio, bucket: str, path: str) -> bool:
    return next(_copies(source, bucket, f"{path}/"), None) is not None


def _copies(source: Minio, bucket: str, prefix: str) -> Iterator[tuple[str, str | None]]:
    with answering("The second store"):
        for each in source.list_objects(bucket, prefix=PLACE + prefix, recursive=True, include_version=True):
            if not each.is_delete_marker:
                yield each.object_name or "", each.version_id
