"""Where a message goes that could not be handled: up the retry ladder, or to the parking lot.

Both are copies published with confirm before the original is acked. The copy comes back to the queue it was
taken from, because its routing key is that queue's own name.
"""

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from functools import partial
from typing import Any, Literal

from faststream.rabbit import RabbitBroker, RabbitExchange, RabbitMessage
from faststream.rabbit.schemas import ExchangeType

from common import headers
from common.domain.reason import Reason
from common.failure import Permanent, Transient
from common.service.confirm import until_confirmed
from common.topology import OPERATOR, PARK, RETRY_LADDER, RetryLevel

MAX_DETAIL = 500


def rung(attempt: int, top_rung: str) -> RetryLevel:
    """The level for the n-th failed attempt (1 = first), never above ``top_rung``."""
    top = next(i for i, level in enumerate(RETRY_LADDER) if level.name == top_rung)
    return RETRY_LADDER[min(attempt - 1, top)]


@dataclass(frozen=True, slots=True)
class Ladder:
    """Publishes the copies for one service."""

    broker: RabbitBroker
    service: str
    patience: timedelta

    async def retry(self, message: RabbitMessage, queue: str, failure: Transient) -> Literal["retried", "parked"]:
        """Send a copy up the ladder, or park it when patience is over. Returns retried or parked."""
        now = datetime.now(UTC)
        attempt, first = self._history(message, now)
        if now - first > self.patience:
            detail = f"{failure.reason}: {failure.detail}"
            return await self.park(message, queue, Permanent(Reason.E_ATTEMPTS, detail))
        extra = {
            headers.ATTEMPT: attempt,
            headers.FIRST_FAILED_AT: first.isoformat(),
            headers.FAILURE_REASON: failure.reason.value,
            headers.FAILURE_DETAIL: failure.detail[:MAX_DETAIL],
        }
        await self._copy(message, rung(attempt, failure.top_rung).exchange, queue, extra)
        return "retried"

    async def park(self, message: RabbitMessage, queue: str, failure: Permanent) -> Literal["parked"]:
        """Put a copy into the parking lot with its reason."""
        extra = {
            headers.PARK_REASON: failure.reason.value,
            headers.PARK_DETAIL: failure.detail[:MAX_DETAIL],
            headers.PARK_QUEUE: queue,
            headers.PARK_SERVICE: self.service,
            headers.PARKED_AT: datetime.now(UTC).isoformat(),
        }
        await self._copy(message, PARK, queue, extra)
        return "parked"

    def _history(self, message: RabbitMessage, now: datetime) -> tuple[int, datetime]:
        """Number of this attempt and time of the first failure; only our own copies are believed."""
        if message.raw_message.user_id != self.service:
            return 1, now
        attempt = int(message.headers.get(headers.ATTEMPT, 0)) + 1
        first = message.headers.get(headers.FIRST_FAILED_AT)
        return attempt, datetime.fromisoformat(first) if first else now

    async def _copy(self, message: RabbitMessage, exchange: str, queue: str, extra: dict[str, Any]) -> None:
        kept = headers.copied(message.headers) | extra
        if message.raw_message.user_id not in (self.service, OPERATOR):
            kept[headers.USER_ID] = message.raw_message.user_id
        await until_confirmed(partial(self._publish, message, exchange, queue, kept), exchange, queue)

    async def _publish(self, message: RabbitMessage, exchange: str, queue: str, kept: dict[str, Any]) -> None:
        raw = message.raw_message
        await self.broker.publish(
            message.body,
            exchange=RabbitExchange(exchange, type=ExchangeType.FANOUT, declare=False),
            routing_key=queue,
            persist=True,
            headers=kept,
            content_type=raw.content_type,
            correlation_id=raw.correlation_id,
            message_type=raw.type,
            timestamp=raw.timestamp,
            user_id=self.service,
        )
