"""The decision which units are notified of a fact, by which channel and with which text. Pure. No text has content of a
document."""

import hashlib
import json
from dataclasses import dataclass, field
from enum import StrEnum
from typing import get_args

from jinja2 import Environment, PackageLoader, StrictUndefined, select_autoescape

from common.domain.directory import Directory, Unit
from common.domain.names import Lane, StatusCode, UnitCode
from common.facts import (
    BaseFact,
    DeliveryPlaced,
    DeliveryRefused,
    DocumentRefused,
    PackageFact,
    PackageRefused,
    StatusRecorded,
)
from common.sentences import sentence

Notified = PackageRefused | DocumentRefused | DeliveryPlaced | DeliveryRefused | StatusRecorded
NOTIFIED: tuple[type[PackageFact], ...] = get_args(Notified)
"""The facts about which a unit is notified."""

MAILED_STATUSES = frozenset({StatusCode.REFUSED, StatusCode.TAKE_BACK, StatusCode.AGREED, StatusCode.DECLINED})
"""Statuses a person has to act upon. The others go to webhooks only: a document to a thousand units would
otherwise bring its sender thousands of mails; the sender's inbox has them all anyway."""

MAX_SUBJECT = 200

TEMPLATES = Environment(
    loader=PackageLoader("notifier"),
    autoescape=select_autoescape(["html", "xml"]),
    undefined=StrictUndefined,
    trim_blocks=True,
    lstrip_blocks=True,
    finalize=lambda value: one_line(value) if isinstance(value, str) else value,
)
"""Text templates ``<fact>.txt.j2``: the first line is the subject, the rest after an empty line the body.

Whatever is filled in stays on its line, so that no document can write lines of its own into a mail.
"""


class Channel(StrEnum):
    """Ways to reach a unit."""

    EMAIL = "email"
    WEBHOOK = "webhook"


@dataclass(frozen=True, slots=True, kw_only=True)
class Notification:
    """One message to one unit by one channel."""

    about_event: str
    """Event id of the fact that it is about."""
    unit: UnitCode
    channel: Channel
    address: str
    """E-mail address or URL."""
    subject: str = ""
    """Of the mail; empty for webhooks."""
    body: str
    secret: str = field(default="", repr=False)
    """Key of a webhook's signature; never stored."""

    @property
    def destination(self) -> str:
        """The id of the address, as by ``destination``."""
        return destination(self.channel, self.address)

    @property
    def key(self) -> str:
        """``<event_id>/<unit>/<channel>``: there is one such notification, however often the fact arrives."""
        return f"{self.about_event}/{self.unit}/{self.channel}"


def compose(fact: Notified, directory: Directory) -> tuple[Notification, ...]:
    """The notifications about a fact, according to the directory; none for a unit without a contact."""
    unit = directory.unit(addressee(fact))
    if unit is None or not worth_telling(fact):
        return ()
    notifications = []
    if unit.contact.email and for_people(fact):
        subject, body = mail(fact, unit, directory)
        notifications.append(_notification(fact, unit, Channel.EMAIL, unit.contact.email, subject=subject, body=body))
    if unit.contact.webhook_url:
        secret = unit.contact.webhook_secret or ""
        notifications.append(
            _notification(fact, unit, Channel.WEBHOOK, unit.contact.webhook_url, body=payload(fact), secret=secret)
        )
    return tuple(notifications)


def recompose(fact: Notified, directory: Directory, unit: UnitCode, channel: Channel) -> Notification | None:
    """The notification of one unit by one channel, composed again with the current directory. None = the unit no longer
    has such a contact."""
    chosen = (each for each in compose(fact, directory) if (each.unit, each.channel) == (unit, channel))
    return next(chosen, None)


def destinations(directory: Directory) -> set[str]:
    """All destinations in the directory."""
    contacts = [unit.contact for unit in directory.units.values()]
    return {destination(Channel.EMAIL, contact.email) for contact in contacts if contact.email} | {
        destination(Channel.WEBHOOK, contact.webhook_url) for contact in contacts if contact.webhook_url
    }


def destination(channel: Channel, address: str) -> str:
    """The id of an address, under which its circuit is kept; it does not reveal the address."""
    return f"{channel}:{hashlib.sha256(address.encode()).hexdigest()[:32]}"


def addressee(fact: Notified) -> UnitCode:
    """The unit to notify: of a delivery the receiver, of a status the unit to which it is forwarded, of a refusal the
    sender."""
    match fact:
        case DeliveryPlaced():
            return fact.receiver
        case StatusRecorded():
            return fact.told
        case _:
            return fact.sender


def worth_telling(fact: Notified) -> bool:
    """Whether to notify at all: not of a status that changed nothing, because it was repeated or late."""
    return not (isinstance(fact, StatusRecorded) and not fact.changed)


def for_people(fact: Notified) -> bool:
    """Whether to send a mail as well, not only a webhook."""
    return not isinstance(fact, StatusRecorded) or fact.code in MAILED_STATUSES


def mail(fact: Notified, unit: Unit, directory: Directory) -> tuple[str, str]:
    """Subject and body of a mail, in Vietnamese."""

    def name(code: UnitCode) -> str:
        known = directory.unit(code)
        return f"{known.name} ({code})" if known else code

    text = TEMPLATES.get_template(f"{fact.fact}.txt.j2").render(
        fact=fact,
        unit=unit,
        name=name,
        urgent=fact.lane is Lane.URGENT,
        sentence="" if isinstance(fact, DeliveryPlaced | StatusRecorded) else sentence(fact.reason),
    )
    subject, _, body = text.partition("\n\n")
    return one_line(subject)[:MAX_SUBJECT], body.strip() + "\n"


def payload(fact: Notified) -> str:
    """JSON body of a webhook: what happened to which document, in ids and tokens. The unit reads the rest in its
    inbox."""
    content = {
        "event_id": fact.event_id,
        "fact": fact.fact,
        "occurred_at": fact.occurred_at.isoformat(),
        "sender": fact.sender,
        "document_id": fact.document_id,
        "package_id": fact.package_id,
        "kind": fact.kind,
        "lane": fact.lane,
        "receiver": getattr(fact, "receiver", None),
        "reason": getattr(fact, "reason", None),
        "status": getattr(fact, "code", None),
        "state": getattr(fact, "state", None),
    }
    return json.dumps({name: value for name, value in content.items() if value is not None}, ensure_ascii=False)


def one_line(text: str) -> str:
    """Text without line breaks or other control characters, for one line of a mail."""
    return " ".join("".join(c if c.isprintable() else " " for c in text).split())


def _notification(fact: BaseFact, unit: Unit, channel: Channel, address: str, **rest: str) -> Notification:
    return Notification(about_event=fact.event_id, unit=unit.code, channel=channel, address=address, **rest)
