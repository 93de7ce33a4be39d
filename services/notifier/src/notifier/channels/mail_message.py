"""Writes a notification as the bytes of a mail: ASCII headers of short lines, the text in base64.

Headers are encoded with ``email.header`` and written with the ``compat32`` policy. The newer policies of the standard
library fold headers again, and on Python 3.11 they lose spaces between two encoded words. Here a text is one sequence
of encoded words from its first character to its last, with all spaces inside, so that no reader has to join parts
(RFC 2047, sections 2 and 6.2).
"""

import hashlib
import unicodedata
from dataclasses import dataclass
from datetime import UTC, datetime
from email.header import Header
from email.mime.text import MIMEText
from email.policy import compat32
from email.utils import format_datetime, parseaddr

import idna

from notifier.compose import Notification, one_line

MAX_LINE = 76
"""Longest line of a header, in characters (RFC 2047, section 2)."""
MAX_LOCAL_BYTES, MAX_ADDRESS_BYTES = 64, 254
"""Longest local part and longest mail address (RFC 5321, section 4.5.3.1, with erratum 1690)."""
SPECIALS = frozenset('()<>[]:;@\\,"')
"""Characters that an address may have only in quotes (RFC 5322, section 3.2.3); such addresses are not used."""
WIRE_POLICY = compat32.clone(linesep="\r\n")


class UnusableAddress(ValueError):
    """A text is not exactly one mail address."""


@dataclass(frozen=True, slots=True)
class Mail:
    """A mail as it is handed to the server. ``content``: headers and body."""

    sender: str
    recipient: str
    content: bytes
    needs_smtputf8: bool
    """Whether an address is not ASCII before its ``@``; then only servers with SMTPUTF8 (RFC 6531) take the mail."""


def mail_of(notification: Notification, smtp_from: str) -> Mail:
    """The mail of a notification. Raises ``UnusableAddress`` for its address or for ``smtp_from``."""
    name, own = parseaddr(smtp_from)
    sender, recipient = mail_address(own), mail_address(notification.address)
    message = MIMEText(notification.body, "plain", "utf-8", policy=WIRE_POLICY)
    message["From"] = f"{header_text(name, 'From')} <{_raw(sender)}>" if name else _raw(sender)
    message["To"] = _raw(recipient)
    message["Subject"] = header_text(notification.subject, "Subject")
    message["Date"] = format_datetime(datetime.now(UTC))
    message["Message-ID"] = message_id(notification.key, sender)
    message["Auto-Submitted"] = "auto-generated"
    message["X-Trunk-Event"] = header_text(notification.about_event, "X-Trunk-Event")
    needs_smtputf8 = not (sender.isascii() and recipient.isascii())
    return Mail(sender, recipient, message.as_bytes(policy=WIRE_POLICY), needs_smtputf8)


def header_text(text: str, header: str) -> str:
    """A text encoded for a header, on lines of at most ``MAX_LINE`` characters. Control characters, also those that
    change the direction of text, are replaced by spaces.

    ASCII that fits on one line and does not look like an encoded word stays unchanged.
    """
    text = one_line(text)
    if text.isascii() and len(header) + len(text) + 2 <= MAX_LINE and "=?" not in text:
        return text
    return Header(text, "utf-8", maxlinelen=MAX_LINE - 1, header_name=header).encode(linesep="\r\n")


def mail_address(text: str) -> str:
    """A plain mail address with its domain in ASCII (IDNA 2008). Raises ``UnusableAddress``."""
    local, at, domain = unicodedata.normalize("NFC", text.strip(" ")).rpartition("@")
    if not at or not _is_dot_atom(local):
        raise UnusableAddress
    try:
        ascii_domain = idna.encode(domain, uts46=True).decode("ascii")
    except UnicodeError as error:
        raise UnusableAddress from error
    address = f"{local}@{ascii_domain}"
    if len(local.encode()) > MAX_LOCAL_BYTES or len(address.encode()) > MAX_ADDRESS_BYTES:
        raise UnusableAddress
    return address


def message_id(key: str, sender: str) -> str:
    """The Message-ID. It is the same for every attempt at one notification, so that a mail sent twice is recognised."""
    domain = sender.rpartition("@")[2] or "localhost"
    return f"<{hashlib.sha256(key.encode()).hexdigest()[:32]}@{domain}>"


def _is_dot_atom(local: str) -> bool:
    return all(
        part and all(character.isprintable() and character != " " and character not in SPECIALS for character in part)
        for part in local.split(".")
    )


def _raw(address: str) -> str:
    """An address in the form in which ``compat32`` writes it as UTF-8. Only servers with SMTPUTF8 get such bytes."""
    return address.encode().decode("ascii", "surrogateescape")
