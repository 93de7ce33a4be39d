"""The log as a backup copies it while it grows: up to one checkpoint, and what that covers before itself.

So wherever the run is interrupted, each checkpoint at the second store has all its tiles there.
"""

from collections.abc import Iterator
from functools import partial

from minio import Minio

from common.objects import LOG
from common.tlog.cut import end_of, is_beyond
from common.tlog.names import BATCH_CHECKPOINTS, CHECKPOINT
from common.tlog.tiles import TILES
from trunkctl.backup.copies import Original, answering, originals, read


def log_originals(client: Minio) -> Iterator[Original]:
    """Versions of the log's files, without those that were written after the newest checkpoint of now."""
    yield from (each for each in originals(client, LOG, CHECKPOINT, recursive=False) if each.key == CHECKPOINT)
    size = end_of(partial(_read, client))
    for prefix in (TILES, BATCH_CHECKPOINTS):
        yield from (each for each in originals(client, LOG, prefix) if not is_beyond(each.key, size))


def _read(client: Minio, name: str) -> bytes | None:
    with answering("The object store"), read(client, LOG, name) as found:
        return found.file.read() if found else None
