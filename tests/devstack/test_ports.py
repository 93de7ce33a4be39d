"""Ports: free ones, the same ones again, others for another checkout."""

import socket
from pathlib import Path

import pytest

from devstack import choices, ports


def test_block_is_stable_and_differs_between_checkouts():
    one, other = Path("/a/.devstack"), Path("/b/.devstack")
    assert next(ports.blocks(one)) == next(ports.blocks(one))
    assert next(ports.blocks(one)) != next(ports.blocks(other))


def test_block_with_a_port_in_use_is_passed_over(tmp_path):
    taken = ports.free_block(tmp_path)
    with socket.socket() as stranger:
        stranger.bind((ports.LOOPBACK, taken[3]))
        stranger.listen()
        assert ports.answers(taken[3])
        assert ports.free_block(tmp_path) != taken
    assert ports.free_block(tmp_path) == taken


def test_every_block_is_below_the_ports_of_clients():
    assert all(block.stop <= 32_768 for block in ports.blocks(Path("/a")))


def test_choices_are_kept_and_private(tmp_path):
    first = choices.settle(tmp_path)
    assert choices.settle(tmp_path) == first
    assert set(first.ports) == set(choices.NAMES)
    assert len(set(first.ports.values())) == len(choices.NAMES) <= ports.BLOCK_SIZE
    assert (tmp_path / "choices.json").stat().st_mode & 0o077 == 0


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
