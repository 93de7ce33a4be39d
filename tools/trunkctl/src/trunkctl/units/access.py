"""One unit's access at the broker: queues, user and rights as the topology describes them, passwords, sessions."""

import json
from collections.abc import Container, Mapping
from dataclasses import dataclass
from pathlib import Path

from common.domain.directory import BrokerLogin, Directory, Unit
from common.domain.names import UnitCode
from common.topology import Topology, User, unit_topology
from trunkctl import trunk_file, users
from trunkctl.broker_admin import BrokerAdmin, Password, Refused, Rights
from trunkctl.command_error import CommandError
from trunkctl.takeover.job import remains
from trunkctl.takeover.remains import beside
from trunkctl.topology_job import passwords_for

DISABLED = "unit disabled"
RETIRED = "the unit has another user"


@dataclass(frozen=True)
class BrokerAccess:
    """The broker's administration, and what has to be known to use it."""

    admin: BrokerAdmin
    users_file: Path
    given: Mapping[str, str]
    """Passwords that somebody else chooses."""
    directory: Directory
    disabled: Container[UnitCode]

    def provision(self, unit: Unit) -> list[str]:
        """Make queues, user and rights of a unit; again changes nothing. Returns users that lost the rights of it."""
        self._expect_no_strangers_user(unit)
        passwords = self._passwords(unit)
        try:
            self.admin.declare(beside(self._described(unit), remains(self.admin)))
        except Refused as error:
            raise CommandError(
                f"{error}. `trunkctl topology apply` makes the exchanges that all units need."
            ) from error
        self._apply(unit, passwords)
        return self._retire_former_users(unit)

    def disable(self, unit: Unit) -> int:
        """Take all rights from the user of a unit that is disabled. Returns how many sessions were closed.

        The rights go first, so that no session can be opened while others are being closed.
        """
        self.set_rights(unit)
        self._retire_former_users(unit)
        return self.admin.end_sessions(unit.user, DISABLED)

    def set_rights(self, unit: Unit) -> None:
        """Make the unit's user what it should be now, with its password if it has one."""
        self._apply(unit, self._passwords(unit))

    def expect_rotatable(self, unit: Unit) -> None:
        """Raise ``CommandError`` unless a new password can be made here."""
        if unit.broker_login is BrokerLogin.CERTIFICATE:
            raise CommandError(
                f"{unit.code} logs in with a client certificate: the authority that issued it renews it."
            )
        if unit.user not in {**trunk_file.passwords(self.users_file), **self.given}:
            raise CommandError(f"{unit.user} has no password yet: `trunkctl units provision {unit.code}` makes one.")
        users.expect_kept(self.users_file, unit.user, self.given)

    def rotate(self, unit: Unit) -> None:
        """A new password, in the file and, unless the unit is disabled, at the broker. Open sessions stay open."""
        password = users.choose_password(self.users_file, unit.user, self.given)
        if unit.code not in self.disabled:
            self.admin.set_password(unit.user, password, tags="")

    def _expect_no_strangers_user(self, unit: Unit) -> None:
        """A user with a tag belongs to somebody who watches or administers the broker."""
        tags = self.admin.rights().users.get(unit.user, {}).get("tags")
        if tags:
            raise CommandError(f"{unit.user} is a user of the broker already, with the tag {tags}: no unit's.")

    def _described(self, unit: Unit) -> Topology:
        return unit_topology(unit, is_disabled=unit.code in self.disabled)

    def _passwords(self, unit: Unit) -> dict[str, Password]:
        return passwords_for(self._described(unit), self.users_file, self.given)

    def _apply(self, unit: Unit, passwords: Mapping[str, Password]) -> None:
        for user in self._described(unit).users:
            self.admin.apply_user(user, passwords[user.name])

    def _retire_former_users(self, unit: Unit) -> list[str]:
        """Take this unit's rights from every user but its own."""
        (own,) = unit_topology(unit).users
        former = former_users(own, self.admin.rights())
        for name in former:
            if other := self.directory.unit_of_user(name):
                self.set_rights(other)
            else:
                self._remove(name)
            self.admin.end_sessions(name, RETIRED)
        return former

    def _remove(self, user: str) -> None:
        """Also from the file: the name must not come back with a password that somebody still knows."""
        self.admin.remove_user(user)
        kept = trunk_file.passwords(self.users_file)
        if user in kept:
            left = {name: password for name, password in kept.items() if name != user}
            trunk_file.write_private(self.users_file, json.dumps(left, indent=1))


def former_users(own: User, rights: Rights) -> list[str]:
    """Users other than ``own`` that may read its inbox or publish with its keys: those that the unit had before."""
    readers = {name for name, row in rights.permissions.items() if row["read"] == own.read}
    writes = {topic.write for topic in own.topics}
    writers = {name for (name, _), row in rights.topics.items() if row["write"] in writes}
    return sorted((readers | writers) - {own.name})
