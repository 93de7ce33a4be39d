"""``trunkctl restore database``: fills empty databases from a backup whose every digest is right."""

from collections.abc import Iterable, Iterator
from typing import Any

from bson.raw_bson import RawBSONDocument
from pymongo import MongoClient

from common.indexes import SCHEMA_VERSION, database_name
from trunkctl.backup import freshness
from trunkctl.backup.bson_file import digest_of, unpacked
from trunkctl.backup.database import Progress
from trunkctl.backup.manifest import CollectionFile, Manifest
from trunkctl.backup.order import ORDER
from trunkctl.backup.shelf import Shelf
from trunkctl.command_error import CommandError
from trunkctl.databases import asking
from trunkctl.restore import marks

BATCH_BYTES = 4 * 1024 * 1024
BATCH_ROWS = 1_000

Client = MongoClient[dict[str, Any]]


def restore(client: Client, shelf: Shelf, manifest: Manifest, progress: Progress) -> dict[str, int]:
    """Fill the databases. Returns how many marks were taken back, by what they said. Raises ``CommandError``.

    Nothing is written before all files were read and found right, and the databases empty.
    """
    if manifest.schema_version > SCHEMA_VERSION:
        raise CommandError(
            f"Backup {manifest.name} is of a later release (schema {manifest.schema_version}, here {SCHEMA_VERSION})."
        )
    _expect_sound(shelf, manifest)
    _expect_empty(client)
    freshness.note_restoring(client, manifest.name)
    for file in manifest.files:
        rows = _filled(client, shelf, manifest, file)
        if rows != file.rows:
            raise CommandError(f"{file.place}: {rows} rows in the backup, {file.rows} by its manifest.")
        progress(f"{file.place}: {rows} rows")
    taken_back = marks.take_back(client, manifest.started_at)
    freshness.note_restored(client, manifest)
    return taken_back


def _expect_sound(shelf: Shelf, manifest: Manifest) -> None:
    for file in manifest.files:
        name = f"{manifest.name}/{file.file}"
        if digest_of(shelf.get(name)) != (file.sha256, file.size_bytes):
            raise CommandError(
                f"{name} was altered since it was written: size or SHA-256 is another one. Nothing restored."
            )


def _expect_empty(client: Client) -> None:
    with asking():
        for service in ORDER:
            database = client[database_name(service)]
            for collection in database.list_collection_names():
                if not collection.startswith("system.") and database[collection].find_one({}, {"_id": 1}) is not None:
                    raise CommandError(
                        f"{database.name}.{collection} is not empty. A backup is restored into empty databases: "
                        "drop what an interrupted restore has left, or use another server."
                    )


def _filled(client: Client, shelf: Shelf, manifest: Manifest, file: CollectionFile) -> int:
    rows, target = 0, client[file.database][file.collection]
    for batch in _batches(unpacked(shelf.get(f"{manifest.name}/{file.file}"), file.file)):
        with asking():
            target.insert_many(batch, ordered=False)
        rows += len(batch)
    return rows


def _batches(documents: Iterable[bytes]) -> Iterator[list[RawBSONDocument]]:
    batch: list[RawBSONDocument] = []
    size = 0
    for document in documents:
        batch.append(RawBSONDocument(document))
        size += len(document)
        if size >= BATCH_BYTES or len(batch) >= BATCH_ROWS:
            yield batch
            batch, size = [], 0
    if batch:
        yield batch
