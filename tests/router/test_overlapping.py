"""Several routers handle facts about one document at once: every sender is answered, and no placing stays held.

A history as of ``test_permutations`` is taken by as many processes as there are facts, each fact twice. They meet at
every request to the store, and some end there. In the end the units answer, and each decision must be done: content
lies in the inbox, or the author was told that it does not.
"""

import asyncio
import contextlib
import random
from collections import Counter
from collections.abc import Awaitable, Callable, Iterator, Mapping, Sequence
from typing import Any

import pytest

from common.domain.ids import event_id
from common.failure import Transient
from router.actions import Decision, Deliver, DeliverCurrentVersion, OfferVersion
from router.compose import Answer
from router.delivery_history import position_of
from router.delivery_state import PROGRESS, RECALLS, DeliveryState
from router.execute.held_content import is_withdrawn_for_answer
from router.placing import Placing, PlacingState, delivery_placing_id

from .conftest import RememberedObjects, World
from .test_permutations import History, Submission, empty_world

HISTORIES, SHARE, LONGEST, MOST_WAITS = 400, 100, 7, 12
FIRST = [0, *(pytest.param(first, marks=pytest.mark.long) for first in range(SHARE, HISTORIES, SHARE))]
"""The number of the first history of each test; ``make test-fast`` takes the first share alone."""
CRASHES = 0.02
"""Share of the requests after which the process ends; the message is delivered again."""
MOST_SWEEPS = 20
CONTENT = (Deliver, DeliverCurrentVersion, OfferVersion)


class EndOfProcess(Exception):
    """The process ends here."""


def meeting(
    call: Callable[..., Awaitable[Any]], draw: random.Random, world: World, crashes: float
) -> Callable[..., Awaitable[Any]]:
    """A request before and after which others may be served, or the process may end; it takes a moment."""

    async def called(*passed: Any, **named: Any) -> Any:
        await pause(draw)
        world.clock.move(milliseconds=1)
        answer = await call(*passed, **named)
        await pause(draw)
        if draw.random() < crashes:
            raise EndOfProcess
        return answer

    return called


async def pause(draw: random.Random) -> None:
    for _ in range(draw.choice((0, 0, 0, 1, 2, MOST_WAITS))):
        await asyncio.sleep(0)


def crowded_world(objects: RememberedObjects, draw: random.Random, crashes: float) -> World:
    """A world whose store serves many routers at once. ``crashes``: see ``CRASHES``."""
    world = empty_world(objects)
    for collection in (getattr(world.store, name) for name in world.store.__dataclass_fields__):
        for name in [name for name in dir(type(collection)) if not name.startswith("_")]:
            if asyncio.iscoroutinefunction(call := getattr(collection, name)):
                setattr(collection, name, meeting(call, draw, world, crashes))
    return world


async def take_at_once(world: World, facts: Sequence[Submission], decided: set[str], draw: random.Random) -> None:
    """Every fact is taken twice, each time by a router of its own, which tries again what cannot be decided yet."""
    copies = [*facts, *facts]
    draw.shuffle(copies)
    remaining = len(copies)

    async def take(submission: Submission) -> None:
        nonlocal remaining
        router = world.restarted()
        for _ in range(200):
            await pause(draw)
            if submission.after and submission.after.event_id not in decided:
                continue
            try:
                await router.handlers[type(submission.fact)](submission.fact)
            except (Transient, EndOfProcess):
                continue
            decided.add(submission.fact.event_id)
            break
        remaining -= 1

    async def place() -> None:
        while remaining or world.sender.orders:
            if world.sender.orders:
                order = world.sender.orders.pop(draw.randrange(len(world.sender.orders)))
                try:
                    await world.restarted().placer.take(order)
                except EndOfProcess:
                    world.sender.orders.append(order)
            await asyncio.sleep(0)

    await asyncio.gather(*map(take, copies), place(), place())
    for _ in range(MOST_SWEEPS):  # orders that no process lived to give
        world.clock.move(minutes=10)
        with contextlib.suppress(EndOfProcess):
            await world.restarted().placer.sweep()
        await place()


def left_open(world: World) -> Iterator[str]:
    """What nobody will ever do, if no fact comes any more."""
    decisions: Mapping[str, Decision] = world.store.decisions.rows  # type: ignore[attr-defined]
    placings: Mapping[str, Placing] = world.store.placings.rows  # type: ignore[attr-defined]
    answers: Mapping[str, Answer] = world.store.answers.rows  # type: ignore[attr-defined]
    deliveries: Mapping[tuple[str, str], Any] = world.store.deliveries.rows  # type: ignore[attr-defined]
    refused = {(fact.package_id, fact.receiver) for fact in world.sender.facts_named("delivery.refused")}
    states = {at: position_of(history).state for at, history in deliveries.items()}
    for placing in placings.values():
        state = states.get((placing.delivery, placing.receiver))
        if placing.state in (PlacingState.DUE, PlacingState.WAITING):
            yield f"{placing.id} is {placing.state}"
        if placing.state is PlacingState.HELD and state is not DeliveryState.RECALL_PENDING:
            yield f"{placing.id} is held, and its delivery is {state}"
        if is_withdrawn_for_answer(placing) and state in PROGRESS:
            yield f"{placing.id} was withdrawn for an answer that does not count: its delivery is {state}"
    for decision in decisions.values():
        if decision.carried_out_at is None and not any(
            each.decision == decision.event_id and each.state is PlacingState.HELD for each in placings.values()
        ):
            yield f"{decision.kind} {decision.event_id} is not carried out"
        for order in decision.orders:
            if not isinstance(order, CONTENT):
                continue
            placing = placings.get(delivery_placing_id(decision.package_id, order.receiver))
            is_there = placing is not None and placing.state in (PlacingState.PLACED, PlacingState.HELD)
            is_told = f"{decision.package_id}/refusal/{order.receiver}" in answers
            if not is_there and not is_told and (decision.package_id, order.receiver) not in refused:
                yield f"{decision.kind} to {order.receiver}: {placing.state if placing else None}, nobody was told"


def unasked(world: World) -> Iterator[str]:
    """Units from which the document is being taken back, and which were not told so."""
    deliveries: Mapping[tuple[str, str], Any] = world.store.deliveries.rows  # type: ignore[attr-defined]
    for (key, unit), history in deliveries.items():
        if position_of(history).state is DeliveryState.RECALL_PENDING:
            recalls = [entry.event.order.package_id for entry in history if entry.event.kind in RECALLS]
            steps = (f"placed/{unit}", f"withdrawn/{unit}", "forwarded")
            messages = {event_id(package_id, step) for package_id in recalls for step in steps}
            if not messages & {sent.headers["x-event-id"] for sent in world.sender.inbox(unit)}:
                yield f"{key}/{unit} is not told of {recalls}"


def differing(world: World) -> Iterator[str]:
    """Events that two routers have told in different words."""
    bodies: dict[str, str | bytes] = {}
    published: list[tuple[str, str | bytes]] = [(fact.event_id, fact.model_dump_json()) for fact in world.sender.facts]
    published += [(f"{sent.unit} {sent.headers['x-event-id']}", sent.body) for sent in world.sender.sent]
    yield from (event for event, body in published if bodies.setdefault(event, body) != body)


@pytest.mark.parametrize("first", FIRST)
async def test_no_message_comes_twice_while_no_process_ends(first: int) -> None:
    for number in range(first, first + SHARE):
        draw, objects = random.Random(number), RememberedObjects()
        history = History(empty_world(objects), draw)
        await history.write(draw.randint(2, LONGEST))
        answers = await history.answers()
        world, decided = crowded_world(objects, draw, 0.0), set[str]()
        await take_at_once(world, history.submissions, decided, draw)
        await take_at_once(world, answers, decided, draw)
        counts = Counter((sent.unit, sent.type, sent.headers["x-event-id"]) for sent in world.sender.sent)
        twice = [message for message, count in counts.items() if count > 1]
        assert not twice, f"history {number}, {[each.name for each in history.submissions]}"


@pytest.mark.parametrize("first", FIRST)
async def test_nothing_is_left_open_and_nothing_told_in_two_ways_when_facts_are_taken_at_once(first: int) -> None:
    for number in range(first, first + SHARE):
        draw, objects = random.Random(number), RememberedObjects()
        history = History(empty_world(objects), draw)
        await history.write(draw.randint(2, LONGEST))
        answers = await history.answers()
        world, decided = crowded_world(objects, draw, CRASHES), set[str]()
        await take_at_once(world, history.submissions, decided, draw)
        faults = [*unasked(world), *left_open(world)]
        await take_at_once(world, answers, decided, draw)
        names = [each.name for each in history.submissions]
        assert not [*faults, *left_open(world), *differing(world)], f"history {number}, {names}"
