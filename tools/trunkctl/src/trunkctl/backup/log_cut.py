"""The log as a backup copies it while it grows: up to one checkpoint, and what that covers before itself.

So wherever the run is interrupted, the checkpoint of each batch at the second store has all its tiles there. What is
copied of ``checkpoint`` comes first, and may be of an earlier batch than those that are copied: a restore looks after
that.
"""

from collections.abc import Callable, Iterator
from functools import partial

from minio import Minio

from common.objects import LOG
from common.tlog.cut import end_of, is_beyond
from common.tlog.names import BATCH_CHECKPOINTS, CHECKPOINT
from common.tlog.tiles import TILES, all_tiles_of
from trunkctl.backup.copies import Original, answering, newest_first, originals, read
from trunkctl.backup.inventory import Inventory


def log_originals(client: Minio, miss: Callable[[str], None]) -> Iterator[Original]:
    """Versions of the log's files, without those that were written after the newest checkpoint of now.

    ``miss``: gets the path of each tile that a log of this size has, and the store does not.
    """
    yield from _published(client)
    size = end_of(partial(log_file, client))
    yield from _tiles(client, size, miss)
    yield from (each for each in originals(client, LOG, BATCH_CHECKPOINTS) if not is_beyond(each.key, size))


def _tiles(client: Minio, size: int, miss: Callable[[str], None]) -> Iterator[Original]:
    """Those of a log of this size. SeaweedFS leaves out ``000`` where a page of its listing ends among ``000.p/…``, so
    tiles that were not listed are asked for by name."""
    with Inventory.of(()) as listed:
        for each in originals(client, LOG, TILES):
            if not is_beyond(each.key, size):
                listed.add(each.key)
                yield each
        for path in (tile.path for tile in all_tiles_of(size) if not listed.has(tile.path)):
            versions = [each for each in originals(client, LOG, path, recursive=False) if each.key == path]
            yield from versions
            if not versions:
                miss(path)


def _published(client: Minio) -> Iterator[Original]:
    """Of ``checkpoint`` the newest version, and those that are of no batch: they show another history.

    There is a version for each batch, and its bytes lie under the batch's own name, too.
    """
    with Inventory.of(each.etag for each in originals(client, LOG, BATCH_CHECKPOINTS)) as of_batches:
        for number, each in enumerate(newest_first(client, LOG, CHECKPOINT)):
            if number == 0 or not of_batches.has(each.etag):
                yield each


def log_file(client: Minio, name: str) -> bytes | None:
    """The newest bytes of a file of the log; None = there is none."""
    with answering("The object store"), read(client, LOG, name) as copy:
        return copy.file.read() if copy else None
