"""Facts with the same event id have the same body, whatever crashed or happened between two runs of a step."""

from collections.abc import Awaitable, Callable
from typing import Any

import pytest

from common.domain.names import StatusCode
from common.domain.reason import Reason
from common.facts import BaseFact
from router.settings import RouterSettings
from router.store import Store

from .conftest import (
    CLOSED,
    INLINE_LIMIT_BYTES,
    SENDER,
    UNKNOWN,
    A,
    B,
    C,
    RememberedObjects,
    World,
    directory,
    memory_store,
)


class Crash(BaseException):
    """The process ends here."""


class CrashPoints:
    """Counts the calls of all ports, and ends the process before or after one of them."""

    def __init__(self) -> None:
        self.calls = 0
        self.at: int | None = None
        self.is_after = False

    def around(self, call: Callable[..., Awaitable[Any]]) -> Callable[..., Awaitable[Any]]:
        async def counted(*args: Any, **named: Any) -> Any:
            is_here = self.calls == self.at
            self.calls += 1
            if is_here and not self.is_after:
                raise Crash
            result = await call(*args, **named)
            if is_here:
                raise Crash
            return result

        return counted


class Port:
    """A collection whose every call is a crash point."""

    def __init__(self, inner: Any, points: CrashPoints) -> None:
        self.inner, self.points = inner, points

    def __getattr__(self, name: str) -> Any:
        return self.points.around(getattr(self.inner, name))


class BodiesById:
    """Every message and every fact that left the router."""

    def __init__(self, world: World) -> None:
        self.world = world
        self.bodies: dict[str, set[str]] = {}

    def collect(self) -> None:
        for fact in self.world.sender.facts:
            self.bodies.setdefault(f"{fact.fact} {fact.event_id}", set()).add(fact.model_dump_json(exclude_none=True))
        for sent in self.world.sender.sent:
            name = f"{sent.unit} {sent.headers['x-event-id']}"
            self.bodies.setdefault(name, set()).add(repr((sent.type, sent.body, sent.content_type, sent.headers)))
        self.world.sender.forget()

    def differing(self) -> dict[str, set[str]]:
        return {name: bodies for name, bodies in self.bodies.items() if len(bodies) > 1}


Scenario = Callable[[World], Awaitable[BaseFact]]


async def a_document(world: World) -> BaseFact:
    return await world.verified(world.letter(to=(A, B, UNKNOWN, CLOSED)))


async def an_update_with_content(world: World) -> BaseFact:
    return await world.verified(world.update("doc", to=(A, B), added=(C,), removed=(B,)))


async def an_update_of_receivers(world: World) -> BaseFact:
    return await world.notice(world.update("doc", to=(A,), added=(C,), removed=(B,), files=0))


async def a_recall(world: World) -> BaseFact:
    return await world.notice(world.recall("doc", to=(A, B, C)))


async def a_replacement(world: World) -> BaseFact:
    return await world.verified(world.replacement("doc"))


async def a_status(world: World) -> BaseFact:
    return await world.notice(world.status(StatusCode.ACCEPTED))


async def a_request_to_take_back(world: World) -> BaseFact:
    return await world.notice(world.take_back())


async def a_status_of_a_stranger(world: World) -> BaseFact:
    return await world.notice(world.status(StatusCode.ACCEPTED, by=C))


async def an_invalid_document(world: World) -> BaseFact:
    return await world.invalid(world.letter("other"))


async def a_refused_package(world: World) -> BaseFact:
    return await world.turned_away(world.letter("other"))


async def an_accepted_package(world: World) -> BaseFact:
    return await world.accepted(world.letter("other"))


SCENARIOS: list[Scenario] = [
    a_document,
    an_update_with_content,
    an_update_of_receivers,
    a_recall,
    a_replacement,
    a_status,
    a_request_to_take_back,
    a_status_of_a_stranger,
    an_invalid_document,
    a_refused_package,
    an_accepted_package,
]


async def prepared(scenario: Scenario, points: CrashPoints) -> tuple[World, BaseFact]:
    """A world in which the fact is about to arrive."""
    inner = memory_store()
    ports = {name: Port(getattr(inner, name), points) for name in Store.__dataclass_fields__}
    world = World(Store(**ports), RememberedObjects(), RouterSettings(inline_limit_bytes=INLINE_LIMIT_BYTES))
    if scenario is not a_document:
        await world.deliver(world.letter())
    world.sender.announce = points.around(world.sender.announce)  # type: ignore[method-assign]
    world.sender.publish = points.around(world.sender.publish)  # type: ignore[method-assign]
    fact = await scenario(world)
    points.calls = 0
    return world, fact


async def something_else_happens(world: World, scenario: Scenario) -> None:
    """A day passes, the document changes, and so does the directory."""
    world.clock.move(days=1)
    if scenario is not a_document:
        await world.take(await world.verified(world.update("doc", name="later")))
        await world.take(await world.notice(world.status(StatusCode.ARRIVED)))
        await world.take(await world.notice(world.status(StatusCode.AGREED)))
    world.directory.current = directory(UNKNOWN)
    world.directory.current.units.pop(B)


@pytest.mark.parametrize("is_after", [False, True], ids=["before", "after"])
@pytest.mark.parametrize("scenario", SCENARIOS, ids=[scenario.__name__ for scenario in SCENARIOS])
async def test_an_event_has_one_body_wherever_the_first_run_ended(scenario: Scenario, is_after: bool) -> None:
    points = CrashPoints()
    world, fact = await prepared(scenario, points)
    await world.take(fact)
    calls = points.calls
    assert calls > 3
    for at in [*range(calls), None]:
        points = CrashPoints()
        world, fact = await prepared(scenario, points)
        published = BodiesById(world)
        points.at, points.is_after = at, is_after
        try:
            await world.take(fact)
        except Crash:
            assert at is not None
        points.at = None
        world.router = world.restarted()
        await world.place()
        published.collect()
        await something_else_happens(world, scenario)
        world.sender.forget()
        for _ in range(2):
            await world.take(fact, by=world.restarted())
            await world.sweep(minutes=11)
            published.collect()
        assert published.differing() == {}, at
        assert published.bodies, at


async def test_a_repeated_answer_is_the_same_answer(pure_world: World) -> None:
    world = pure_world
    published = BodiesById(world)
    refused = await world.turned_away(world.letter(to=(SENDER,)), Reason.E_DUP)
    await world.take(refused)
    published.collect()
    for _ in range(2):
        world.clock.move(hours=5)
        await world.take(world.repeated(refused, accepted=False))
        published.collect()
    assert published.differing() == {}


@pytest.fixture
def pure_world() -> World:
    """Stores in memory."""
    return World(memory_store(), RememberedObjects(), RouterSettings(inline_limit_bytes=INLINE_LIMIT_BYTES))
