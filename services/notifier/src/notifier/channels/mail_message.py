"""A notification as the bytes of a mail: ASCII headers of short lines, the text in base64.

Headers are encoded by ``email.header`` and written under the ``compat32`` policy. The newer policies of the standard
library refold what they are given, and on Python 3.11 they lose spaces between two encoded words; here a text is one
run of encoded words from its first character to its last, with all its spaces inside, so no reader and no version has
anything to join or to guess (RFC 2047, 2 and 6.2).
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
"""Characters of a header's line (RFC 2047, 2)."""
MAX_LOCAL_BYTES, MAX_ADDRESS_BYTES = 64, 254
"""Of a mail address (RFC 5321, 4.5.3.1, in the reading of erratum 1690)."""
SPECIALS = frozenset('()<>[]:;@\\,"')
"""What an address holds only in quotes (RFC 5322, 3.2.3); such addresses are not used."""
WIRE_POLICY = compat32.clone(linesep="\r\n")


class UnusableAddress(ValueError):
    """The text is no mail address, or more than one."""


@dataclass(frozen=True, slots=True)
class Mail:
    """A mail as it is handed to the server."""

    sender: str
    recipient: str
    content: bytes
    needs_smtputf8: bool
    """An address is not ASCII before its ``@``: only servers with SMTPUTF8 (RFC 6531) take the mail."""


def mail_of(notification: Notification, smtp_from: str) -> Mail:
    """Write the mail. Raises ``UnusableAddress`` for the recipient or the sender."""
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
    """A text for a header, on lines that are short enough; whatever could end a line or turn its direction is gone.

    Plain ASCII stays as it is while it fits on one line and does not look like an encoded word.
    """
    text = one_line(text)
    if text.isascii() and len(header) + len(text) + 2 <= MAX_LINE and "=?" not in text:
        return text
    return Header(text, "utf-8", maxlinelen=MAX_LINE - 1, header_name=header).encode(linesep="\r\n")


def mail_address(text: str) -> str:
    """One plain address, its domain in ASCII (IDNA 2008). Raises ``UnusableAddress``."""
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
    """The same for every attempt at one notification, so that a mail sent twice is recognised as one."""
    domain = sender.rpartition("@")[2] or "localhost"
    return f"<{hashlib.sha256(key.encode()).hexdigest()[:32]}@{domain}>"


def _is_dot_atom(local: str) -> bool:
    return all(
        part and all(character.isprintable() and character != " " and character not in SPECIALS for character in part)
        for part in local.split(".")
    )


def _raw(address: str) -> str:
    """An address as ``compat32`` writes it: the bytes of UTF-8, which only servers with SMTPUTF8 are given."""
    return address.encode().decode("ascii", "surrogateescape")
