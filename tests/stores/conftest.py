"""A database and an object store apart from the checkout's: these tests do what would harm a trunk."""

import os
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import urllib3
from minio import Minio
from pydantic import SecretStr

from common import buckets
from common.settings import ServiceSettings
from common.store_access import Role
from devstack import servers
from devstack.progress import shown
from devstack.servers import Addresses

NAMED_BY = ("TRUNK_DEV_MONGO_URI", "TRUNK_DEV_S3_ENDPOINT")


@pytest.fixture(scope="session")
def state(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("stores")


@pytest.fixture(scope="session")
def addresses(state: Path) -> Iterator[Addresses]:
    """With every role's keys and users, and the buckets, made by the keys of the job that makes them."""
    if named := [name for name in NAMED_BY if name in os.environ]:
        pytest.skip(f"rights at the stores skipped: {', '.join(named)} names servers without keys for each role")
    with shown() as progress:
        addresses = servers.start(state, progress=progress, only=["mongo", "s3"])
    buckets.make_missing(client(addresses, Role.MIGRATE))
    yield addresses
    servers.stop(state)


def client(addresses: Addresses, role: Role | None) -> Minio:
    """A client with a role's keys, or with the administrator's."""
    keys = addresses.s3_keys[role] if role else {"access": addresses.s3_access_key, "secret": addresses.s3_secret_key}
    pool = urllib3.PoolManager(retries=urllib3.Retry(0), timeout=20)
    return Minio(
        addresses.s3_endpoint, keys["access"], keys["secret"], secure=False, region="us-east-1", http_client=pool
    )


def settings(addresses: Addresses, role: Role, **more: Any) -> ServiceSettings:
    """As the process of that role has them."""
    keys = addresses.s3_keys[role]
    return ServiceSettings(
        mongo_uri=SecretStr(addresses.mongo_uris.get(role, "")),
        s3_endpoint=addresses.s3_endpoint,
        s3_access_key=SecretStr(keys["access"]),
        s3_secret_key=SecretStr(keys["secret"]),
        **more,
    )


@pytest.fixture(scope="session")
def administrator(addresses: Addresses) -> Minio:
    return client(addresses, None)
