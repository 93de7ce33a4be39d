"""Asks one address for a file, within a time and a size, whatever its server does."""

import asyncio
from collections.abc import Mapping
from dataclasses import dataclass

import httpx

from common.containment import Unusable

TIMEOUT_SECONDS = 60.0
"""Without a sign of life from a server."""
FETCH_SECONDS = 300.0
"""For one file as a whole, from the name of the server to the last byte: one that sends a header, an empty block or a
byte now and then holds up nobody else's files for longer."""


@dataclass(frozen=True, slots=True)
class Fetched:
    """What a server said."""

    status: int
    headers: Mapping[str, str]
    body: bytes
    """Empty unless the status is 200."""


def fetch(
    address: str, headers: Mapping[str, str], max_bytes: int, transport: httpx.AsyncBaseTransport | None = None
) -> Fetched:
    """The answer. Redirections are not followed. Raises ``Unusable``, and whatever the library raises.

    Must not be called from a coroutine. ``transport``: the network, unless given.
    """
    return asyncio.run(_in_time(address, headers, max_bytes, transport))


async def _in_time(
    address: str, headers: Mapping[str, str], max_bytes: int, transport: httpx.AsyncBaseTransport | None
) -> Fetched:
    try:
        async with (
            asyncio.timeout(FETCH_SECONDS),
            httpx.AsyncClient(timeout=TIMEOUT_SECONDS, follow_redirects=False, transport=transport) as client,
            client.stream("GET", address, headers=headers) as answer,
        ):
            body = await _body(answer, max_bytes) if answer.status_code == httpx.codes.OK else b""
            return Fetched(answer.status_code, answer.headers, body)
    except TimeoutError as error:
        raise Unusable("list takes too long") from error


async def _body(answer: httpx.Response, max_bytes: int) -> bytes:
    data = bytearray()
    async for piece in answer.aiter_bytes():
        data += piece
        if len(data) > max_bytes:
            raise Unusable("list too long")
    return bytes(data)
