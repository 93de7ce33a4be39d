"""One compose trunk for all container tests; where no engine can run, each of them is skipped by name."""

import os
import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest

from devstack import ports, progress
from lab import engine as lab_engine
from lab import images as lab_images
from lab.engine import Engine
from lab.errors import Missing
from lab.images import Images
from tests.system.inboxes import Inboxes
from tests.system.trunk import ROOT

from . import compose as containers
from .compose import VERSION, Compose, ComposeTrunk

HOME = Path(os.environ.get("TRUNK_ENGINE", ROOT / ".devstack" / "engine"))
KEPT = ROOT / ".devstack" / "compose"


@pytest.fixture(scope="session")
def engine() -> Iterator[Engine]:
    """A container engine; stopped at the end if it was started here."""
    ran = lab_engine.running(HOME)
    try:
        with progress.shown() as shown:
            found = lab_engine.start(HOME, shown)
    except Missing as reason:
        pytest.skip(f"container checks skipped: {reason}")
    yield found
    if not ran:
        lab_engine.stop(HOME)


@pytest.fixture(scope="session")
def images(engine: Engine) -> Images:
    """Base image, stand-ins, and the images of this source."""
    try:
        with progress.shown() as shown:
            found = lab_images.have(engine, shown)
            with shown.step("images of the services and the jobs"):
                lab_images.bake(engine, found, VERSION, ROOT)
    except Missing as reason:
        pytest.skip(f"container checks skipped: {reason}")
    return found


@pytest.fixture(scope="session")
def opened(engine: Engine) -> list[int]:
    """Ports on loopback for the broker, its management, the object store, a registry, and those who watch."""
    return list(ports.free_block(engine.home))[:6]


@pytest.fixture(scope="session")
def place(engine: Engine, images: Images, opened: list[int]) -> Iterator[Compose]:
    """The compose project with fresh secrets and a fresh demo city; nothing of it is left at the end."""
    shutil.rmtree(KEPT, ignore_errors=True)
    KEPT.mkdir(parents=True)
    variables = {
        "RABBITMQ_IMAGE": images.rabbitmq,
        "MONGODB_IMAGE": images.mongodb,
        "SEAWEEDFS_IMAGE": images.seaweedfs,
        "PROMETHEUS_IMAGE": images.prometheus,
        "ALERTMANAGER_IMAGE": images.alertmanager,
        "TRUNK_VERSION": VERSION,
        "TRUNK_AMQP_PORT": str(opened[0]),
        "TRUNK_MANAGEMENT_PORT": str(opened[1]),
        "TRUNK_S3_PORT": str(opened[2]),
        "PROMETHEUS_PORT": str(opened[4]),
        "ALERTMANAGER_PORT": str(opened[5]),
    }
    found = Compose(engine, "trunk-container-test", KEPT, variables)
    containers.make_secrets(KEPT)
    containers.found_city(KEPT)
    found.down()
    yield found
    found.down()
    shutil.rmtree(KEPT, ignore_errors=True)


@pytest.fixture(scope="session")
def trunk(place: Compose, opened: list[int]) -> ComposeTrunk:
    """Installed as the page for operators says, and ready."""
    try:
        containers.install(place)
    except AssertionError:
        print(place.logs())
        raise
    return containers.trunk(place, opened)


@pytest.fixture(scope="session")
def inboxes(trunk: ComposeTrunk) -> Iterator[Inboxes]:
    """Every unit's inbox is read all the time."""
    with Inboxes(trunk, trunk.units) as reading:
        yield reading
