"""What operators do to a trunk at work: stop a service, restart all in turn, let two releases work side by side."""

import subprocess
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from itertools import islice
from typing import Any

import pytest

from lab import images as lab_images
from lab.images import Images
from tests.system.inboxes import Inboxes
from tests.system.sending import Publisher, sending, told_once, wanted
from tests.system.trunk import ROOT, SERVICES, eventually, minted, package_id, shown

from .compose import Compose, ComposeTrunk

pytestmark = pytest.mark.system

BEFORE = "75be9eb"
"""A commit whose services must work beside those of this source: the release before, until releases have tags."""
BEFORE_VERSION = "before"
SIDE_BY_SIDE = tuple(service for service in SERVICES if service != "router")
"""Services of which two releases may work at once. All former routers stop first (docs/operations/upgrade.md)."""
FACTS_QUEUES = {service: f"facts.{service}.normal" for service in SIDE_BY_SIDE}
TAKEN = {service: (f"facts.{service}.",) for service in SERVICES}
TAKEN["intake"] += ("submit.",)
TAKEN["router"] += ("place.",)
"""How the names of the queues begin from which a service takes its work."""
EXACTLY_ONCE_SECONDS = 480.0
HELD, LOAD, ROLLING_LOAD = 14, 60, 120
"""Packages for each stopped service, for two releases, and for a restart of all."""
ROLLING_PAUSE_SECONDS = 30.0
"""Between two packages of a unit: some are left to send however long the restarts take, and come at once at the end."""

Entry = dict[str, Any]


@pytest.fixture(scope="module")
def stock(trunk: ComposeTrunk, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Entry]:
    """Packages for all drills, some of which must be refused; each to be taken once."""
    return iter(minted(trunk, tmp_path_factory.mktemp("stock"), 5 * HELD + LOAD + ROLLING_LOAD, 20, seed=20))


@contextmanager
def load(
    trunk: ComposeTrunk, inboxes: Inboxes, entries: list[Entry], pause_seconds: float = 4.0
) -> Iterator[list[Publisher]]:
    """Units send while the block runs; afterwards every package must have come exactly once, and nothing be left."""
    packages = {package_id(entry["sender"], entry["bytes"]): entry["bytes"] for entry in entries}
    must, parked = wanted(entries), trunk.parked()
    with sending(trunk, entries, pause_seconds) as publishers:
        yield publishers
    inboxes.wait(lambda items: told_once(items, set(packages)) >= must, EXACTLY_ONCE_SECONDS)
    quiet = eventually(lambda: not trunk.depths(), pause_seconds=1.0)
    items = inboxes.items
    found = told_once(items, set(packages))
    assert found == must, f"missing {shown((must - found).items())}\ntoo many {shown((found - must).items())}"
    assert all(i.body == packages[i.package_id] for i in items if i.type == "document" and i.package_id in packages)
    assert quiet, trunk.depths()
    assert trunk.parked() == parked


@pytest.mark.parametrize("service", SERVICES)
def test_stopped_in_mid_work_a_service_loses_nothing(
    trunk: ComposeTrunk, place: Compose, inboxes: Inboxes, stock: Iterator[Entry], service: str
) -> None:
    """``docker stop`` while it holds messages: it ends by itself within its grace, and what it held is done once.

    It is held still until the broker has handed it work, so that the stop surely comes in the middle.
    """
    container = place.container(service)
    place.docker("pause", container)
    with load(trunk, inboxes, list(islice(stock, HELD))):
        held = eventually(lambda: unacknowledged(trunk, service), pause_seconds=1.0)
        place.docker("unpause", container)
        place.docker("stop", container)
        ended = place.inspect(container)["State"]
        place.compose("up", "--detach", "--wait", "--no-deps", service)
    assert held > 0, f"the broker never handed {service} anything"
    assert ended["ExitCode"] == 0, "killed instead of ending by itself"
    assert not ended["OOMKilled"]


def unacknowledged(trunk: ComposeTrunk, service: str) -> int:
    """Messages that the broker has handed to the service and that are not acked yet."""
    with trunk.management() as http:
        queues = http.get("/queues/trunk").raise_for_status().json()
    own = [queue for queue in queues if queue["name"].startswith(TAKEN[service])]
    return sum(int(queue.get("messages_unacknowledged", 0)) for queue in own)


def test_rolling_restart_under_load(
    trunk: ComposeTrunk, place: Compose, inboxes: Inboxes, stock: Iterator[Entry]
) -> None:
    """Every service gets a new container in turn, from the end of the way to its beginning, as an upgrade does."""
    with load(trunk, inboxes, list(islice(stock, ROLLING_LOAD)), ROLLING_PAUSE_SECONDS) as publishers:
        for service in ("notifier", "archive", "router", "validator", "intake"):
            first = place.container(service)
            place.compose("up", "--detach", "--wait", "--no-deps", "--force-recreate", service)
            assert place.container(service) != first
        assert any(publisher.is_alive() for publisher in publishers), "all was sent before the last restart"
    assert eventually(lambda: not trunk.not_ready()), trunk.not_ready()


@pytest.fixture(scope="module")
def before(images: Images, place: Compose, tmp_path_factory: pytest.TempPathFactory) -> str:
    """Images of the release before, built by today's recipe out of its sources."""
    source = tmp_path_factory.mktemp("before")
    packed = subprocess.run(["git", "archive", BEFORE], cwd=ROOT, capture_output=True, check=False)
    if packed.returncode != 0:
        pytest.skip(f"two releases side by side skipped: this clone does not have commit {BEFORE}")
    subprocess.run(["tar", "-x", "-C", source], input=packed.stdout, check=True)
    lab_images.bake(
        place.engine, images.base, images.uv, BEFORE_VERSION, source, recipe=ROOT / "deploy", only=SIDE_BY_SIDE
    )
    return BEFORE_VERSION


def test_two_releases_share_the_work(
    trunk: ComposeTrunk, place: Compose, inboxes: Inboxes, before: str, stock: Iterator[Entry]
) -> None:
    before_load = {service: worked(place, place.container(service)) for service in SIDE_BY_SIDE}

    def idle() -> list[str]:
        """Containers of either release that have finished nothing meanwhile."""
        former = [f"{service} of {before}" for service in SIDE_BY_SIDE if not worked(place, old[service])]
        new = [name for name, count in before_load.items() if worked(place, place.container(name)) == count]
        return former + new

    with beside(place, before) as old, load(trunk, inboxes, list(islice(stock, LOAD)), 20.0):
        assert eventually(lambda: all(consumers(trunk, queue) >= 2 for queue in FACTS_QUEUES.values()))
        assert eventually(lambda: not idle(), pause_seconds=1.0), idle()


@contextmanager
def beside(place: Compose, version: str) -> Iterator[dict[str, str]]:
    """One more container of each such service, of another release, in the same surroundings; by service."""
    started = {service: another(place, service, version) for service in SIDE_BY_SIDE}
    try:
        yield started
    finally:
        stopping = [threading.Thread(target=place.docker, args=("stop", found)) for found in started.values()]
        for thread in stopping:
            thread.start()
        for thread in stopping:
            thread.join()
        codes = {service: place.inspect(found)["State"]["ExitCode"] for service, found in started.items()}
        place.docker("rm", "--force", *started.values())
        assert set(codes.values()) == {0}, codes


def another(place: Compose, service: str, version: str) -> str:
    """Its secrets come by the environment, and are the administrator's: every release takes them."""
    secrets = place.folder / "secrets"
    told = {
        "TRUNK_AMQP_URL": (secrets / f"amqp_url_{service}").read_text(),
        "TRUNK_MONGO_URI": (secrets / "mongo_admin_uri").read_text(),
        "TRUNK_S3_ENDPOINT": "seaweedfs:8333",
        "TRUNK_S3_ACCESS_KEY": (secrets / "s3_access_key").read_text(),
        "TRUNK_S3_SECRET_KEY": (secrets / "s3_secret_key").read_text(),
        "TRUNK_TRUST_DIR": "/var/lib/trunk/trust",
    }
    return place.docker(
        *("run", "--detach", "--stop-timeout=40", "--read-only", "--cap-drop=ALL", "--tmpfs=/tmp"),
        *("--network", f"{place.project}_inner", "--volume", f"{place.project}_trust:/var/lib/trunk/trust"),
        *(f"--env={name}={value}" for name, value in told.items()),
        f"trunk-{service}:{version}",
    ).strip()


def consumers(trunk: ComposeTrunk, queue: str) -> int:
    with trunk.channel("admin") as channel:
        return int(channel.queue_declare(queue, passive=True).method.consumer_count)


def worked(place: Compose, container: str) -> float:
    """How many messages the service in a container has finished."""
    return place.metric(container, "trunk_messages_total", "acked")
