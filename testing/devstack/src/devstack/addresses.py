"""Where the running servers are, and what stands in for what."""

import json
from dataclasses import asdict, dataclass, field
from pathlib import Path

from devstack.private_file import write_private


@dataclass(frozen=True)
class Addresses:
    """Everything a client has to know. The broker's virtual host for the trunk is `trunk`."""

    amqp_host: str
    amqp_port: int
    rabbitmq_management_url: str
    """http://host:port, without a path and without credentials."""
    rabbitmq_prometheus_url: str
    """http://host:port/metrics"""
    rabbitmq_admin_user: str
    """Has the tag administrator, and every right in the virtual host `trunk`."""
    rabbitmq_admin_password: str
    mongo_uri: str
    """With the administrator's password; for tests, never for a service."""
    s3_endpoint: str
    """host:port, plain HTTP, as the minio SDK takes it."""
    s3_access_key: str
    """The administrator's, who may do everything; for tests, never for a service."""
    s3_secret_key: str
    versions: dict[str, str] = field(default_factory=dict)
    """By server (rabbitmq, mongo, s3): which program answers, and how it was had."""
    mongo_uris: dict[str, str] = field(default_factory=dict)
    """By role of ``common.store_access``, for those that use the database."""
    s3_keys: dict[str, dict[str, str]] = field(default_factory=dict)
    """By role: ``access`` and ``secret``."""
    amqps_port: int = 0
    """AMQP over TLS, which takes client certificates of ``devstack.certificates``; 0 = somebody else's broker."""

    @property
    def amqp_url(self) -> str:
        """amqp://user:password@host:port/trunk for the administrator."""
        who = f"{self.rabbitmq_admin_user}:{self.rabbitmq_admin_password}"
        return f"amqp://{who}@{self.amqp_host}:{self.amqp_port}/trunk"


def load(state_dir: Path) -> Addresses | None:
    """What the last start wrote, if nothing has stopped it since."""
    try:
        return Addresses(**json.loads(path(state_dir).read_text()))
    except FileNotFoundError:
        return None


def save(state_dir: Path, addresses: Addresses) -> None:
    """Keep the addresses for other processes of this checkout; readable by their owner only."""
    write_private(path(state_dir), asdict(addresses))


def forget(state_dir: Path) -> None:
    """Say that nothing runs any more."""
    path(state_dir).unlink(missing_ok=True)


def path(state_dir: Path) -> Path:
    """The file that other programs may read: the fields of Addresses as JSON."""
    return state_dir / "addresses.json"
