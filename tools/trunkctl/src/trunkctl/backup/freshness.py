"""Rows in the archive's database about complete backups, from which the gauge of their age is read, and restores."""

import secrets
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
RESTORING = "restoring"
"""``_id`` of the row about a restore that has begun, and not ended."""
TRUNK = "trunk"
"""``_id`` of the row with a random name, by which a place knows whose copies it holds. A restore brings it back."""


def note_success(client: Client, part: BackedUp, name: str, started_at: datetime, **more: int) -> None:
    """A backup of one part is complete. Its age counts from its beginning: what came later is not in it."""
    row = {"name": name, "last_success_at": started_at, **more}
    with asking():
        _rows(client).update_one({"_id": part}, {"$set": row}, upsert=True)


def last_success(client: Client, part: BackedUp) -> datetime | None:
    """When the newest complete backup of one part was begun."""
    with asking():
        row = _rows(client).find_one({"_id": part})
        return row["last_success_at"] if row else None


def note_restoring(client: Client, name: str) -> None:
    """From now on these databases hold a part of a backup."""
    with asking():
        _rows(client).insert_one({"_id": RESTORING, "name": name})


def unfinished_restore(client: Client) -> str:
    """The backup of which these databases hold a part; empty = they are whole."""
    with asking():
        row = _rows(client).find_one({"_id": RESTORING})
        return row["name"] if row else ""


def trunk_id(client: Client) -> str:
    """By which copies of these databases are known; empty = nobody has copied them yet."""
    with asking():
        row = _rows(client).find_one({"_id": TRUNK})
        return row["id"] if row else ""


def made_trunk_id(client: Client) -> str:
    """The same, made now if it has to be."""
    with asking():
        _rows(client).update_one({"_id": TRUNK}, {"$setOnInsert": {"id": secrets.token_hex(16)}}, upsert=True)
    return trunk_id(client)


def note_restored(client: Client, manifest: Manifest) -> None:
    """These databases were made of this backup."""
    row = {"name": manifest.name, "started_at": manifest.started_at, "finished_at": manifest.finished_at}
    counts = [{"database": file.database, "collection": file.collection, "rows": file.rows} for file in manifest.files]
    with asking():
        _rows(client).replace_one({"_id": RESTORED}, {**row, "files": counts}, upsert=True)
        _rows(client).delete_one({"_id": RESTORING})


def restored(client: Client) -> dict[str, Any] | None:
    """What ``note_restored`` wrote; None = these databases were not restored."""
    with asking():
        row: dict[str, Any] | None = _rows(client).find_one({"_id": RESTORED})
        return row


def _rows(client: Client) -> Any:
    return client[database_name("archive")][BACKUPS]
