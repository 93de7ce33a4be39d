"""How long a record is kept: the table of retention classes, and the time at which a term ends. Pure."""

import tomllib
import unicodedata
from datetime import UTC, datetime, timedelta
from importlib.resources import files
from pathlib import Path
from typing import Literal
from zoneinfo import ZoneInfo

from pydantic import BaseModel, ConfigDict, Field, model_validator

LOCAL = ZoneInfo("Asia/Ho_Chi_Minh")

PERMANENT_YEARS = 100
"""Length of the lock of permanent records. The store only locks until a date, so the lock is renewed before it ends."""


class RetentionClass(BaseModel):
    """One row of the table: its document types, its term, and the legal basis."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    name: str
    years: int | Literal["PERMANENT"] = Field(union_mode="left_to_right")
    legal_basis: str
    types: tuple[str, ...] = ()
    """Names of document types, compared with ``same_type``."""

    @property
    def lock_years(self) -> int:
        """Full years of object lock."""
        return PERMANENT_YEARS if self.years == "PERMANENT" else self.years


class RetentionTable(BaseModel):
    """One version of the table."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    version: str
    exchanged: str
    """Class of a document whose type no row names."""
    refused: str
    """Class of refused packages."""
    notice: str
    """Class of recalls, statuses and changes of receivers."""
    canary: str = ""
    """Class of packages of the canary's units; empty = they have the classes of other units' packages."""
    classes: tuple[RetentionClass, ...]

    @model_validator(mode="after")
    def _named_classes_exist(self) -> "RetentionTable":
        known = {row.name for row in self.classes}
        missing = {self.exchanged, self.refused, self.notice, *filter(None, [self.canary])} - known
        if missing:
            raise ValueError(f"no such class: {', '.join(sorted(missing))}")
        return self

    def named(self, name: str) -> RetentionClass:
        """The class with a name. Raises ``StopIteration`` if there is none."""
        return next(row for row in self.classes if row.name == name)

    def for_document(self, type_name: str) -> RetentionClass:
        """The class of a document type; if no row names the type, the class ``exchanged``."""
        wanted = same_type(type_name)
        for row in self.classes:
            if wanted in map(same_type, row.types):
                return row
        return self.named(self.exchanged)


def same_type(name: str) -> str:
    """The name of a document type in the form for comparison: without differences of case or spaces, and without a
    remark such as ``(cá biệt)``."""
    plain = unicodedata.normalize("NFC", name).partition("(")[0]
    return " ".join(plain.casefold().split())


def retain_until(ended_at: datetime, row: RetentionClass) -> datetime:
    """When the term ends, in UTC: 31 December 23:59:59 local time, of the year of ``ended_at`` plus the row's years."""
    year = ended_at.astimezone(LOCAL).year + row.lock_years
    return (datetime(year + 1, 1, 1, tzinfo=LOCAL) - timedelta(seconds=1)).astimezone(UTC)


def read_table(path: Path | None = None) -> RetentionTable:
    """The table in a file, or the shipped one. Raises ``pydantic.ValidationError`` with every invalid field."""
    text = (path or files("archive") / "retention.toml").read_text(encoding="utf-8")
    return RetentionTable.model_validate(tomllib.loads(text))
