"""Supervision of handlers: what a failure means for the message, one log line and one count per message."""

import asyncio
import random
import time
from collections.abc import Awaitable, Callable
from datetime import UTC, datetime
from typing import Any

import structlog
from fast_depends.exceptions import ValidationError as InjectionError
from faststream import BaseMiddleware
from faststream.exceptions import RejectMessage
from faststream.rabbit import RabbitMessage
from pydantic import ValidationError

from common import headers
from common.domain.names import Lane
from common.domain.reason import Reason
from common.failure import Permanent, Transient
from common.metrics import in_flight, record_message, record_queue_wait
from common.metrics.messages import MessageOutcome
from common.service.ladder import Ladder
from common.topology import SUBMIT_QUEUES

log = structlog.get_logger("trunk.messages")

CONTEXT_HEADERS = {
    "package_id": headers.PACKAGE_ID,
    "document_key": headers.DOCUMENT_KEY,
    "document_id": headers.DOCUMENT_ID,
    "event_id": headers.EVENT_ID,
}


class Supervisor(BaseMiddleware[Any, Any]):
    """Around every handler: permanent trouble parks, transient trouble climbs, all else is redelivered, counted."""

    def __init__(
        self, msg: Any, *, context: Any, service: str, ladder: Ladder, redelivery_pause_seconds: float
    ) -> None:
        super().__init__(msg, context=context)
        self._service = service
        self._ladder = ladder
        self._pause_seconds = redelivery_pause_seconds

    async def consume_scope(self, call_next: Callable[[Any], Awaitable[Any]], msg: Any) -> Any:
        """Run the handler and settle the message."""
        queue = self.context.get_local("handler_").queue.name
        began = time.monotonic()
        _note_wait(self._service, queue, msg)
        with (
            structlog.contextvars.bound_contextvars(**_context_of(msg, queue)),
            in_flight(self._service),
        ):
            outcome: MessageOutcome = "redelivered"
            try:
                outcome = await self._settle(call_next, msg, queue)
            finally:
                seconds = time.monotonic() - began
                record_message(self._service, outcome, seconds)
                log.info(
                    "message",
                    queue=queue,
                    outcome=outcome,
                    type=msg.raw_message.type,
                    seconds=round(seconds, 4),
                )

    async def _settle(
        self, call_next: Callable[[Any], Awaitable[Any]], msg: RabbitMessage, queue: str
    ) -> MessageOutcome:
        try:
            try:
                await call_next(msg)
            except Permanent as failure:
                return await self._park(msg, queue, failure)
            except Transient as failure:
                log.warning("transient", queue=queue, reason=failure.reason, detail=failure.detail)
                return await self._ladder.retry(msg, queue, failure)
            except (ValidationError, InjectionError, ValueError) as error:
                if not _undecodable(error):
                    raise
                return await self._park(msg, queue, Permanent(Reason.E_FACT, _first_line(error)))
        except asyncio.CancelledError:
            raise
        except Exception as error:
            log.exception("handler failed", queue=queue)
            await asyncio.sleep(self._pause_seconds * random.uniform(0.5, 1.5))  # noqa: S311
            raise RejectMessage(requeue=True) from error
        return "acked"

    async def _park(self, msg: RabbitMessage, queue: str, failure: Permanent) -> MessageOutcome:
        log.error("parked", queue=queue, reason=failure.reason, detail=failure.detail)
        return await self._ladder.park(msg, queue, failure)


def _undecodable(error: Exception) -> bool:
    return isinstance(error, ValidationError | InjectionError) or type(error).__name__ in {
        "JSONDecodeError",
        "UnicodeDecodeError",
    }


def _first_line(error: Exception) -> str:
    return str(error).strip().splitlines()[0][:200] if str(error).strip() else type(error).__name__


def _context_of(msg: RabbitMessage, queue: str) -> dict[str, str]:
    """What the headers say that we wrote; those of a submission are its sender's own."""
    if queue in SUBMIT_QUEUES:
        return {}
    return {field: str(msg.headers[name]) for field, name in CONTEXT_HEADERS.items() if name in msg.headers}


def _note_wait(service: str, queue: str, msg: RabbitMessage) -> None:
    published = msg.raw_message.timestamp
    if published is None or headers.ATTEMPT in msg.headers or msg.raw_message.redelivered:
        return
    at = published if published.tzinfo else published.replace(tzinfo=UTC)
    lane = Lane.URGENT if queue.endswith(".urgent") else Lane.NORMAL
    record_queue_wait(service, lane, (datetime.now(UTC) - at).total_seconds())
