"""Models of what lies outside: webhooks and the mail server, at the port that the notifier calls.

No contract test holds them to the real channels yet; what these do is tested in ``tests/notifier/test_channels.py``.
"""

import asyncio
from collections import Counter
from collections.abc import Callable
from datetime import UTC, datetime

from notifier.answer import Answer, Fault, Sent, Unanswered, Undeliverable
from notifier.channels.mail_message import UnusableAddress, mail_address
from notifier.channels.webhook import answer_of, usable_url
from notifier.compose import Channel, Notification
from tests.simulation.loop import CURRENT, Process


class Outside:
    """All receivers of notifications: what they got, and how they behave."""

    def __init__(self, now: Callable[[], float], latency: Callable[[], float]) -> None:
        self.now = now
        self.latency = latency
        self.received: Counter[str] = Counter()
        """How often each notification arrived, by its key."""
        self.statuses: Callable[[Notification], int] = lambda notification: 200
        """HTTP status, or 0 = no answer. Of mail: an SMTP reply."""
        self.before_step: Callable[[Process | None, str], str] = lambda process, what: ""
        self.after_step: Callable[[Process | None, str], None] = lambda process, what: None


class ModelSender:
    """In place of ``notifier.channels.Webhook`` and ``Email``."""

    def __init__(self, outside: Outside, channel: Channel, timeout_seconds: float) -> None:
        self._outside = outside
        self._channel = channel
        self._timeout_seconds = timeout_seconds

    async def send(self, notification: Notification) -> Answer:
        if self._channel is Channel.WEBHOOK and not notification.secret:
            return Undeliverable("no secret to sign with", is_answer=False)
        if not _is_usable(self._channel, notification.address):
            return Undeliverable("address not usable", is_answer=False)
        process = CURRENT.get()
        await asyncio.sleep(self._outside.latency())
        failure = self._outside.before_step(process, f"send {self._channel}")
        status = self._outside.statuses(notification)
        if failure == "before" or not status:
            await asyncio.sleep(self._timeout_seconds)
            return self._unanswered(f"no answer within {self._timeout_seconds:g} s")
        if 200 <= status < 300:
            self._outside.received[notification.key] += 1
            self._outside.after_step(process, f"send {self._channel}")
            await asyncio.sleep(self._outside.latency())
            return self._unanswered("ReadError") if failure == "after" else Sent()
        if self._channel is Channel.EMAIL:
            return Undeliverable(f"SMTP {status}") if status >= 500 else self._unanswered(f"SMTP {status}")
        return answer_of(status, [], _never)

    def _unanswered(self, detail: str) -> Unanswered:
        is_mail = self._channel is Channel.EMAIL
        return Unanswered(detail, Fault.MAIL_SERVER if is_mail else Fault.ADDRESS)


def _is_usable(channel: Channel, address: str) -> bool:
    try:
        usable_url(address) if channel is Channel.WEBHOOK else mail_address(address)
    except (ValueError, UnusableAddress):
        return False
    return True


_never = datetime.max.replace(tzinfo=UTC)
