"""Settings every service reads once, in ``main``: ``TRUNK_*`` environment variables, then files of ``/run/secrets``.

A file is named like its variable in lower case (``/run/secrets/trunk_amqp_url``), so that a secret need not stand in
the environment, where every child and every dump of the process shows it.
"""

from pathlib import Path

from pydantic import SecretStr
from pydantic_settings import BaseSettings, SettingsConfigDict

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
    http_host: str = "127.0.0.1"
    http_port: int = 9090
    """Where ``/livez``, ``/readyz`` and ``/metrics`` are served."""
    log_level: str = "INFO"
    otlp_endpoint: str | None = None
    """Base address of an OTLP/HTTP collector; none = no traces leave the process."""
    prefetch: int = 8
    """Messages a lane works on at the same time."""
    drain_seconds: float = 25.0
    """How long a stopping service lets running handlers finish."""
    patience_hours: float = 72.0
    """How long a message may climb the retry ladder before it is parked."""
    redelivery_pause_seconds: float = 2.0
    """About how long a message whose handler failed by a bug rests before it is redelivered."""
    confirm_timeout_seconds: float = 10.0
    """How long a publish may wait for the broker's confirm."""
    directory_refresh_seconds: float = 5.0
    """How often the unit directory is asked for a newer version."""
