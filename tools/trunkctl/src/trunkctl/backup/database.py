"""``trunkctl backup database``: every collection of the five databases, in an order that can be restored."""

from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from typing import Any

from pymongo import MongoClient, ReadPreference
from pymongo.collection import Collection
from pymongo.read_concern import ReadConcern

from common.clock import Clock, utc_now
from common.indexes import SCHEMA_VERSION, database_name
from trunkctl.backup import manifest as manifests
from trunkctl.backup.bson_file import Packed
from trunkctl.backup.manifest import CollectionFile, Manifest, is_name, name_of, read_manifest
from trunkctl.backup.order import ORDER, in_order
from trunkctl.backup.owner import expect_own
from trunkctl.backup.shelf import Shelf
from trunkctl.command_error import CommandError
from trunkctl.databases import asking

BATCH_ROWS = 500

Row = dict[str, Any]
Client = MongoClient[Row]
Progress = Callable[[str], None]


def back_up(client: Client, shelf: Shelf, progress: Progress, now: Clock = utc_now) -> Manifest:
    """Copy all collections, then write the manifest. Memory does not grow with rows. Raises ``CommandError``."""
    expect_own(client, shelf)
    started_at = _whole_seconds(now())
    name = name_of(started_at)
    if shelf.names(f"{name}/"):
        raise CommandError(f"There is a backup {name} already.")
    files = []
    for service in ORDER:
        for collection in _collections(client, service):
            files.append(_copied(client, service, collection, shelf, name))
            progress(f"{files[-1].place}: {files[-1].rows} rows")
    manifest = Manifest(
        name=name,
        schema_version=SCHEMA_VERSION,
        started_at=started_at,
        finished_at=now(),
        files=tuple(files),
    ).sealed()
    shelf.put(f"{name}/{manifests.FILE}", [manifest.encoded()])
    return manifest


def complete(shelf: Shelf) -> list[str]:
    """Names of the backups that have a manifest, the oldest first."""
    parts = (name.partition("/") for name in shelf.names())
    return [name for name, _, file in parts if is_name(name) and file == manifests.FILE]


def open_backup(shelf: Shelf, name: str = "") -> Manifest:
    """The manifest of the named backup, or of the newest complete one. Raises ``CommandError``."""
    names = complete(shelf)
    if not names:
        raise CommandError("There is no complete backup of the databases: no manifest.")
    if name and name not in names:
        unfinished = any(shelf.names(f"{name}/"))
        raise CommandError(
            f"Backup {name} {'was not finished: it has no manifest' if unfinished else 'does not exist'}."
        )
    chosen = name or names[-1]
    return read_manifest(chosen, b"".join(shelf.get(f"{chosen}/{manifests.FILE}")))


def forget_old(shelf: Shelf, keep: int) -> list[str]:
    """Take away all but the newest complete backups, and what older ones left unfinished. Returns their names."""
    kept = complete(shelf)[-keep:]
    files = [name for name in shelf.names() if is_name(name.partition("/")[0]) and name < kept[0]] if kept else []
    # The manifest goes first: what is left of a backup is none.
    for name in sorted(files, key=lambda name: (not name.endswith(manifests.FILE), name)):
        shelf.remove(name)
    return sorted({name.partition("/")[0] for name in files})


def source_of(client: Client, database: str, collection: str) -> Collection[Row]:
    """A collection as it must be read: from the primary, and only rows that a majority holds.

    A secondary may lag: read from one after the router's, intake's rows could lack what the router's follow from.
    A row that only the primary holds may be rolled back after what follows from it was copied.
    """
    source = client.get_database(database, read_preference=ReadPreference.PRIMARY, read_concern=ReadConcern("majority"))
    return source[collection]


def _collections(client: Client, service: str) -> list[str]:
    with asking():
        names = client[database_name(service)].list_collection_names()
    return in_order(service, (name for name in names if not name.startswith("system.")))


def _copied(client: Client, service: str, collection: str, shelf: Shelf, name: str) -> CollectionFile:
    database = database_name(service)
    about = CollectionFile(database=database, collection=collection, rows=0, size_bytes=0, sha256="")
    packed = Packed(_batches(client, database, collection))
    shelf.put(f"{name}/{about.file}", packed)
    return about.model_copy(
        update={"rows": packed.rows, "size_bytes": packed.size_bytes, "sha256": packed.sha256},
    )


def _batches(client: Client, database: str, collection: str) -> Iterator[bytes]:
    """By ``_id``, which never changes: a row that is there all the time comes exactly once."""
    with asking():
        source = source_of(client, database, collection)
        yield from source.find_raw_batches(sort=[("_id", 1)], batch_size=BATCH_ROWS)


def _whole_seconds(at: datetime) -> datetime:
    return at.astimezone(UTC).replace(microsecond=0)
