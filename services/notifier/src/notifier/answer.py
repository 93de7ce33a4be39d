"""What every channel offers, and the answers that it gives."""

from dataclasses import dataclass
from datetime import timedelta
from enum import StrEnum
from typing import Protocol

from notifier.compose import Notification


class Fault(StrEnum):
    """Who did not do what was asked: whose circuit opens."""

    ADDRESS = "address"
    """This address alone: a webhook, or one recipient of mail."""
    MAIL_SERVER = "mail server"
    """The server through which all mails go."""


@dataclass(frozen=True, slots=True)
class Sent:
    """The other side took it."""


@dataclass(frozen=True, slots=True)
class Undeliverable:
    """The other side will never take it. ``detail`` is a code or a cause, no address and no content."""

    detail: str
    is_answer: bool = True
    """False = decided here, nobody was asked: it says nothing about the health of the other side."""


@dataclass(frozen=True, slots=True)
class Unanswered:
    """Not taken now; a later attempt may succeed."""

    detail: str
    fault: Fault = Fault.ADDRESS
    retry_after: timedelta | None = None
    """The other side's wish."""


Answer = Sent | Undeliverable | Unanswered


class Sender(Protocol):
    """One channel."""

    async def send(self, notification: Notification) -> Answer:
        """Send, within the channel's total limit of time, whatever the other side does."""
