"""Open packages: what the fake and the real memory promise, when facts are published again, and when they are not."""

import asyncio
import secrets
from collections.abc import AsyncIterator, Iterable
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from pydantic import SecretStr

from common.database import Database
from common.domain.canary import CANARY_UNITS
from common.domain.ids import document_key, event_id
from common.domain.names import Lane, PackageKind
from common.domain.reason import Reason
from common.facts import (
    FACT,
    DeliveryWaiting,
    MessageParked,
    OperatorActed,
    PackageAccepted,
    PackageFinished,
    PackageRefused,
    PackageWaiting,
)
from common.facts.flows import SERVICES
from common.failure import Outage
from common.metrics import REGISTRY
from common.objects import content_ref
from common.service.outgoing import fact_message, saved_fact_message
from common.service.tracing import carried, publishing
from common.telemetry import span
from common.topology import facts_queue, place_queue
from intake.announce import fact_of
from intake.open_package import (
    ASKED,
    LONGEST_PAUSE,
    OpenPackage,
    Stage,
    fact_body,
    next_redrive,
    obstacle,
    queues_in_the_way,
    with_fact,
)
from intake.open_packages import OpenPackages
from intake.packages import Packages
from intake.record import PackageRecord
from intake.redrive import Redrive
from intake.settings import IntakeSettings

from ..harness.memory import Clock, RecordingPublisher
from ..harness.spans import exporter, spans, trace_of
from .conftest import BUDGETS, MemoryOpenPackages, MemoryPackages

SENDER = "000.00.14.H29"
AT = datetime(2026, 11, 22, 8, 0, tzinfo=UTC)


def record(**changes: Any) -> PackageRecord:
    """An accepted package."""
    package_id = secrets.token_hex(16)
    values: dict[str, Any] = {
        "package_id": package_id,
        "subject": document_key(SENDER, package_id),
        "sender": SENDER,
        "document_id": package_id,
        "kind": PackageKind.NEW,
        "lane": Lane.NORMAL,
        "submitted_at": AT,
        "place": AT,
        "package": content_ref(package_id * 2, 100),
        "envelope": content_ref(package_id[::-1] * 2, 50),
        "carries_files": True,
    }
    return PackageRecord(**values | changes)


class Sender(RecordingPublisher):
    """The chassis, with queues as deep as a test wants."""

    def __init__(self) -> None:
        super().__init__()
        self.depth: dict[str, int] = {}
        self.depths_known = True
        self.fails_after: int | None = None

    async def depths(self, queues: Iterable[str]) -> dict[str, int]:
        if not self.depths_known:
            raise Outage("broker", "depths not told")
        return {queue: self.depth.get(queue, 0) for queue in queues}

    async def announce_saved(self, body: bytes) -> None:
        if self.fails_after is not None and len(self.saved) >= self.fails_after:
            raise Outage("broker", "nobody takes it")
        with publishing(saved_fact_message(body)):
            await super().announce_saved(body)


class World:
    """Intake's memory of open packages, and two processes that look after it."""

    def __init__(self, packages: Any, opened: Any, clock: Clock, settings: IntakeSettings) -> None:
        self.packages, self.opened, self.clock, self.settings = packages, opened, clock, settings
        self.sender = Sender()
        self.redrive = Redrive(opened, self.sender, settings, clock)
        self.other = Redrive(opened, self.sender, settings, clock)

    async def save(self, **changes: Any) -> PackageRecord:
        return await self.packages.save(with_fact(record(**changes)))  # type: ignore[no-any-return]

    async def sweep(self, **passed: float) -> list[str]:
        """Time passes; the packages that both processes publish again."""
        self.clock.move(**passed)
        before = len(self.sender.facts)
        await self.redrive.sweep()
        await self.other.sweep()
        return [fact.package_id for fact in self.sender.facts[before:] if isinstance(fact, PackageAccepted)]

    async def take(self, fact: Any) -> None:
        await self.redrive.handlers[type(fact)](fact)


@pytest.fixture(params=["memory", "real"])
async def world(request: pytest.FixtureRequest) -> AsyncIterator[World]:
    clock = Clock(AT)
    memory = request.param == "memory"
    stack = None if memory else request.getfixturevalue("stack")
    settings = IntakeSettings(
        mongo_uri=SecretStr("mongodb://none" if stack is None else stack.mongo_uri),
        s3_endpoint="http://none" if stack is None else stack.s3_endpoint,
        s3_access_key=SecretStr("none" if stack is None else stack.s3_access_key),
        s3_secret_key=SecretStr("none" if stack is None else stack.s3_secret_key),
    )
    assert settings.redrive_budgets == BUDGETS
    if memory:
        packages = MemoryPackages(clock)
        yield World(packages, MemoryOpenPackages(packages), clock, settings)
        return
    name = f"intake_test_{secrets.token_hex(4)}"
    database = Database(settings, name)
    yield World(Packages(database, BUDGETS, clock), OpenPackages(database, BUDGETS), clock, settings)
    await database.client.drop_database(f"trunk_{name}")
    database.client.close()


def finished(package: PackageRecord) -> PackageFinished:
    return PackageFinished(
        event_id=event_id(package.package_id, "finished"),
        occurred_at=AT,
        subject=package.subject,
        lane=package.lane,
        package_id=package.package_id,
        sender=SENDER,
        document_id=package.document_id,
        kind=package.kind,
    )


def undecided(package: PackageRecord) -> PackageWaiting:
    about = finished(package).model_dump(exclude={"fact"})
    about |= {"reason": Reason.E_SIG_REVOCATION_UNKNOWN, "package": package.package}
    about |= {"submitted_at": package.submitted_at, "deadline": package.submitted_at + timedelta(hours=72)}
    return PackageWaiting.model_validate(about)


def waiting(package: PackageRecord) -> DeliveryWaiting:
    return DeliveryWaiting.model_validate(finished(package).model_dump(exclude={"fact"}))


def parked(package: PackageRecord, **changes: Any) -> MessageParked:
    values: dict[str, Any] = {
        "event_id": "e",
        "occurred_at": AT,
        "subject": package.subject,
        "lane": package.lane,
        "service": "validator",
        "record_id": "r",
        "queue": "facts.validator.normal",
        "reason": Reason.E_ATTEMPTS,
        "holds_package": True,
        "package_id": package.package_id,
    }
    return MessageParked(**values | changes)


def acted(package: PackageRecord, action: str, outcome: str = "done") -> OperatorActed:
    return OperatorActed(
        event_id="a",
        occurred_at=AT,
        subject=package.subject,
        lane=package.lane,
        service="validator",
        record_id="r",
        action=action,  # type: ignore[arg-type]
        actor="Bình",
        purpose="thử",
        outcome=outcome,
        holds_package=True,
        package_id=package.package_id,
    )


# decisions


@pytest.mark.parametrize(
    ("redrives", "stage", "lane", "minutes"),
    [
        (0, Stage.SENT, Lane.NORMAL, 60),
        (1, Stage.SENT, Lane.NORMAL, 120),
        (3, Stage.SENT, Lane.NORMAL, 480),
        (6, Stage.SENT, Lane.NORMAL, 1440),
        (10**6, Stage.SENT, Lane.NORMAL, 1440),
        (0, Stage.SENT, Lane.URGENT, 20),
        (0, Stage.WAITING, Lane.URGENT, 1440),
    ],
)
def test_pauses_double_up_to_a_day(redrives: int, stage: Stage, lane: Lane, minutes: int) -> None:
    package = OpenPackage(record=record(lane=lane), stage=stage, redrives=redrives, redrive_at=AT)
    assert next_redrive(package, AT, BUDGETS) == AT + timedelta(minutes=minutes)


@pytest.mark.parametrize(
    ("depths", "queue"),
    [
        ({}, ""),
        ({"a": 0, "b": 999}, ""),
        ({"a": 1000}, "a"),
        ({"a": 1000, "b": 5000, "c": 4000}, "b"),
    ],
)
def test_a_deep_queue_is_an_obstacle(depths: dict[str, int], queue: str) -> None:
    assert obstacle(depths, 1000) == queue


def test_the_notifier_is_in_nobody_s_way() -> None:
    queues = queues_in_the_way(Lane.URGENT)
    expected = {facts_queue(service, Lane.URGENT) for service in SERVICES if service != "notifier"}
    assert set(queues) == expected | {place_queue(Lane.URGENT)}


def test_a_fact_is_published_as_it_was_saved() -> None:
    saved = fact_message(fact_of(record())).body.replace(b'"place"', b'"of_another_release": 1, "place"')
    package = OpenPackage(record=record(fact_body=saved), stage=Stage.SENT, redrives=0, redrive_at=AT)
    assert package.body == saved


def test_the_fact_of_an_earlier_release_is_made_of_its_record() -> None:
    former = record()
    assert FACT.validate_json(fact_body(former)) == fact_of(former)


# open and finished


async def test_a_package_over_its_budget_is_published_again_byte_for_byte(world: World) -> None:
    package = await world.save()
    assert await world.sweep(minutes=29) == []
    assert await world.sweep(minutes=1) == [package.package_id]
    assert world.sender.saved == [package.fact_body]


async def test_what_is_published_again_belongs_to_the_trace_of_its_decision(world: World) -> None:
    exporter.clear()
    for number in range(2):
        with span(f"decision {number}"):
            await world.save(trace=carried())
    await world.save()  # by an earlier release, which kept no trace
    assert len(await world.sweep(minutes=30)) == 3
    decisions = {trace_of(decision) for number in range(2) for (decision,) in [spans(f"decision {number}")]}
    published = [trace_of(publish) for publish in spans("package.accepted publish")]
    assert len(set(published)) == 3
    assert decisions < set(published)


async def test_the_pauses_grow(world: World) -> None:
    package = await world.save()
    times = []
    for minute in range(0, 72 * 60, 30):
        if await world.sweep(minutes=30):
            times.append((minute + 30) / 60)
    assert times == [0.5, 1.5, 3.5, 7.5, 15.5, 31.5, 55.5]
    await world.take(finished(package))
    assert await world.sweep(days=30) == []


async def test_a_finished_package_leaves_nothing_behind(world: World) -> None:
    package = await world.save()
    for _ in range(2):
        await world.take(finished(package))
        saved = await world.packages.find(package.package_id)
        assert saved is not None
        assert saved.fact_body is None
    assert await world.opened.ask_all() == 0
    assert await world.opened.suspects(AT + timedelta(days=9)) == dict.fromkeys(Lane, 0)


async def test_a_word_about_an_unknown_package_changes_nothing(world: World) -> None:
    stranger = record()
    for fact in (finished(stranger), waiting(stranger), parked(stranger), acted(stranger, "discard")):
        await world.take(fact)
    assert await world.packages.find(stranger.package_id) is None
    assert await world.sweep(days=2) == []


async def test_a_late_repetition_opens_nothing(world: World) -> None:
    package = await world.save()
    await world.take(finished(package))
    for fact in (waiting(package), parked(package), acted(package, "replay"), acted(package, "restore")):
        await world.take(fact)
    assert await world.sweep(days=2) == []


async def test_a_refused_package_is_open_until_its_sender_is_answered(world: World) -> None:
    package = await world.save(reason=Reason.E_DATE, detail="x", envelope=None, place=None, carries_files=False)
    await world.sweep(minutes=31)
    (fact,) = world.sender.facts
    assert isinstance(fact, PackageRefused)
    assert fact.package_id == package.package_id


# what is not lost


async def test_what_cannot_be_judged_yet_is_no_suspect_and_not_published_while_the_validator_says_so(
    world: World,
) -> None:
    package = await world.save()
    await world.sweep(minutes=30)
    for _ in range(18):
        await world.take(undecided(package))
        assert (await world.opened.suspects(world.clock()))[Lane.NORMAL] == 0
        assert await world.sweep(hours=12) == []
    assert await world.sweep(hours=12) == [package.package_id], "silent for a day"


@pytest.mark.parametrize("says", ["validator", "router"])
async def test_a_package_that_waited_and_of_which_nobody_has_a_word_any_more_is_a_suspect(
    world: World, says: str
) -> None:
    package, report = await world.save(), {"validator": undecided, "router": waiting}[says]
    await world.take(report(package))
    assert await world.sweep(days=1) == [package.package_id]
    assert (await world.opened.suspects(world.clock()))[Lane.NORMAL] == 0, "whoever has it has time to say so"
    world.clock.move(minutes=30)
    assert (await world.opened.suspects(world.clock()))[Lane.NORMAL] == 1
    await world.take(report(package))
    assert (await world.opened.suspects(world.clock()))[Lane.NORMAL] == 0
    assert await world.sweep(hours=23) == []


async def test_a_late_word_that_it_waited_at_the_door_hides_no_package(world: World) -> None:
    package = await world.save()
    await world.take(undecided(package).model_copy(update={"reason": Reason.E_REFDOC_AWAITED}))
    assert await world.sweep(minutes=30) == [package.package_id]
    assert (await world.opened.suspects(world.clock()))[Lane.NORMAL] == 1


async def test_what_waits_at_the_router_is_no_suspect_and_asked_for_once_a_day(world: World) -> None:
    package = await world.save()
    await world.sweep(minutes=30)
    await world.take(waiting(package))
    assert (await world.opened.suspects(world.clock()))[Lane.NORMAL] == 0
    assert await world.sweep(hours=23) == []
    assert await world.sweep(hours=1) == [package.package_id]
    await world.take(waiting(package))
    assert await world.sweep(hours=23) == []


async def test_what_waits_and_could_not_be_published_is_no_suspect(world: World) -> None:
    package = await world.save()
    await world.sweep(minutes=30)
    await world.take(waiting(package))
    world.sender.fails_after = len(world.sender.saved)
    world.clock.move(hours=24)
    with pytest.raises(Outage):
        await world.redrive.sweep()
    world.clock.move(hours=1)
    assert (await world.opened.suspects(world.clock()))[Lane.NORMAL] == 0
    world.sender.fails_after = None
    assert await world.sweep(seconds=10) == [package.package_id]


async def test_what_was_parked_while_it_could_not_be_published_stays_so(world: World) -> None:
    package = await world.save()
    world.clock.move(minutes=30)
    now = world.clock()
    (taken,) = await world.opened.take_due(package.lane, now, 10, requested=False)
    await world.take(parked(package))
    await world.opened.postpone(taken, now, now)
    assert await world.sweep(hours=1) == []


async def test_what_is_parked_is_left_to_the_operator(world: World) -> None:
    package = await world.save()
    await world.take(parked(package))
    assert await world.sweep(days=2) == []
    assert (await world.opened.suspects(world.clock()))[Lane.NORMAL] == 0
    assert await world.opened.ask_all() == 0
    assert "trunkctl park" in await world.opened.ask(package.package_id, world.clock())
    await world.take(acted(package, "replay", "parked again: E_FACT"))
    assert await world.sweep(days=2) == []
    await world.take(acted(package, "replay"))
    assert await world.sweep(hours=23) == []
    assert await world.sweep(hours=1) == [package.package_id]


async def test_what_an_operator_gave_up_never_comes_again_unless_restored(world: World) -> None:
    package = await world.save()
    await world.take(parked(package))
    await world.take(acted(package, "discard"))
    await world.take(parked(package))
    assert await world.sweep(days=40) == []
    assert "discarded" in await world.opened.ask(package.package_id, world.clock())
    await world.take(acted(package, "restore"))
    assert await world.sweep(days=40) == []
    await world.take(acted(package, "replay"))
    assert await world.sweep(days=1) == [package.package_id]


async def test_what_an_operator_had_replayed_is_on_its_way_whether_its_restore_was_heard_of_or_not(
    world: World,
) -> None:
    package = await world.save()
    for fact in (parked(package), acted(package, "discard"), acted(package, "replay")):
        await world.take(fact)
    assert await world.sweep(days=1) == [package.package_id]


async def test_a_parked_message_that_holds_no_package_holds_nothing_up(world: World) -> None:
    package = await world.save()
    await world.take(parked(package, holds_package=False, service="notifier"))
    assert await world.sweep(minutes=30) == [package.package_id]


async def test_suspects_are_those_nobody_has_a_word_of(world: World) -> None:
    late, urgent = await world.save(), await world.save(lane=Lane.URGENT)
    assert await world.opened.suspects(world.clock()) == {Lane.NORMAL: 0, Lane.URGENT: 0}
    world.clock.move(minutes=10)
    assert await world.opened.suspects(world.clock()) == {Lane.NORMAL: 0, Lane.URGENT: 1}
    await world.sweep(minutes=30)
    await world.redrive.measure()
    assert REGISTRY.get_sample_value("trunk_lost_suspects", {"urgency": "normal"}) == 1
    for package in (late, urgent):
        await world.take(finished(package))
    assert await world.opened.suspects(world.clock()) == {Lane.NORMAL: 0, Lane.URGENT: 0}


async def test_packages_of_the_canary_are_no_suspects(world: World) -> None:
    for sender in (*CANARY_UNITS, SENDER):
        await world.save(sender=sender, lane=Lane.URGENT)
    world.clock.move(minutes=10)
    assert await world.opened.suspects(world.clock()) == {Lane.NORMAL: 0, Lane.URGENT: 1}


# no amplification


async def test_one_of_many_processes_does_a_round(world: World) -> None:
    for _ in range(20):
        await world.save()
    world.clock.move(minutes=31)
    await asyncio.gather(*(Redrive(world.opened, world.sender, world.settings, world.clock).sweep() for _ in range(6)))
    assert len(world.sender.facts) == 20


async def test_processes_that_overlap_publish_each_package_once(world: World) -> None:
    for _ in range(20):
        await world.save()
    world.clock.move(minutes=31)
    taken = await asyncio.gather(
        *(world.opened.take_due(Lane.NORMAL, world.clock(), 15, requested=False) for _ in range(4))
    )
    ids = [package.record.package_id for packages in taken for package in packages]
    assert len(ids) == len(set(ids)) >= 15


async def test_a_round_is_limited(world: World) -> None:
    for _ in range(150):
        await world.save()
    assert world.redrive.limit == 100
    assert len(await world.sweep(minutes=31)) == 100
    assert len(await world.sweep(seconds=1)) == 0, "the round is not over"
    assert len(await world.sweep(seconds=10)) == 50
    assert len(await world.sweep(seconds=10)) == 0


async def test_while_a_queue_is_deep_nothing_is_published_in_its_lane(world: World) -> None:
    await world.save()
    urgent = await world.save(lane=Lane.URGENT)
    world.sender.depth["facts.validator.normal"] = 1000
    world.sender.depth["facts.notifier.urgent"] = 10**6
    assert await world.sweep(minutes=31) == [urgent.package_id]
    world.sender.depth["facts.validator.normal"] = 999
    assert len(await world.sweep(seconds=10)) == 1


async def test_a_deep_queue_that_shows_nothing_is_still_in_the_way(world: World) -> None:
    """The broker shows a queue that does not answer with 0 messages."""
    await world.save()
    world.sender.depth["facts.validator.normal"] = 1000
    assert await world.sweep(minutes=31) == []
    world.sender.depth.clear()
    assert await world.sweep(minutes=1) == []
    assert await world.sweep(minutes=1) == []
    assert await world.sweep(minutes=2) == []
    assert len(await world.sweep(minutes=2)) == 1, "it is empty"


async def test_while_depths_are_unknown_nothing_is_published(world: World) -> None:
    await world.save()
    world.sender.depths_known = False
    world.clock.move(minutes=31)
    with pytest.raises(Outage):
        await world.redrive.sweep()
    assert world.sender.facts == []
    world.sender.depths_known = True
    assert len(await world.sweep(seconds=10)) == 1


async def test_while_publishing_is_blocked_nothing_is_published(world: World) -> None:
    await world.save()
    world.sender.failure = Outage("broker", "alarm")
    world.clock.move(minutes=31)
    with pytest.raises(Outage):
        await world.redrive.sweep()
    world.sender.failure = None
    assert len(await world.sweep(seconds=10)) == 1


async def test_what_could_not_be_published_comes_in_the_next_round(world: World) -> None:
    for _ in range(5):
        await world.save()
    requested = await world.save()
    assert await world.opened.ask(requested.package_id, world.clock()) == "done"
    world.sender.fails_after = 3
    world.clock.move(minutes=31)
    with pytest.raises(Outage):
        await world.redrive.sweep()
    assert len(world.sender.saved) == 3
    world.sender.fails_after = None
    assert len(await world.sweep(seconds=10)) == 3
    assert len(set(world.sender.saved)) == 6
    assert await world.sweep(minutes=30) == []


# operators


async def test_an_operator_need_not_wait(world: World) -> None:
    package = await world.save()
    assert await world.opened.ask(package.package_id, world.clock()) == "done"
    counted = {"urgency": "normal", "trigger": "operator"}
    before = REGISTRY.get_sample_value("trunk_redriven_total", counted) or 0
    assert await world.sweep(seconds=10) == [package.package_id]
    assert REGISTRY.get_sample_value("trunk_redriven_total", counted) == before + 1
    assert await world.sweep(seconds=10) == []


@pytest.mark.parametrize("says", ["validator", "router"])
async def test_what_was_asked_for_is_published_though_somebody_says_that_it_waits(world: World, says: str) -> None:
    package, report = await world.save(), {"validator": undecided, "router": waiting}[says]
    assert await world.opened.ask(package.package_id, world.clock()) == "done"
    await world.take(report(package))
    assert await world.sweep(seconds=10) == [package.package_id]
    await world.take(report(package))
    assert await world.sweep(hours=23) == []


async def test_all_that_is_open_is_published_at_once(world: World) -> None:
    packages = [await world.save() for _ in range(150)]
    await world.take(finished(packages[0]))
    assert await world.opened.ask_all() == 149
    assert len(await world.sweep(seconds=10)) == 149


async def test_a_package_of_an_earlier_release_can_be_asked_for(world: World) -> None:
    package = await world.save()
    await world.take(finished(package))
    assert await world.opened.ask(package.package_id, world.clock()) == "done"
    assert await world.sweep(seconds=10) == [package.package_id]
    assert FACT.validate_json(world.sender.saved[0]) == fact_of(package)
    await world.take(finished(package))
    assert await world.sweep(days=2) == []


async def test_what_a_restore_brought_back_of_a_secret_package_is_removed_when_an_operator_asks(world: World) -> None:
    package = await world.save()
    assert await world.packages.mark_secret(package.package_id, [package.package])
    await world.packages.mark_purged(package.package_id)
    assert not await world.packages.mark_secret(package.package_id, [package.package]), "all are removed"
    assert await world.opened.ask(package.package_id, world.clock()) == "done"
    assert await world.packages.mark_secret(package.package_id, [package.package])


async def test_a_package_that_nobody_knows_cannot_be_asked_for(world: World) -> None:
    assert "nothing" in await world.opened.ask("f" * 32, world.clock())


def test_asked_for_comes_before_everything() -> None:
    assert ASKED < AT - 100 * LONGEST_PAUSE
