"""``trunkctl topology``: declares the broker's objects, users and permissions, or tells what differs."""

import asyncio
import json
import secrets
from collections.abc import Container, Mapping, Set
from datetime import datetime
from pathlib import Path

from common.domain.directory import Directory
from common.domain.names import UnitCode
from common.objects import Objects
from common.topology import Topology, static_topology, unit_topology
from trunkctl import broker_identity, trunk_file
from trunkctl.broker_admin import BrokerAdmin, Password
from trunkctl.command_error import CommandError
from trunkctl.settings import ControlSettings
from trunkctl.takeover.job import remains
from trunkctl.takeover.remains import Remains, beside, leftovers
from trunkctl.units.bucket import disabled_units
from trunkctl.users import PASSWORD_BYTES

ADOPT = "If the broker was replaced on purpose, record that with `trunkctl topology adopt` first."


def whole_topology(directory: Directory, disabled: Container[UnitCode] = ()) -> Topology:
    """What the broker must hold for these units, some of which are disabled."""
    whole = static_topology()
    for unit in directory.units.values():
        whole += unit_topology(unit, is_disabled=unit.code in disabled)
    return whole


def admin(settings: ControlSettings) -> BrokerAdmin:
    """The administrator's session."""
    return BrokerAdmin(
        settings.rabbitmq_management_url,
        settings.rabbitmq_admin_user,
        settings.rabbitmq_admin_password.get_secret_value(),
    )


def passwords_for(topology: Topology, users_file: Path, given: Mapping[str, str] | None = None) -> dict[str, Password]:
    """Password of every user that has one; new users get a random one, kept in a file only its owner may read.

    given: passwords that somebody else chose; they count before the file's and are not written into it. Raises
    ``CommandError`` for a new user if the file cannot be written (a mounted secret): nobody would keep the password.
    """
    kept = trunk_file.passwords(users_file)
    known = kept | dict(given or {})
    having = [user.name for user in topology.users if user.has_password]
    missing = {name: secrets.token_urlsafe(PASSWORD_BYTES) for name in having if name not in known}
    if missing:
        _keep(kept | missing, users_file, sorted(missing))
    chosen = known | missing
    return {user.name: chosen[user.name] if user.has_password else None for user in topology.users}


def _keep(passwords: dict[str, str], users_file: Path, new: list[str]) -> None:
    try:
        users_file.parent.mkdir(parents=True, exist_ok=True)
        trunk_file.write_private(users_file, json.dumps(passwords, indent=1))
    except OSError as error:
        raise CommandError(
            f"No password of broker user {', '.join(new)}, and {users_file} cannot be written: "
            "put one for each into it. Nothing was declared."
        ) from error


def apply(settings: ControlSettings, directory: Directory, left: Remains | None = None) -> int:
    """Declare everything, beside what remains of a former release; disabled units stay so.

    ``left``: what is taken to remain; none = what the broker holds. Returns the number of objects. Raises
    ``CommandError`` when the broker is another cluster than the recorded one, or most of its nodes are missing.
    """
    objects, broker = Objects(settings), admin(settings)
    if why_not := _objection(objects, broker):
        raise CommandError(f"Nothing was declared: {why_not}. {ADOPT}")
    disabled = asyncio.run(disabled_units(objects))
    broker.make_vhost()
    topology = beside(whole_topology(directory, disabled), left or remains(broker))
    broker.apply(topology, passwords_for(topology, settings.users_file, settings.passwords()))
    correct(broker, settings, directory, assumed=disabled, disabled=asyncio.run(disabled_units(objects)))
    return topology.size


def adopt(settings: ControlSettings, actor: str, purpose: str, at: datetime) -> broker_identity.BrokerIdentity:
    """Record that this broker, and no other, is the trunk's. Raises ``CommandError`` if it does not say which it is."""
    decision = {"actor": actor, "purpose": purpose, "at": at}
    identity = broker_identity.ask(admin(settings)).model_copy(update=decision)
    if not identity.cluster_id or not identity.nodes:
        raise CommandError(
            "Nothing was recorded: the broker does not say which cluster it is, or that a node of it runs."
        )
    asyncio.run(broker_identity.save(Objects(settings), identity))
    return identity


def _objection(objects: Objects, broker: BrokerAdmin) -> str:
    recorded = asyncio.run(broker_identity.load(objects))
    return broker_identity.objection(recorded, broker_identity.ask(broker)) if recorded else ""


def correct(
    broker: BrokerAdmin,
    settings: ControlSettings,
    directory: Directory,
    *,
    assumed: Set[UnitCode],
    disabled: Set[UnitCode],
) -> None:
    """Give units that were disabled or enabled meanwhile the rights they have now; close disabled units' sessions."""
    units = {code: directory.units[code] for code in sorted(assumed | disabled) if code in directory.units}
    for code in assumed ^ disabled:
        if code in units:
            changed = unit_topology(units[code], is_disabled=code in disabled)
            passwords = passwords_for(changed, settings.users_file, settings.passwords())
            for user in changed.users:
                broker.apply_user(user, passwords[user.name])
    for code, unit in units.items():
        if code in disabled:
            broker.end_sessions(unit.user, "unit disabled")


def check(settings: ControlSettings, directory: Directory) -> list[str]:
    """What differs; empty = as it should be."""
    broker, objects = admin(settings), Objects(settings)
    if why_not := _objection(objects, broker):
        return [why_not]
    described, left = described_beside(broker, objects, directory)
    return [*broker.differences(described), *leftovers(left)]


def described_beside(broker: BrokerAdmin, objects: Objects, directory: Directory) -> tuple[Topology, Remains]:
    """What the broker must hold, with what it still holds of a former release, and the latter."""
    left = remains(broker)
    return beside(whole_topology(directory, asyncio.run(disabled_units(objects))), left), left
