"""The file of broker passwords."""

import json
from pathlib import Path

import pytest

from common.topology import Topology, User
from trunkctl.command_error import CommandError
from trunkctl.topology_job import passwords_for


def topology(*names: str) -> Topology:
    return Topology(users=tuple(User(name, write="^$", read="^$") for name in names))


def test_only_its_owner_may_read_it(tmp_path: Path) -> None:
    file = tmp_path / "new" / "users.json"
    passwords_for(topology("a"), file)
    assert file.stat().st_mode & 0o777 == 0o600


def test_known_users_keep_their_password_and_new_ones_get_one(tmp_path: Path) -> None:
    file = tmp_path / "users.json"
    first = passwords_for(topology("a", "b"), file)
    second = passwords_for(topology("b", "c"), file)
    assert second["b"] == first["b"]
    kept = json.loads(file.read_text())
    assert kept == first | second
    assert len(set(kept.values())) == 3
    assert all(len(password) >= 24 for password in kept.values())


def test_a_user_without_a_password_gets_none_and_keeps_its_former_one_in_the_file(tmp_path: Path) -> None:
    """Of a disabled unit, which will have it again."""
    file = tmp_path / "users.json"
    before = passwords_for(topology("a"), file)
    without = Topology(users=tuple(User(name, write="^$", read="^$", has_password=False) for name in ("a", "b")))
    assert passwords_for(without, file) == {"a": None, "b": None}
    assert passwords_for(topology("a"), file) == before
    assert set(json.loads(file.read_text())) == {"a"}


def test_given_passwords_count_and_are_not_written(tmp_path: Path) -> None:
    file = tmp_path / "users.json"
    passwords_for(topology("a"), file)
    found = passwords_for(topology("a", "service", "new"), file, {"service": "given", "a": "given too"})
    assert (found["service"], found["a"]) == ("given", "given too")
    assert set(json.loads(file.read_text())) == {"a", "new"}


def test_a_new_user_is_refused_where_its_password_cannot_be_kept(tmp_path: Path) -> None:
    """A mounted secret is read-only: even the superuser cannot make a folder below a file."""
    (tmp_path / "secret").write_text("{}")
    with pytest.raises(CommandError, match=r"No password of broker user new, .* Nothing was declared"):
        passwords_for(topology("new", "old"), tmp_path / "secret" / "users.json", {"old": "given"})
