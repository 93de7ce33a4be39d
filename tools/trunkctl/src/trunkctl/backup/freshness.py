"""Rows about complete backups, in the archive's database: what the gauge of their age is read from."""

from datetime import datetime
from typing import Any

from pymongo import MongoClient

from common.indexes import BACKUPS, database_name
from common.metrics.keeping import BackedUp
from trunkctl.backup.manifest import Manifest
from trunkctl.databases import asking

Client = MongoClient[dict[str, Any]]
RESTORED = "restored"
"""``_id`` of the row about the backup that these databases were made of."""


def note_success(client: Client, part: BackedUp, name: str, started_at: datetime, **more: int) -> None:
    """A backup of one part is complete. Its age counts from its beginning: what came later is not in it."""
    row = {"name": name, "last_success_at": started_at, **more}
    with asking():
        _rows(client).update_one({"_id": part}, {"$set": row}, upsert=True)


def note_restored(client: Client, manifest: Manifest) -> None:
    """These databases were made of this backup."""
    row = {"name": manifest.name, "started_at": manifest.started_at, "finished_at": manifest.finished_at}
    counts = [{"database": file.database, "collection": file.collection, "rows": file.rows} for file in manifest.files]
    with asking():
        _rows(client).replace_one({"_id": RESTORED}, {**row, "files": counts}, upsert=True)


def restored(client: Client) -> dict[str, Any] | None:
    """What ``note_restored`` wrote; None = these databases were not restored."""
    with asking():
        row: dict[str, Any] | None = _rows(client).find_one({"_id": RESTORED})
        return row


def _rows(client: Client) -> Any:
    return client[database_name("archive")][BACKUPS]
