"""How long packages that are not archived, and uploads, are kept: the table of terms, and which rows are due. Pure.

Applies to the buckets ``packages`` and ``uploads`` only. Objects in ``content`` may be shared by several packages, and
are not removed.
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
    """Why something is not kept; stored in rows, and a label of metrics."""

    REFUSED = "refused"
    """A package that intake refused."""
    INVALID = "invalid"
    """A package that the validator refused."""
    GIVEN_UP = "given_up"
    """A package that an operator discarded before the validator had examined it."""
    UPLOAD = "upload"
    """An object that a unit uploaded. Packages submitted by reference are copied when they are taken."""


EXAMINES = "validator"
"""The service that examines packages. A package that it has parked was not examined; one that any other service has
parked may have been."""
OF_PACKAGES = (Ending.REFUSED, Ending.INVALID, Ending.GIVEN_UP)
LEAST_DAYS = {
    Ending.REFUSED: 30,
    Ending.INVALID: 30,
    Ending.GIVEN_UP: 60,
    Ending.UPLOAD: 60,
}
"""Shortest terms. A discard can be undone for 30 days, and a submission may wait in its queue while its upload must
still exist: without it, it would be refused."""
CLOCKS_APART = timedelta(minutes=10)
"""Nothing is removed while the clocks of process and database differ by more than this."""


class Term(BaseModel):
    """One row of the table: what is removed, how many days after which event, on what legal basis, and by whom."""

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
        """The term is over for everything whose term began at this time or earlier."""
        return now - timedelta(days=self.days)


class Terms(BaseModel):
    """One version of the table: one row for each ending."""

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
    """The table in a file, or the shipped one. Raises ``pydantic.ValidationError`` with every invalid field."""
    text = (path or files("intake") / "ends.toml").read_text(encoding="utf-8")
    return Terms.model_validate(tomllib.loads(text))


def ending_fields(ending: Ending, at: datetime) -> Document:
    """The fields of a row whose term begins."""
    return {"ending": ending.value, "ended_at": at, "is_removed": False}


NO_ENDING: Document = dict.fromkeys(("ending", "ended_at", "is_removed"), "")
"""The fields to unset when a package is on its way again."""


def refused_fields(record: PackageRecord, at: datetime) -> Document:
    """The fields of a new row that concern its ending: the term of a refused package that is one object begins.

    Nothing is stored of a secret package, so it has no term.
    """
    is_kept = record.reason in (None, Reason.E_SECRET) or record.package.bucket != PACKAGES
    return {} if is_kept else ending_fields(Ending.REFUSED, at)


def ended(ending: Ending, before: datetime) -> Document:
    """A query for the rows whose package may be removed: the term began at ``before`` or earlier, and the package is
    closed.

    It is closed if the archive has recorded its refusal, or if an operator has discarded it and nothing has changed
    since. A package that was let in and finished never matches, neither by its stage nor by its ending. Secret packages
    (``purge``) do not wait for a term: ``Intake.release`` removes their objects.
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
    """The earlier of the times of two clocks; None = they differ by more than ``CLOCKS_APART``."""
    return min(own, servers) if abs(own - servers) <= CLOCKS_APART else None
