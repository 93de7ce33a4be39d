"""Results of decisions: refused for a reason, or undecided for now."""

from dataclasses import dataclass

from common.domain.reason import Reason
from common.domain.security import SecurityKind


@dataclass(frozen=True, slots=True)
class Refused:
    """A final refusal. ``detail``: where the fault is (field, attachment, signature), for people; no content of
    documents."""

    reason: Reason
    detail: str = ""
    security: SecurityKind | None = None
    """The kind of security event, if the refusal is one."""


@dataclass(frozen=True, slots=True)
class Undecided:
    """No decision yet: something that it needs is missing for now, and the step will be tried again."""

    reason: Reason
    detail: str = ""
