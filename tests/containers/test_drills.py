"""What operators do to a trunk at work: stop a service, restart all in turn, let two releases work side by side."""

import subprocess
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from lab import images as lab_images
from lab.images import Images
from tests.system.inboxes import Inboxes
from tests.system.sending import sending, told_once, wanted
from tests.system.trunk import LADDER, ROOT, SERVICES, eventually, minted, package_id, shown

from .compose import Compose, ComposeTrunk

pytestmark = pytest.mark.system

BEFORE = "d46142a"
"""A commit whose services must work beside those of this source: the release before, until releases have tags."""
BEFORE_VERSION = "before"
FACTS_QUEUES = {service: f"trunk.{service}.normal" for service in SERVICES}
EXACTLY_ONCE_SECONDS = 240.0


@contextmanager
def load(trunk: ComposeTrunk, inboxes: Inboxes, folder: Path, count: int, seed: int) -> Iterator[None]:
    """Packages of every unit while the block runs; afterwards each must have come exactly once, and nothing be left."""
    entries = minted(trunk, folder, count, max(2, count // 10), seed=seed)
    packages = {package_id(entry["sender"], entry["bytes"]): entry["bytes"] for entry in entries}
    must, parked = wanted(entries), trunk.parked()
    with sending(trunk, entries):
        yield
    items = inboxes.wait(lambda items: told_once(items, set(packages)) >= must, EXACTLY_ONCE_SECONDS)
    quiet = eventually(lambda: not (set(trunk.depths()) - {"trunk.park"}), 90.0, 1.0)
    items = inboxes.items
    found = told_once(items, set(packages))
    assert found == must, f"missing {shown((must - found).items())}\ntoo many {shown((found - must).items())}"
    assert all(i.body == packages[i.package_id] for i in items if i.type == "document" and i.package_id in packages)
    assert quiet, trunk.depths()
    assert trunk.parked() == parked
    assert not set(LADDER) & set(trunk.depths())


@pytest.mark.parametrize("service", SERVICES)
def test_stopped_in_mid_work_a_service_loses_nothing(
    trunk: ComposeTrunk, place: Compose, inboxes: Inboxes, tmp_path: Path, service: str
) -> None:
    """``docker stop`` while it holds messages: it ends by itself within its grace, and what it held is done once."""
    with load(trunk, inboxes, tmp_path, 14, seed=20 + SERVICES.index(service)):
        assert eventually(lambda: at_work(trunk, service), 60, 0.02), f"{service} never held a message"
        container = place.container(service)
        place.docker("stop", container)
        ended = place.inspect(container)["State"]
        place.up(service)
    assert ended["ExitCode"] == 0, "killed instead of ending by itself"
    assert not ended["OOMKilled"]


def at_work(trunk: ComposeTrunk, service: str) -> bool:
    """Whether a consumer of the service holds a message now, as the broker sees it."""
    with trunk.management() as http:
        queue = http.get(f"/queues/trunk/{FACTS_QUEUES[service]}?disable_stats=true&enable_queue_totals=true").json()
    return int(queue.get("messages_unacknowledged", 0)) > 0


def test_rolling_restart_under_load(trunk: ComposeTrunk, place: Compose, inboxes: Inboxes, tmp_path: Path) -> None:
    """Every service gets a new container in turn, from the end of the way to its beginning, as an upgrade does."""
    with load(trunk, inboxes, tmp_path, 60, seed=31):
        for service in ("notifier", "archive", "router", "validator", "intake"):
            first = place.container(service)
            place.compose("up", "--detach", "--wait", "--no-deps", "--force-recreate", service)
            assert place.container(service) != first
    assert trunk.not_ready() == {}


@pytest.fixture(scope="module")
def before(images: Images, place: Compose, tmp_path_factory: pytest.TempPathFactory) -> str:
    """Images of the release before, built by today's recipe out of its sources."""
    source = tmp_path_factory.mktemp("before")
    packed = subprocess.run(["git", "archive", BEFORE], cwd=ROOT, capture_output=True, check=False)
    if packed.returncode != 0:
        pytest.skip(f"two releases side by side skipped: this clone does not have commit {BEFORE}")
    subprocess.run(["tar", "-x", "-C", source], input=packed.stdout, check=True)
    lab_images.bake(place.engine, images, BEFORE_VERSION, source, recipe=ROOT / "deploy")
    return BEFORE_VERSION


def test_two_releases_share_the_work(
    trunk: ComposeTrunk, place: Compose, inboxes: Inboxes, before: str, tmp_path: Path
) -> None:
    with beside(place, before) as old, load(trunk, inboxes, tmp_path, 60, seed=41):
        assert eventually(lambda: all(consumers(trunk, queue) >= 2 for queue in FACTS_QUEUES.values()), 60)
        time.sleep(12)
        worked = {release: share(place, find) for release, find in (("before", old.get), ("new", place.container))}
    assert all(count > 0 for shares in worked.values() for count in shares.values()), worked


@contextmanager
def beside(place: Compose, version: str) -> Iterator[dict[str, str]]:
    """One more container of each service, of another release, in the same surroundings; by service."""
    started = {service: another(place, service, version) for service in SERVICES}
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
    """Its secrets come by the environment, as that release wants them."""
    secrets = place.folder / "secrets"
    told = {
        "TRUNK_AMQP_URL": (secrets / f"amqp_url_{service}").read_text(),
        "TRUNK_MONGO_URI": (secrets / "mongo_uri").read_text(),
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


def share(place: Compose, find: Callable[[str], str | None]) -> dict[str, float]:
    """How many messages each service of one release has finished."""
    found = {service: find(service) for service in SERVICES}
    return {name: place.metric(str(each), "trunk_messages_total", "acked") for name, each in found.items()}
