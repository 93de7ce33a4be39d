"""E-mail over SMTP."""

import hashlib
import ssl
from datetime import UTC, datetime
from email.errors import MessageError
from email.message import EmailMessage
from email.utils import format_datetime, parseaddr

import aiosmtplib

from common.domain.reason import Reason
from common.failure import Transient
from notifier.channels.answer import Sent, Undeliverable
from notifier.compose import Notification
from notifier.settings import NotifierSettings


class Email:
    """Sends mails, each over a connection of its own."""

    def __init__(self, settings: NotifierSettings) -> None:
        self._settings = settings
        self._tls = ssl.create_default_context(cafile=settings.tls_ca_file) if settings.smtp_starttls else None

    async def send(self, notification: Notification) -> Sent | Undeliverable:
        """Hand the mail to the server. Final only when the server refuses the receiver or the text with 5xx.

        A wrong password, a refused sender or missing TLS is our own fault and may be mended: ``Transient``.
        """
        try:
            message = self._message(notification)
        except (ValueError, IndexError, MessageError):
            return Undeliverable("address not usable")
        try:
            await self._submit(message)
        except aiosmtplib.SMTPRecipientsRefused as error:
            return _answer(min(refused.code for refused in error.recipients))
        except (aiosmtplib.SMTPRecipientRefused, aiosmtplib.SMTPDataError) as error:
            return _answer(error.code)
        except (aiosmtplib.SMTPException, OSError) as error:
            raise Transient(Reason.E_UNAVAILABLE, f"mail server: {type(error).__name__}") from error
        return Sent()

    async def _submit(self, message: EmailMessage) -> None:
        settings = self._settings
        await aiosmtplib.send(
            message,
            hostname=settings.smtp_host,
            port=settings.smtp_port,
            username=settings.smtp_user or None,
            password=settings.smtp_password.get_secret_value() or None,
            start_tls=settings.smtp_starttls,
            tls_context=self._tls,
            timeout=settings.smtp_timeout_seconds,
        )

    def _message(self, notification: Notification) -> EmailMessage:
        message = EmailMessage()
        message["From"] = self._settings.smtp_from
        message["To"] = notification.address
        message["Subject"] = notification.subject
        message["Date"] = format_datetime(datetime.now(UTC))
        message["Message-ID"] = message_id(notification.key, self._settings.smtp_from)
        message["Auto-Submitted"] = "auto-generated"
        message["X-Trunk-Event"] = notification.about_event
        message.set_content(notification.body)
        return message


def message_id(key: str, sender: str) -> str:
    """The same for every attempt at one notification, so that a mail sent twice is recognised as one."""
    domain = parseaddr(sender)[1].rpartition("@")[2] or "localhost"
    return f"<{hashlib.sha256(key.encode()).hexdigest()[:32]}@{domain}>"


def _answer(code: int) -> Undeliverable:
    if code >= 500:
        return Undeliverable(f"SMTP {code}")
    raise Transient(Reason.E_UNAVAILABLE, f"mail server: SMTP {code}")
