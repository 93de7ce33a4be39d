"""``trunk.json``: where the trunk on this machine is, written by ``trunkctl up`` for every other command."""

import json
import os
from pathlib import Path
from typing import Any

from pydantic import BaseModel, ConfigDict

from common.facts.flows import OPERATOR
from common.store_access import Role
from common.topology import VHOST
from trunkctl.command_error import CommandError


class RunningService(BaseModel):
    """One service's process."""

    model_config = ConfigDict(frozen=True)

    http_port: int
    """Of ``/livez``, ``/readyz`` and ``/metrics``, on loopback."""
    pid: int


class TrunkFile(BaseModel):
    """Addresses of servers and services, and the files that belong to them."""

    model_config = ConfigDict(frozen=True, extra="ignore")

    amqp_host: str
    amqp_port: int
    vhost: str = VHOST
    rabbitmq_management_url: str
    rabbitmq_admin_user: str
    rabbitmq_admin_password: str
    mongo_uris: dict[str, str] = {}
    """The database's address by role, for those roles that use it."""
    s3_endpoint: str
    s3_keys: dict[str, dict[str, str]] = {}
    """``access`` and ``secret`` at the object store, by role."""
    users_file: Path
    """Broker users and their passwords."""
    city_dir: Path
    """Keys and certificates of the demo city."""
    trust_dir: Path
    directory_file: Path
    mail_file: Path
    """One JSON object a line for every mail that the notifier sent."""
    log_public_keys: tuple[str, ...] = ()
    """Of the ledger's log."""
    mail_port: int = 0
    services: dict[str, RunningService] = {}

    def control(self, role: Role = Role.OPERATOR) -> dict[str, Any]:
        """The same, as fields of ``ControlSettings``, with the role's rights at the stores. Raises ``CommandError``."""
        if role not in self.s3_keys:
            raise CommandError(f"The trunk on this machine knows no keys of {role} yet: `trunkctl up` makes them.")
        password = passwords(self.users_file).get(OPERATOR, "")
        address = f"{self.amqp_host}:{self.amqp_port}/{self.vhost}"
        keys = self.s3_keys[role]
        return self.model_dump(include=CONTROL_FIELDS) | {
            "amqp_url": f"amqp://{OPERATOR}:{password}@{address}",
            "mongo_uri": self.mongo_uris.get(role, ""),
            "s3_access_key": keys["access"],
            "s3_secret_key": keys["secret"],
        }


CONTROL_FIELDS = {
    "rabbitmq_management_url",
    "rabbitmq_admin_user",
    "rabbitmq_admin_password",
    "s3_endpoint",
    "users_file",
    "city_dir",
    "trust_dir",
    "directory_file",
    "log_public_keys",
}


def path(state: Path) -> Path:
    """Where the file lies in a state folder."""
    return state / "trunk.json"


def load(state: Path) -> TrunkFile | None:
    """What ``trunkctl up`` wrote, unless the trunk was taken down since."""
    try:
        return TrunkFile.model_validate_json(path(state).read_text())
    except FileNotFoundError:
        return None


def save(state: Path, trunk: TrunkFile) -> None:
    """Write it whole or not at all; it holds secrets, so only its owner may read it."""
    write_private(path(state), trunk.model_dump_json(indent=1))


def passwords(users_file: Path) -> dict[str, str]:
    """Passwords by broker user; empty before the first ``topology apply``."""
    if not users_file.exists():
        return {}
    known: dict[str, str] = json.loads(users_file.read_text())
    return known


def write_private(target: Path, text: str) -> None:
    """Replace a file by one that only its owner may read."""
    unfinished = target.with_name(f".{target.name}.unfinished")
    with os.fdopen(os.open(unfinished, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), "w") as file:
        file.write(text)
    unfinished.replace(target)
