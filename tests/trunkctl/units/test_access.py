"""A unit's access, on a real broker: exactly its rights, and none of them a moment after it is disabled."""

import json
import secrets
from collections.abc import Iterator
from dataclasses import dataclass, replace
from datetime import date
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pika
import pytest
from pika.exceptions import (
    AMQPConnectionError,
    ChannelClosedByBroker,
    ProbableAccessDeniedError,
    ProbableAuthenticationError,
)

from common import topology
from common.domain.directory import BrokerLogin, Directory, Unit
from common.topology import Topology, unit_topology
from tests.harness.topology import without_reports
from tests.trunkctl.conftest import UNIT as NEIGHBOUR
from tests.trunkctl.conftest import Declared
from trunkctl.broker_admin import BrokerAdmin
from trunkctl.command_error import CommandError
from trunkctl.topology_job import whole_topology
from trunkctl.trunk_file import passwords
from trunkctl.units.access import BrokerAccess

from .sessions import Broker, answer, closed_by_broker, submit

REFUSED = (ProbableAuthenticationError, ProbableAccessDeniedError, AMQPConnectionError)


@dataclass
class Office:
    """An operator, a new unit of the directory, and that unit's own system."""

    declared: Declared
    broker: Broker
    file: Path
    unit: Unit

    @property
    def admin(self) -> BrokerAdmin:
        return self.declared.admin

    def access(self, *disabled: str, unit: Unit | None = None) -> BrokerAccess:
        """With these units disabled, and the unit as it is now or another version of it."""
        directory = Directory([NEIGHBOUR, unit or self.unit])
        return BrokerAccess(self.admin, self.file, {}, directory, disabled)

    def whole(self, *disabled: str) -> Topology:
        """What the broker must hold."""
        return without_reports(whole_topology(Directory([NEIGHBOUR, self.unit]), disabled))

    def differences(self, *disabled: str) -> list[str]:
        """How the broker differs from that."""
        return self.admin.differences(self.whole(*disabled))

    @property
    def password(self) -> str:
        return passwords(self.file)[self.unit.user]

    def session(self) -> pika.BlockingConnection:
        return self.broker.session(self.unit.user, self.password)


@pytest.fixture
def office(declared: Declared, stack: SimpleNamespace, tmp_path: Path) -> Iterator[Office]:
    unit = Unit(code=f"T.{secrets.token_hex(4)}", name="T", valid_from=date(2025, 7, 1))
    file = tmp_path / "users.json"
    file.write_text(json.dumps({NEIGHBOUR.user: declared.passwords[NEIGHBOUR.user], "other": "untouched"}))
    try:
        yield Office(declared, Broker(stack, declared.vhost), file, unit)
    finally:
        for user in (unit.user, f"{unit.user}-new"):
            declared.http.delete(f"/users/{user}")


def test_a_new_unit_submits_and_reads_its_inbox(office: Office) -> None:
    assert office.access().provision(office.unit) == []
    session = office.session()
    submit(session, office.unit.code)
    assert answer(session, lambda channel: channel.basic_get(f"inbox.{office.unit.code}")) == "ok"
    assert passwords(office.file)["other"] == "untouched"
    assert office.file.stat().st_mode & 0o777 == 0o600
    assert office.differences() == []


def test_it_may_do_nothing_else(office: Office) -> None:
    """Every exchange with keys of its own and of others, every queue, everything that changes the broker."""
    office.access().provision(office.unit)
    session, own, other = office.session(), office.unit.code, NEIGHBOUR.code
    exchanges = [exchange["name"] for exchange in office.admin.get(f"/exchanges/{office.declared.vhost}")]
    queues = [queue["name"] for queue in office.admin.get(f"/queues/{office.declared.vhost}")]
    submits = [f"submit.{unit}{tail}" for unit in (own, other, "#") for tail in ("", ".urgent", ".x")]
    keys = [*submits, own, other, "place.normal", "document.verified.normal", "security.noticed.normal", *queues]
    assert len(exchanges) * len(keys) > 300

    def published(exchange: str, key: str) -> str:
        properties = pika.BasicProperties(user_id=office.unit.user)
        return answer(session, lambda channel: channel.basic_publish(exchange, key, b"x", properties, mandatory=True))

    allowed = {(exchange, key) for exchange in exchanges for key in keys if published(exchange, key) != "403"}
    assert allowed == {("trunk.submit", f"submit.{own}"), ("trunk.submit", f"submit.{own}.urgent")}
    read = {queue for queue in queues if answer(session, lambda channel, q=queue: channel.basic_get(q)) != "403"}
    assert read == {f"inbox.{own}"}
    changes = [
        lambda channel: channel.queue_declare("mine"),
        lambda channel: channel.queue_declare("", exclusive=True),
        lambda channel: channel.queue_delete(f"inbox.{own}"),
        lambda channel: channel.queue_purge(f"inbox.{other}"),
        lambda channel: channel.exchange_declare("mine"),
        lambda channel: channel.exchange_delete("trunk.submit"),
        lambda channel: channel.queue_bind(f"inbox.{own}", "trunk.inbox", other),
        lambda channel: channel.queue_bind(f"inbox.{own}", "trunk.facts", "#"),
        lambda channel: channel.exchange_bind("trunk.submit", "trunk.facts", "#"),
    ]
    assert [answer(session, change) for change in changes] == ["403"] * len(changes)


def test_provisioning_again_changes_nothing(office: Office) -> None:
    office.access().provision(office.unit)
    before = office.admin.get(f"/users/{office.unit.user}")
    session = office.session()
    assert office.access().provision(office.unit) == []
    assert office.admin.get(f"/users/{office.unit.user}") == before
    submit(session, office.unit.code)


def test_a_broker_without_the_trunks_exchanges_is_named(office: Office, stack: SimpleNamespace) -> None:
    who = (stack.rabbitmq_admin_user, stack.rabbitmq_admin_password)
    elsewhere = BrokerAdmin(stack.rabbitmq_management_url, *who, vhost=f"{office.declared.vhost}-empty")
    elsewhere.put(f"/vhosts/{elsewhere.vhost}", {})
    try:
        with pytest.raises(CommandError, match="trunkctl topology apply"):
            replace(office.access(), admin=elsewhere).provision(office.unit)
    finally:
        elsewhere.delete(f"/vhosts/{elsewhere.vhost}")


def test_a_user_of_somebody_who_watches_the_broker_is_not_taken_over(office: Office) -> None:
    """An entry of the directory may name any user; this one belongs to the monitoring."""
    office.admin.set_password(office.unit.user, "theirs", tags="monitoring")
    with pytest.raises(CommandError, match="already, with the tag"):
        office.access().provision(office.unit)
    assert office.admin.get(f"/users/{office.unit.user}")["tags"] == ["monitoring"]
    assert office.unit.user not in passwords(office.file)


def test_a_disabled_unit_is_out(office: Office) -> None:
    office.access().provision(office.unit)
    sessions = [office.session() for _ in range(3)]
    assert office.access(office.unit.code).disable(office.unit) == 3
    assert all(closed_by_broker(session) for session in sessions)
    for session in sessions:
        with pytest.raises(pika.exceptions.AMQPError):
            submit(session, office.unit.code)
    with pytest.raises(REFUSED):
        office.session()


def test_a_unit_that_connects_without_end_is_shut_out(office: Office) -> None:
    """Its system opens a new session whenever one is closed, as most do."""
    office.access().provision(office.unit)
    sessions = [office.session() for _ in range(topology.UNIT_CONNECTIONS)]
    assert office.access(office.unit.code).disable(office.unit) == len(sessions)
    for _ in range(20):
        with pytest.raises(REFUSED):
            office.session()
    assert office.admin.get(f"/connections/username/{office.unit.user}") == []


def test_a_disabled_user_has_no_right_even_with_a_session(office: Office) -> None:
    """Whatever a broker's setting lets in: a password given by hand, a limit taken away."""
    office.access().provision(office.unit)
    office.access(office.unit.code).disable(office.unit)
    office.admin.set_password(office.unit.user, "by hand", tags="")
    with pytest.raises(ProbableAccessDeniedError):
        office.broker.session(office.unit.user, "by hand")
    office.admin.delete(f"/user-limits/{office.unit.user}/max-connections")
    office.admin.delete(f"/user-limits/{office.unit.user}/max-channels")
    session = office.broker.session(office.unit.user, "by hand")
    with pytest.raises(ChannelClosedByBroker, match="ACCESS_REFUSED"):
        submit(session, office.unit.code)
    assert answer(session, lambda channel: channel.basic_get(f"inbox.{office.unit.code}")) == "403"
    described = unit_topology(office.unit, is_disabled=True)
    lines = [line for line in office.admin.differences(described) if office.unit.user in line]
    assert f"user {office.unit.user}: has a password, and must not" in lines
    assert f"limits of user {office.unit.user}: missing" in lines


def test_the_topology_job_does_not_enable_it(office: Office) -> None:
    office.access().provision(office.unit)
    office.access(office.unit.code).disable(office.unit)
    whole = office.whole(office.unit.code)
    known = {**office.declared.passwords, **passwords(office.file)}
    office.admin.apply(whole, {u.name: known[u.name] if u.has_password else None for u in whole.users})
    assert office.differences(office.unit.code) == []
    with pytest.raises(REFUSED):
        office.session()


def test_provisioning_does_not_enable_it(office: Office) -> None:
    """A unit may be disabled before it ever had a user."""
    office.access(office.unit.code).provision(office.unit)
    assert office.unit.user not in passwords(office.file)
    office.access(office.unit.code).disable(office.unit)
    office.access(office.unit.code).provision(office.unit)
    assert office.differences(office.unit.code) == []
    office.access().set_rights(office.unit)
    submit(office.session(), office.unit.code)


def test_an_enabled_unit_has_its_rights_and_password_again(office: Office) -> None:
    office.access().provision(office.unit)
    before = office.password
    office.access(office.unit.code).disable(office.unit)
    office.access().set_rights(office.unit)
    assert office.password == before
    submit(office.session(), office.unit.code)
    assert office.differences() == []


def test_a_new_password_closes_nothing_and_shuts_the_old_one_out(office: Office) -> None:
    office.access().provision(office.unit)
    session, old = office.session(), office.password
    office.access().rotate(office.unit)
    submit(session, office.unit.code)
    assert office.password != old
    office.session().close()
    with pytest.raises(ProbableAuthenticationError):
        office.broker.session(office.unit.user, old)
    assert office.admin.end_sessions(office.unit.user, "password changed") == 1
    assert closed_by_broker(session)


def test_a_new_password_does_not_enable(office: Office) -> None:
    office.access().provision(office.unit)
    disabled = office.access(office.unit.code)
    disabled.disable(office.unit)
    disabled.rotate(office.unit)
    assert not office.admin.get(f"/users/{office.unit.user}")["password_hash"]
    with pytest.raises(REFUSED):
        office.session()
    office.access().set_rights(office.unit)
    office.session().close()


def test_a_password_that_is_not_kept_here_is_not_made_up(office: Office) -> None:
    access = office.access()
    with pytest.raises(CommandError, match="trunkctl units provision"):
        access.expect_rotatable(office.unit)
    access.provision(office.unit)
    access.expect_rotatable(office.unit)
    with pytest.raises(CommandError, match="Change it where it is kept"):
        replace(access, given={office.unit.user: "given"}).expect_rotatable(office.unit)
    with pytest.raises(CommandError, match="the authority that issued it renews it"):
        access.expect_rotatable(replace(office.unit, broker_login=BrokerLogin.CERTIFICATE))


def test_a_password_that_cannot_be_kept_makes_no_user(office: Office, tmp_path: Path) -> None:
    (tmp_path / "secret").write_text("{}")
    with pytest.raises(CommandError, match="Nothing was declared"):
        replace(office.access(), users_file=tmp_path / "secret" / "users.json").provision(office.unit)
    assert office.declared.http.get(f"/users/{office.unit.user}").status_code == 404
    assert office.declared.http.get(f"/queues/{office.declared.vhost}/inbox.{office.unit.code}").status_code == 404


@pytest.fixture
def by_certificate(office: Office, stack: SimpleNamespace) -> Unit:
    if not stack.amqps_port:
        pytest.skip("the broker is somebody else's: it does not know the authority of this checkout")
    office.unit = replace(office.unit, broker_login=BrokerLogin.CERTIFICATE)
    return office.unit


def test_a_unit_logs_in_with_its_certificate_alone(office: Office, by_certificate: Unit, tmp_path: Path) -> None:
    office.access().provision(by_certificate)
    assert by_certificate.user not in passwords(office.file)
    session = office.broker.session_by_certificate(by_certificate.user, tmp_path)
    submit(session, by_certificate.code)
    assert answer(session, lambda channel: channel.basic_get(f"inbox.{by_certificate.code}")) == "ok"
    assert answer(session, lambda channel: channel.basic_get(f"inbox.{NEIGHBOUR.code}")) == "403"
    for password in ("", "guest", by_certificate.user):
        with pytest.raises(ProbableAuthenticationError):
            office.broker.session(by_certificate.user, password)


def test_a_password_ends_when_the_certificate_begins(office: Office, tmp_path: Path, stack: SimpleNamespace) -> None:
    if not stack.amqps_port:
        pytest.skip("the broker is somebody else's: it does not know the authority of this checkout")
    office.access().provision(office.unit)
    changed = replace(office.unit, broker_login=BrokerLogin.CERTIFICATE)
    office.access(unit=changed).provision(changed)
    with pytest.raises(ProbableAuthenticationError):
        office.session()
    submit(office.broker.session_by_certificate(changed.user, tmp_path), changed.code)


def test_a_disabled_unit_is_out_with_its_certificate_too(office: Office, by_certificate: Unit, tmp_path: Path) -> None:
    office.access().provision(by_certificate)
    session = office.broker.session_by_certificate(by_certificate.user, tmp_path)
    assert office.access(by_certificate.code).disable(by_certificate) == 1
    assert closed_by_broker(session)
    with pytest.raises(ProbableAccessDeniedError):
        office.broker.session_by_certificate(by_certificate.user, tmp_path)
    office.access().set_rights(by_certificate)
    submit(office.broker.session_by_certificate(by_certificate.user, tmp_path), by_certificate.code)


def test_the_user_of_before_loses_everything(office: Office) -> None:
    office.access().provision(office.unit)
    session = office.session()
    renamed = replace(office.unit, broker_user=f"{office.unit.user}-new")
    assert office.access(unit=renamed).provision(renamed) == [office.unit.user]
    assert closed_by_broker(session)
    assert office.declared.http.get(f"/users/{office.unit.user}").status_code == 404
    assert set(passwords(office.file)) == {NEIGHBOUR.user, "other", renamed.user}
    submit(office.broker.session(renamed.user, passwords(office.file)[renamed.user]), renamed.code, renamed.user)


def test_disabling_reaches_the_user_of_before_too(office: Office) -> None:
    """The directory names another user, and nobody has provisioned the unit since."""
    office.access().provision(office.unit)
    session = office.session()
    renamed = replace(office.unit, broker_user=f"{office.unit.user}-new")
    before = office.password
    office.access(renamed.code, unit=renamed).disable(renamed)
    assert closed_by_broker(session)
    with pytest.raises(REFUSED):
        office.broker.session(office.unit.user, before)


def test_a_user_that_now_speaks_for_another_unit_keeps_only_that(office: Office) -> None:
    """Two units exchange their users."""
    office.access().provision(office.unit)
    session: Any = office.session()
    moved = replace(NEIGHBOUR, code=f"{office.unit.code}.2", broker_user=office.unit.user)
    renamed = replace(office.unit, broker_user=f"{office.unit.user}-new")
    access = BrokerAccess(office.admin, office.file, {}, Directory([moved, renamed]), ())
    assert access.provision(renamed) == [office.unit.user]
    assert closed_by_broker(session)
    session = office.session()
    assert answer(session, lambda channel: channel.basic_get(f"inbox.{office.unit.code}")) == "403"
    with pytest.raises(ChannelClosedByBroker, match="ACCESS_REFUSED"):
        submit(session, office.unit.code)
