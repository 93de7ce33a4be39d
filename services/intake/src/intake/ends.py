"""When what is not kept comes to its end: the table of terms, and which rows have come to theirs. Pure.

Only what lies in ``packages`` and ``uploads`` ends so. What lies in ``content`` is shared by its digest, and stays.
"""

import tomllib
from datetime import datetime, timedelta
from enum import StrEnum
from importlib.resources import files
from pathlib import Path

from pydantic import BaseModel, ConfigDict, Field, model_validator

from common.database import Document
from common.domain.reason import Reason
from common.objects import PACKAGES
from intake.open_package import Stage
from intake.record import PackageRecord


class Ending(StrEnum):
    """Why a thing is not kept; stored in rows, and a label of metrics."""

    REFUSED = "refused"
    """By intake."""
    INVALID = "invalid"
    """Refused by the validator."""
    GIVEN_UP = "given_up"
    """Discarded by an operator before it was examined."""
    UPLOAD = "upload"
    """What was submitted by reference lies elsewhere by now."""


EXAMINES = "validator"
"""Of the services behind intake the only one that nothing has passed which it has parked."""
OF_PACKAGES = (Ending.REFUSED, Ending.INVALID, Ending.GIVEN_UP)
LEAST_DAYS = {
    Ending.REFUSED: 30,
    Ending.INVALID: 30,
    Ending.GIVEN_UP: 60,
    Ending.UPLOAD: 60,
}
"""A discard can be taken back for 30 days. A submission whose upload is gone is refused, and may wait in its queue."""
CLOCKS_APART = timedelta(minutes=10)
"""Two clocks that differ by more are not believed."""


class Term(BaseModel):
    """One row: what ends, how long after which event, by what right, and who removes it."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    ending: Ending
    what: str
    counts_from: str
    days: int
    legal_basis: str = Field(min_length=1)
    removed_by: str

    @model_validator(mode="after")
    def _is_long_enough(self) -> "Term":
        if self.days < LEAST_DAYS[self.ending]:
            raise ValueError(f"{self.ending}: {self.days} days, at least {LEAST_DAYS[self.ending]}")
        return self

    def began_before(self, now: datetime) -> datetime:
        """The term is over of what it counts from then, or from an earlier time."""
        return now - timedelta(days=self.days)


class Terms(BaseModel):
    """All rows of one version, one an ending."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    version: str
    terms: tuple[Term, ...]

    @model_validator(mode="after")
    def _names_each_once(self) -> "Terms":
        if sorted(term.ending for term in self.terms) != sorted(Ending):
            raise ValueError(f"one row each of {', '.join(Ending)}")
        return self

    def of(self, ending: Ending) -> Term:
        """The row of an ending."""
        return next(term for term in self.terms if term.ending is ending)


def read_terms(path: Path | None = None) -> Terms:
    """The table in a file, or the shipped one. Raises ``pydantic.ValidationError`` with every wrong field."""
    text = (path or files("intake") / "ends.toml").read_text(encoding="utf-8")
    return Terms.model_validate(tomllib.loads(text))


def ending_fields(ending: Ending, at: datetime) -> Document:
    """Fields of a row whose term begins."""
    return {"ending": ending.value, "ended_at": at, "is_removed": False}


NO_ENDING: Document = dict.fromkeys(("ending", "ended_at", "is_removed"), "")
"""What is unset when a package is on its way again."""


def refused_fields(record: PackageRecord, at: datetime) -> Document:
    """Fields of a row that is saved now: of a package that is refused and one object, its term begins.

    Of a secret one nothing was stored.
    """
    is_kept = record.reason in (None, Reason.E_SECRET) or record.package.bucket != PACKAGES
    return {} if is_kept else ending_fields(Ending.REFUSED, at)


def ended(ending: Ending, before: datetime) -> Document:
    """Selects the rows whose package may be removed: the term began before, and nobody needs its bytes any more.

    It is closed: the archive has its refusal on record, or an operator has discarded it and nothing came after that. A
    row that was let in and finished fits none: neither its stage nor its ending. Secret packages are gone already.
    """
    return {
        "is_removed": False,
        "ending": ending.value,
        "ended_at": {"$lte": before},
        "is_open": False,
        "stage": Stage.DISCARDED.value if ending is Ending.GIVEN_UP else None,
        "purge": [],
    }


def believed_time(own: datetime, servers: datetime) -> datetime | None:
    """The earlier of two clocks; None = they differ too much to remove anything by them."""
    return min(own, servers) if abs(own - servers) <= CLOCKS_APART else None
