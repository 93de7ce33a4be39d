"""Addresses of the object store that units are given, on the real store."""

import secrets
from datetime import timedelta
from types import SimpleNamespace
from urllib.parse import urlsplit

import httpx
import pytest
from pydantic import SecretStr

from common.objects import UPLOADS, Objects
from common.settings import ServiceSettings

HOUR = timedelta(hours=1)


def objects(stack: SimpleNamespace, public_url: str) -> Objects:
    return Objects(
        ServiceSettings(
            s3_endpoint=stack.s3_endpoint,
            s3_access_key=SecretStr(stack.s3_access_key),
            s3_secret_key=SecretStr(stack.s3_secret_key),
            s3_public_url=public_url,
        )
    )


@pytest.fixture
def key(stack: SimpleNamespace) -> str:
    """A key that nothing else uses, in a bucket that is there."""
    store = objects(stack, "")
    if not store.client.bucket_exists(UPLOADS):
        store.client.make_bucket(UPLOADS)
    return f"T.77/{secrets.token_hex(6)}"


async def test_units_get_the_public_address_and_it_opens(stack: SimpleNamespace, key: str) -> None:
    """By another name of the same machine: the signature holds for that name."""
    store = objects(stack, f"http://localhost:{stack.s3_endpoint.rpartition(':')[2]}")
    address = await store.presigned_put(UPLOADS, key, HOUR)
    assert urlsplit(address).hostname == "localhost"
    async with httpx.AsyncClient() as http:
        assert (await http.put(address, content=b"package")).is_success
        elsewhere = address.replace("localhost", "127.0.0.1")
        assert (await http.put(elsewhere, content=b"package")).status_code == 403
    assert await store.get_key(UPLOADS, key) == b"package"


async def test_without_one_the_address_is_the_stores_own(stack: SimpleNamespace, key: str) -> None:
    address = await objects(stack, "").presigned_put(UPLOADS, key, HOUR)
    assert urlsplit(address).netloc == stack.s3_endpoint


@pytest.mark.parametrize("public_url", ["https://files.example", "https://files.example:8443/"])
async def test_the_scheme_is_that_of_the_public_address(stack: SimpleNamespace, key: str, public_url: str) -> None:
    address = await objects(stack, public_url).presigned_put(UPLOADS, key, HOUR)
    assert address.startswith(f"{public_url.rstrip('/')}/{UPLOADS}/T.77/")
