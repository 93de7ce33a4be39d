"""E-mail over SMTP: one mail to one recipient over a connection of its own."""

import asyncio
import ssl

import aiosmtplib

from common.containment import contained
from notifier.answer import Answer, Fault, Sent, Unanswered, Undeliverable
from notifier.channels.mail_message import Mail, UnusableAddress, mail_of
from notifier.compose import Notification
from notifier.settings import NotifierSettings

FAREWELL_SECONDS = 1.0
"""How long a server that took the mail may take to answer QUIT."""
OUR_FAULT = frozenset({421, 530, 534, 535, 538})
"""Replies that do not concern the recipient: the server ends the session, or requires a log-in or TLS (RFC 5321,
RFC 4954)."""


class Email:
    """Sends mails."""

    def __init__(self, settings: NotifierSettings) -> None:
        self._settings = settings
        self._tls = ssl.create_default_context(cafile=settings.tls_ca_file) if settings.smtp_starttls else None

    async def send(self, notification: Notification) -> Answer:
        """Hand a mail to the server. Only a refusal of the recipient or the text with 5xx is final.

        A wrong password, a refused sender or missing TLS is a fault of our own configuration, which can be corrected,
        so the mail is tried again. One time limit covers everything from resolving the server's name to its reply to
        the text.
        """
        try:
            mail = mail_of(notification, self._settings.smtp_from)
        except UnusableAddress:
            return Undeliverable("address not usable", is_answer=False)
        session = _Session(self._client(), mail)
        limit_seconds = self._settings.smtp_timeout_seconds
        try:
            async with asyncio.timeout(limit_seconds):
                return await session.run()
        except (TimeoutError, aiosmtplib.SMTPTimeoutError):
            return Unanswered(f"mail server: no answer within {limit_seconds:g} s", session.fault)
        except aiosmtplib.SMTPResponseException as error:
            return answer_of(error.code, session.fault)
        except (aiosmtplib.SMTPException, OSError) as error:
            return Unanswered(f"mail server: {type(error).__name__}", session.fault)
        finally:
            await session.end()

    def _client(self) -> aiosmtplib.SMTP:
        settings = self._settings
        return aiosmtplib.SMTP(
            hostname=settings.smtp_host,
            port=settings.smtp_port,
            username=settings.smtp_user or None,
            password=settings.smtp_password.get_secret_value() or None,
            start_tls=settings.smtp_starttls,
            tls_context=self._tls,
            timeout=settings.smtp_timeout_seconds,
        )


class _Session:
    """One SMTP session for one mail. ``fault``: whose fault a failure at the current step is."""

    def __init__(self, client: aiosmtplib.SMTP, mail: Mail) -> None:
        self._client = client
        self._mail = mail
        self._is_taken = False
        self.fault = Fault.MAIL_SERVER

    async def run(self) -> Answer:
        client, mail = self._client, self._mail
        await client.connect()
        if mail.needs_smtputf8 and not await self._takes_smtputf8():
            return Undeliverable("mail server takes no international addresses")
        options = ["SMTPUTF8", "BODY=8BITMIME"] if mail.needs_smtputf8 else []
        encoding = "utf-8" if mail.needs_smtputf8 else "ascii"
        await client.mail(mail.sender, options=options, encoding=encoding)
        self.fault = Fault.ADDRESS
        await client.rcpt(mail.recipient, encoding=encoding)
        await client.data(mail.content)
        self._is_taken = True
        return Sent()

    async def _takes_smtputf8(self) -> bool:
        if self._client.last_ehlo_response is None:
            await self._client.ehlo()
        return self._client.supports_extension("smtputf8")

    async def end(self) -> None:
        """Close the connection. Errors after the server took the mail are ignored."""
        if self._is_taken:
            with contained(_ignored):
                async with asyncio.timeout(FAREWELL_SECONDS):
                    await self._client.quit()
        with contained(_ignored):
            self._client.close()


def answer_of(code: int, fault: Fault) -> Answer:
    """The answer for an SMTP reply that is not a success. ``fault``: whom the refused command was about."""
    if code in OUR_FAULT:
        return Unanswered(f"mail server: SMTP {code}", Fault.MAIL_SERVER)
    if code >= 500 and fault is Fault.ADDRESS:
        return Undeliverable(f"SMTP {code}")
    return Unanswered(f"mail server: SMTP {code}", fault)


def _ignored(_: str) -> None:
    """Do nothing."""
