"""The history of units: one entry for each act, each with the state after it and the digest of the entry before: pure.

The newest entry says which version of the directory is in force, which change waits for a second person, and which
units are disabled. What services read are copies of that.
"""

import hashlib
import unicodedata
from datetime import datetime
from enum import StrEnum

from pydantic import BaseModel, ConfigDict

from common.domain.names import Sha256, UnitCode


class Act(StrEnum):
    """What somebody did. A token is never renamed: it stands in the history."""

    IMPORTED = "imported"
    """A version came into force at once: the first one, or one that changes nothing but names."""
    PROPOSED = "proposed"
    CONFIRMED = "confirmed"
    """A second person put a proposed version into force."""
    WITHDRAWN = "withdrawn"
    PROVISIONED = "provisioned"
    ROTATED = "rotated"
    DISABLED = "disabled"
    ENABLED = "enabled"


class _Kept(BaseModel):
    model_config = ConfigDict(frozen=True, extra="ignore")


class Decision(_Kept):
    """Who did something, and why. The name is what was typed; nothing here proves it."""

    by: str
    why: str
    account: str = ""
    """User and machine from which the command came, as that machine says it."""
    at: datetime


class Proposal(_Kept):
    """A version of the directory that waits for a second person."""

    version: Sha256
    based_on: Sha256
    """The version that was in force, with which it was compared."""
    decision: Decision


class State(_Kept):
    """How things stand after an entry."""

    in_force: Sha256 = ""
    """Version of the directory; empty before the first."""
    pending: Proposal | None = None
    disabled: dict[UnitCode, Decision] = {}


class Entry(_Kept):
    """One act. Written once, under its number, and never again."""

    format: int = 1
    number: int
    """1 for the first; no number is left out."""
    previous: Sha256
    """Digest of the entry before, as it was stored; empty for the first."""
    act: Act
    decision: Decision
    proposed_by: str = ""
    """Of a version that was confirmed or withdrawn: the first person."""
    unit: UnitCode = ""
    """Of acts about one unit's access."""
    version: Sha256 = ""
    """Of acts about the directory: the version concerned."""
    changes: tuple[str, ...] = ()
    """What the version changes, a line each, without secrets."""
    shared_certificates: dict[Sha256, tuple[UnitCode, ...]] = {}
    """Certificates that the version registers for more than one unit (R18)."""
    before: Sha256
    """The version in force before this act."""
    state: State

    @property
    def data(self) -> bytes:
        """As it is stored."""
        return self.model_dump_json().encode()


class Head(_Kept):
    """The end of the history: where the next entry goes."""

    number: int = 0
    sha256: Sha256 = ""
    at: datetime | None = None
    before: Sha256 = ""
    """The version in force before the newest entry."""
    state: State = State()


def head_of(data: bytes) -> Head:
    """The end of a history whose newest entry has these bytes. Raises ``pydantic.ValidationError``."""
    entry = Entry.model_validate_json(data)
    digest = hashlib.sha256(data).hexdigest()
    return Head(number=entry.number, sha256=digest, at=entry.decision.at, before=entry.before, state=entry.state)


def following(head: Head, act: Act, decision: Decision, state: State, **about: object) -> Entry:
    """The entry after ``head``. Its time is never before that of the entry before it, whatever clocks say."""
    at = max(decision.at, head.at) if head.at else decision.at
    return Entry.model_validate(
        {
            "number": head.number + 1,
            "previous": head.sha256,
            "act": act,
            "decision": decision.model_copy(update={"at": at}),
            "before": head.state.in_force,
            "state": state,
            **about,
        }
    )


def is_linked(earlier: bytes, later: Entry) -> bool:
    """Whether ``later`` was written after exactly these bytes."""
    return later.previous == hashlib.sha256(earlier).hexdigest()


def is_same_person(one: str, other: str) -> bool:
    """Whether two typed names may be one person's: compared without case, accents, spaces and punctuation."""
    return _letters(one) == _letters(other)


def _letters(name: str) -> str:
    plain = unicodedata.normalize("NFKD", name.casefold().replace("đ", "d"))
    return "".join(character for character in plain if character.isalnum())
