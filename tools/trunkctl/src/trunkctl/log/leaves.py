"""Places of leaves by their hash, in a file of SQLite: a log has more leaves than memory holds."""

import sqlite3
import tempfile
from collections.abc import Iterator
from pathlib import Path


class LeafTable:
    """``common.tlog.audit.Leaves``."""

    def __init__(self) -> None:
        self._folder = tempfile.TemporaryDirectory()
        self._table = sqlite3.connect(str(Path(self._folder.name) / "leaves"), check_same_thread=False)
        for setting in ("journal_mode = off", "synchronous = off"):
            self._table.execute(f"pragma {setting}")
        self._table.execute("create table leaves (leaf blob primary key, place integer) without rowid")

    def setdefault(self, leaf: bytes, place: int, /) -> int:
        """Note the place of a leaf, unless it has one. Returns the first."""
        if self._table.execute("insert or ignore into leaves values (?, ?)", (leaf, place)).rowcount:
            return place
        first: int = self._table.execute("select place from leaves where leaf = ?", (leaf,)).fetchone()[0]
        return first

    def get(self, leaf: bytes, /) -> int | None:
        """The first place of a leaf; None = the log does not have it."""
        row = self._table.execute("select place from leaves where leaf = ?", (leaf,)).fetchone()
        return row[0] if row else None

    def values(self) -> Iterator[int]:
        """All places, in order."""
        return (place for (place,) in self._table.execute("select place from leaves order by place"))
