"""The decision about one document: verified, refused or undecided, each with its report."""

from dataclasses import dataclass

from common.domain import outcome
from common.domain.names import Label
from validator.report.model import Report


@dataclass(frozen=True, slots=True)
class Verified:
    """The document is valid in this legal form; None = asked without directory, so of no form."""

    label: Label | None
    report: Report


@dataclass(frozen=True, slots=True, kw_only=True)
class Refused(outcome.Refused):
    """The document is not valid, and waiting cannot change that."""

    report: Report


@dataclass(frozen=True, slots=True, kw_only=True)
class Undecided(outcome.Undecided):
    """Something needed to decide is missing for now, such as a current CRL."""

    report: Report


Decision = Verified | Refused | Undecided
