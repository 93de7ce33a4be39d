"""Signed webhooks: one HTTP POST of JSON to the address in the directory.

``X-Trunk-Signature: sha256=<hex>`` is HMAC-SHA256 with the unit's secret over ``<X-Trunk-Timestamp>.<body>``;
a receiver recomputes it, refuses old timestamps, and drops an ``X-Trunk-Event`` it has seen. Addresses come
from the directory alone, which operators control: http and https only, no redirects, no proxy from outside, and no
address in the networks that the settings refuse.

One limit of time covers everything from resolving the name to the status line of the answer. The body of the answer is
not read.
"""

import asyncio
import hashlib
import hmac
import ssl
import time
from datetime import UTC, datetime, timedelta
from email.utils import parsedate_to_datetime
from http import HTTPStatus

import httpcore
import httpx

from notifier.answer import Answer, Sent, Unanswered, Undeliverable
from notifier.channels.guarded_network import AnswerTooLong, GuardedNetwork, RefusedAddress
from notifier.compose import Notification
from notifier.settings import NotifierSettings

TRY_LATER = {HTTPStatus.REQUEST_TIMEOUT, HTTPStatus.TOO_EARLY, HTTPStatus.TOO_MANY_REQUESTS}
"""Client errors (4xx) that may pass."""
MAX_ANSWER_BYTES = 64 * 1024
"""How many bytes of an answer are read at most: its head, and what comes in the same packets."""
Headers = list[tuple[bytes, bytes]]


class Webhook:
    """Posts notifications, each over a connection of its own."""

    def __init__(self, settings: NotifierSettings) -> None:
        self._limit_seconds = settings.webhook_timeout_seconds
        self._tls = ssl.create_default_context(cafile=settings.tls_ca_file)
        self._network = GuardedNetwork(settings.webhook_refused_networks, MAX_ANSWER_BYTES)

    async def send(self, notification: Notification) -> Answer:
        """Post a notification. 2xx = sent; 5xx, 408, 425, 429 and no answer = tried again; all others are final."""
        if not notification.secret:
            return Undeliverable("no secret to sign with", is_answer=False)
        try:
            url = usable_url(notification.address)
        except (httpx.InvalidURL, ValueError):
            return Undeliverable("address not usable", is_answer=False)
        try:
            async with asyncio.timeout(self._limit_seconds):
                status, headers = await self._post(url, notification)
        except RefusedAddress:
            return Undeliverable("address not allowed", is_answer=False)
        except AnswerTooLong:
            return Unanswered("webhook: answer too long")
        except TimeoutError:
            return Unanswered(f"webhook: no answer within {self._limit_seconds:g} s")
        except (httpcore.NetworkError, httpcore.TimeoutException, httpcore.ProtocolError, OSError) as error:
            return Unanswered(f"webhook: {type(error).__name__}")
        return answer_of(status, headers, datetime.now(UTC))

    async def _post(self, url: httpx.URL, notification: Notification) -> tuple[int, Headers]:
        target = httpcore.URL(scheme=url.raw_scheme, host=url.raw_host, port=url.port, target=url.raw_path)
        body = notification.body.encode()
        async with (
            httpcore.AsyncConnectionPool(ssl_context=self._tls, network_backend=self._network) as client,
            client.stream("POST", target, headers=_headers(url, notification, body), content=body) as response,
        ):
            return response.status, response.headers


def usable_url(address: str) -> httpx.URL:
    """The URL of a webhook: http or https, with a host and without user information. Raises ``ValueError`` or
    ``httpx.InvalidURL``."""
    url = httpx.URL(address)
    if url.scheme not in ("http", "https") or not url.raw_host or url.userinfo:
        raise ValueError("not an address of a webhook")
    return url


def answer_of(status: int, headers: Headers, now: datetime) -> Answer:
    """The answer for an HTTP status and the headers that came with it."""
    if HTTPStatus.OK <= status < HTTPStatus.MULTIPLE_CHOICES:
        return Sent()
    if status >= HTTPStatus.INTERNAL_SERVER_ERROR or status in TRY_LATER:
        wished = next((value for name, value in headers if name.lower() == b"retry-after"), b"")
        return Unanswered(f"webhook: HTTP {status}", retry_after=retry_after(wished.decode("latin-1"), now))
    return Undeliverable(f"HTTP {status}")


def retry_after(text: str, now: datetime) -> timedelta | None:
    """The pause that ``Retry-After`` asks for, in seconds or as a date (RFC 9110, section 10.2.3); None = neither."""
    text = text.strip()
    if text.isascii() and text.isdigit():
        return timedelta(seconds=min(int(text[:9]), 10**6))
    try:
        at = parsedate_to_datetime(text)
    except (ValueError, TypeError, IndexError, OverflowError):
        return None
    at = at if at.tzinfo else at.replace(tzinfo=UTC)
    return max(at - now, timedelta())


def signature(secret: str, timestamp: str, body: bytes) -> str:
    """``sha256=`` and the HMAC-SHA256, in hex digits, over the timestamp, a full stop and the body."""
    return "sha256=" + hmac.new(secret.encode(), timestamp.encode() + b"." + body, hashlib.sha256).hexdigest()


def _headers(url: httpx.URL, notification: Notification, body: bytes) -> dict[bytes | str, bytes | str]:
    timestamp = str(int(time.time()))
    return {
        "host": url.netloc.decode("ascii"),
        "user-agent": "trunk-notifier",
        "content-type": "application/json; charset=utf-8",
        "content-length": str(len(body)),
        "connection": "close",
        "x-trunk-event": notification.about_event,
        "x-trunk-timestamp": timestamp,
        "x-trunk-signature": signature(notification.secret, timestamp, body),
    }
