"""New passwords for services and the operator, on the real broker."""

import json
import secrets
from collections.abc import Iterator
from pathlib import Path
from types import SimpleNamespace

import pika
import pytest
from pika.exceptions import ProbableAuthenticationError

from common.facts.flows import OPERATOR
from common.topology import User
from trunkctl import users
from trunkctl.command_error import CommandError
from trunkctl.trunk_file import passwords

from .conftest import Declared

PERSON = f"person-{secrets.token_hex(4)}"
"""As the operator, whose password other tests use at the same time."""
FIRST = secrets.token_urlsafe()


@pytest.fixture
def file(declared: Declared, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """A users file of its own, and a person of its own in the broker."""
    monkeypatch.setattr(users, "PEOPLE", (*users.PEOPLE, PERSON))
    declared.admin.apply_user(User(PERSON, write="^$", read="^$", tags="monitoring"), FIRST)
    kept = tmp_path / "users.json"
    kept.write_text(json.dumps({PERSON: FIRST, "other": "untouched"}))
    try:
        yield kept
    finally:
        declared.admin.remove_user(PERSON)


def test_the_operator_is_such_a_person() -> None:
    assert OPERATOR in users.PEOPLE


def open_and_close(declared: Declared, stack: SimpleNamespace, password: str) -> None:
    login = pika.PlainCredentials(PERSON, password)
    place = pika.ConnectionParameters(stack.amqp_host, stack.amqp_port, declared.vhost, login)
    pika.BlockingConnection(place).close()


def test_the_new_password_opens_and_the_old_one_does_not(
    declared: Declared, stack: SimpleNamespace, file: Path
) -> None:
    before = passwords(file)[PERSON]
    users.rotate(declared.admin, file, PERSON)
    open_and_close(declared, stack, passwords(file)[PERSON])
    with pytest.raises(ProbableAuthenticationError):
        open_and_close(declared, stack, before)
    assert passwords(file)["other"] == "untouched"
    assert file.stat().st_mode & 0o777 == 0o600
    assert declared.admin.get(f"/users/{PERSON}")["tags"] == ["monitoring"]


def test_a_password_that_is_kept_elsewhere_is_not_made_up(
    declared: Declared, stack: SimpleNamespace, file: Path
) -> None:
    with pytest.raises(CommandError, match="password of router is not kept in"):
        users.rotate(declared.admin, file, "router")
    with pytest.raises(CommandError, match="Change it where it is kept"):
        users.rotate(declared.admin, file, PERSON, given={PERSON: "given"})
    open_and_close(declared, stack, FIRST)


@pytest.mark.parametrize("user", ["other", "T.77", "admin", ""])
def test_a_unit_is_not_rotated_past_its_history(declared: Declared, file: Path, user: str) -> None:
    with pytest.raises(CommandError, match="trunkctl units rotate"):
        users.rotate(declared.admin, file, user)


def test_a_file_that_cannot_be_written_changes_nothing(declared: Declared, stack: SimpleNamespace, file: Path) -> None:
    (file.parent / ".users.json.unfinished").mkdir()
    with pytest.raises(CommandError, match="nothing was changed"):
        users.rotate(declared.admin, file, PERSON)
    open_and_close(declared, stack, FIRST)
