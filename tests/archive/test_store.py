"""What the archive reads from the rows of jobs."""

from datetime import UTC, datetime

from archive.store import Backups
from common.database import Database
from common.indexes import BACKUPS, CHECKS, TIDIES

AT = datetime(2026, 11, 22, 8, 30, tzinfo=UTC)


async def test_when_the_newest_backups_were_begun(database: Database) -> None:
    assert await Backups(database).begun() == {}
    rows = database.collection(BACKUPS)
    await rows.insert_one({"_id": "store", "last_success_at": AT, "objects": 3})
    await rows.insert_one({"_id": "restored", "name": "20261122T083000Z"})
    assert await Backups(database).begun() == {"store": AT}


async def test_what_the_newest_check_of_the_archive_found(database: Database) -> None:
    """A check with faults does not make the last clean one newer."""
    assert await Backups(database).checked() == (None, 0)
    rows = database.collection(CHECKS)
    await rows.insert_one({"_id": "archive", "last_check_at": AT, "records": 3, "faults": 2})
    assert await Backups(database).checked() == (None, 2)
    await rows.update_one({"_id": "archive"}, {"$set": {"last_success_at": AT, "faults": 0}})
    assert await Backups(database).checked() == (AT, 0)


async def test_when_the_partial_tiles_of_the_log_were_last_removed(database: Database) -> None:
    assert await Backups(database).tidied() is None
    await database.collection(TIDIES).insert_one({"_id": "log", "last_success_at": AT, "removed": 4})
    assert await Backups(database).tidied() == AT
