"""Settings of the notifier alone."""

from ipaddress import IPv4Network, IPv6Network
from pathlib import Path
from typing import Self

from pydantic import SecretStr, model_validator

from common.settings import ServiceSettings

SELF: tuple[IPv4Network | IPv6Network, ...] = (
    *map(IPv4Network, ("0.0.0.0/8", "127.0.0.0/8", "169.254.0.0/16", "224.0.0.0/4")),
    *map(IPv6Network, ("::/127", "fe80::/10", "fd00:ec2::/32", "ff00::/8")),
)
"""The machine itself, the link-local networks with the metadata services of clouds, and multicast: no webhook of a unit
is there."""
LEASE_MARGIN_SECONDS = 10.0
"""How much longer than the longest attempt a lease lasts, so that its result can be saved."""


class NotifierSettings(ServiceSettings):
    """``TRUNK_*`` settings of the notifier."""

    smtp_host: str = ""
    """Mail server; empty = e-mail is not set up, and notifications by e-mail are recorded as skipped."""
    smtp_port: int = 587
    smtp_starttls: bool = True
    """Whether the connection must switch to TLS; a server that does not offer it gets no mail."""
    smtp_user: str = ""
    """Empty = no log-in."""
    smtp_password: SecretStr = SecretStr("")
    smtp_from: str = "truclienthong@localhost"
    smtp_timeout_seconds: float = 20.0
    """Time limit for one mail, from resolving the server's name to its last reply."""
    webhook_timeout_seconds: float = 10.0
    """Time limit for one webhook, from resolving the name to the status line."""
    webhook_refused_networks: tuple[IPv4Network | IPv6Network, ...] = SELF
    """Networks to which no webhook is sent, as a JSON list. Add the networks of the trunk's own servers."""
    tls_ca_file: Path | None = None
    """PEM file with the authorities for mail server and webhooks; none = those of the system."""
    lease_seconds: float = 60.0
    """How long a process that sends a notification keeps other processes from sending it."""
    notification_patience_hours: float = 72.0
    """How long a notification waits for a destination that does not take it, before it is given up."""
    notification_keep_days: float = 90.0
    """How long the text of a notification that failed or was given up is kept, so that it can be sent again."""
    dispatch_seconds: float = 1.0
    """Pause between two queries for notifications that are due."""
    webhooks_at_once: int = 256
    """Concurrent webhooks of a lane in one process."""
    mails_at_once: int = 8
    """Concurrent mails of a lane in one process; all go through one server."""
    destination_at_once: int = 2
    """Concurrent notifications to one webhook or mail address."""

    @model_validator(mode="after")
    def _leases_outlast_attempts(self) -> Self:
        longest = max(self.smtp_timeout_seconds, self.webhook_timeout_seconds)
        if self.lease_seconds < longest + LEASE_MARGIN_SECONDS:
            raise ValueError(f"lease_seconds must be at least {longest + LEASE_MARGIN_SECONDS:g}")
        return self
