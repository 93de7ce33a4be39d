"""The one way a package fails to be read."""

from common.domain.names import UnitCode
from common.domain.reason import Reason


class Unreadable(Exception):
    """The bytes are no acceptable package."""

    def __init__(self, reason: Reason, detail: str, sender: UnitCode | None = None) -> None:
        super().__init__(reason, detail, sender)
        self.reason = reason
        self.detail = detail
        """One English sentence that names the place and quotes no content."""
        self.sender = sender
        """From/OrganId, if it had been read by then: who can be told."""

    def __str__(self) -> str:
        return f"{self.reason}: {self.detail}"
