"""The question "is this file marked secret?", as it is put to the pool of workers."""

from dataclasses import dataclass

from common.domain.names import UnitCode
from common.domain.outcome import Refused, Undecided
from common.secrecy import Mark
from validator.policy import DEFAULT, Policy


@dataclass(frozen=True, slots=True, kw_only=True)
class Search:
    """What is asked about a file, besides its bytes."""

    name: str
    sender: UnitCode = ""
    policy: Policy = DEFAULT


Found = Mark | Refused | Undecided | None
"""A mark, none, or the limit that ended the search."""
