"""Signed webhooks: one HTTP POST of JSON to the address in the directory.

``X-Trunk-Signature: sha256=<hex>`` is HMAC-SHA256 with the unit's secret over ``<X-Trunk-Timestamp>.<body>``;
a receiver recomputes it, refuses old timestamps, and drops an ``X-Trunk-Event`` it has seen. Addresses come
from the directory alone, which operators control: http and https only, no redirects, no proxy from outside.
"""

import hashlib
import hmac
import ssl
import time

import httpx

from common.domain.reason import Reason
from common.failure import Transient
from notifier.channels.answer import Sent, Undeliverable
from notifier.compose import Notification
from notifier.settings import NotifierSettings

TRY_LATER = {408, 425, 429}
"""Client errors that pass."""


class Webhook:
    """Posts notifications; answers are read no further than their status."""

    def __init__(self, settings: NotifierSettings) -> None:
        self._timeout_seconds = settings.webhook_timeout_seconds
        self._tls = ssl.create_default_context(cafile=settings.tls_ca_file)

    async def send(self, notification: Notification) -> Sent | Undeliverable:
        """Post, and map the answer: 2xx sent; 5xx, 408, 425, 429 and no answer are tried again; all else is final."""
        if not notification.secret:
            return Undeliverable("no secret to sign with")
        if not notification.address.lower().startswith(("http://", "https://")):
            return Undeliverable("address not http")
        try:
            status = await self._post(notification)
        except (httpx.InvalidURL, httpx.UnsupportedProtocol, UnicodeError):
            return Undeliverable("address not usable")
        except httpx.HTTPError as error:
            raise Transient(Reason.E_UNAVAILABLE, f"webhook: {type(error).__name__}") from error
        if 200 <= status < 300:
            return Sent()
        if status >= 500 or status in TRY_LATER:
            raise Transient(Reason.E_UNAVAILABLE, f"webhook: HTTP {status}")
        return Undeliverable(f"HTTP {status}")

    async def _post(self, notification: Notification) -> int:
        body, timestamp = notification.body.encode(), str(int(time.time()))
        headers = {
            "user-agent": "trunk-notifier",
            "content-type": "application/json; charset=utf-8",
            "x-trunk-event": notification.about_event,
            "x-trunk-timestamp": timestamp,
            "x-trunk-signature": signature(notification.secret, timestamp, body),
        }
        client = httpx.AsyncClient(
            timeout=self._timeout_seconds, follow_redirects=False, trust_env=False, verify=self._tls
        )
        async with client, client.stream("POST", notification.address, content=body, headers=headers) as response:
            return response.status_code


def signature(secret: str, timestamp: str, body: bytes) -> str:
    """``sha256=`` and the hex HMAC over timestamp, a full stop and the body."""
    return "sha256=" + hmac.new(secret.encode(), timestamp.encode() + b"." + body, hashlib.sha256).hexdigest()
