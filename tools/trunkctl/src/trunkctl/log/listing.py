"""What lies in the log's bucket, in a file of SQLite: a year of the log is millions of names."""

import sqlite3
import tempfile
from collections.abc import Iterable, Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import NamedTuple

from common.tlog.names import BATCH_CHECKPOINTS, CHECKPOINT
from trunkctl.archive_check import Version

SCHEMA = """
create table versions (
    name text, place integer, version_id text, modified_at real, is_latest integer, is_delete_marker integer,
    size_bytes integer, etag text, primary key (name, place)
) without rowid;
create view readable as select * from versions where not is_delete_marker;
"""
"""``place`` in the listing: stores list the newest version of a file first, and some tell times in whole seconds."""
OF_FILE = "select * from readable where name = ? order by is_latest, modified_at, place desc"
NEWEST = "select * from readable where name = ? order by is_latest desc, modified_at desc, place limit 1"
OVERWRITTEN = "select name from readable where name <> ? group by name having count(distinct etag) > 1"
LONE = """
select * from readable where name = ? and etag not in (select etag from readable where name >= ? and name < ?)
order by is_latest, modified_at, place desc
"""
Row = tuple[str, int, str, float, int, int, int, str]


class Overwritten(NamedTuple):
    """A file over which other bytes lie, and the newest version of it."""

    name: str
    version_id: str


class Listing:
    """Versions of files, as they were listed once."""

    def __init__(self, listed: Iterable[tuple[str, Version]]) -> None:
        self._folder = tempfile.TemporaryDirectory()
        self._table = sqlite3.connect(str(Path(self._folder.name) / "listing"), check_same_thread=False)
        for setting in ("journal_mode = off", "synchronous = off"):
            self._table.execute(f"pragma {setting}")
        self._table.executescript(SCHEMA)
        rows = (
            (name, place, each.version_id, each.modified_at.timestamp(), *each[2:])
            for place, (name, each) in enumerate(listed)
        )
        self._table.executemany("insert into versions values (?, ?, ?, ?, ?, ?, ?, ?)", rows)

    def __iter__(self) -> Iterator[str]:
        """Names of the files that can be read, in their order."""
        rows = self._table.execute("select distinct name from readable order by name")
        return (name for (name,) in rows)

    def readable(self, name: str) -> Iterator[Version]:
        """Versions of a file without delete markers, the oldest first."""
        return map(_version, self._table.execute(OF_FILE, (name,)))

    def newest(self, name: str) -> Version | None:
        """The version of a file that was put last."""
        row = self._table.execute(NEWEST, (name,)).fetchone()
        return _version(row) if row else None

    def hidden(self) -> Iterator[str]:
        """Files that a delete marker hides."""
        rows = self._table.execute("select name from versions where is_latest and is_delete_marker")
        return (name for (name,) in rows)

    def overwritten(self) -> Iterator[Overwritten]:
        """Files of more than one content, without ``checkpoint``."""
        rows = self._table.execute(OVERWRITTEN, (CHECKPOINT,))
        for (name,) in rows.fetchall():
            newest = self.newest(name)
            yield Overwritten(name, newest.version_id if newest else "")

    def lone_checkpoints(self) -> Iterator[Version]:
        """Versions of ``checkpoint`` whose bytes are those of no batch's checkpoint, the oldest first."""
        behind = BATCH_CHECKPOINTS[:-1] + chr(ord("/") + 1)
        return map(_version, self._table.execute(LONE, (CHECKPOINT, BATCH_CHECKPOINTS, behind)))


def _version(row: Row) -> Version:
    version_id, modified_at, is_latest, is_delete_marker, size_bytes, etag = row[2:]
    at = datetime.fromtimestamp(modified_at, UTC)
    return Version(version_id, at, bool(is_latest), bool(is_delete_marker), size_bytes, etag)
