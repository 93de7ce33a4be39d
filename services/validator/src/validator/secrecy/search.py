"""The question "is this file marked secret?", as it is put to the pool of workers."""

from dataclasses import dataclass, field

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


@dataclass(slots=True)
class Missed:
    """What a search did not look at, by place and never by name. An empty one = everything was seen."""

    closed: list[str] = field(default_factory=list)
    """What no bound of ours may leave unseen: it is refused (R9)."""
    beyond: list[str] = field(default_factory=list)
    """More of a text or of a page than is read: noted, as large tables and drawings are no fault."""

    def __bool__(self) -> bool:
        return bool(self.closed or self.beyond)


Found = Mark | Missed | Refused | Undecided | None
"""A mark; what was not seen; none; or the limit that ended the search."""
