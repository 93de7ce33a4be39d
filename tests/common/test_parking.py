"""Parked messages: dead letters become records, and operators' decisions are carried out where the message is kept."""

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any
from unittest.mock import AsyncMock

import pytest

from common.domain.names import Lane, PackageKind
from common.domain.reason import Reason
from common.domain.security import SecurityKind
from common.facts import (
    MessageParked,
    ObjectRef,
    OperatorActed,
    OperatorRequested,
    PackageAccepted,
    ParkedPackage,
    SecurityNoticed,
)
from common.failure import Forged, Outage, Permanent, Transient
from common.service.incoming import Death, Incoming
from common.service.parking import Parking
from common.service.parking_facts import given_up_event
from common.service.process import Processor
from common.service.records import DEAD_LETTERS_KEPT, MessageRecord, RecordState

from ..harness.memory import Clock, MemoryBodies, MemoryRecords, RecordingPublisher

QUEUE = "facts.validator.normal"
REF = ObjectRef(bucket="content", key="k", sha256="0" * 64, size_bytes=1)


def accepted(clock: Clock) -> PackageAccepted:
    return PackageAccepted(
        event_id="p:intake:1",
        occurred_at=clock(),
        subject="d" * 32,
        lane=Lane.NORMAL,
        package_id="p" * 32,
        sender="A.01",
        document_id="A.01,1",
        kind=PackageKind.NEW,
        package=REF,
        envelope=REF,
        submitted_at=clock(),
    )


class Bench:
    """The validator's parked messages."""

    def __init__(self) -> None:
        self.clock, self.records, self.bodies = Clock(), MemoryRecords(), MemoryBodies()
        self.publisher = RecordingPublisher()
        self.handled: list[Incoming] = []
        self.failures: list[Exception] = []
        self.handle: Callable[[Incoming], Awaitable[None]] | None = None

        async def noticed(_: MessageRecord) -> None:
            return

        async def handle(message: Incoming) -> None:
            self.handled.append(message)
            if self.failures:
                raise self.failures.pop(0)
            if self.handle:
                await self.handle(message)

        self.processor = Processor(
            "validator",
            self.records,
            patience=timedelta(hours=72),
            handler_seconds=5,
            slots=8,
            on_security=noticed,
            now=self.clock,
        )
        self.handlers: dict[str, Any] = {"facts.validator.": handle, "submit.": handle}
        self.parking = self.process()

    def process(self) -> Parking:
        """Another process of the service, with the same memory."""
        return Parking(
            "validator",
            self.records,
            self.bodies,
            self.publisher,
            self.processor,
            lambda queue: next((h for prefix, h in self.handlers.items() if queue.startswith(prefix)), None),
            self.clock,
        )

    def dead(
        self, reason: str = "rejected", queue: str = QUEUE, died_at: datetime | None = None, **fields: Any
    ) -> Incoming:
        values = {
            "queue": "trunk.dead.validator",
            "body": accepted(Clock()).model_dump_json().encode(),
            "user_id": "intake",
            "death": Death(
                queue=queue, exchange="trunk.facts", routing_key="package.accepted.normal", reason=reason, at=died_at
            ),
        }
        return Incoming(**values | fields)  # type: ignore[arg-type]

    async def park(self, **fields: Any) -> MessageRecord:
        message = self.dead(**fields)
        await self.parking.take(message)
        return self.records.rows[message.before_death.key]

    async def decide(self, record: MessageRecord, action: Any, number: int = 1, target: str = "validator") -> None:
        """An operator's decision, a minute later."""
        self.clock.move(minutes=1)
        request = OperatorRequested(
            event_id=f"{record.record_id}:{action}:{number}",
            occurred_at=self.clock(),
            subject=record.record_id,
            lane=Lane.NORMAL,
            target=target,
            record_id=record.record_id,
            action=action,
            actor="Lan",
            purpose="the list is there now",
        )
        await self.parking.act(request)

    def saved(self, record: MessageRecord) -> MessageRecord:
        return self.records.rows[record.record_id]

    def acted(self) -> list[OperatorActed]:
        return [fact for fact in self.publisher.facts if isinstance(fact, OperatorActed)]


@pytest.fixture
def bench() -> Bench:
    return Bench()


async def test_a_dead_letter_is_kept_and_said_to_be(bench: Bench) -> None:
    record = await bench.park()
    assert (record.state, record.queue, record.user_id) == (RecordState.PARKED, QUEUE, "intake")
    assert record.message is not None
    assert record.message.body == bench.dead().body
    (fact,) = bench.publisher.facts
    assert isinstance(fact, MessageParked)
    assert (fact.service, fact.holds_package, fact.sender, fact.package_id) == ("validator", True, "A.01", "p" * 32)
    assert fact.subject == "d" * 32, "the document's own ledger says that it is held"


async def test_arriving_twice_it_is_kept_once_and_the_fact_is_the_same(bench: Bench) -> None:
    await bench.park()
    bench.clock.move(hours=1)
    await bench.park()
    assert len(bench.records.rows) == 1
    first, second = bench.publisher.facts
    assert first == second


DIED_AT = datetime(2026, 11, 22, 8, 29, 59, tzinfo=UTC)
LATER = DIED_AT + timedelta(seconds=1)


@pytest.mark.parametrize("action", ["discard", "replay"])
@pytest.mark.parametrize(
    ("dies_again_at", "is_parked_again"), [(DIED_AT, False), (LATER, True), (None, True)], ids=["it", "copy", "unknown"]
)
async def test_a_dead_letter_that_comes_again_after_its_decision_is_not_parked_again(
    bench: Bench, action: str, dies_again_at: datetime | None, is_parked_again: bool
) -> None:
    """The connection was lost before the broker knew that it was taken. A copy died at another time."""
    record = await bench.park(died_at=DIED_AT)
    await bench.decide(record, action)
    decided = bench.saved(record)
    bench.clock.move(hours=1)
    for _ in range(2):
        await bench.parking.take(bench.dead(died_at=dies_again_at, is_redelivered=True))
    assert (bench.saved(record).state is RecordState.PARKED) is is_parked_again
    assert (bench.saved(record) == decided) is not is_parked_again
    announced = {fact.model_dump_json() for fact in bench.publisher.named("message.parked")}
    assert len(announced) == 1 + is_parked_again, "one event has one body"
    await bench.decide(record, action)
    first, second = bench.acted()
    assert first == second


@pytest.mark.parametrize("action", ["discard", "replay"])
async def test_that_a_message_was_parked_is_announced_also_if_that_fails_until_it_is_decided_about(
    bench: Bench, monkeypatch: pytest.MonkeyPatch, action: str
) -> None:
    """Its process ends after it has saved the record; an operator, who reads records, is faster than the broker."""
    with monkeypatch.context() as ending:
        ending.setattr(bench.publisher, "announce", AsyncMock(side_effect=Outage("broker", "the process ends")))
        with pytest.raises(Outage):
            await bench.park(died_at=DIED_AT)
    (record,) = bench.records.rows.values()
    await bench.decide(record, action)
    await bench.park(died_at=DIED_AT)
    assert bench.saved(record).state is not RecordState.PARKED
    (parked,), (acted,) = bench.publisher.named("message.parked"), bench.acted()
    assert parked.occurred_at < acted.occurred_at


@pytest.mark.parametrize("dies_again_at", [DIED_AT, LATER])
async def test_a_dead_letter_that_comes_again_in_the_course_of_its_replay(
    bench: Bench, dies_again_at: datetime
) -> None:
    """The replay settles it, unless what was replayed has died anew."""
    record = await bench.park(died_at=DIED_AT)

    async def handle(_: Incoming) -> None:
        await bench.process().take(bench.dead(died_at=dies_again_at))

    bench.handle = handle
    await bench.decide(record, "replay")
    is_new = dies_again_at == LATER
    assert bench.saved(record).state is (RecordState.PARKED if is_new else RecordState.REPLAYED)
    assert bench.saved(record).parkings == 1 + is_new
    assert [fact.outcome for fact in bench.acted()] == ["done"]


@pytest.mark.parametrize("action", ["discard", "replay"])
async def test_what_is_decided_about_at_once_may_die_twice_in_one_second(bench: Bench, action: str) -> None:
    """The broker tells whole seconds of a death, so that the second one looks like the first; nothing may be lost."""
    bench.clock.move(minutes=-1)
    record = await bench.park(died_at=DIED_AT)
    bench.records.rows[record.record_id] = record.model_copy(update={"parked_at": bench.clock() + timedelta(minutes=1)})
    await bench.decide(record, action)
    await bench.park(died_at=DIED_AT)
    assert (bench.saved(record).state, bench.saved(record).parkings) == (RecordState.PARKED, 2)


async def test_a_dead_letter_that_comes_again_beside_a_copy_leaves_what_the_service_says_of_that(bench: Bench) -> None:
    record = await bench.park(died_at=DIED_AT)
    await bench.decide(record, "discard")
    bench.failures = [Permanent(Reason.E_FACT, "a field")]
    await bench.processor.process(bench.dead().before_death, bench.handlers["facts.validator."])
    announced = bodies(bench)
    await bench.parking.take(bench.dead(died_at=DIED_AT))
    assert (bench.saved(record).state, bodies(bench)) == (RecordState.GIVEN_UP, announced)
    await bench.parking.take(bench.dead(died_at=LATER))
    assert (bench.saved(record).state, bench.saved(record).reason) == (RecordState.PARKED, Reason.E_FACT)


def bodies(bench: Bench) -> set[str]:
    return {fact.model_dump_json() for fact in bench.publisher.facts}


async def park_silently(bench: Bench, monkeypatch: pytest.MonkeyPatch) -> MessageRecord:
    """The process ends after it has saved the record, and before it has announced anything."""
    with monkeypatch.context() as ending:
        ending.setattr(bench.publisher, "announce", AsyncMock(side_effect=Outage("broker", "the process ends")))
        with pytest.raises(Outage):
            await bench.park(died_at=DIED_AT)
    (record,) = bench.records.rows.values()
    return record


@pytest.mark.parametrize("first_dead", ["itself", "copy"])
@pytest.mark.parametrize("action", ["discard", "replay"])
async def test_a_parking_is_announced_also_if_a_copy_was_given_up_before(
    bench: Bench, monkeypatch: pytest.MonkeyPatch, action: str, first_dead: str
) -> None:
    record = await park_silently(bench, monkeypatch)
    await bench.decide(record, action)
    bench.failures = [Permanent(Reason.E_FACT, "a field")]
    await bench.processor.process(bench.dead().before_death, bench.handlers["facts.validator."])
    assert bench.saved(record).state is RecordState.GIVEN_UP
    deaths = [DIED_AT, LATER] if first_dead == "itself" else [LATER, DIED_AT]
    for died_at in (*deaths, *deaths):
        await bench.park(died_at=died_at)
    parked = {fact.event_id: fact for fact in bench.publisher.named("message.parked")}
    assert len({fact.model_dump_json() for fact in bench.publisher.named("message.parked")}) == len(parked) == 2
    first, second = sorted(parked.values(), key=lambda fact: fact.occurred_at)
    assert (first.event_id, first.reason, first.occurred_at) == (
        f"{record.record_id}:parked:1",
        record.reason,
        record.parked_at,
    )
    assert second.reason is Reason.E_FACT


async def test_a_parking_is_announced_also_if_its_replay_has_failed_before(
    bench: Bench, monkeypatch: pytest.MonkeyPatch
) -> None:
    record = await park_silently(bench, monkeypatch)
    bench.failures = [Permanent(Reason.E_FACT, "still")]
    await bench.decide(record, "replay")
    assert bench.saved(record).parkings == 2
    await bench.park(died_at=DIED_AT)
    [fact] = bench.publisher.named("message.parked")
    assert (fact.event_id, fact.reason) == (f"{record.record_id}:parked:1", record.reason)


async def test_a_quarantined_message_whose_parking_is_announced_late_is_a_security_event(
    bench: Bench, monkeypatch: pytest.MonkeyPatch
) -> None:
    with monkeypatch.context() as ending:
        ending.setattr(bench.publisher, "announce", AsyncMock(side_effect=Outage("broker", "the process ends")))
        with pytest.raises(Outage):
            await bench.park(died_at=DIED_AT, user_id="notifier")
    (record,) = bench.records.rows.values()
    await bench.decide(record, "discard")
    bench.failures = [Permanent(Reason.E_FACT, "a field")]
    message = bench.dead(user_id="notifier").before_death
    await bench.processor.process(message, bench.handlers["facts.validator."])
    await bench.park(died_at=DIED_AT, user_id="notifier")
    kinds = [fact.kind for fact in bench.publisher.facts if isinstance(fact, SecurityNoticed)]
    assert kinds.count(SecurityKind.FORGED_FACT) == 1


async def test_a_copy_that_joined_a_parked_message_is_decided_about_with_it(bench: Bench) -> None:
    record = await bench.park(died_at=DIED_AT)
    await bench.park(died_at=LATER)
    await bench.decide(record, "discard")
    for died_at in (DIED_AT, LATER):
        await bench.park(died_at=died_at)
    assert bench.saved(record).state is RecordState.DISCARDED
    assert len({fact.event_id for fact in bench.publisher.named("message.parked")}) == 1


async def test_of_many_dead_letters_the_newest_are_remembered(bench: Bench) -> None:
    for second in range(DEAD_LETTERS_KEPT + 5):
        record = await bench.park(died_at=DIED_AT + timedelta(seconds=second))
    assert len(record.dead_letters) == DEAD_LETTERS_KEPT
    assert max(record.dead_letters) == DIED_AT + timedelta(seconds=DEAD_LETTERS_KEPT + 4)


async def test_a_forged_message_that_comes_again_after_its_discard_is_the_same_event(bench: Bench) -> None:
    record = await bench.park(user_id="notifier", reason="delivery_limit", died_at=DIED_AT)
    await bench.decide(record, "discard")
    await bench.park(user_id="notifier", reason="delivery_limit", died_at=DIED_AT)
    noticed = [fact for fact in bench.publisher.facts if isinstance(fact, SecurityNoticed)]
    assert len({fact.model_dump_json() for fact in noticed if fact.kind == "FORGED_FACT"}) == 1


async def test_a_dead_letter_that_comes_again_leaves_the_reason_of_the_service(bench: Bench) -> None:
    """Its process ended between saving and announcing; or a copy of the message was given up as well."""
    dead = bench.dead()
    for failure in (Permanent(Reason.E_FACT, "a field"), Permanent(Reason.E_OBJECT, "no object")):
        bench.failures = [failure]
        await bench.processor.process(dead.before_death, bench.handlers["facts.validator."])
        for _ in range(2):
            bench.clock.move(minutes=1)
            await bench.parking.take(dead)
    (record,) = bench.records.rows.values()
    assert (record.reason, record.detail) == (Reason.E_FACT, "a field")
    assert len({fact.model_dump_json() for fact in bench.publisher.facts}) == 1, "one event id, one body"


async def test_what_is_given_up_for_security_is_one_event_each_time_it_is_parked(bench: Bench) -> None:
    """Its process ends between announcing and rejecting; an operator discards it, and a copy comes."""
    dead = bench.dead()
    events = []
    for text in ("first", "second"):
        for detail in (text, f"{text}, told otherwise"):
            bench.failures = [Forged(detail)]
            await bench.processor.process(dead.before_death, bench.handlers["facts.validator."])
            (saved,) = bench.records.rows.values()
            assert saved.security
            events.append(given_up_event("validator", saved, saved.security))
        await bench.parking.take(dead)
        (record,) = bench.records.rows.values()
        events += [fact for fact in bench.publisher.facts if isinstance(fact, SecurityNoticed)][-1:]
        await bench.decide(record, "discard")
    bodies = [event.model_dump_json() for event in events]
    assert [bodies.index(body) for body in bodies] == [0, 0, 0, 3, 3, 3]
    assert events[0].event_id != events[3].event_id


COPY_FAILS = Transient(Reason.E_SIG_REVOCATION_UNKNOWN, "the list is old")
STATES: dict[RecordState, tuple[str, ...]] = {
    RecordState.PARKED: (),
    RecordState.DISCARDED: ("discard",),
    RecordState.REPLAYED: ("replay",),
}


@pytest.mark.parametrize("state", STATES)
async def test_a_copy_that_fails_for_now_leaves_what_an_operator_has(bench: Bench, state: RecordState) -> None:
    record = await bench.park()
    for action in STATES[state]:
        await bench.decide(record, action)
    record_before, copy = bench.saved(record), bench.dead().before_death
    handle = bench.handlers["facts.validator."]
    bench.failures = [COPY_FAILS, COPY_FAILS]
    pauses = []
    for is_redelivered in (False, True):
        settlement = await bench.processor.process(replace(copy, is_redelivered=is_redelivered), handle)
        assert settlement.pause is not None
        pauses.append(settlement.pause.total_seconds())
        assert bench.saved(record).state is state
        waiting = await bench.processor.process(replace(copy, is_redelivered=True), handle)
        assert waiting.outcome == "waiting", "its pause counts as that of any message"
        bench.clock.now += settlement.pause
    assert pauses == [10, 20]
    await bench.processor.process(replace(copy, is_redelivered=True), handle)
    after = bench.saved(record)
    counted = {"attempts", "waited_seconds", "revision"}
    assert after.model_dump(exclude=counted) == record_before.model_dump(exclude=counted)


async def test_a_copy_of_a_settled_message_has_the_whole_patience_before_it(bench: Bench) -> None:
    """The first one had used it up."""
    copy, handle = bench.dead().before_death, bench.handlers["facts.validator."]
    is_redelivered = False
    while True:
        bench.failures = [COPY_FAILS]
        settlement = await bench.processor.process(replace(copy, is_redelivered=is_redelivered), handle)
        if settlement.pause is None:
            break
        bench.clock.now, is_redelivered = bench.clock.now + settlement.pause, True
    record = await bench.park()
    await bench.decide(record, "discard")
    bench.failures = [COPY_FAILS]
    settlement = await bench.processor.process(replace(copy, is_redelivered=True), handle)
    assert (settlement.outcome, bench.saved(record).state) == ("retried", RecordState.DISCARDED)


async def test_a_copy_that_fails_for_now_leaves_the_reason_of_one_on_its_way_to_the_dead_letters(bench: Bench) -> None:
    dead, handle = bench.dead(), bench.handlers["facts.validator."]
    bench.failures = [Permanent(Reason.E_FACT, "a field"), COPY_FAILS]
    for _ in range(2):
        await bench.processor.process(dead.before_death, handle)
    record = await bench.park()
    assert (record.reason, record.detail) == (Reason.E_FACT, "a field")


@pytest.mark.parametrize(
    ("death", "reason"),
    [
        ("delivery_limit", Reason.E_ATTEMPTS),
        ("rejected", Reason.E_RETURNED),
        ("expired", Reason.E_ATTEMPTS),
        ("maxlen", Reason.E_ATTEMPTS),
        ("", Reason.E_ATTEMPTS),
        ("something new", Reason.E_ATTEMPTS),
    ],
)
async def test_without_a_word_of_the_service_the_broker_s_counts(bench: Bench, death: str, reason: Reason) -> None:
    assert (await bench.park(reason=death)).reason is reason


async def test_the_service_s_own_reason_counts(bench: Bench) -> None:
    message = bench.dead().before_death

    async def handle(_: Incoming) -> None:
        raise Permanent(Reason.E_OBJECT, "missing")

    await bench.processor.process(message, handle)
    assert (await bench.park()).reason is Reason.E_OBJECT


async def test_a_large_body_lies_in_the_object_store(bench: Bench) -> None:
    record = await bench.park(queue="submit.A.01.normal", user_id="A.01", body=b"x" * 100_000)
    assert record.message is not None
    assert (record.message.body, record.message.size_bytes) == (None, 100_000)
    await bench.decide(record, "replay")
    assert bench.handled[0].body == b"x" * 100_000


async def test_a_replay_is_handled_as_the_publisher_s_own(bench: Bench) -> None:
    record = await bench.park()
    await bench.decide(record, "replay")
    (message,) = bench.handled
    assert replace(message, is_redelivered=False) == bench.dead().before_death
    assert bench.saved(record).state is RecordState.REPLAYED
    (fact,) = bench.acted()
    assert (fact.outcome, fact.actor, fact.purpose) == ("done", "Lan", "the list is there now")
    assert [fact.kind for fact in bench.publisher.named("security.noticed")] == ["OPERATOR_ACTED"]


async def test_a_decision_repeated_changes_nothing_and_says_the_same(bench: Bench) -> None:
    record = await bench.park()
    await bench.decide(record, "replay")
    bench.clock.move(hours=1)
    await bench.decide(record, "replay")
    assert len(bench.handled) == 1
    first, second = bench.acted()
    assert first == second


async def test_a_replay_that_fails_for_good_is_parked_again_with_the_new_reason(bench: Bench) -> None:
    record = await bench.park()
    bench.failures = [Permanent(Reason.E_FACT, "still")]
    await bench.decide(record, "replay")
    saved = bench.saved(record)
    assert (saved.state, saved.reason) == (RecordState.PARKED, Reason.E_FACT)
    assert bench.acted()[0].outcome == "parked again: E_FACT"
    await bench.decide(saved, "replay", 2)
    assert bench.saved(record).state is RecordState.REPLAYED


async def test_a_replay_that_has_to_wait_goes_on_with_the_same_request(bench: Bench) -> None:
    record = await bench.park()
    bench.failures = [Transient(Reason.E_SIG_REVOCATION_UNKNOWN, "stale")]
    with pytest.raises(Transient):
        await bench.decide(record, "replay")
    assert bench.saved(record).state is RecordState.REPLAYING
    await bench.decide(record, "replay")
    assert bench.saved(record).state is RecordState.REPLAYED


async def test_who_hears_of_a_discard_learns_of_which_package(bench: Bench) -> None:
    record = await bench.park()
    await bench.decide(record, "discard")
    fact = accepted(Clock())
    (acted,) = bench.acted()
    assert acted.package == ParkedPackage(
        fact="package.accepted", kind=fact.kind, envelope=fact.envelope, submitted_at=fact.submitted_at
    )


@pytest.mark.parametrize("first", ["discard", "replay"])
async def test_a_decision_that_is_delivered_again_after_a_later_one_changes_nothing(bench: Bench, first: str) -> None:
    """It says what it said, also of the reason that the message had been parked for."""
    record = await bench.park()
    bench.failures = [Permanent(Reason.E_FACT, "still")]
    await bench.decide(record, first)
    for number, action in enumerate(("discard", "restore"), 2):
        await bench.decide(record, action, number)
    bench.clock.move(hours=1)
    await bench.decide(record, first)
    assert bench.saved(record).state is RecordState.PARKED
    acted = bench.acted()
    assert acted[-1] == acted[0]
    assert len(bench.handled) == (first == "replay")


async def test_what_is_told_of_a_message_later_has_a_later_time_whatever_clocks_say(bench: Bench) -> None:
    record = await bench.park()
    for number, action in enumerate(("discard", "restore", "replay"), 1):
        bench.clock.move(minutes=-5)
        await bench.decide(record, action, number)
    await bench.park()
    parked = [fact for fact in bench.publisher.facts if isinstance(fact, MessageParked)]
    times = [parked[0].occurred_at, *(fact.occurred_at for fact in bench.acted()), parked[1].occurred_at]
    assert times == sorted(set(times))


async def test_a_discard_can_be_taken_back_for_thirty_days(bench: Bench) -> None:
    record = await bench.park()
    await bench.decide(record, "discard")
    saved = bench.saved(record)
    assert saved.state is RecordState.DISCARDED
    assert await bench.records.remove_expired(bench.clock() + timedelta(days=29)) == 0
    await bench.decide(record, "restore", 2)
    assert bench.saved(record).state is RecordState.PARKED
    assert await bench.records.remove_expired(bench.clock() + timedelta(days=400)) == 0
    await bench.decide(record, "discard", 3)
    assert await bench.records.remove_expired(bench.clock() + timedelta(days=31)) == 1


@pytest.mark.parametrize("action", ["replay", "discard", "restore"])
async def test_what_a_state_does_not_allow_is_answered(bench: Bench, action: Any) -> None:
    record = await bench.park()
    await bench.decide(record, "discard")
    if action != "restore":
        await bench.decide(record, action, 2)
        assert bench.acted()[-1].outcome == "not parked, but discarded"
        return
    await bench.decide(record, "restore", 2)
    await bench.decide(record, "restore", 3)
    assert bench.acted()[-1].outcome == "not discarded, but parked"


async def test_what_nobody_vouches_for_is_never_handled(bench: Bench) -> None:
    record = await bench.park(queue="submit.A.01.normal", user_id=None)
    await bench.decide(record, "replay")
    assert bench.handled == []
    assert bench.acted()[0].outcome.startswith("anonymous")
    await bench.decide(record, "discard", 2)
    assert bench.saved(record).state is RecordState.DISCARDED


@pytest.mark.parametrize("user", ["notifier", "router", "A.01", "operator", None])
async def test_a_forged_fact_is_quarantined_also_if_its_service_died_of_it(bench: Bench, user: str | None) -> None:
    record = await bench.park(user_id=user, reason="delivery_limit")
    assert record.state is RecordState.QUARANTINED
    await bench.decide(record, "replay")
    assert bench.handled == []
    assert bench.acted()[0].outcome.startswith("quarantined")
    assert bench.publisher.facts[0].is_quarantined  # type: ignore[attr-defined]
    assert not bench.publisher.facts[0].holds_package  # type: ignore[attr-defined]


async def test_requests_for_others_are_left_to_them(bench: Bench) -> None:
    record = await bench.park()
    await bench.decide(record, "discard", target="router")
    assert bench.saved(record).state is RecordState.PARKED
    assert bench.acted() == []


async def test_a_message_whose_origin_cannot_be_read_is_kept_all_the_same(bench: Bench) -> None:
    record = await bench.park(queue="", user_id=None, body=b"\xff")
    assert record.state is RecordState.PARKED
    await bench.decide(record, "replay")
    assert bench.handled == []


async def test_one_message_parked_again_is_announced_again(bench: Bench) -> None:
    record = await bench.park()
    await bench.decide(record, "replay")
    await bench.park()
    parked: list[Callable[[], None]] = bench.publisher.named("message.parked")  # type: ignore[assignment]
    assert len({fact.event_id for fact in parked}) == 2  # type: ignore[attr-defined]


async def test_what_is_parked_again_in_the_course_of_its_replay_stays_parked(bench: Bench) -> None:
    """A unit's system gives back at once what a replay has put into its inbox."""
    record = await bench.park()

    async def handle(_: Incoming) -> None:
        await bench.park()

    bench.handle = handle
    await bench.decide(record, "replay")
    assert bench.saved(record).state is RecordState.PARKED
    assert bench.saved(record).expires_at is None
    (acted,), (_, again) = bench.acted(), bench.publisher.named("message.parked")
    assert acted.outcome == "done"
    assert acted.occurred_at < again.occurred_at, "the newer word is that it is parked"
    await bench.decide(record, "replay")
    assert bench.acted() == [acted, acted]
    await bench.decide(record, "discard", 2)
    assert bench.saved(record).state is RecordState.DISCARDED


async def test_three_replays_at_the_same_time_are_one(bench: Bench) -> None:
    record = await bench.park()
    await asyncio.gather(*(bench.decide(record, "replay", number) for number in range(3)))
    assert len(bench.handled) == 1
    assert sorted(fact.outcome for fact in bench.acted()) == ["done", *["not parked, but replayed"] * 2]


@pytest.mark.parametrize(("first", "second"), [("replay", "discard"), ("discard", "replay"), ("replay", "replay")])
async def test_of_two_decisions_in_two_processes_one_takes_effect(
    bench: Bench, monkeypatch: pytest.MonkeyPatch, first: str, second: str
) -> None:
    """The other process decides after this one has looked, and before it has saved."""
    record = await bench.park()
    save = bench.records.save

    async def save_late(after: MessageRecord) -> bool:
        monkeypatch.undo()
        bench.parking, this = bench.process(), bench.parking
        await bench.decide(record, first, 1)
        bench.parking = this
        return await save(after)

    monkeypatch.setattr(bench.records, "save", save_late)
    await bench.decide(record, second, 2)
    state = {"replay": RecordState.REPLAYED, "discard": RecordState.DISCARDED}[first]
    assert bench.saved(record).state is state
    assert [fact.outcome for fact in bench.acted()] == ["done", f"not parked, but {state}"]
    assert len(bench.handled) == (first == "replay")


@pytest.mark.parametrize("is_begun", [False, True])
async def test_a_decision_that_two_processes_carry_out_has_one_outcome(
    bench: Bench, monkeypatch: pytest.MonkeyPatch, is_begun: bool
) -> None:
    """Its message was delivered to both, one after the other's connection was lost; before or after this one began."""
    record = await bench.park()

    async def meanwhile() -> None:
        monkeypatch.undo()
        bench.handle = None
        bench.parking, this = bench.process(), bench.parking
        await bench.decide(record, "replay")
        bench.parking = this
        bench.clock.move(minutes=1)

    if is_begun:
        bench.handle = lambda _: meanwhile()
    else:
        save = bench.records.save

        async def save_late(after: MessageRecord) -> bool:
            await meanwhile()
            return await save(after)

        monkeypatch.setattr(bench.records, "save", save_late)
    await bench.decide(record, "replay")
    first, second = bench.acted()
    assert first == second
    assert (first.outcome, len(bench.handled)) == ("done", 1 + is_begun)


async def test_the_id_of_a_request_hides_no_decision(bench: Bench) -> None:
    """An operator's account chooses it, and the ledger takes an id once."""
    record, other = await bench.park(), await bench.park(user_id="intake", body=b"other")
    for each, action in ((record, "discard"), (record, "restore"), (other, "discard")):
        request = OperatorRequested(
            event_id="always the same",
            occurred_at=bench.clock(),
            subject=each.record_id,
            lane=Lane.NORMAL,
            target="validator",
            record_id=each.record_id,
            action=action,
            actor="Lan",
            purpose="x",
        )
        await bench.parking.act(request)
    assert [fact.outcome for fact in bench.acted()] == ["done"] * 3
    assert (bench.saved(record).state, bench.saved(other).state) == (RecordState.PARKED, RecordState.DISCARDED)
    assert len({fact.event_id for fact in bench.acted()}) == 3
    assert len({fact.event_id for fact in bench.publisher.named("security.noticed")}) == 3
