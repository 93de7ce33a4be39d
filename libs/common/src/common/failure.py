"""How a handler says what went wrong. ``common.service.settle`` decides what becomes of the message."""

from common.domain.reason import Reason
from common.domain.security import SecurityKind


class TrunkFailure(Exception):
    """Base of the failures that a handler raises on purpose."""

    def __init__(self, reason: Reason, detail: str = "") -> None:
        super().__init__(f"{reason}: {detail}" if detail else reason)
        self.reason = reason
        self.detail = detail


class Permanent(TrunkFailure):
    """No further attempt will help: the message is parked with its reason."""

    def __init__(self, reason: Reason, detail: str = "", security: SecurityKind | None = None) -> None:
        """``security``: the kind of security event that this is as well."""
        super().__init__(reason, detail)
        self.security = security


class Forged(Permanent):
    """The publisher was not entitled to the message: it is quarantined, and somebody is called."""

    def __init__(self, detail: str) -> None:
        super().__init__(Reason.E_FORGED, detail, SecurityKind.FORGED_FACT)


class Transient(TrunkFailure):
    """The condition may change: the message is tried again with growing pauses until the patience is used up."""


class Outage(Transient):
    """Something the service needs is away. The message is tried again, and no attempt counts against it."""

    def __init__(self, dependency: str, detail: str) -> None:
        super().__init__(Reason.E_UNAVAILABLE, f"{dependency}: {detail}")
        self.dependency = dependency
