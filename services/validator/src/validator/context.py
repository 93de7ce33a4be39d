"""What is asked about a document, and what it is measured by."""

from dataclasses import dataclass
from datetime import date, datetime

from common.domain.directory import Directory
from common.domain.names import UnitCode
from validator.pki.crl import Revocation
from validator.pki.trust import Trust
from validator.policy import DEFAULT, Policy


@dataclass(frozen=True, slots=True, kw_only=True)
class Question:
    """What is asked about a document, besides its bytes."""

    sender: UnitCode = ""
    """Unit of the header's ``From``: its registered certificate must have signed as organisation."""
    declared_copy: bool = False
    """The sender declares a scan of a paper original (sao y)."""
    promulgation_date: date | None = None
    policy: Policy = DEFAULT


@dataclass(frozen=True, slots=True)
class Measures:
    """What a document is measured by. Without trust or without directory what needs them is not asked."""

    trust: Trust | None
    revocation: Revocation
    directory: Directory | None
    now: datetime
