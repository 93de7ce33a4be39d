"""What a decision answers: accepted, refused for a reason, or undecided yet."""

from dataclasses import dataclass

from common.domain.reason import Reason
from common.domain.security import SecurityKind


@dataclass(frozen=True, slots=True)
class Refused:
    """A final refusal. ``detail``: the place (field, attachment, signature), for people; no content of documents."""

    reason: Reason
    detail: str = ""
    security: SecurityKind | None = None
    """The kind of security event that this refusal is as well."""


@dataclass(frozen=True, slots=True)
class Undecided:
    """Neither yes nor no: something needed is missing for now, and the same step will be tried again."""

    reason: Reason
    detail: str = ""
