"""A round carried out over sessions that are remembered; the real broker is in tests/system/test_canary.py."""

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from types import SimpleNamespace
from typing import Any

import pytest
from aio_pika.exceptions import AMQPConnectionError, DeliveryError
from pamqp.commands import Basic

from canary import courier
from canary.names import RECEIVER, SENDER, Outcome, Step
from canary.round import Arrival, Package, Round

LETTER, ANSWER, OLD = Package(SENDER, b"letter"), Package(RECEIVER, b"status"), Package(SENDER, b"an older letter")
URLS = {SENDER: f"amqp://{SENDER}:a@broker/trunk", RECEIVER: f"amqp://{RECEIVER}:b@broker/trunk"}


def arrival(inbox: str, kind: str, package: Package, **fields: str) -> Arrival:
    return Arrival(inbox=inbox, type=kind, package_id=package.package_id, body=package.body, **fields)


RECEIPT = arrival(SENDER, "receipt", LETTER, receipt="accepted")
DOCUMENT = arrival(RECEIVER, "document", LETTER, label="ORIGINAL")
ANSWERS = [arrival(RECEIVER, "receipt", ANSWER, receipt="accepted"), arrival(SENDER, "status", ANSWER)]
OLD_DOCUMENT = arrival(RECEIVER, "document", OLD, label="ORIGINAL")

Put = Callable[[Any], None]


class Remembered:
    """Inboxes, and what is put into them once a package was submitted."""

    def __init__(self, before: list[Any], after_letter: list[Any], fails: Exception | None = None) -> None:
        self.before, self.after_letter, self.fails = before, after_letter, fails
        self.submitted: list[Package] = []
        self.put: Put = lambda _: None

    @asynccontextmanager
    async def session(self, url: str, arrivals: "asyncio.Queue[Any]") -> AsyncIterator[str]:
        if self.fails and not isinstance(self.fails, DeliveryError):
            raise self.fails
        self.put = arrivals.put_nowait
        yield url

    async def listen(self, channel: str, unit: str, arrivals: "asyncio.Queue[Any]") -> None:
        for each in [each for each in self.before if each.inbox == unit]:
            arrivals.put_nowait(each)

    async def submit(self, channel: str, url: str, package: Package) -> None:
        if self.fails:
            raise self.fails
        assert channel == url == URLS[package.sender]
        self.submitted.append(package)
        for each in self.after_letter if package == LETTER else ANSWERS:
            self.put(each)


async def carried(monkeypatch: pytest.MonkeyPatch, trunk: Remembered) -> tuple[Round, Outcome, int]:
    leftovers: list[int] = []
    monkeypatch.setattr(courier, "_session", trunk.session)
    monkeypatch.setattr(courier, "_listen", trunk.listen)
    monkeypatch.setattr(courier, "_submit", trunk.submit)
    ticks = iter(range(1000))
    current = Round(letter=LETTER, answer=ANSWER)
    ended, outcome = await courier.carry(URLS, current, 60.0, lambda: leftovers.append(1), lambda: float(next(ticks)))
    return ended, outcome, len(leftovers)


CASES = {
    "all comes": (Remembered([], [RECEIPT, DOCUMENT]), Outcome.SUCCESS, 0, [LETTER, ANSWER]),
    "the letter twice is answered once": (
        Remembered([], [DOCUMENT, DOCUMENT, RECEIPT]), Outcome.SUCCESS, 0, [LETTER, ANSWER],
    ),
    "an old letter lies in the inbox": (
        Remembered([OLD_DOCUMENT] * 3, [RECEIPT, DOCUMENT]), Outcome.SUCCESS, 3, [LETTER, ANSWER],
    ),
    "a refusal ends it": (
        Remembered([], [arrival(SENDER, "refusal", LETTER, reason="E_DATE")]), Outcome.REFUSED, 0, [LETTER],
    ),
    "nacked or returned": (Remembered([], [], DeliveryError(None, Basic.Nack())), Outcome.UNCONFIRMED, 0, []),
    "no session": (Remembered([], [], AMQPConnectionError("refused")), Outcome.UNREACHABLE, 0, []),
    "no answer from the address": (Remembered([], [], ConnectionRefusedError()), Outcome.UNREACHABLE, 0, []),
    "the session breaks off": (
        Remembered([], [RECEIPT, AMQPConnectionError("gone")]), Outcome.UNREACHABLE, 0, [LETTER],
    ),
    "the broker closes the connection, as the client library says it": (
        Remembered([], [RECEIPT, asyncio.CancelledError()]), Outcome.UNREACHABLE, 0, [LETTER],
    ),
}  # fmt: skip


@pytest.mark.parametrize("case", CASES)
async def test_how_a_round_goes(case: str, monkeypatch: pytest.MonkeyPatch) -> None:
    trunk, outcome, leftovers, submitted = CASES[case]
    _, ended, ended_leftovers = await carried(monkeypatch, trunk)
    assert (ended, ended_leftovers, trunk.submitted) == (outcome, leftovers, submitted)


async def test_a_canary_that_is_told_to_end_ends(monkeypatch: pytest.MonkeyPatch) -> None:
    task = asyncio.ensure_future(carried(monkeypatch, Remembered([], [])))
    await asyncio.sleep(0)
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task


@pytest.mark.parametrize(
    ("arrivals", "outcome"),
    [
        ([], Outcome.LATE),
        ([arrival(SENDER, "receipt", LETTER, receipt="held")], Outcome.HELD),
        ([OLD_DOCUMENT], Outcome.LATE),
    ],
)
async def test_what_does_not_come_in_time(
    arrivals: list[Arrival], outcome: Outcome, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The patience ends, as ``asyncio.timeout`` says it."""
    ended, ended_outcome, _ = await carried(monkeypatch, Remembered([], [*arrivals, TimeoutError()]))
    assert ended_outcome is outcome
    assert Step.CONFIRMED in ended.done


async def test_a_message_is_acknowledged_before_the_round_may_end_by_it() -> None:
    """Else the session could end first, and the message would be left over for the next round."""
    arrivals: asyncio.Queue[Any] = asyncio.Queue()
    seen: list[bool] = []

    async def ack() -> None:
        await asyncio.sleep(0)
        seen.append(arrivals.empty())

    async def consume(take: Callable[[Any], Any]) -> None:
        await take(SimpleNamespace(type="receipt", headers={}, body=b"{}", ack=ack))

    async def get_queue(name: str, *, ensure: bool) -> SimpleNamespace:
        assert (name, ensure) == (f"inbox.{SENDER}", False)
        return SimpleNamespace(consume=consume)

    await courier._listen(SimpleNamespace(get_queue=get_queue), SENDER, arrivals)  # type: ignore[arg-type]
    assert (seen, arrivals.qsize()) == ([True], 1)


def test_what_the_broker_delivers_becomes_an_arrival() -> None:
    headers = {"x-package-id": "p", "x-label": b"ORIGINAL", "x-reason": "E_DATE"}
    message = SimpleNamespace(type="receipt", headers=headers, body=b'{"receipt": "held"}')
    received = courier.arrival_of(SENDER, message)  # type: ignore[arg-type]
    assert received == Arrival(
        inbox=SENDER, type="receipt", package_id="p", body=message.body, label="ORIGINAL", receipt="held",
        reason="E_DATE",
    )  # fmt: skip


@pytest.mark.parametrize("body", [b"", b"[]", b"\xff", b"{}"])
def test_a_receipt_that_cannot_be_read_says_nothing(body: bytes) -> None:
    message = SimpleNamespace(type="receipt", headers={}, body=body)
    assert courier.arrival_of(SENDER, message).receipt == ""  # type: ignore[arg-type]
