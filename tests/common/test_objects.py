"""Addresses that units get: signed for the name by which units reach the store, whatever name services use."""

import urllib.error
import urllib.request
from datetime import timedelta
from types import SimpleNamespace

import pytest
from pydantic import SecretStr, ValidationError

from common import buckets
from common.objects import UPLOADS, Objects
from common.settings import ServiceSettings

SOON = timedelta(minutes=1)


def settings(stack: SimpleNamespace, **more: str) -> ServiceSettings:
    keys = {"s3_access_key": SecretStr(stack.s3_access_key), "s3_secret_key": SecretStr(stack.s3_secret_key)}
    return ServiceSettings(s3_endpoint=stack.s3_endpoint, **keys, **more)


def put(address: str) -> int:
    with urllib.request.urlopen(urllib.request.Request(address, data=b"x", method="PUT")) as answer:
        return int(answer.status)


async def test_an_address_for_units_names_the_public_store(stack: SimpleNamespace) -> None:
    public = f"http://localhost:{stack.s3_endpoint.rpartition(':')[2]}"
    objects = Objects(settings(stack, s3_public_address=public))
    buckets.make_missing(objects.client)
    address = await objects.presigned_put(UPLOADS, "A.01/public", SOON)
    assert address.startswith(f"{public}/{UPLOADS}/A.01/public?")
    assert put(address) == 200
    with pytest.raises(urllib.error.HTTPError):  # the name is part of what was signed
        put(address.replace("localhost", "127.0.0.1"))


async def test_without_a_public_address_units_get_that_of_the_services(stack: SimpleNamespace) -> None:
    objects = Objects(settings(stack))
    assert (await objects.presigned_put(UPLOADS, "A.01/own", SOON)).startswith(f"http://{stack.s3_endpoint}/")


@pytest.mark.parametrize("address", ["kho.example.gov.vn", "ftp://kho", "https://kho/folder"])
def test_an_address_that_cannot_be_signed_is_refused_at_the_start(address: str) -> None:
    with pytest.raises(ValidationError):
        ServiceSettings(s3_public_address=address)
