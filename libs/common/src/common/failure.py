"""The exceptions by which a handler reports a failure. ``common.service.settle`` decides what happens to the
message."""

from common.domain.reason import Reason
from common.domain.security import SecurityKind


class TrunkFailure(Exception):
    """Base class of the failures that a handler raises on purpose. ``detail``: for people; no content of documents."""

    def __init__(self, reason: Reason, detail: str = "") -> None:
        super().__init__(f"{reason}: {detail}" if detail else reason)
        self.reason = reason
        self.detail = detail


class Permanent(TrunkFailure):
    """No further attempt will help: the message is parked with its reason."""

    def __init__(self, reason: Reason, detail: str = "", security: SecurityKind | None = None) -> None:
        """``security``: the kind of security event, if the failure is one."""
        super().__init__(reason, detail)
        self.security = security


class Forged(Permanent):
    """The publisher was not entitled to the message: it is quarantined, and an alert calls an operator."""

    def __init__(self, detail: str) -> None:
        super().__init__(Reason.E_FORGED, detail, SecurityKind.FORGED_FACT)


class Transient(TrunkFailure):
    """The condition may change: the message is tried again after growing pauses, until its patience ends."""


class Outage(Transient):
    """A server or file that the service needs is unavailable. The message is tried again, and the attempt does not
    count."""

    def __init__(self, dependency: str, detail: str) -> None:
        """``dependency``: what is unavailable, such as ``database``, ``object store`` or ``broker``."""
        super().__init__(Reason.E_UNAVAILABLE, f"{dependency}: {detail}")
        self.dependency = dependency
