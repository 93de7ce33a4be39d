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
    """The folder of secrets where a container engine has mounted one."""
    return folder if folder.is_dir() else None


class ServiceSettings(BaseSettings):
    """What every service needs to know of its surroundings."""

    model_config = SettingsConfigDict(env_prefix="TRUNK_", frozen=True, secrets_dir=secrets_dir())

    amqp_url: SecretStr = SecretStr("amqp://guest:guest@127.0.0.1:5672/trunk")
    """Address, user and vhost at the broker; the user is the service's own."""
    mongo_uri: SecretStr = SecretStr("mongodb://127.0.0.1:27017/")
    s3_endpoint: str = "127.0.0.1:8333"
    """Host and port of the object store."""
    s3_access_key: SecretStr = SecretStr("")
    s3_secret_key: SecretStr = SecretStr("")
    s3_secure: bool = False
    """Whether the object store is spoken to over TLS."""
    s3_public_address: str = Field(default="", pattern=r"^(https?://[^/]+)?$")
    """The object store as units reach it, such as ``https://kho.example.gov.vn``; it is signed into the addresses of
    large packages, so a proxy in between must pass the host on. Empty = as services reach it."""
    http_host: str = "127.0.0.1"
    http_port: int = 9090
    """Where ``/livez``, ``/readyz`` and ``/metrics`` are served."""
    log_level: str = "INFO"
    otlp_endpoint: str | None = None
    """Base address of an OTLP/HTTP collector; none = no traces leave the process."""
    lane: Lane | None = None
    """The one lane this process consumes; none = both. Two deployments of a service can so be scaled apart."""
    prefetch: int = 8
    """Messages a lane works on at the same time."""
    drain_seconds: float = 25.0
    """How long a stopping service lets running handlers finish."""
    patience_hours: float = 72.0
    """How long a message that cannot be decided yet is tried again before it is parked. Time during which a server
    was away does not count."""
    handler_seconds: float = 600.0
    """Longest time for one attempt at a message."""
    held_bytes: int = 64 * 1024 * 1024
    """Message bodies that one consumer holds at a time; one message more than this may be held."""
    object_bytes: int = Field(default=256 * 1024 * 1024, gt=0)
    """Files of the object store that a process holds in memory at a time, where it holds them whole; one that is larger
    waits until there is no other."""
    directory_refresh_seconds: float = 5.0
    """How often the unit directory is asked for a newer version."""
    gauges_refresh_seconds: float = 15.0
    """How often gauges that tell of a database or a server are read anew."""
    budget_normal_seconds: float = 900.0
    """Time within which a document has to be delivered; told to the monitoring, decides nothing."""
    budget_urgent_seconds: float = 60.0
    version: str = "0"
    """Release that runs, for the monitoring; the images set it."""
    revision: str = "unknown"
    """Commit that it was built from."""

    def budget_seconds(self, lane: Lane) -> float:
        """The time that a document of that lane has."""
        return self.budget_urgent_seconds if lane is Lane.URGENT else self.budget_normal_seconds
