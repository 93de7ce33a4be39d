"""Names in a file of SQLite: what lies at a store may be more than memory holds."""

import sqlite3
import tempfile
from collections.abc import Container, Iterable, Iterator
from contextlib import closing, contextmanager
from typing import Self


class Inventory:
    """Names, each of them seen or not."""

    def __init__(self, connection: sqlite3.Connection) -> None:
        self._connection = connection
        connection.execute("pragma journal_mode = off")
        connection.execute("pragma synchronous = off")
        connection.execute("create table names (name text primary key, seen integer not null default 0) without rowid")

    @classmethod
    @contextmanager
    def of(cls, names: Iterable[str]) -> Iterator[Self]:
        """Of these names, until the end of the block."""
        with tempfile.TemporaryDirectory() as place, closing(sqlite3.connect(f"{place}/names")) as connection:
            made = cls(connection)
            connection.executemany("insert or ignore into names (name) values (?)", ((name,) for name in names))
            yield made

    def see(self, name: str) -> bool:
        """Whether the name is there; it is seen from now on."""
        return self._connection.execute("update names set seen = 1 where name = ?", (name,)).rowcount > 0

    def see_below(self, folders: Iterable[str]) -> None:
        """Every name that begins with one of these is seen from now on; each ends with a slash."""
        self._connection.executemany("update names set seen = 1 where name >= ? and name < ?", map(_below, folders))

    def has(self, name: str) -> bool:
        """Whether the name is there."""
        return self._connection.execute("select 1 from names where name = ?", (name,)).fetchone() is not None

    def has_below(self, folder: str) -> bool:
        """Whether there is a name that begins so; ``folder`` ends with a slash."""
        rows = self._connection.execute("select 1 from names where name >= ? and name < ? limit 1", _below(folder))
        return rows.fetchone() is not None

    def add(self, name: str) -> bool:
        """Whether the name is new."""
        return self._connection.execute("insert or ignore into names (name) values (?)", (name,)).rowcount > 0

    def has_unseen(self, prefix: str, besides: Container[str] = ()) -> bool:
        """Whether there is a name that begins so and was not seen. ``besides``: folders whose names do not count."""
        names = (name for name in self._unseen(prefix) if f"{name.rpartition('/')[0]}/" not in besides)
        return next(names, None) is not None

    def has_lost(self, prefix: str, besides: Container[str] = ()) -> bool:
        """Whether there is a folder below ``prefix`` of which no name was seen. ``besides``: folders that do not
        count."""
        rows = self._connection.execute(
            "select rtrim(name, replace(name, '/', '')) from names where substr(name, 1, ?) = ?"
            " group by 1 having max(seen) = 0",
            (len(prefix), prefix),
        )
        return any(folder not in besides for (folder,) in rows)

    def unseen(self, prefix: str) -> list[str]:
        """Names that begin so and were not seen."""
        return list(self._unseen(prefix))

    def _unseen(self, prefix: str) -> Iterator[str]:
        rows = self._connection.execute(
            "select name from names where seen = 0 and substr(name, 1, ?) = ?", (len(prefix), prefix)
        )
        return (name for (name,) in rows)


def _below(folder: str) -> tuple[str, str]:
    """The first name that a folder may hold, and the first one behind it."""
    return folder, folder[:-1] + chr(ord("/") + 1)
