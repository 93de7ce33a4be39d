"""Which inboxes have been read, whether the broker has lost its data, and what is placed again then."""

import json
from collections.abc import Iterable
from datetime import datetime, timedelta

import pytest

from common.domain.names import Lane, StatusCode
from common.facts import OperatorRequested
from common.failure import Outage
from common.headers import EVENT_ID
from common.metrics import REGISTRY
from common.service.outgoing import Outgoing, QueueFull
from common.topology import MARK, inbox_queue
from router.inbox_reading import ACK_TIMEOUT, BROKER_ROUNDS, CLOCKS_APART, NEVER, Mark, read_until, seen
from router.inboxes import InboxWatch

from .conftest import AT, INLINE_LIMIT_BYTES, A, B, C, World


class Broker:
    """A broker as the watch sees it."""

    def __init__(self) -> None:
        self.queues: dict[str, int] = {MARK: 0}
        self.is_away = False
        self.on_ask = lambda: None

    async def publish(self, message: Outgoing) -> None:
        if MARK not in self.queues:
            raise QueueFull(message.routing_key)
        assert (message.exchange, message.routing_key) == ("trunk.place", "mark")
        self.queues[MARK] = 1

    async def depths_of_existing(self, queues: Iterable[str]) -> dict[str, int]:
        if self.is_away:
            raise Outage("broker", "away")
        depths = {queue: self.queues[queue] for queue in queues if queue in self.queues}
        self.on_ask()
        return depths

    def lose_everything(self) -> None:
        """A new broker, with the topology applied."""
        self.queues = dict.fromkeys(self.queues, 0)


class Desk:
    """The watch of a world's router, and a broker for it."""

    def __init__(self, world: World) -> None:
        self.world, self.broker = world, Broker()
        self.watch = InboxWatch(world.store, self.broker, world.directory, world.clock)
        self.broker.queues |= {inbox_queue(unit): 0 for unit in (A, B)}

    async def rebuild(self, what: str = "*") -> str:
        now = self.world.clock()
        return await self.watch.rebuild(
            OperatorRequested(
                event_id="e",
                occurred_at=now,
                subject="s",
                lane=Lane.NORMAL,
                target="router",
                record_id=what,
                action="rebuild",
                actor="Bình",
                purpose="mất dữ liệu",
            )
        )

    async def look(self) -> None:
        """As many looks, over as much time, as it takes to believe a zero."""
        for minutes in (0, 2, 3):
            self.world.clock.move(minutes=minutes)
            await self.watch.watch()

    async def empty_and_long_ago(self, *units: str) -> None:
        """Inboxes are seen empty, and time passes."""
        await self.watch.watch()
        await self.world.store.inboxes.note_empty(units, self.world.clock())
        self.world.clock.move(hours=2)


@pytest.fixture
async def desk(world: World) -> Desk:
    """No other test's messages lie in the same inboxes."""
    for store, name in ((world.store.inboxes, "_inboxes"), (world.store.placings, "_placings")):
        if (collection := getattr(store, name, None)) is not None:
            await collection.delete_many({})
    return Desk(world)


def event_ids_for(world: World, unit: str) -> list[str]:
    return [sent.headers[EVENT_ID] for sent in world.sender.inbox(unit)]


# decisions


@pytest.mark.parametrize(
    ("mark", "messages", "after"),
    [
        (Mark(), 0, Mark()),
        (Mark(is_set=True), 1, Mark(is_set=True)),
        (Mark(is_set=True), 0, Mark(is_set=True, lost_at=AT)),
        (Mark(is_set=True, lost_at=NEVER), 0, Mark(is_set=True, lost_at=AT)),
        (Mark(is_set=True, lost_at=NEVER), 1, Mark(is_set=True, lost_at=NEVER)),
    ],
)
def test_a_mark_that_is_gone_says_that_the_data_are(mark: Mark, messages: int, after: Mark) -> None:
    assert seen(mark, messages, AT) == after


@pytest.mark.parametrize(("emptied", "read"), [(None, NEVER), (AT, AT - ACK_TIMEOUT - BROKER_ROUNDS - CLOCKS_APART)])
def test_what_was_placed_long_before_the_inbox_was_empty_is_read(emptied: datetime | None, read: datetime) -> None:
    assert read_until(emptied) == read


# watching


async def test_empty_inboxes_are_noted_and_only_those(desk: Desk, world: World) -> None:
    desk.broker.queues[inbox_queue(B)] = 3
    await desk.look()
    assert await world.store.inboxes.emptied_at([A, B, C]) == {A: world.clock()}
    first = world.clock()
    world.clock.move(minutes=1)
    desk.broker.queues[inbox_queue(A)] = 1
    await desk.watch.watch()
    assert await world.store.inboxes.emptied_at([A, B, C]) == {A: first}


async def test_after_a_loss_empty_inboxes_say_nothing(desk: Desk, world: World) -> None:
    desk.broker.queues[inbox_queue(A)] = 7
    await desk.look()
    before = await world.store.inboxes.emptied_at([A, B])
    assert before.keys() == {B}
    desk.broker.lose_everything()
    for _ in range(5):
        world.clock.move(hours=1)
        await desk.watch.watch()
    assert await world.store.inboxes.emptied_at([A, B]) == before
    assert REGISTRY.get_sample_value("trunk_broker_data_lost") == 1
    assert (await world.store.inboxes.mark()).lost_at == world.clock() - timedelta(hours=2)
    assert desk.broker.queues[MARK] == 1, "another loss would be seen"


@pytest.mark.parametrize("rounds", [1, 2])
async def test_an_inbox_that_does_not_answer_for_some_looks_is_not_empty(desk: Desk, world: World, rounds: int) -> None:
    """The broker shows a queue without a leader with 0 messages."""
    desk.broker.queues[inbox_queue(A)] = 3
    await desk.look()
    for _ in range(2):
        desk.broker.queues[inbox_queue(A)] = 0
        for _ in range(rounds):
            world.clock.move(minutes=5)
            await desk.watch.watch()
        desk.broker.queues[inbox_queue(A)] = 3
        world.clock.move(minutes=5)
        await desk.watch.watch()
    assert A not in await world.store.inboxes.emptied_at([A])


async def test_a_mark_that_does_not_answer_for_some_looks_is_no_loss_and_says_nothing_about_inboxes(
    desk: Desk, world: World
) -> None:
    await desk.look()
    before = await world.store.inboxes.emptied_at([A])
    assert before == {A: world.clock()}
    desk.broker.queues[MARK] = 0
    for _ in range(2):
        world.clock.move(minutes=1)
        await desk.watch.watch()
        assert await world.store.inboxes.emptied_at([A]) == before
    desk.broker.queues[MARK] = 1
    world.clock.move(minutes=5)
    await desk.watch.watch()
    assert await world.store.inboxes.mark() == Mark(is_set=True)
    assert REGISTRY.get_sample_value("trunk_broker_data_lost") == 0
    assert await world.store.inboxes.emptied_at([A]) == {A: world.clock()}


async def test_a_loss_while_inboxes_are_asked_is_noticed(desk: Desk, world: World) -> None:
    await desk.look()
    first = await world.store.inboxes.emptied_at([A])
    assert first
    world.clock.move(minutes=1)
    desk.broker.on_ask = desk.broker.lose_everything
    await desk.watch.watch()
    assert await world.store.inboxes.emptied_at([A]) == first


async def test_a_broker_that_is_away_is_no_loss(desk: Desk, world: World) -> None:
    await desk.watch.watch()
    desk.broker.is_away = True
    with pytest.raises(Outage):
        await desk.watch.watch()
    assert (await world.store.inboxes.mark()).lost_at is None


async def test_a_mark_that_cannot_be_set_is_not_remembered_as_set(desk: Desk, world: World) -> None:
    del desk.broker.queues[MARK]
    with pytest.raises(Outage):
        await desk.watch.watch()
    assert not (await world.store.inboxes.mark()).is_set
    assert await world.store.inboxes.emptied_at([A, B]) == {}


# rebuilding


async def test_what_was_not_read_is_placed_again_under_the_same_id(desk: Desk, world: World) -> None:
    await world.take(await world.verified(world.letter("read")))
    for unit in (A, B):
        await world.report(world.status(StatusCode.ARRIVED, by=unit, name="read"))
    world.clock.move(hours=1)
    await desk.empty_and_long_ago(A, B)
    desk.broker.queues |= {inbox_queue(A): 1, inbox_queue(B): 1}
    await world.take(await world.verified(world.letter("unread")))
    (*_, unread_a), (*_, unread_b) = event_ids_for(world, A), event_ids_for(world, B)
    desk.broker.lose_everything()
    await desk.watch.watch()
    world.sender.forget()
    assert (await desk.rebuild()).startswith("done")
    await world.sweep(seconds=1)
    assert event_ids_for(world, A) == [unread_a]
    assert event_ids_for(world, B) == [unread_b]
    assert (await world.store.inboxes.mark()).lost_at is None
    assert desk.broker.queues[MARK] == 1
    assert REGISTRY.get_sample_value("trunk_broker_data_lost") == 0


async def test_a_document_without_a_status_is_placed_again_whatever_its_inbox_showed(desk: Desk, world: World) -> None:
    """An inbox that did not answer for hours was noted as empty."""
    await world.take(await world.verified(world.letter("unread")))
    unread = event_ids_for(world, A)
    await world.take(await world.verified(world.letter("read", to=(A,))))
    await world.report(world.status(StatusCode.ARRIVED, by=A, name="read"))
    world.clock.move(hours=1)
    await desk.empty_and_long_ago(A, B)
    world.sender.forget()
    assert await desk.rebuild(A) == "done: 1 messages"
    await world.sweep(seconds=1)
    assert event_ids_for(world, A) == unread
    assert event_ids_for(world, B) == []
    world.clock.move(hours=1)
    assert await desk.rebuild(f"{A}/{world.clock().isoformat()}") == "done: 0 messages", "only what is newer"


async def test_what_was_placed_between_two_losses_is_placed_again_before_anybody_has_seen_the_second(
    desk: Desk, world: World
) -> None:
    await desk.watch.watch()
    desk.broker.lose_everything()
    await desk.watch.watch()
    world.clock.move(hours=1)
    await world.take(await world.verified(world.letter("unread")))
    (*_, unread) = event_ids_for(world, B)
    world.clock.move(minutes=1)
    desk.broker.lose_everything()
    world.sender.forget()
    assert (await desk.rebuild()).startswith("done")
    await world.sweep(seconds=1)
    assert unread in event_ids_for(world, B)


async def test_what_was_placed_a_short_time_before_the_inbox_was_empty_is_placed_again(
    desk: Desk, world: World
) -> None:
    await world.take(await world.verified(world.letter()))
    world.clock.move(minutes=20)
    await desk.empty_and_long_ago(A, B)
    before = event_ids_for(world, A)
    world.sender.forget()
    await desk.rebuild(A)
    await world.sweep(seconds=1)
    assert event_ids_for(world, A) == before
    assert event_ids_for(world, B) == []


async def test_an_inbox_that_was_never_seen_empty_is_placed_whole(desk: Desk, world: World) -> None:
    for name in ("one", "two"):
        await world.take(await world.verified(world.letter(name)))
        world.clock.move(days=30)
    before = event_ids_for(world, A)
    world.sender.forget()
    assert await desk.rebuild(A) == "done: 2 messages"
    await world.sweep(seconds=1)
    assert sorted(event_ids_for(world, A)) == sorted(before)


async def test_a_large_package_placed_eight_days_ago_gets_an_address_that_still_holds(desk: Desk, world: World) -> None:
    await world.take(await world.verified(world.letter(to=(A,)), INLINE_LIMIT_BYTES + 1))
    (before,) = world.sender.inbox(A, "document")
    world.clock.move(days=8)
    assert datetime.fromisoformat(json.loads(before.body)["expires_at"]) < world.clock()
    desk.broker.lose_everything()
    world.sender.forget()
    assert await desk.rebuild(A) == "done: 1 messages"
    await world.sweep(seconds=1)
    (after,) = world.sender.inbox(A, "document")
    assert after.headers[EVENT_ID] == before.headers[EVENT_ID]
    assert datetime.fromisoformat(json.loads(after.body)["expires_at"]) > world.clock()


async def test_a_time_says_more_than_what_is_known(desk: Desk, world: World) -> None:
    await world.take(await world.verified(world.letter("before")))
    world.clock.move(hours=1)
    since = world.clock()
    world.clock.move(minutes=1)
    await world.take(await world.verified(world.letter("after")))
    last = event_ids_for(world, A)[-1]
    world.clock.move(hours=1)
    await desk.empty_and_long_ago(A, B)
    world.sender.forget()
    assert await desk.rebuild(f"{A}/{since.isoformat()}") == "done: 1 messages"
    await world.sweep(seconds=1)
    assert event_ids_for(world, A) == [last]


async def test_what_was_placed_after_the_loss_is_not_placed_again(desk: Desk, world: World) -> None:
    await desk.watch.watch()
    desk.broker.lose_everything()
    await desk.look()
    world.clock.move(minutes=11)
    await world.take(await world.verified(world.letter()))
    world.sender.forget()
    assert await desk.rebuild() == "done: 0 messages"


@pytest.mark.parametrize("is_noticed", [False, True])
async def test_what_a_replica_with_a_fast_clock_placed_before_the_loss_is_placed_again(
    desk: Desk, world: World, is_noticed: bool
) -> None:
    """Its clock is five minutes ahead of the right time, that of the replica which looks at the mark as much behind."""
    await desk.watch.watch()
    world.clock.move(minutes=10)
    await world.take(await world.verified(world.letter()))
    before = event_ids_for(world, A)
    world.clock.move(minutes=-10)
    desk.broker.lose_everything()
    if is_noticed:
        await desk.watch.watch()
    world.sender.forget()
    await desk.rebuild()
    await world.sweep(seconds=1)
    assert event_ids_for(world, A) == before


async def test_what_a_replica_with_a_slow_clock_placed_is_not_taken_for_read(desk: Desk, world: World) -> None:
    """Taken and not acknowledged, the message was not in the count of the empty inbox."""
    await world.take(await world.verified(world.letter()))
    before = event_ids_for(world, A)
    world.clock.move(minutes=30 + 10)
    await desk.empty_and_long_ago(A)
    world.sender.forget()
    await desk.rebuild(A)
    await world.sweep(seconds=1)
    assert event_ids_for(world, A) == before


async def test_what_a_second_loss_took_is_placed_again(desk: Desk, world: World) -> None:
    await desk.watch.watch()
    for _ in range(2):
        await world.take(await world.verified(world.letter(f"{world.clock()}")))
        desk.broker.lose_everything()
        world.clock.move(minutes=1)
        await desk.watch.watch()
    before = event_ids_for(world, A)
    world.sender.forget()
    await desk.rebuild()
    await world.sweep(seconds=1)
    assert sorted(event_ids_for(world, A)) == sorted(before)
    assert len(before) == 2


async def test_facts_of_what_is_placed_again_are_the_same(desk: Desk, world: World) -> None:
    fact = await world.verified(world.letter())
    await world.take(fact)
    announced = {each.model_dump_json() for each in world.sender.facts}
    world.sender.forget()
    await desk.rebuild(A)
    await world.sweep(seconds=1)
    assert {each.model_dump_json() for each in world.sender.facts} <= announced
    world.sender.facts.clear()
    await world.take(fact)
    assert [each.fact for each in world.sender.facts].count("package.routed") == 1


@pytest.mark.parametrize("what", ["nobody", "*/yesterday", f"{A}/2026-11-22T08:00:00", ""])
async def test_nonsense_is_refused_and_changes_nothing(desk: Desk, world: World, what: str) -> None:
    await world.take(await world.verified(world.letter()))
    assert "neither" in await desk.rebuild(what)
    world.sender.forget()
    await world.sweep(seconds=1)
    assert world.sender.sent == []
