"""Settings every service reads once, in ``main``: ``TRUNK_*`` environment variables, then files of ``/run/secrets``.

A file is named like its variable in lower case (``/run/secrets/trunk_amqp_url``), so that a secret need not stand in
the environment, where every child and every dump of the process shows it.
"""

from pathlib import Path

from pydantic import Field, SecretStr
from pydantic_settings import BaseSettings, SettingsConfigDict

from common.domain.names import Lane

SECRETS_DIR = Path("/run/secrets")


def secrets_dir(folder: Path = SECRETS_DIR) -> Path | None:
    """The folder with secret files; None = the container engine has mounted none."""
    return folder if folder.is_dir() else None


class ServiceSettings(BaseSettings):
    """Settings of every service."""

    model_config = SettingsConfigDict(env_prefix="TRUNK_", frozen=True, secrets_dir=secrets_dir())

    amqp_url: SecretStr = SecretStr("amqp://guest:guest@127.0.0.1:5672/trunk")
    """Address, user and vhost at the broker; the user is the service's own."""
    mongo_uri: SecretStr = SecretStr("mongodb://127.0.0.1:27017/")
    s3_endpoint: str = "127.0.0.1:8333"
    """Host and port of the object store."""
    s3_access_key: SecretStr = SecretStr("")
    s3_secret_key: SecretStr = SecretStr("")
    s3_secure: bool = False
    """Whether to connect to the object store over TLS."""
    s3_public_address: str = Field(default="", pattern=r"^(https?://[^/]+)?$")
    """Address of the object store for units, such as ``https://kho.example.gov.vn``. It is signed into the addresses of
    large packages, so a proxy in between must pass the host on. Empty = ``s3_endpoint``."""
    http_host: str = "127.0.0.1"
    http_port: int = 9090
    """Where ``/livez``, ``/readyz`` and ``/metrics`` are served."""
    log_level: str = "INFO"
    otlp_endpoint: str | None = None
    """Base address of an OTLP/HTTP collector; none = no traces leave the process."""
    lane: Lane | None = None
    """The one lane that this process consumes; none = both. With one deployment for each lane, the lanes can be scaled
    separately."""
    prefetch: int = 8
    """Messages of one lane that are handled at the same time."""
    drain_seconds: float = 25.0
    """How long a stopping service lets running handlers finish."""
    patience_hours: float = 72.0
    """How long a message that cannot be decided yet is tried again before it is parked. Time during which a server was
    unavailable does not count."""
    handler_seconds: float = 600.0
    """Time limit for one attempt at a message, without the time that it waits for memory."""
    held_bytes: int = 64 * 1024 * 1024
    """Message bodies that one consumer has in memory at a time; it may have one message beyond this."""
    object_bytes: int = Field(default=256 * 1024 * 1024, gt=0)
    """Whole files of the object store that a process has in memory at a time; a larger file waits until there is no
    other."""
    directory_refresh_seconds: float = 5.0
    """Pause between two reads of the unit directory."""
    gauges_refresh_seconds: float = 15.0
    """Pause between two updates of gauges that are read from a database or a server."""
    budget_normal_seconds: float = 900.0
    """Time within which a document should be delivered; only shown by the monitoring."""
    budget_urgent_seconds: float = 60.0
    version: str = "0"
    """The running release, for the monitoring; set by the images."""
    revision: str = "unknown"
    """The commit from which it was built."""

    def budget_seconds(self, lane: Lane) -> float:
        """The time within which a document of a lane should be delivered."""
        return self.budget_urgent_seconds if lane is Lane.URGENT else self.budget_normal_seconds
