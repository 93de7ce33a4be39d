"""A bucket of its own in the real object store."""

import secrets
from collections.abc import Iterator
from types import SimpleNamespace

import pytest
from pydantic import SecretStr

from common.objects import Objects
from trunkctl.settings import ControlSettings
from trunkctl.units.bucket import DirectoryBucket


def objects_at(stack: SimpleNamespace) -> Objects:
    """The object store as its administrator."""
    return Objects(
        ControlSettings(
            s3_endpoint=stack.s3_endpoint,
            s3_access_key=SecretStr(stack.s3_access_key),
            s3_secret_key=SecretStr(stack.s3_secret_key),
        )
    )


@pytest.fixture
def objects(stack: SimpleNamespace) -> Objects:
    return objects_at(stack)


@pytest.fixture
def bucket_name(objects: Objects) -> Iterator[str]:
    """Made for one test, deleted after it."""
    name = f"test-units-{secrets.token_hex(4)}"
    objects.client.make_bucket(name)
    try:
        yield name
    finally:
        for found in list(objects.client.list_objects(name, recursive=True)):
            objects.client.remove_object(name, found.object_name or "")
        objects.client.remove_bucket(name)


@pytest.fixture
def bucket(objects: Objects, bucket_name: str) -> DirectoryBucket:
    return DirectoryBucket(objects, bucket_name)
