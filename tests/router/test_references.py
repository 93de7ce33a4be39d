"""Addresses of large packages live as long as nobody has read the document."""

import json
from datetime import datetime, timedelta
from unittest.mock import AsyncMock

import pytest

from common.domain.names import Lane, StatusCode
from common.facts import OperatorRequested
from common.failure import Outage
from common.headers import EDXML_TYPE, EVENT_ID
from common.packing import packed
from common.service.row_requests import REQUESTS_KEPT
from router.placing import PlacingState

from .conftest import AT, A, World, directory

LARGE = 5_000
DAY = 24.0


async def placed(world: World, size_bytes: int = LARGE) -> str:
    """A large package in A's inbox; the event id of the message."""
    fact = await world.verified(world.letter(to=(A,)), size_bytes)
    await world.take(fact)
    return f"{fact.package_id}:placed/{A}:1"


def addresses(world: World) -> list[datetime]:
    """When the addresses in A's inbox expire."""
    return [datetime.fromisoformat(json.loads(sent.body)["expires_at"]) for sent in world.sender.inbox(A, "document")]


async def later(world: World, **passed: float) -> None:
    """Time passes, and the sweep runs."""
    world.clock.move(**passed)
    await world.router.references.sweep()
    await world.place()


async def test_a_holiday_of_three_weeks(world: World) -> None:
    event = await placed(world)
    for _ in range(21):
        await later(world, hours=DAY)
        assert max(addresses(world)) > world.clock(), "there is always an address that holds"
    assert {sent.headers[EVENT_ID] for sent in world.sender.inbox(A, "document")} == {event}
    assert len(addresses(world)) == 4, "no more than are needed"


async def test_a_package_that_came_with_its_fact_is_given_whole(world: World) -> None:
    """It lies in no bucket, so that no address could be signed."""
    fact = await world.verified(world.letter(to=(A,)), LARGE)
    package = fact.package.model_copy(update={"packed": packed(await world.objects.get(fact.package))})
    await world.take(fact.model_copy(update={"package": package}))
    (sent,) = world.sender.inbox(A, "document")
    assert sent.content_type == EDXML_TYPE
    assert sent.body == await world.objects.get(fact.package)
    assert (await world.store.placings.find(f"{fact.package_id}:placed/{A}:1")).renew_at is None


async def test_a_unit_is_told_of_the_package_what_it_always_was(world: World) -> None:
    """Versions and packed bytes are the trunk's own business."""
    fact = await world.verified(world.letter(to=(A,)), LARGE)
    package = fact.package.model_copy(update={"version_id": "v1"})
    await world.take(fact.model_copy(update={"package": package}))
    (sent,) = world.sender.inbox(A, "document")
    reference = json.loads(sent.body)
    assert set(reference) == {"bucket", "key", "sha256", "size_bytes", "url", "expires_at"}
    assert (reference["key"], reference["sha256"]) == (package.key, package.sha256)


@pytest.mark.parametrize("code", [StatusCode.ARRIVED, StatusCode.ACCEPTED, StatusCode.REFUSED])
async def test_who_has_reported_needs_no_further_address(world: World, code: StatusCode) -> None:
    await placed(world)
    await world.report(world.status(code))
    for _ in range(10):
        await later(world, hours=DAY)
    assert len(addresses(world)) == 1


async def test_a_document_that_was_taken_back_gets_no_further_address(world: World) -> None:
    await placed(world)
    await world.report(world.recall("doc", to=(A,)))
    for _ in range(10):
        await later(world, hours=DAY)
    assert [sent.headers["x-kind"] for sent in world.sender.inbox(A)] == ["new", "recall"]


async def test_an_update_that_nobody_has_answered_is_renewed(world: World) -> None:
    await world.deliver(world.letter(to=(A,)))
    await world.report(world.status(StatusCode.ACCEPTED))
    await world.take(await world.verified(world.update("doc", to=(A,)), LARGE))
    world.sender.forget()
    await later(world, hours=6.5 * DAY)
    assert len(addresses(world)) == 1


async def test_a_full_inbox_is_tried_again_an_hour_later(world: World) -> None:
    await placed(world)
    world.sender.full.add(A)
    await later(world, hours=6 * DAY)
    attempts = world.sender.attempts
    await later(world, minutes=30)
    assert world.sender.attempts == attempts
    world.sender.full.clear()
    await later(world, minutes=31)
    assert len(addresses(world)) == 2


async def test_small_packages_have_no_address(world: World) -> None:
    await placed(world, size_bytes=0)
    for _ in range(10):
        await later(world, hours=DAY)
    assert len(world.sender.inbox(A)) == 1


def wish(world: World, placing: str, number: int = 1) -> OperatorRequested:
    """An operator wants the address again."""
    return OperatorRequested(
        event_id=f"wish-{world.run}-{number}",
        occurred_at=AT,
        subject=f"wish-{world.run}",
        lane=Lane.NORMAL,
        target="router",
        record_id=placing,
        action="renew",
        actor="Nguyễn Văn A",
        purpose="đơn vị nghỉ dài",
    )


async def test_an_operator_has_an_address_issued(world: World) -> None:
    event = await placed(world)
    await world.report(world.status(StatusCode.ARRIVED))
    world.clock.move(hours=30 * DAY)
    await world.take(wish(world, event))
    await world.take(wish(world, event), by=world.restarted())
    assert max(addresses(world)) > world.clock() + timedelta(days=6)
    acted = world.sender.named("operator.acted")
    assert {(fact.event_id, fact.occurred_at, fact.outcome) for fact in acted} == {
        (acted[0].event_id, acted[0].occurred_at, "done")
    }
    assert len(world.sender.named("security.noticed")) == len(acted) == 2


async def test_two_requests_for_one_address_are_answered_each_as_often_as_they_come(world: World) -> None:
    """The second comes before the first was carried out; the first comes once more after it."""
    event = await placed(world)
    await world.report(world.status(StatusCode.ARRIVED))
    first, second = wish(world, event), wish(world, event, 2)
    decided_at = world.clock()
    with pytest.MonkeyPatch.context() as ending:
        ending.setattr(world.router.placer, "order", AsyncMock(side_effect=Outage("broker", "the process ends")))
        with pytest.raises(Outage):
            await world.router.handlers[OperatorRequested](first)
    world.clock.move(hours=30 * DAY)
    for request in (second, first, second):
        world.clock.move(hours=1)
        await world.take(request, by=world.restarted())
    acted = world.sender.named("operator.acted")
    assert [fact.outcome for fact in acted] == ["done"] * 3
    assert (len({fact.event_id for fact in acted}), len({fact.model_dump_json() for fact in acted})) == (2, 2)
    assert acted[1].occurred_at == decided_at, "when it was decided about, though it was carried out later"
    assert len({fact.model_dump_json() for fact in world.sender.named("security.noticed")}) == 2
    assert max(addresses(world)) > world.clock() + timedelta(days=6)
    placing = await world.store.placings.find(event)
    assert placing is not None
    assert [each.event_id for each in placing.requests] == [first.event_id, second.event_id]


async def test_of_the_requests_for_one_address_the_latest_are_kept(world: World) -> None:
    event = await placed(world)
    for number in range(REQUESTS_KEPT + 2):
        await world.store.placings.answer(event, wish(world, event, number), AT, "done")
    placing = await world.store.placings.find(event)
    assert placing is not None
    assert len(placing.requests) == REQUESTS_KEPT
    assert placing.requests[-1].is_of(wish(world, event, REQUESTS_KEPT + 1))


async def test_where_there_is_nothing_to_renew_the_operator_is_told(world: World) -> None:
    small = await placed(world, size_bytes=0)
    await world.take(wish(world, small))
    event = await placed_elsewhere(world)
    await world.take(wish(world, event, 2))
    outcomes = [fact.outcome for fact in world.sender.named("operator.acted")]
    assert outcomes == ["the package is in the message itself", f"not in the inbox, but {PlacingState.WAITING}"]
    units = directory()
    del units.units[A]
    world.directory.current = units
    await world.take(wish(world, "unknown"))
    assert len(world.sender.named("operator.acted")) == 2


async def test_an_address_of_what_the_unit_has_given_up_is_not_issued_and_the_operator_is_told_so(world: World) -> None:
    event = await placed(world)
    await world.report(world.recall("doc", to=(A,)))
    await world.take(wish(world, event))
    await world.report(world.status(StatusCode.AGREED))
    issued = len(world.sender.inbox(A))
    for _ in range(2):
        await world.take(wish(world, event, 2), by=world.restarted())
    outcomes = [fact.outcome for fact in world.sender.named("operator.acted")]
    assert outcomes == ["done", *["the unit has agreed to a recall of the document"] * 2]
    assert len(world.sender.inbox(A)) == issued


async def placed_elsewhere(world: World) -> str:
    """A large package for a full inbox."""
    world.sender.full.add(A)
    fact = await world.verified(world.letter("other", to=(A,)), LARGE)
    await world.take(fact)
    return f"{fact.package_id}:placed/{A}:1"
