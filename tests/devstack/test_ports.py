"""Ports: free ones, the same ones again, others for another checkout."""

import json
import socket
from pathlib import Path

import pytest

from common.store_access import Role
from devstack import choices, ports


def test_block_is_stable_and_differs_between_checkouts():
    one, other = Path("/a/.devstack"), Path("/b/.devstack")
    assert next(ports.blocks(one)) == next(ports.blocks(one))
    assert next(ports.blocks(one)) != next(ports.blocks(other))


@pytest.mark.servers
def test_block_with_a_port_in_use_is_passed_over(tmp_path):
    taken = ports.free_block(tmp_path)
    with socket.socket() as stranger:
        stranger.bind((ports.LOOPBACK, taken[3]))
        stranger.listen()
        assert ports.answers(taken[3])
        assert ports.free_block(tmp_path) != taken
    assert ports.free_block(tmp_path) == taken


def test_a_block_that_somebody_else_has_chosen_is_passed_over(tmp_path, monkeypatch):
    """Nothing listens there yet; and the lock goes with its process, here with its file."""
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    monkeypatch.setattr(ports, "free", lambda _: True)
    monkeypatch.setattr(ports, "_chosen", chosen := {})
    block = ports.free_block(tmp_path)
    assert ports.free_block(tmp_path) == block
    monkeypatch.setattr(ports, "_chosen", {})
    assert ports.free_block(tmp_path) != block
    monkeypatch.setattr(ports, "_chosen", {})
    chosen[block.start][1].close()
    assert ports.free_block(tmp_path) == block


def test_every_block_is_below_the_ports_of_clients():
    assert all(block.stop <= 32_768 for block in ports.blocks(Path("/a")))


def test_choices_are_kept_and_private(tmp_path):
    first = choices.settle(tmp_path)
    assert choices.settle(tmp_path) == first
    assert set(first.ports) == set(choices.NAMES)
    assert len(set(first.ports.values())) == len(choices.NAMES) <= ports.BLOCK_SIZE
    assert (tmp_path / "choices.json").stat().st_mode & 0o077 == 0


def test_choices_of_an_earlier_release_get_secrets_for_every_role(tmp_path):
    first = choices.settle(tmp_path)
    file = tmp_path / "choices.json"
    before = {name: value for name, value in json.loads(file.read_text()).items() if name != "mongo_passwords"}
    file.write_text(json.dumps({**before, "s3_keys": {"router": ["known", "secret"], "retired": ["x", "y"]}}))
    completed = choices.settle(tmp_path)
    assert completed.postgresql_password == first.postgresql_password
    assert completed.s3_keys["router"] == ["known", "secret"]
    assert set(completed.s3_keys) == set(completed.mongo_passwords) == set(Role)
    assert choices.settle(tmp_path) == completed


def test_every_role_has_secrets_of_its_own(tmp_path):
    settled = choices.settle(tmp_path)
    secrets = [*settled.mongo_passwords.values(), *(part for pair in settled.s3_keys.values() for part in pair)]
    assert len(set(secrets)) == 3 * len(Role)


def test_a_checkout_of_before_gets_ports_for_names_that_are_new(tmp_path):
    first = choices.settle(tmp_path)
    file = tmp_path / "choices.json"
    before = json.loads(file.read_text())
    del before["ports"]["amqps"]
    file.write_text(json.dumps(before))
    assert choices.settle(tmp_path) == first
    assert choices.load(tmp_path) == first


def test_moving_changes_ports_alone(tmp_path):
    first = choices.settle(tmp_path)
    with socket.socket() as stranger:
        stranger.bind((ports.LOOPBACK, first.ports["amqp"]))
        stranger.listen()
        moved = choices.move(tmp_path, first)
    assert set(moved.ports.values()).isdisjoint(first.ports.values())
    assert (moved.node_name, moved.s3_secret_key) == (first.node_name, first.s3_secret_key)


@pytest.mark.parametrize("secret", ["rabbitmq_password", "postgresql_password", "s3_access_key", "s3_secret_key"])
def test_two_checkouts_share_no_secret(tmp_path, secret):
    for name in ("a", "b"):
        (tmp_path / name).mkdir()
    one, other = (choices.settle(tmp_path / name) for name in ("a", "b"))
    assert getattr(one, secret) != getattr(other, secret)
