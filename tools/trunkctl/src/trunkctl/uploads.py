"""Presigned addresses to which a unit may upload one large package, and the upload itself."""

import asyncio
import re
import uuid
from datetime import timedelta
from urllib.parse import unquote, urlsplit

import httpx

from common.domain.names import UnitCode
from common.objects import UPLOADS, Objects
from trunkctl.command_error import CommandError

VALID_FOR = timedelta(hours=1)
UPLOAD_TIMEOUT_SECONDS = 300.0
NAME = re.compile(r"^[0-9A-Za-z][0-9A-Za-z._-]{0,150}$")


def key_for(unit: UnitCode, name: str) -> str:
    """Where an upload lies: below the unit's own code, under a name nobody used before."""
    if not NAME.match(name):
        raise CommandError(
            f"{name!r} is no name for an upload: letters, digits, dot, dash and underscore, at most 150."
        )
    return f"{unit}/{uuid.uuid4().hex[:12]}-{name}"


def key_of(address: str) -> str:
    """The key that a presigned address writes to."""
    bucket, _, key = unquote(urlsplit(address).path).lstrip("/").partition("/")
    if bucket != UPLOADS or not key:
        raise CommandError(f"That is no address of the bucket {UPLOADS}.")
    return key


async def put_address(objects: Objects, key: str) -> str:
    """The address, valid for an hour."""
    return await objects.presigned_put(UPLOADS, key, VALID_FOR)


async def upload(address: str, package: bytes) -> None:
    """PUT the bytes, as a unit does: with the address and nothing else."""
    try:
        async with asyncio.timeout(UPLOAD_TIMEOUT_SECONDS), httpx.AsyncClient(timeout=UPLOAD_TIMEOUT_SECONDS) as http:
            answer = await http.put(address, content=package)
    except TimeoutError as error:
        raise CommandError(f"The store did not take the upload within {UPLOAD_TIMEOUT_SECONDS:g} seconds.") from error
    if answer.is_error:
        raise CommandError(f"The store did not take the upload: HTTP {answer.status_code}.")


def address_now(objects: Objects, unit: UnitCode, name: str) -> tuple[str, str]:
    """Address and key, for the command line."""
    key = key_for(unit, name)
    return asyncio.run(put_address(objects, key)), key
