"""The question "is this file marked secret?" and its answers."""

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import TypeVar

from common.domain.names import UnitCode
from common.domain.outcome import Refused, Undecided
from common.secrecy import Mark
from validator.policy import Policy, SecrecyLimits


@dataclass(frozen=True, slots=True, kw_only=True)
class SearchRequest:
    """What is asked about a file, besides its bytes."""

    name: str
    sender: UnitCode = ""


@dataclass(slots=True)
class Missed:
    """What a search did not look at, by place and never by name. An empty one = everything was searched."""

    closed: list[str] = field(default_factory=list)
    """What could not be looked into, for whatever limit: the package is refused (R9)."""
    beyond: list[str] = field(default_factory=list)
    """Text or pages longer than what is read: noted only, as large tables and drawings are no fault."""

    def __bool__(self) -> bool:
        return bool(self.closed or self.beyond)


Value = TypeVar("Value")
SearchResult = Mark | Missed | Refused | Undecided | None
"""A mark; what was not searched; no mark; or the limit that ended the search."""


@dataclass(frozen=True, slots=True)
class Scan:
    """One search: its limits, and what it misses."""

    policy: Policy
    missed: Missed = field(default_factory=Missed)

    @property
    def limits(self) -> SecrecyLimits:
        """How far it looks."""
        return self.policy.secrecy

    def tried(self, place: str, read: Callable[[], Value], otherwise: Value) -> Value:
        """What ``read`` gives; ``otherwise`` if it raises, for hostile bytes raise anything, and then the place counts
        as closed: that it cannot be read does not mean that nothing is there.
        """
        try:
            return read()
        except MemoryError:
            raise
        except Exception:
            self.missed.closed.append(place)
            return otherwise
