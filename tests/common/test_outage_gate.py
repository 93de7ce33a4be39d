"""What an outage holds up, and what opens the gate again: by what is away, and by what messages need."""

import asyncio
from datetime import timedelta
from unittest.mock import AsyncMock

import pytest

from common.domain.names import Lane
from common.failure import Outage
from common.service import outage_gate
from common.service.incoming import Incoming
from common.service.outage_gate import LONGEST_PAUSE_SECONDS, OutageGate, kind_of
from common.service.process import Processor
from common.service.settle import Disposition

from ..harness.memory import MemoryRecords, delivery
from ..simulation.loop import VirtualLoop

QUEUE = f"facts.validator.{Lane.NORMAL}"
LACKED = "unit directory"
SLOTS = 4


def package(body: str) -> Incoming:
    return delivery(QUEUE, body.encode(), type="package.accepted")


def request(body: str = "request") -> Incoming:
    return delivery(QUEUE, body.encode(), type="operator.requested")


class Time:
    """The clock of the event loop."""

    def __init__(self) -> None:
        self.now = 100.0

    def __call__(self) -> float:
        return self.now


@pytest.fixture
def time(monkeypatch: pytest.MonkeyPatch) -> Time:
    clock = Time()
    monkeypatch.setattr(outage_gate, "loop_time", clock)
    return clock


@pytest.fixture
def gate(time: Time) -> OutageGate:
    return OutageGate(SLOTS)


def is_closed(gate: OutageGate, message: Incoming) -> bool:
    return gate.closed_until(message) > outage_gate.loop_time()


def close(gate: OutageGate, dependency: str = LACKED) -> None:
    for body in ("first", "second"):
        gate.note_outage(package(body), dependency)


def test_one_message_that_lacks_something_holds_up_nobody(gate: OutageGate) -> None:
    for _ in range(5):
        gate.note_outage(package("strange"), LACKED)
    assert not is_closed(gate, package("other"))


def test_a_strange_message_among_others_that_are_handled_holds_up_nobody(gate: OutageGate) -> None:
    for number in range(5):
        gate.note_outage(package(f"strange {number}"), LACKED)
        gate.note_success(package("other"))
        assert not is_closed(gate, package("other"))


def test_two_that_lack_the_same_close_it_for_their_kind_alone(gate: OutageGate) -> None:
    close(gate)
    assert is_closed(gate, package("third"))
    assert not is_closed(gate, request())


def test_two_that_lack_different_things_close_nothing(gate: OutageGate) -> None:
    gate.note_outage(package("first"), LACKED)
    gate.note_outage(package("second"), "object store")
    assert not is_closed(gate, package("third"))


def test_an_unrelated_success_does_not_open_it(gate: OutageGate) -> None:
    close(gate)
    gate.note_success(request())
    assert is_closed(gate, package("third"))
    gate.note_success(package("third"))
    assert not is_closed(gate, package("fourth"))


def test_whoever_has_lacked_it_opens_it_for_all_who_have(gate: OutageGate) -> None:
    gate.note_outage(request(), LACKED)
    gate.note_outage(package("first"), LACKED)
    assert is_closed(gate, request())
    assert is_closed(gate, package("second"))
    gate.note_success(request("another"))
    assert not is_closed(gate, request())
    assert not is_closed(gate, package("second"))


def test_the_database_is_needed_by_all(gate: OutageGate) -> None:
    close(gate, "database")
    assert is_closed(gate, request())
    gate.note_success(request())
    assert not is_closed(gate, package("third"))


def test_a_success_says_nothing_of_what_its_kind_does_not_need(gate: OutageGate) -> None:
    close(gate, "database")
    close(gate, "object store")
    gate.note_success(request())
    assert is_closed(gate, package("third")), "the database is back, the store is not"


def test_each_closing_is_longer_and_those_that_fail_together_close_it_once(gate: OutageGate, time: Time) -> None:
    pauses = []
    for _ in range(7):
        for number in range(8):
            gate.note_outage(package(f"message {number}"), LACKED)
        pauses.append(gate.closed_until(package("next")) - time.now)
        time.now = gate.closed_until(package("next"))
    assert pauses == [0.5, 1.0, 2.0, 4.0, 8.0, LONGEST_PAUSE_SECONDS, LONGEST_PAUSE_SECONDS]


@pytest.mark.parametrize(
    ("queue", "kind"),
    [
        (QUEUE, "package.accepted"),
        ("submit.A.01.normal", "submit"),
        ("place.urgent", "place"),
        ("trunk.dead.router", "trunk"),
    ],
)
def test_what_a_unit_writes_names_no_kind(queue: str, kind: str) -> None:
    assert kind_of(delivery(queue, type="package.accepted")) == kind
    assert kind_of(delivery(queue, type="made up")) == queue.partition(".")[0]


# who keeps slots


def began_after(shut: str, queue: str, count: int = 40) -> tuple[float, int]:
    """A queue full of one kind for which the gate is closed, and an operator's request behind: after how many virtual
    seconds the request is tried, and how many of the others are then given back. As a consumer does it, with slots."""
    loop, gate, back = VirtualLoop(), OutageGate(SLOTS), list[bool]()
    slots, began = asyncio.Semaphore(SLOTS), list[float]()

    async def handled(message: Incoming) -> bool:
        async with slots:
            return await gate.admits(message)

    async def fill() -> None:
        for _ in range(8):
            for number in range(2):
                gate.note_outage(delivery(queue, str(number).encode(), type="package.accepted"), shut)
            await asyncio.sleep(gate.closed_until(delivery(queue, type="package.accepted")) - loop.time())
        for number in range(2):
            gate.note_outage(delivery(queue, str(number).encode(), type="package.accepted"), shut)
        others = [delivery(queue, b"%d" % number, type="package.accepted") for number in range(count)]
        running = [asyncio.ensure_future(handled(each)) for each in others]
        await asyncio.sleep(0)
        at = loop.time()
        await handled(delivery(queue, b"", type="operator.requested"))
        began.append(loop.time() - at)
        back.extend(each.done() and not each.result() for each in running)
        await asyncio.gather(*running)

    task = loop.create_task(fill())
    loop.run_until(task.done, 3600.0)
    task.result()
    return began[0], sum(back)


def test_a_kind_that_is_shut_out_leaves_half_of_the_slots_to_the_others() -> None:
    seconds, given_back = began_after(LACKED, QUEUE)
    assert seconds < 1.0
    assert 40 - SLOTS <= given_back <= 40 - SLOTS // 2


@pytest.mark.parametrize(("shut", "queue"), [("database", QUEUE), (LACKED, "place.normal")], ids=["all", "one kind"])
def test_where_no_other_kind_can_go_on_nothing_is_given_back(shut: str, queue: str) -> None:
    _, given_back = began_after(shut, queue)
    assert given_back == 0


async def test_what_is_given_back_is_no_attempt() -> None:
    records, handled = MemoryRecords(), list[Incoming]()

    async def handle(message: Incoming) -> None:
        handled.append(message)
        raise Outage(LACKED, "away")

    processor = Processor(
        "validator",
        records,
        patience=timedelta(hours=72),
        handler_seconds=5.0,
        slots=1,
        on_security=AsyncMock(),
    )
    for body in ("first", "second"):
        await processor.process(package(body), handle)
    settlement = await processor.process(package("third"), handle)
    assert (settlement.disposition, settlement.outcome, len(handled)) == (Disposition.RETURN, "waiting", 2)
    assert records.rows == {}
