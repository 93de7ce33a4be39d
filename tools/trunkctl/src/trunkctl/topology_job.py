"""``trunkctl topology``: declares the broker's objects, users and permissions, or tells what differs."""

import json
import secrets
from pathlib import Path

from common.domain.directory import Directory
from common.topology import Topology, static_topology, unit_topology
from trunkctl.broker_admin import BrokerAdmin
from trunkctl.settings import ControlSettings
from trunkctl.trouble import Trouble


def whole_topology(directory: Directory) -> Topology:
    """What the broker must hold for these units."""
    whole = static_topology()
    for unit in directory.units.values():
        whole += unit_topology(unit)
    return whole


def admin(settings: ControlSettings) -> BrokerAdmin:
    """The administrator's session."""
    return BrokerAdmin(
        settings.rabbitmq_management_url,
        settings.rabbitmq_admin_user,
        settings.rabbitmq_admin_password.get_secret_value(),
    )


def passwords_for(topology: Topology, users_file: Path, given: dict[str, str] | None = None) -> dict[str, str]:
    """Password of every user; new users get a random one, kept in a file only its owner may read.

    given: passwords that somebody else chose; they count before the file's and are not written into it. Raises
    ``Trouble`` for a new user when the file cannot be written, as a mounted secret: a password nobody keeps is none.
    """
    kept: dict[str, str] = json.loads(users_file.read_text()) if users_file.exists() else {}
    known = kept | (given or {})
    missing = {user.name: secrets.token_urlsafe(24) for user in topology.users if user.name not in known}
    if missing:
        _keep(kept | missing, users_file, sorted(missing))
    return known | missing


def _keep(passwords: dict[str, str], users_file: Path, new: list[str]) -> None:
    try:
        users_file.parent.mkdir(parents=True, exist_ok=True)
        users_file.touch(mode=0o600)
        users_file.write_text(json.dumps(passwords, indent=1))
    except OSError as error:
        raise Trouble(
            f"No password of broker user {', '.join(new)}, and {users_file} cannot be written: "
            "put one for each into it. Nothing was declared."
        ) from error


def apply(settings: ControlSettings, directory: Directory) -> int:
    """Declare everything. Returns the number of objects."""
    topology = whole_topology(directory)
    admin(settings).apply(topology, passwords_for(topology, settings.users_file, settings.passwords()))
    return len(topology.exchanges) + len(topology.queues) + len(topology.bindings) + len(topology.users)


def check(settings: ControlSettings, directory: Directory) -> list[str]:
    """What differs; empty = as it should be."""
    return admin(settings).differences(whole_topology(directory))
