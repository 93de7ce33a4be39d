"""Servers for tests, and the one rule that tells which tests need any: the marker ``servers``.

A test gets the marker by what it asks for: a fixture of ``SERVER_FIXTURES``, a variant of ``REAL_VARIANTS``, or by its
folder. All others may run anywhere, in any number at once (``make test-fast``). Nothing here is on trust: a test that
lacks the marker fails when it asks for such a fixture after all, or connects to a server of this checkout.
"""

import fcntl
import json
import os
import re
import socket
import subprocess
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from minio import Minio

from common import buckets

ROOT = Path(__file__).parent.parent
ADDRESSES = ROOT / ".devstack" / "addresses.json"
SERVER_FIXTURES = {"stack", "addresses", "spare", "trunk", "engine", "plane", "node"}
REAL_VARIANTS = {"real", "servers"}
"""Ids of variants of a test that run against a real server, beside one that is remembered."""
SERVER_PORTS = range(20_000, 32_000)
"""Where ``devstack`` gives ports to servers; those that a test opens for itself lie outside."""
CHANGING = re.compile(r"\bat 0x[0-9a-f]{6,}|\[.*(?:\{'[^:}]*'(?:, '[^:}]*')+\}|\bset\()")
"""How the name of a variant shows an address in memory, or a set of several texts."""
SERVER_FOLDERS = {"backup", "cluster", "containers", "contract", "stores", "system"}


@pytest.fixture(scope="session")
def stack() -> SimpleNamespace:
    """Addresses of RabbitMQ, the MongoDB-wire server and the object store (fields as ``devstack`` writes them)."""
    up_once()
    return SimpleNamespace(**json.loads(ADDRESSES.read_text()))


def up_once() -> None:
    """``devstack up`` and the buckets, once for all processes of a run: it starts a server anew that is too busy to
    answer at once, and other processes may be in the middle of their tests."""
    run = os.environ.get("PYTEST_XDIST_TESTRUNUID", "")
    ADDRESSES.parent.mkdir(exist_ok=True)
    with (ADDRESSES.parent / "up-for-tests").open("a+") as known:
        fcntl.flock(known, fcntl.LOCK_EX)
        known.seek(0)
        if run and known.read() == run:
            return
        subprocess.run([ROOT / ".venv/bin/devstack", "up"], cwd=ROOT, check=True, stdout=subprocess.DEVNULL)
        make_buckets(SimpleNamespace(**json.loads(ADDRESSES.read_text())))
        known.truncate(0)
        known.write(run)


def make_buckets(stack: SimpleNamespace) -> None:
    """Before anybody uses them: the lock of a bucket comes a moment after the bucket."""
    keys = (stack.s3_access_key, stack.s3_secret_key)
    buckets.make_missing(Minio(stack.s3_endpoint, *keys, secure=False, region="us-east-1"))


@pytest.hookimpl(tryfirst=True)
def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Mark what needs servers, before ``-m`` selects."""
    refuse_changing_names(item.nodeid for item in items)
    for item in items:
        if needs_servers(item):
            item.add_marker("servers")


def refuse_changing_names(names: Iterable[str]) -> None:
    """A variant whose name is another one in each process, because it shows where an object lies in memory or in
    which order a set is walked, ends a parallel run: its processes cannot agree on what there is to test."""
    changing = [name for name in names if CHANGING.search(name)]
    if changing:
        raise pytest.UsageError(f"give these variants ids that are the same in each process: {changing}")


def needs_servers(item: Any) -> bool:
    """Whether the test asks for servers by fixture, variant or folder."""
    variant = item.callspec.params.values() if hasattr(item, "callspec") else ()
    return bool(
        SERVER_FIXTURES.intersection(item.fixturenames)
        or any(isinstance(value, str) and value in REAL_VARIANTS for value in variant)
        or item.path.relative_to(ROOT / "tests").parts[0] in SERVER_FOLDERS
    )


class LongFilesFirst:
    """Files that take minutes come first: one that began last would keep one process busy and the others waiting."""

    names = (
        "test_chaos.py", "test_lost_leaders.py", "test_unit.py", "test_monitoring.py", "test_absent_servers.py",
        "test_take_over.py",
    )  # fmt: skip

    @pytest.hookimpl(trylast=True)
    def pytest_collection_modifyitems(self, items: list[pytest.Item]) -> None:
        """All others stay in their order."""
        place = {name: number for number, name in enumerate(self.names)}
        items.sort(key=lambda item: place.get(item.path.name, len(self.names)))


class ServerFixtures:
    """A test that asks for servers in another way than by the rule above fails.

    A plugin of its own: hooks of a ``conftest.py`` hear nothing of fixtures that live as long as the session.
    """

    @pytest.hookimpl(tryfirst=True)
    def pytest_fixture_setup(self, fixturedef: pytest.FixtureDef[Any], request: pytest.FixtureRequest) -> None:
        item = request._pyfuncitem
        if fixturedef.argname in SERVER_FIXTURES and not item.get_closest_marker("servers"):
            pytest.fail(f"{item.nodeid} asks for {fixturedef.argname}: mark it pytest.mark.servers")


def pytest_configure(config: pytest.Config) -> None:
    config.pluginmanager.register(ServerFixtures())
    config.pluginmanager.register(LongFilesFirst())


@pytest.hookimpl(wrapper=True)
def pytest_runtest_setup(item: pytest.Item) -> Iterator[None]:
    with kept_from_servers(item):
        return (yield)


@pytest.hookimpl(wrapper=True)
def pytest_runtest_call(item: pytest.Item) -> Iterator[None]:
    with kept_from_servers(item):
        return (yield)


@contextmanager
def kept_from_servers(item: pytest.Item) -> Iterator[None]:
    """A test without the marker that connects to a server fails, whatever it makes of the error."""
    if item.get_closest_marker("servers"):
        yield
        return
    reached: list[object] = []
    connect = socket.socket.connect

    def guarded(self: socket.socket, address: Any) -> None:
        if isinstance(address, tuple) and address[1] in SERVER_PORTS:
            reached.append(address)
            raise PermissionError(f"{address} is a server's, and {item.nodeid} is not marked pytest.mark.servers")
        connect(self, address)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(socket.socket, "connect", guarded)
        yield
    if reached:
        pytest.fail(f"{item.nodeid} connects to {reached}: mark it pytest.mark.servers")
