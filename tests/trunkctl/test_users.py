"""New passwords for broker users, on the real broker."""

import json
import secrets
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date
from pathlib import Path
from types import SimpleNamespace

import pika
import pytest
from pika.exceptions import ConnectionClosed, ProbableAuthenticationError

from common.domain.directory import Unit
from common.topology import unit_topology
from trunkctl import users
from trunkctl.broker_admin import BrokerAdmin
from trunkctl.trouble import Trouble
from trunkctl.trunk_file import passwords

from .conftest import Declared


@dataclass(frozen=True)
class Registered:
    """A unit with a user of its own, and the file that holds its password."""

    admin: BrokerAdmin
    user: str
    file: Path
    stack: SimpleNamespace
    vhost: str

    def session(self, password: str) -> pika.BlockingConnection:
        """A connection of the unit."""
        who = pika.PlainCredentials(self.user, password)
        return pika.BlockingConnection(
            pika.ConnectionParameters(self.stack.amqp_host, self.stack.amqp_port, self.vhost, who)
        )


def listen(session: pika.BlockingConnection) -> None:
    """Until it is closed."""
    while True:
        session.process_data_events(1)


@pytest.fixture
def registered(declared: Declared, stack: SimpleNamespace, tmp_path: Path) -> Iterator[Registered]:
    unit = Unit(code=f"T.{secrets.token_hex(4)}", name="T", valid_from=date(2025, 7, 1))
    file = tmp_path / "users.json"
    file.write_text(json.dumps({unit.user: "first", "other": "untouched"}))
    declared.admin.apply(unit_topology(unit), passwords(file))
    try:
        yield Registered(declared.admin, unit.user, file, stack, declared.vhost)
    finally:
        declared.http.delete(f"/users/{unit.user}")


def test_the_new_password_opens_and_the_old_one_does_not(registered: Registered) -> None:
    users.rotate(registered.admin, registered.file, registered.user)
    known = passwords(registered.file)
    registered.session(known[registered.user]).close()
    with pytest.raises(ProbableAuthenticationError):
        registered.session("first")
    assert known["other"] == "untouched"
    assert registered.file.stat().st_mode & 0o777 == 0o600


def test_what_the_user_may_do_stays(registered: Registered) -> None:
    users.rotate(registered.admin, registered.file, registered.user)
    unit = Unit(code=registered.user, name="T", valid_from=date(2025, 7, 1))
    assert registered.admin.differences(unit_topology(unit)) == []


def test_open_sessions_end_when_asked_to(registered: Registered) -> None:
    session = registered.session("first")
    users.rotate(registered.admin, registered.file, registered.user)
    session.process_data_events(0)
    assert session.is_open
    ended = 0
    while not ended:  # the management API learns of a connection after a moment
        session.process_data_events(0.2)
        ended = registered.admin.end_sessions(registered.user)
    assert ended == 1
    with pytest.raises(ConnectionClosed):
        listen(session)


def test_a_password_that_is_kept_elsewhere_is_not_made_up(registered: Registered) -> None:
    with pytest.raises(Trouble, match="password of router is not kept in"):
        users.rotate(registered.admin, registered.file, "router")
    with pytest.raises(Trouble, match="Change it where it is kept"):
        users.rotate(registered.admin, registered.file, registered.user, given={registered.user: "first"})
    registered.session("first").close()


def test_a_file_that_cannot_be_written_changes_nothing(registered: Registered) -> None:
    (registered.file.parent / ".users.json.unfinished").mkdir()
    with pytest.raises(Trouble, match="nothing was changed"):
        users.rotate(registered.admin, registered.file, registered.user)
    registered.session("first").close()
