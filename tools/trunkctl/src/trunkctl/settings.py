"""What the command line needs to know, from ``TRUNK_*`` environment variables."""

from functools import cache
from pathlib import Path

from common.settings import ServiceSettings
from pydantic import SecretStr


class ControlSettings(ServiceSettings):
    """Settings of an operator's session; a unit's session needs only ``amqp_url``."""

    rabbitmq_management_url: str = "http://127.0.0.1:15672"
    rabbitmq_admin_user: str = "guest"
    rabbitmq_admin_password: SecretStr = SecretStr("guest")
    users_file: Path = Path("users.json")
    """JSON of broker users and their passwords; missing ones are made and written back."""
    trust_dir: Path | None = None
    """Folder with ``roots/``, ``intermediates/`` and ``crls/``."""


@cache
def settings() -> ControlSettings:
    """The session's settings, read once."""
    return ControlSettings()
