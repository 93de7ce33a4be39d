"""ConfirmGuard: a publish counts only when the broker confirmed it; ``until_confirmed``: try until it does.

The framework returns normally for an unroutable message and ignores its own ``timeout``; the guard turns
both into ``Unconfirmed``, and counts what the broker said.
"""

import asyncio
import time
from collections.abc import Awaitable, Callable
from typing import Any

import structlog
from aiormq.exceptions import DeliveryError, PublishError
from faststream import BaseMiddleware
from pamqp.commands import Basic

from common.metrics import record_publish
from common.metrics.messages import PublishOutcome

log = structlog.get_logger("trunk.service")

PATIENCE_SECONDS = 600.0
"""How long a handler holds its message while the broker takes no publish; longer is left to redelivery."""
PAUSE_SECONDS = 1.0


class Unconfirmed(Exception):
    """The broker did not take responsibility for a message; it must be published again."""


class ConfirmGuard(BaseMiddleware[Any, Any]):
    """Every publish through the guarded broker is confirmed in time, or raises ``Unconfirmed``."""

    def __init__(self, msg: Any, *, context: Any, service: str, timeout_seconds: float) -> None:
        super().__init__(msg, context=context)
        self._service = service
        self._timeout_seconds = timeout_seconds

    async def publish_scope(self, call_next: Callable[[Any], Awaitable[Any]], cmd: Any) -> Any:
        """Publish, wait for the confirm, record it."""
        began = time.monotonic()
        outcome: PublishOutcome = "timeout"
        try:
            async with asyncio.timeout(self._timeout_seconds):
                result = await call_next(cmd)
            outcome = "confirmed" if isinstance(result, Basic.Ack) else "returned"
        except PublishError as error:
            outcome = "returned"
            raise Unconfirmed(f"unroutable: {cmd.destination}") from error
        except DeliveryError as error:
            outcome = "nacked"
            raise Unconfirmed(f"refused by the broker: {cmd.destination}") from error
        except TimeoutError as error:
            raise Unconfirmed(f"no confirm in time: {cmd.destination}") from error
        finally:
            record_publish(self._service, outcome, time.monotonic() - began)
        if outcome != "confirmed":
            raise Unconfirmed(f"unroutable: {cmd.destination}")
        return result


async def until_confirmed(
    publish: Callable[[], Awaitable[None]],
    exchange: str,
    key: str,
    unconfirmed: Callable[[], None] = lambda: None,
) -> None:
    """Publish until the broker confirms; while it takes nothing the handler waits. Raises ``TimeoutError``.

    ``unconfirmed`` is told of each attempt that it did not confirm.
    """
    async with asyncio.timeout(PATIENCE_SECONDS):
        while True:
            try:
                return await publish()
            except Unconfirmed as trouble:
                unconfirmed()
                log.warning("publish not confirmed", exchange=exchange, key=key, detail=str(trouble))
                await asyncio.sleep(PAUSE_SECONDS)
