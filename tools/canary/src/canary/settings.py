"""Settings: ``TRUNK_*`` environment variables, then files of ``/run/secrets`` named like them in lower case."""

from pathlib import Path

from pydantic import Field, SecretStr, model_validator
from pydantic_settings import BaseSettings, SettingsConfigDict

SECRETS_DIR = Path("/run/secrets")


class CanarySettings(BaseSettings):
    """What the canary needs to know of its surroundings."""

    model_config = SettingsConfigDict(
        env_prefix="TRUNK_", frozen=True, secrets_dir=SECRETS_DIR if SECRETS_DIR.is_dir() else None
    )

    canary_sender_amqp_url: SecretStr = Field(default=SecretStr(""), min_length=1, validate_default=True)
    """Address, user, password and virtual host of the unit that sends."""
    canary_receiver_amqp_url: SecretStr = Field(default=SecretStr(""), min_length=1, validate_default=True)
    """The same of the unit that receives."""
    canary_keys_dir: Path = SECRETS_DIR / "canary"
    """Holds ``signer.pem``, ``signer.key``, ``unit.pem`` and ``unit.key``; read anew for each letter."""
    canary_seconds: float = Field(default=300.0, gt=0)
    """From the beginning of one round to that of the next."""
    canary_patience_seconds: float = Field(default=240.0, gt=0)
    """How long a round waits for everything that must come."""
    http_host: str = "127.0.0.1"
    http_port: int = 9090
    """Where ``/livez``, ``/readyz`` and ``/metrics`` are served."""
    log_level: str = "INFO"
    version: str = "0"
    """Release that runs; the image sets it."""
    revision: str = "unknown"

    @model_validator(mode="after")
    def _rounds_do_not_overlap(self) -> "CanarySettings":
        if self.canary_patience_seconds >= self.canary_seconds:
            raise ValueError("canary_patience_seconds must be less than canary_seconds: rounds do not overlap")
        return self
