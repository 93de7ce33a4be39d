"""A message of a unit's inbox as a value: what its headers say, and the package itself, wherever its bytes lie."""

import asyncio
import hashlib
import json
from dataclasses import dataclass
from typing import Any

import httpx
from aio_pika.abc import AbstractIncomingMessage

from common import headers
from trunkctl.command_error import CommandError

DOWNLOAD_TIMEOUT_SECONDS = 300.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Item:
    """One inbox message. Texts are empty where the trunk left a header out."""

    type: str
    """document, status, refusal or receipt."""
    event_id: str
    package_id: str
    document_id: str
    sender: str
    kind: str
    label: str
    reason: str
    lane: str
    sha256: str
    """Of the package's bytes."""
    content_type: str
    body: bytes
    """The package, or a reference to it."""

    @property
    def refused_receiver(self) -> str:
        """The one receiver that a refusal is about; empty = the whole package."""
        return self.event_id.partition("refusal/")[2].rpartition(":")[0]

    async def package(self) -> bytes:
        """The package's bytes, fetched if the message only refers to them. Raises ``CommandError`` if they differ."""
        data = self.body
        if self.content_type == headers.REFERENCE_TYPE:
            data = await _download(json.loads(self.body)["url"])
        if self.sha256 and hashlib.sha256(data).hexdigest() != self.sha256:
            raise CommandError(f"Package {self.package_id} came with other bytes than its SHA-256 says.")
        return data


def item(message: AbstractIncomingMessage) -> Item:
    """From what the broker delivered."""
    message_headers = message.headers
    return Item(
        type=message.type or "",
        event_id=_text(message_headers, headers.EVENT_ID),
        package_id=_text(message_headers, headers.PACKAGE_ID),
        document_id=_text(message_headers, headers.DOCUMENT_ID),
        sender=_text(message_headers, headers.SENDER),
        kind=_text(message_headers, headers.KIND),
        label=_text(message_headers, headers.LABEL),
        reason=_text(message_headers, headers.REASON),
        lane=_text(message_headers, headers.LANE),
        sha256=_text(message_headers, headers.SHA256),
        content_type=message.content_type or "",
        body=message.body,
    )


async def _download(url: str) -> bytes:
    try:
        async with (
            asyncio.timeout(DOWNLOAD_TIMEOUT_SECONDS),
            httpx.AsyncClient(timeout=DOWNLOAD_TIMEOUT_SECONDS) as http,
        ):
            answer = await http.get(url)
    except TimeoutError as error:
        raise CommandError(f"A package could not be fetched within {DOWNLOAD_TIMEOUT_SECONDS:g} seconds.") from error
    if answer.is_error:
        raise CommandError(f"A package could not be fetched: HTTP {answer.status_code}.")
    return answer.content


def _text(message_headers: dict[str, Any], name: str) -> str:
    value = message_headers.get(name, "")
    return value.decode(errors="replace") if isinstance(value, bytes) else str(value)
