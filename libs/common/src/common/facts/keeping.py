"""Facts about archived packages and sent notifications."""

from typing import Literal

from pydantic import AwareDatetime

from common.domain.names import UnitCode
from common.facts.base import PackageFact


class DocumentArchived(PackageFact):
    """The archive holds the package, its files and its verdict under object lock."""

    fact: Literal["document.archived"] = "document.archived"
    record_id: str
    retain_until: AwareDatetime


class NotificationSent(PackageFact):
    """A notification was sent to a unit."""

    fact: Literal["notification.sent"] = "notification.sent"
    unit: UnitCode
    channel: Literal["email", "webhook"]
    about_event: str
    """Event id of the fact that the notification is about."""
