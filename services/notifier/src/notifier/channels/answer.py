"""What every channel offers, and what it answers."""

from dataclasses import dataclass
from typing import Protocol

from notifier.compose import Notification


@dataclass(frozen=True, slots=True)
class Sent:
    """The other side took it."""


@dataclass(frozen=True, slots=True)
class Undeliverable:
    """The other side will never take it. ``detail`` is a code or a cause, no address and no content."""

    detail: str


class Sender(Protocol):
    """One channel."""

    async def send(self, notification: Notification) -> Sent | Undeliverable:
        """Send, or say that it never will be possible. Raises ``Transient`` when a later try may succeed."""
