"""A real node with the project's own images, its servers beside it, and a city that is about to be served."""

import os
import secrets
from collections.abc import Iterator

import httpx
import pytest

from devstack import servers
from devstack.addresses import Addresses
from devstack.progress import Progress
from lab.kubernetes import apart, control_plane, definitions, manifests, node, outside, programs
from lab.kubernetes.control_plane import ControlPlane
from lab.kubernetes.kubectl import Kubectl
from tests.system.inboxes import Inboxes
from tests.system.trunk import BIN, Trunk, run

from ..conftest import STATE
from .city import SCALER, STORES, City
from .objects import Deployed

IMAGES = STATE / "images.tar"
AMQP, MANAGEMENT, MONGO, S3 = 5672, 15672, 27017, 8333


@pytest.fixture(scope="session")
def place(progress: Progress) -> Iterator[ControlPlane]:
    """A cluster with one real node, which has the six images."""
    if not apart.inside():
        pytest.skip("real node skipped: it needs a place of its own (make cluster-test)")
    wanted = [] if IMAGES.exists() else ["the project's images"]
    if missing := [*programs.missing(programs.NODE), *wanted]:
        pytest.skip(f"real node skipped: not built: {', '.join(missing)} (make cluster-test)")
    with control_plane.running(STATE / "node", progress) as plane:
        definitions.install(plane)
        node.start(plane, IMAGES, progress)
        yield plane


@pytest.fixture(scope="session")
def stores(place: ControlPlane, progress: Progress) -> Iterator[Addresses]:
    """Broker, database and object store on this machine's loopback, and as services of the cluster."""
    state = place.state / "stores"
    try:
        addresses = servers.start(state, progress=progress)
        management = addresses.rabbitmq_management_url.removeprefix("http://")
        rabbitmq = {AMQP: f"{addresses.amqp_host}:{addresses.amqp_port}", MANAGEMENT: management}
        mongodb = {MONGO: addresses.mongo_uri.rpartition("@")[2].rstrip("/")}
        outside.offer(
            place, STORES, {"rabbitmq": rabbitmq, "mongodb": mongodb, "seaweedfs-s3": {S3: addresses.s3_endpoint}}
        )
        yield addresses
    finally:
        servers.stop(state)


@pytest.fixture(scope="session")
def city(place: ControlPlane, stores: Addresses) -> City:
    """Its files, before anything of it is in the cluster."""
    return City.founded(place.state / "city", stores)


@pytest.fixture(scope="session")
def deployed(place: ControlPlane, city: City, progress: Progress) -> Deployed:
    """The overlay dev, applied in the order of the installation guide, every Deployment rolled out."""
    deployed = Deployed(place.kubectl, "deploy/k8s/overlays/dev")
    with progress.step("secrets, one apply, buckets and indexes, directory, topology, five services"):
        deployed.kubectl.apply(manifests.of_kind(deployed.objects, "Namespace"))
        deployed.kubectl.apply(city.objects(deployed.namespace, scaler_password(city)))
        deployed.apply()
        deployed.wait_for_job("trunk-migrate")
        who = ["--by", "test", "--why", "first"]
        run(BIN / "trunkctl", "units", "import", city.place.directory, *who, env={**os.environ, **city.operator()})
        deployed.run_job("trunk-topology")
        deployed.wait()
    return deployed


def scaler_password(city: City) -> str:
    """Of a new broker user that may look at queues and at nothing else."""
    password = secrets.token_urlsafe(24)
    addresses = city.addresses
    who = (addresses["rabbitmq_admin_user"], addresses["rabbitmq_admin_password"])
    with httpx.Client(base_url=f"{addresses['rabbitmq_management_url']}/api", auth=who, timeout=120) as http:
        body = {"password": password, "tags": "monitoring"}
        http.put(f"/users/{SCALER}", json=body).raise_for_status()
        nothing = {"configure": "^$", "write": "^$", "read": "^$"}
        http.put(f"/permissions/trunk/{SCALER}", json=nothing).raise_for_status()
    return password


@pytest.fixture(scope="session")
def kubectl(deployed: Deployed) -> Kubectl:
    """An administrator's, in the trunk's namespace."""
    return deployed.kubectl


@pytest.fixture(scope="session")
def trunk(deployed: Deployed, city: City) -> Trunk:
    """The trunk as units and administrators see it."""
    return Trunk(city.addresses)


@pytest.fixture(scope="module")
def inboxes(trunk: Trunk) -> Iterator[Inboxes]:
    """Every unit's inbox is read for the time of the module."""
    with Inboxes(trunk, trunk.units) as reading:
        yield reading
