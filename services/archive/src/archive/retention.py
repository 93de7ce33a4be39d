"""How long a record is kept: a table of classes, and the day on which each term ends."""

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
"""The store locks until a date, not for ever: permanent records are locked this long and renewed before it ends."""


class RetentionClass(BaseModel):
    """One row: what it applies to, how long, and why."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    name: str
    years: int | Literal["PERMANENT"] = Field(union_mode="left_to_right")
    legal_basis: str
    types: tuple[str, ...] = ()
    """Document type names of this class, in any spelling that ``same_type`` takes for equal."""

    @property
    def lock_years(self) -> int:
        """Full years of object lock."""
        return PERMANENT_YEARS if self.years == "PERMANENT" else self.years


class RetentionTable(BaseModel):
    """All rows of one version."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    version: str
    exchanged: str
    """Class of a document whose type no row names."""
    refused: str
    """Class of evidence about what was refused."""
    notice: str
    """Class of recalls, statuses and changes of receivers."""
    canary: str = ""
    """Class of whatever the canary's units submit; empty = as everybody's."""
    classes: tuple[RetentionClass, ...]

    @model_validator(mode="after")
    def _named_classes_exist(self) -> "RetentionTable":
        known = {row.name for row in self.classes}
        missing = {self.exchanged, self.refused, self.notice, *filter(None, [self.canary])} - known
        if missing:
            raise ValueError(f"no such class: {', '.join(sorted(missing))}")
        return self

    def named(self, name: str) -> RetentionClass:
        """The row of that name."""
        return next(row for row in self.classes if row.name == name)

    def for_document(self, type_name: str) -> RetentionClass:
        """The row that names this document type, else the class of unclassified exchanged documents."""
        wanted = same_type(type_name)
        for row in self.classes:
            if wanted in map(same_type, row.types):
                return row
        return self.named(self.exchanged)


def same_type(name: str) -> str:
    """A document type name for comparison: without case, outer spaces, or a remark such as ``(cá biệt)``."""
    plain = unicodedata.normalize("NFC", name).partition("(")[0]
    return " ".join(plain.casefold().split())


def retain_until(ended_at: datetime, row: RetentionClass) -> datetime:
    """End of 31 December, local time, of the year ``ended_at`` lies in plus the row's years; in UTC."""
    year = ended_at.astimezone(LOCAL).year + row.lock_years
    return (datetime(year + 1, 1, 1, tzinfo=LOCAL) - timedelta(seconds=1)).astimezone(UTC)


def read_table(path: Path | None = None) -> RetentionTable:
    """The table in a file, or the shipped one. Raises ``pydantic.ValidationError`` with every wrong field."""
    text = (path or files("archive") / "retention.toml").read_text(encoding="utf-8")
    return RetentionTable.model_validate(tomllib.loads(text))
