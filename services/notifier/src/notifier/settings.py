"""What the notifier alone needs to know."""

from pathlib import Path

from pydantic import SecretStr

from common.settings import ServiceSettings


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
    webhook_timeout_seconds: float = 10.0
    tls_ca_file: Path | None = None
    """PEM file with the authorities of mail server and webhooks; none = those of the system."""
    lease_seconds: float = 60.0
    """How long a worker that sends a notification keeps others from it; longer than both timeouts."""
