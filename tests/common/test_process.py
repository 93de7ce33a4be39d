"""The processor around handlers: records, patience, outages, quarantine; over fakes and a clock that stands still."""

import asyncio
from collections.abc import Awaitable, Callable
from datetime import timedelta

import pytest

from common.domain.reason import Reason
from common.failure import Forged, Outage, Permanent, Transient
from common.service.incoming import Incoming
from common.service.process import Processor
from common.service.records import MessageRecord, RecordState
from common.service.settle import Disposition, Settlement

from ..harness.memory import Clock, MemoryRecords, delivery

UNDECIDED = Transient(Reason.E_SIG_REVOCATION_UNKNOWN, "stale")
FIRST, AGAIN = delivery(), delivery(is_redelivered=True)


class Bench:
    """A processor and what it works with."""

    def __init__(self) -> None:
        self.records, self.clock = MemoryRecords(), Clock()
        self.security: list[MessageRecord] = []
        self.runs = 0

        async def noticed(record: MessageRecord) -> None:
            self.security.append(record)

        self.processor = Processor(
            "router",
            self.records,
            patience=timedelta(hours=72),
            handler_seconds=0.05,
            slots=8,
            on_security=noticed,
            now=self.clock,
        )

    async def run(self, message: Incoming, error: BaseException | None = None) -> Settlement:
        return await self.processor.process(message, self.raising(error))

    def raising(self, error: BaseException | None) -> Callable[[Incoming], Awaitable[None]]:
        async def handle(_: Incoming) -> None:
            self.runs += 1
            if error:
                raise error

        return handle


@pytest.fixture
def bench() -> Bench:
    return Bench()


async def test_a_message_that_is_handled_leaves_nothing(bench: Bench) -> None:
    assert (await bench.run(FIRST)).disposition is Disposition.ACK
    assert bench.records.rows == {}


async def test_an_undecided_message_is_tried_after_growing_pauses_and_then_parked(bench: Bench) -> None:
    message, pauses = FIRST, []
    while (settlement := await bench.run(message, UNDECIDED)).disposition is Disposition.RETURN:
        assert settlement.pause is not None
        pauses.append(settlement.pause)
        bench.clock.now += settlement.pause
        message = AGAIN
    assert pauses[:4] == [timedelta(seconds=s) for s in (10, 20, 40, 80)]
    assert timedelta(hours=72) <= sum(pauses, timedelta()) < timedelta(hours=72, minutes=11)
    assert (settlement.disposition, settlement.reason) == (Disposition.DEAD, Reason.E_ATTEMPTS)
    (record,) = bench.records.rows.values()
    assert (record.state, record.attempts) == (RecordState.GIVEN_UP, len(pauses))


async def test_a_holiday_of_nine_days_without_fresh_lists(bench: Bench) -> None:
    """With the patience of an ordinary week it is parked on the fourth day; with a longer one it decides itself."""
    for hours, is_parked in ((72, True), (240, False)):
        bench.records, start = MemoryRecords(), bench.clock.now
        bench.processor._records, bench.processor._patience = bench.records, timedelta(hours=hours)
        message, settlement = FIRST, await bench.run(FIRST, UNDECIDED)
        while settlement.pause and bench.clock.now - start < timedelta(days=9):
            bench.clock.now += settlement.pause
            message = AGAIN
            settlement = await bench.run(message, UNDECIDED)
        assert (settlement.disposition is Disposition.DEAD) is is_parked
        if is_parked:
            assert timedelta(days=3) <= bench.clock.now - start < timedelta(days=4)
            assert settlement.detail.startswith(Reason.E_SIG_REVOCATION_UNKNOWN), "what it waited for"
        else:
            bench.clock.now += settlement.pause or timedelta()
            assert (await bench.run(AGAIN)).disposition is Disposition.ACK
            assert bench.records.rows == {}


async def test_before_it_is_due_a_message_goes_back_unhandled(bench: Bench) -> None:
    await bench.run(FIRST, UNDECIDED)
    bench.clock.move(seconds=9)
    settlement = await bench.run(AGAIN)
    assert (settlement.disposition, settlement.outcome, bench.runs) == (Disposition.RETURN, "waiting", 1)
    bench.clock.move(seconds=1)
    assert (await bench.run(AGAIN)).disposition is Disposition.ACK
    assert bench.records.rows == {}, "the record ends with the message"


@pytest.mark.parametrize("errors", [(), (UNDECIDED,)])
async def test_what_was_given_up_and_comes_again_leaves_nothing_once_it_is_handled(
    bench: Bench, errors: tuple[Exception, ...]
) -> None:
    """Its process ended before it told the broker, and what was wrong is repaired."""
    await bench.run(FIRST, Permanent(Reason.E_OBJECT, "missing"))
    for error in errors:
        assert (await bench.run(AGAIN, error)).disposition is Disposition.RETURN
        bench.clock.move(seconds=10)
    assert (await bench.run(AGAIN)).disposition is Disposition.ACK
    assert bench.records.rows == {}


async def test_time_during_an_outage_uses_up_no_patience(bench: Bench) -> None:
    await bench.run(FIRST, UNDECIDED)
    for _ in range(50):
        bench.clock.move(hours=6)
        assert (await bench.run(AGAIN, Outage("database", "away"))).disposition is Disposition.RETURN
    assert (await bench.run(AGAIN, UNDECIDED)).disposition is Disposition.RETURN
    (record,) = bench.records.rows.values()
    assert (record.attempts, record.waited_seconds) == (2, 30.0)


async def test_a_database_that_is_away_neither_counts_nor_parks(bench: Bench) -> None:
    bench.records.failure = Outage("database", "away")
    for message, error in ((FIRST, UNDECIDED), (FIRST, Permanent(Reason.E_FACT)), (AGAIN, None), (FIRST, Forged("x"))):
        assert (await bench.run(message, error)).disposition is Disposition.RETURN
    assert bench.security == []


async def test_a_store_that_raises_something_else_loses_nothing(bench: Bench) -> None:
    bench.records.failure = RuntimeError("bug in the store")
    assert (await bench.run(AGAIN)).disposition is Disposition.RETURN


async def test_a_bug_counts_while_others_succeed_and_waits_while_none_does(bench: Bench) -> None:
    bug, other = RuntimeError("bug"), delivery(body=b"other")
    assert (await bench.run(FIRST, bug)).disposition is Disposition.RETURN
    await bench.run(other)
    assert (await bench.run(delivery(), bug)).disposition is Disposition.COUNT
    bench.clock.move(minutes=11)
    assert (await bench.run(delivery(), bug)).disposition is Disposition.RETURN


async def test_its_own_success_does_not_make_a_message_s_failure_its_own(bench: Bench) -> None:
    await bench.run(FIRST)
    assert (await bench.run(FIRST, RuntimeError("bug"))).disposition is Disposition.RETURN


async def test_a_handler_that_takes_too_long_ends(bench: Bench) -> None:
    async def hang(_: Incoming) -> None:
        await asyncio.Event().wait()

    await bench.run(delivery(body=b"other"))
    assert (await bench.processor.process(FIRST, hang)).disposition is Disposition.COUNT


async def test_a_forged_message_is_quarantined_and_said_to_be(bench: Bench) -> None:
    settlement = await bench.run(FIRST, Forged("document.verified published by notifier"))
    assert (settlement.disposition, settlement.outcome) == (Disposition.DEAD, "quarantined")
    (record,) = bench.security
    assert (record.is_quarantined, record.security, record.reason) == (True, "FORGED_FACT", Reason.E_FORGED)


async def test_an_outage_holds_up_messages_until_one_of_their_kind_is_handled(bench: Bench) -> None:
    gate, other = bench.processor._gate, delivery(body=b"other")
    await bench.run(FIRST, Outage("object store", "away"))
    await bench.run(other, Outage("object store", "away"))
    assert gate.closed_until(FIRST) > asyncio.get_running_loop().time()
    gate._lacks["object store"].closed_until = 0.0
    await bench.run(FIRST)
    assert gate.closed_until(FIRST) == 0.0
    assert not gate._lacks
