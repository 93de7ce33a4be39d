"""What the notifier alone needs to know."""

from ipaddress import IPv4Network, IPv6Network
from pathlib import Path
from typing import Self

from pydantic import SecretStr, model_validator

from common.settings import ServiceSettings

SELF: tuple[IPv4Network | IPv6Network, ...] = (
    *map(IPv4Network, ("0.0.0.0/8", "127.0.0.0/8", "169.254.0.0/16", "224.0.0.0/4")),
    *map(IPv6Network, ("::/127", "fe80::/10", "fd00:ec2::/32", "ff00::/8")),
)
"""The machine itself, its link with the metadata services of clouds, and groups: no unit's webhook lies there."""
LEASE_MARGIN_SECONDS = 10.0
"""By which a lease outlasts the longest attempt: time to note what became of it."""


class NotifierSettings(ServiceSettings):
    """``TRUNK_*`` settings of the notifier."""

    smtp_host: str = ""
    """Mail server; empty = e-mail is not set up, such notifications are recorded as skipped."""
    smtp_port: int = 587
    smtp_starttls: bool = True
    """Whether the connection must turn to TLS; a server that cannot gets no mail."""
    smtp_user: str = ""
    """Empty = without login."""
    smtp_password: SecretStr = SecretStr("")
    smtp_from: str = "truclienthong@localhost"
    smtp_timeout_seconds: float = 20.0
    """Longest time for one mail, everything counted."""
    webhook_timeout_seconds: float = 10.0
    """Longest time for one webhook, everything counted."""
    webhook_refused_networks: tuple[IPv4Network | IPv6Network, ...] = SELF
    """Networks in which no webhook may lie, as a JSON list; further ones are those of the trunk's own servers."""
    tls_ca_file: Path | None = None
    """PEM file with the authorities of mail server and webhooks; none = those of the system."""
    lease_seconds: float = 60.0
    """How long a worker that sends a notification keeps others from it."""
    notification_patience_hours: float = 72.0
    """How long a notification waits for a destination that does not take it, before it is given up."""
    notification_keep_days: float = 90.0
    """How long the text of a notification that failed or was given up is kept, to be sent again on request."""
    dispatch_seconds: float = 1.0
    """How often the database is asked for notifications that are due."""
    webhooks_at_once: int = 256
    """Webhooks that a lane of one process calls at the same time."""
    mails_at_once: int = 8
    """The same for mails, which all go through one server."""
    destination_at_once: int = 2
    """Notifications to one webhook or mail address at the same time."""

    @model_validator(mode="after")
    def _leases_outlast_attempts(self) -> Self:
        longest = max(self.smtp_timeout_seconds, self.webhook_timeout_seconds)
        if self.lease_seconds < longest + LEASE_MARGIN_SECONDS:
            raise ValueError(f"lease_seconds must be at least {longest + LEASE_MARGIN_SECONDS:g}")
        return self
