"""The interface of a channel, and its answers."""

from dataclasses import dataclass
from datetime import timedelta
from enum import StrEnum
from typing import Protocol

from notifier.compose import Notification


class Fault(StrEnum):
    """The circuit that opens because of a failure."""

    ADDRESS = "address"
    """The circuit of this address: a webhook, or one recipient of mail."""
    MAIL_SERVER = "mail server"
    """The circuit of the server through which all mails go."""


@dataclass(frozen=True, slots=True)
class Sent:
    """The other side took the notification."""


@dataclass(frozen=True, slots=True)
class Undeliverable:
    """The other side will never take the notification. ``detail`` is a code or a cause, no address and no content."""

    detail: str
    is_answer: bool = True
    """Whether the other side answered. False = decided without asking it, so nothing is known about its health."""


@dataclass(frozen=True, slots=True)
class Unanswered:
    """The other side did not take the notification now; a later attempt may succeed."""

    detail: str
    fault: Fault = Fault.ADDRESS
    retry_after: timedelta | None = None
    """The pause that the other side asks for."""


Answer = Sent | Undeliverable | Unanswered


class Sender(Protocol):
    """One channel."""

    async def send(self, notification: Notification) -> Answer:
        """Send a notification. Returns within the channel's time limit, whatever the other side does."""
