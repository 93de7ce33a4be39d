"""A database and an object store that no other tests use."""

import os
from collections.abc import Iterator
from contextlib import closing
from typing import Any

import pymongo
import pytest
from minio import Minio
from pydantic import SecretStr

from common import buckets
from common.facts.flows import SERVICES
from common.indexes import database_name
from common.store_access import Role
from devstack import servers
from devstack.progress import shown
from devstack.servers import Addresses
from tests.stores.conftest import client as store_client
from trunkctl.settings import ControlSettings

NAMED_BY = ("TRUNK_DEV_MONGO_URI", "TRUNK_DEV_S3_ENDPOINT")


@pytest.fixture(scope="module")
def addresses(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Addresses]:
    """New for each module: objects under lock outlive the tests that made them."""
    if named := [name for name in NAMED_BY if name in os.environ]:
        pytest.skip(f"backups skipped: {', '.join(named)} names servers whose databases must not be dropped")
    state = tmp_path_factory.mktemp("backup")
    with shown() as progress:
        started = servers.start(state, progress=progress, only=["mongo", "s3"])
    buckets.make_missing(store_client(started, Role.MIGRATE))
    yield started
    servers.stop(state)


@pytest.fixture(scope="module")
def administrator(addresses: Addresses) -> Minio:
    return store_client(addresses, None)


@pytest.fixture
def database(addresses: Addresses) -> Iterator[Any]:
    """The administrator of five empty databases."""
    with closing(pymongo.MongoClient(addresses.mongo_uri, tz_aware=True)) as client:
        empty(client)
        yield client


@pytest.fixture
def reader(addresses: Addresses) -> Iterator[Any]:
    """The database as the backup jobs see it."""
    with closing(pymongo.MongoClient(addresses.mongo_uris[Role.BACKUP], tz_aware=True)) as client:
        yield client


@pytest.fixture
def settings(addresses: Addresses) -> ControlSettings:
    """Of the backup jobs; the second store is another bucket of the same server."""
    keys = addresses.s3_keys[Role.BACKUP]
    return ControlSettings(
        mongo_uri=SecretStr(addresses.mongo_uris[Role.BACKUP]),
        mongo_admin_uri=SecretStr(addresses.mongo_uri),
        s3_endpoint=addresses.s3_endpoint,
        s3_access_key=SecretStr(keys["access"]),
        s3_secret_key=SecretStr(keys["secret"]),
        backup_s3_endpoint=addresses.s3_endpoint,
        backup_s3_access_key=SecretStr(addresses.s3_access_key),
        backup_s3_secret_key=SecretStr(addresses.s3_secret_key),
        backup_s3_secure=False,
    )


def empty(client: Any) -> None:
    """Drop the five databases."""
    for service in SERVICES:
        client.drop_database(database_name(service))


@pytest.fixture(scope="module")
def other(tmp_path_factory: pytest.TempPathFactory, addresses: Addresses) -> Iterator[Minio]:
    """The administrator of another object store without any bucket."""
    state = tmp_path_factory.mktemp("other")
    started = servers.start(state, only=["s3"])
    yield store_client(started, None)
    servers.stop(state)
