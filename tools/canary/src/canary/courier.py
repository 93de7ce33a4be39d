"""Runs one round: opens two sessions at the broker, submits the letter, and reads both inboxes until the round ends.

Each round opens new sessions, so that it also tests that a unit can log in.
"""

import asyncio
import json
import time
from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import asynccontextmanager
from dataclasses import replace
from datetime import UTC, datetime
from typing import Any
from urllib.parse import unquote, urlsplit

import aio_pika
import structlog
from aio_pika.abc import AbstractChannel, AbstractIncomingMessage
from aio_pika.exceptions import AMQPException, DeliveryError

from canary.names import RECEIVER, SENDER, Outcome, Step
from canary.round import Arrival, Package, Round, concerns, note

SUBMIT = "trunk.submit"
CONTENT_TYPE = "application/edxml+xml"
UNACKED = 32
CONNECT_SECONDS = 15.0

log = structlog.get_logger()

Urls = Mapping[str, str]
"""Address with user and password of each unit, by its code."""


async def carry(
    urls: Urls,
    current: Round,
    patience_seconds: float,
    on_leftover: Callable[[], None],
    clock: Callable[[], float] = time.monotonic,
) -> tuple[Round, Outcome]:
    """Returns the round as it ended, and its outcome. Calls ``on_leftover`` for each message of the inboxes that does
    not belong to the round, and removes that message. ``clock`` is monotonic. Does not raise for errors of the broker
    or the network.
    """
    began, latest = clock(), [current]
    try:
        async with asyncio.timeout(patience_seconds):
            await _run(urls, latest, on_leftover, lambda: clock() - began)
    except TimeoutError:
        pass
    except DeliveryError as error:
        log.warning("the broker did not take a package", error=repr(error))
        latest.append(replace(latest[-1], failure=Outcome.UNCONFIRMED))
    except (AMQPException, OSError, asyncio.CancelledError) as error:
        if _is_ended(error):
            raise
        log.warning("no session at the broker", error=repr(error))
        latest.append(replace(latest[-1], failure=Outcome.UNREACHABLE))
    ended = latest[-1]
    return ended, ended.outcome(patience_seconds, patience_seconds) or Outcome.LATE


def _is_ended(error: BaseException) -> bool:
    """Whether this task was cancelled; the client library raises the same error when the broker closes a connection."""
    task = asyncio.current_task()
    return isinstance(error, asyncio.CancelledError) and task is not None and task.cancelling() > 0


async def _run(urls: Urls, latest: list[Round], on_leftover: Callable[[], None], elapsed: Callable[[], float]) -> None:
    """Appends the round to ``latest`` after each change, so that the caller has it even if this raises."""
    arrivals: asyncio.Queue[Arrival | BaseException] = asyncio.Queue()
    async with _session(urls[SENDER], arrivals) as sender, _session(urls[RECEIVER], arrivals) as receiver:
        await _listen(sender, SENDER, arrivals)
        await _listen(receiver, RECEIVER, arrivals)
        await _submit(sender, urls[SENDER], latest[-1].letter)
        latest.append(latest[-1].after(Step.CONFIRMED, elapsed()))
        while latest[-1].outcome(0.0, 1.0) is None:
            arrival = await arrivals.get()
            if isinstance(arrival, BaseException):
                raise arrival
            before = latest[-1]
            if not concerns(arrival, before):
                on_leftover()
                continue
            latest.append(note(before, arrival, elapsed()))
            if Step.DELIVERED in latest[-1].done and Step.DELIVERED not in before.done:
                await _submit(receiver, urls[RECEIVER], before.answer)


@asynccontextmanager
async def _session(url: str, arrivals: "asyncio.Queue[Arrival | BaseException]") -> AsyncIterator[AbstractChannel]:
    """A channel with publisher confirms. If the connection is lost, its error is put into ``arrivals``."""
    try:
        connection = await aio_pika.connect(url, timeout=CONNECT_SECONDS)
    except TimeoutError as error:
        raise ConnectionError(f"no session within {CONNECT_SECONDS:g} s") from error
    connection.close_callbacks.add(lambda _, error: arrivals.put_nowait(error or ConnectionError("closed")))
    async with connection:
        channel = await connection.channel(publisher_confirms=True, on_return_raises=True)
        channel.close_callbacks.add(lambda _, error: arrivals.put_nowait(error or ConnectionError("closed")))
        await channel.set_qos(prefetch_count=UNACKED)
        yield channel


async def _listen(channel: AbstractChannel, unit: str, arrivals: "asyncio.Queue[Arrival | BaseException]") -> None:
    """Acknowledges each message of the unit's inbox, then puts it into ``arrivals``: the last message of a round ends
    the session, and messages not acknowledged by then would come again in the next round."""

    async def take(message: AbstractIncomingMessage) -> None:
        await message.ack()
        arrivals.put_nowait(arrival_of(unit, message))

    await (await channel.get_queue(f"inbox.{unit}", ensure=False)).consume(take)


async def _submit(channel: AbstractChannel, url: str, package: Package) -> None:
    """Returns when the broker has confirmed."""
    exchange = await channel.get_exchange(SUBMIT, ensure=False)
    message = aio_pika.Message(
        package.body,
        content_type=CONTENT_TYPE,
        delivery_mode=aio_pika.DeliveryMode.PERSISTENT,
        user_id=unquote(urlsplit(url).username or package.sender),
        timestamp=datetime.now(UTC),
    )
    await exchange.publish(message, f"submit.{package.sender}.urgent", mandatory=True)


def arrival_of(unit: str, message: AbstractIncomingMessage) -> Arrival:
    """The message as an arrival; fields that cannot be read are empty."""
    kind = message.type or ""
    return Arrival(
        inbox=unit,
        type=kind,
        package_id=_text(message.headers.get("x-package-id")),
        body=message.body,
        label=_text(message.headers.get("x-label")),
        receipt=_receipt(message.body) if kind == "receipt" else "",
        reason=_text(message.headers.get("x-reason")),
    )


def _receipt(body: bytes) -> str:
    try:
        receipt: Any = json.loads(body)
    except ValueError:
        return ""
    return str(receipt.get("receipt", "")) if isinstance(receipt, dict) else ""


def _text(value: object) -> str:
    return value.decode(errors="replace") if isinstance(value, bytes) else str(value or "")
