"""What the archive reads of others' rows."""

from datetime import UTC, datetime

from archive.store import Backups
from common.database import Database
from common.indexes import BACKUPS

AT = datetime(2026, 11, 22, 8, 30, tzinfo=UTC)


async def test_when_the_newest_backups_were_begun(database: Database) -> None:
    assert await Backups(database).begun() == {}
    rows = database.collection(BACKUPS)
    await rows.insert_one({"_id": "store", "last_success_at": AT, "objects": 3})
    await rows.insert_one({"_id": "restored", "name": "20261122T083000Z"})
    assert await Backups(database).begun() == {"store": AT}
