"""The log as a backup copies it while it grows: up to one checkpoint, and what that covers before itself.

So wherever the run is interrupted, the checkpoint of each batch at the second store has all its tiles there. Versions
of ``checkpoint`` come first, and may be of earlier batches than those that are copied: a restore looks after that.
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
    size = end_of(partial(log_file, client))
    for prefix in (TILES, BATCH_CHECKPOINTS):
        yield from (each for each in originals(client, LOG, prefix) if not is_beyond(each.key, size))


def log_file(client: Minio, name: str) -> bytes | None:
    """The newest bytes of a file of the log; None = there is none."""
    with answering("The object store"), read(client, LOG, name) as found:
        return found.file.read() if found else None
