"""A document that is taken back before its unit got it is withdrawn, and the trunk answers for the unit."""

import asyncio
from dataclasses import replace
from unittest.mock import AsyncMock

import pytest

from common.domain.names import StatusCode
from common.domain.reason import Reason
from common.facts import DocumentVerified
from common.failure import Outage
from common.headers import SENDER as FROM
from router.delivery_state import DeliveryState
from router.placing import Cause, PlacingState

from .conftest import SENDER, A, B, World, directory
from .test_handlers import status_in

TRUNK = "000.00.00.W29"


def refuses(world: World, unit: str, cause: Cause) -> None:
    """From now on the unit's inbox takes nothing."""
    match cause:
        case Cause.FULL:
            world.sender.full.add(unit)
        case Cause.MISSING:
            world.sender.missing.add(unit)


def takes(world: World, unit: str) -> None:
    """The unit's inbox takes everything again."""
    world.sender.full.discard(unit)
    world.sender.missing.discard(unit)


async def recalled(world: World, how: str) -> None:
    """SENDER takes the document back from both units, by a recall, a status or an update of receivers."""
    match how:
        case "recall":
            await world.report(world.recall("doc"))
        case "status":
            await world.report(world.take_back(of=A))
        case "update":
            await world.take(await world.verified(world.update("doc", to=(B,), removed=(A,))))


@pytest.mark.parametrize("cause", [Cause.FULL, Cause.MISSING])
@pytest.mark.parametrize("how", ["recall", "status", "update"])
async def test_a_document_that_waits_is_withdrawn_and_answered(world: World, cause: Cause, how: str) -> None:
    refuses(world, A, cause)
    document = await world.deliver(world.letter())
    await recalled(world, how)
    takes(world, A)
    for _ in range(2):
        await world.sweep(hours=5)
        await world.take(document, by=world.restarted())
    assert world.sender.inbox(A) == [], "the unit never hears of the document"
    (answer,) = world.sender.inbox(SENDER, "status")
    status = status_in(answer)
    assert (status.code, status.response_for.document_id) == (StatusCode.AGREED, world.id("doc"))
    assert (answer.headers[FROM], A in (status.description or "")) == (TRUNK, True)
    assert (await world.position("doc", A)).state is DeliveryState.RECALLED
    assert not await world.store.placings.has_open(document.event_id)
    agreed = [fact for fact in world.sender.named("status.recorded") if fact.code is StatusCode.AGREED]
    assert {(fact.receiver, fact.told, fact.state) for fact in agreed} == {(A, SENDER, "RECALLED")}
    refused = {fact.receiver: fact for fact in world.sender.named("delivery.refused")}
    assert (refused[A].reason, refused[A].package_id) == (Reason.E_WITHDRAWN, document.package_id)


async def test_what_a_unit_has_is_recalled_from_it_alone(world: World) -> None:
    world.sender.full.add(A)
    await world.deliver(world.letter())
    await world.report(world.recall("doc"))
    assert [sent.type for sent in world.sender.inbox(B)] == ["document"]
    assert (await world.position("doc", B)).state is DeliveryState.RECALL_PENDING
    assert (await world.position("doc", A)).state is DeliveryState.RECALLED


async def test_an_inbox_that_never_answered_may_have_the_document(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("router.execute.silence.SILENCE_SECONDS", 0.01)
    world.sender.silent.add(A)
    await world.deliver(world.letter(to=(A,)))
    await world.report(world.recall("doc", to=(A,)))
    assert (await world.position("doc", A)).state is DeliveryState.RECALL_PENDING
    world.sender.silent.clear()
    await world.sweep(hours=5)
    assert len(world.sender.inbox(A)) == 1, "one message until a silent inbox has answered"
    await world.sweep(minutes=3)
    assert len(world.sender.inbox(A)) == 2, "the document and its recall"


@pytest.mark.parametrize("away", ["publishing", "the package"])
async def test_what_waits_and_could_not_be_tried_is_withdrawn_like_anything_that_waits(
    world: World, monkeypatch: pytest.MonkeyPatch, away: str
) -> None:
    """Its next attempt was ordered, and nothing was published: the order comes back, and the inbox is still full."""
    world.sender.full.add(A)
    document = await world.deliver(world.letter(to=(A,)))
    world.clock.move(hours=1)
    await world.router.placer.sweep()
    (order,) = world.sender.orders
    world.sender.orders.clear()
    outage = AsyncMock(side_effect=Outage("broker", "blocked"))
    with monkeypatch.context() as patches:
        patches.setattr(
            *((world.sender, "check_publishing") if away == "publishing" else (world.objects, "get")), outage
        )
        with pytest.raises(Outage):
            await world.restarted().placer.take(order)
    await world.router.placer.take(replace(order, is_redelivered=True))
    await world.report(world.recall("doc", to=(A,)))
    assert (await world.position("doc", A)).state is DeliveryState.RECALLED
    assert not await world.store.placings.has_open(document.event_id)


async def test_an_update_that_waits_as_well_is_withdrawn_with_its_document(world: World) -> None:
    world.sender.full.add(A)
    await world.deliver(world.letter(to=(A,)))
    update = await world.deliver(world.update("doc", to=(A,)))
    await world.report(world.recall("doc", to=(A,)))
    world.sender.full.clear()
    await world.sweep(hours=5)
    assert world.sender.inbox(A) == []
    assert {fact.reason for fact in world.sender.named("delivery.refused")} == {Reason.E_WITHDRAWN}
    assert len(world.sender.named("delivery.refused")) == 2
    assert not await world.store.placings.has_open(update.event_id)


async def waiting_with_its_update(world: World) -> tuple[DocumentVerified, DocumentVerified]:
    """A document and its update that wait for A's inbox; an attempt at the update has begun."""
    world.sender.full.add(A)
    document = await world.deliver(world.letter(to=(A, B)))
    update = await world.deliver(world.update("doc", to=(A,)))
    waiting = await world.store.placings.find(f"{update.package_id}:placed/{A}:1")
    assert waiting is not None
    assert await world.store.placings.begin_attempt(waiting, waiting.next_attempt_at)
    world.sender.forget()
    return document, update


@pytest.mark.parametrize("how", ["recall", "status", "update"])
async def test_a_document_that_is_withdrawn_comes_to_its_end_though_its_update_may_be_in_the_inbox(
    world: World, how: str
) -> None:
    """Nobody has to publish the package of the document once more."""
    document, update = await waiting_with_its_update(world)
    await recalled(world, how)
    refused = [(fact.package_id, fact.reason) for fact in world.sender.facts_named("delivery.refused")]
    assert refused == [(document.package_id, Reason.E_WITHDRAWN)]
    ended = {fact.package_id for fact in world.sender.facts_named("package.routed")}
    assert (document.package_id in ended, update.package_id in ended) == (True, False)
    assert (await world.position("doc", A)).state is DeliveryState.RECALL_PENDING, "the unit answers itself"
    world.sender.full.clear()
    await world.sweep(hours=5)
    assert len(world.sender.inbox(A)) == 2, "the update and its recall"
    refusals = {fact.model_dump_json() for fact in world.sender.facts_named("delivery.refused")}
    await world.take(document, by=world.restarted())
    assert {fact.model_dump_json() for fact in world.sender.facts_named("delivery.refused")} == refusals, (
        "one event has one body"
    )


async def test_a_document_that_is_withdrawn_comes_to_its_end_if_its_process_ended_in_between(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    document, _ = await waiting_with_its_update(world)
    recall = await world.notice(world.recall("doc", to=(A,)))
    with monkeypatch.context() as ending:
        ending.setattr(world.store.placings, "reopen", AsyncMock(side_effect=Outage("database", "the process ends")))
        with pytest.raises(Outage):
            await world.router.handlers[type(recall)](recall)
    assert world.sender.facts_named("delivery.refused") == []
    for _ in range(2):
        await world.take(recall, by=world.restarted())
    refused = world.sender.facts_named("delivery.refused")
    assert {(fact.package_id, fact.reason) for fact in refused} == {(document.package_id, Reason.E_WITHDRAWN)}
    assert len({fact.model_dump_json() for fact in refused}) == 1
    assert document.package_id in {fact.package_id for fact in world.sender.facts_named("package.routed")}


async def test_who_has_the_document_gets_the_recall_though_an_update_waits(world: World) -> None:
    await world.deliver(world.letter(to=(A,)))
    world.sender.full.add(A)
    update = await world.deliver(world.update("doc", to=(A,)))
    await world.report(world.recall("doc", to=(A,)))
    assert (await world.position("doc", A)).state is DeliveryState.RECALL_PENDING
    waiting = await world.store.placings.find(f"{update.package_id}:placed/{A}:1")
    assert waiting is not None
    assert waiting.state is PlacingState.WAITING
    world.sender.full.clear()
    await world.sweep(hours=5)
    assert {sent.headers["x-kind"] for sent in world.sender.inbox(A)} == {"update", "recall"}


async def test_a_recall_in_the_middle_of_an_attempt_does_not_withdraw(world: World) -> None:
    """The attempt began before the recall, so nobody knows whether the inbox gets the document."""
    world.sender.full.add(A)
    document = await world.deliver(world.letter(to=(A,)))
    placing = await world.store.placings.find(f"{document.package_id}:placed/{A}:1")
    assert placing is not None
    assert await world.store.placings.begin_attempt(placing, placing.next_attempt_at)
    assert not await world.store.placings.begin_attempt(placing, placing.next_attempt_at), "one attempt at a time"
    await world.report(world.recall("doc", to=(A,)))
    assert (await world.position("doc", A)).state is DeliveryState.RECALL_PENDING
    world.sender.full.clear()
    await world.sweep(hours=5)
    assert len(world.sender.inbox(A)) == 2


async def test_a_delivery_that_arrives_after_all_is_followed_by_its_recall(world: World) -> None:
    """Two processes try at once; the inbox refuses one of them, a recall withdraws, and then the other succeeds."""
    document = await world.verified(world.letter(to=(A,)))
    await world.router.handlers[type(document)](document)
    (order,) = [each for each in world.sender.orders if f"placed/{A}".encode() in each.body]
    world.sender.silent.add(A)
    slow = asyncio.create_task(world.router.placer.take(order))
    while not world.sender.attempts:
        await asyncio.sleep(0)
    world.sender.silent.clear()
    world.sender.full.add(A)
    await world.restarted().placer.take(order)
    world.sender.orders.clear()
    await world.report(world.recall("doc", to=(A,)))
    assert (await world.position("doc", A)).state is DeliveryState.RECALLED
    world.sender.full.clear()
    world.sender.heard.set()
    await slow
    await world.place()
    assert [sent.headers["x-kind"] for sent in world.sender.inbox(A)] == ["new", "recall"]


@pytest.mark.parametrize("answer", [StatusCode.AGREED, StatusCode.DECLINED])
async def test_a_document_that_its_recall_overtakes_comes_only_if_the_unit_declines(
    world: World, answer: StatusCode
) -> None:
    """The order to place it comes back to the queue, and is taken again after the unit has answered the recall."""
    document = await world.verified(world.letter(to=(A,)))
    await world.router.handlers[type(document)](document)
    (order,) = [each for each in world.sender.orders if f"placed/{A}".encode() in each.body]
    world.sender.orders.clear()
    await world.report(world.recall("doc", to=(A,)))
    status = await world.report(world.status(answer))
    for _ in range(2):
        await world.router.placer.take(order)
        await world.take(status, by=world.restarted())
        await world.sweep(hours=5)
    is_agreed = answer is StatusCode.AGREED
    kinds = {sent.headers["x-kind"] for sent in world.sender.inbox(A, "document")}
    assert kinds == ({"recall"} if is_agreed else {"recall", "new"})
    refused = [(fact.receiver, fact.reason) for fact in world.sender.facts_named("delivery.refused")]
    assert set(refused) == ({(A, Reason.E_WITHDRAWN)} if is_agreed else set())
    assert (await world.position("doc", A)).state is (DeliveryState.RECALLED if is_agreed else DeliveryState.SENT)
    assert not await world.store.placings.has_open(document.event_id)
    assert bool(world.sender.facts_named("package.routed")), "and the package comes to its end"


async def test_a_process_that_ended_before_it_saved_what_to_place_gives_nothing_to_who_agreed(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The deliveries are open already, so the unit is asked to give back what nobody has placed yet."""
    document = await world.verified(world.letter(to=(A, B)))
    with monkeypatch.context() as ending:
        ending.setattr(world.store.placings, "open", AsyncMock(side_effect=Outage("database", "the process ends")))
        with pytest.raises(Outage):
            await world.router.handlers[type(document)](document)
    await world.report(world.recall("doc", to=(A,)))
    await world.report(world.status(StatusCode.AGREED))
    for _ in range(2):
        await world.take(document, by=world.restarted())
    assert {sent.headers["x-kind"] for sent in world.sender.inbox(A, "document")} == {"recall"}
    assert {sent.headers["x-kind"] for sent in world.sender.inbox(B, "document")} == {"new"}
    assert {(fact.receiver, fact.reason) for fact in world.sender.facts_named("delivery.refused")} == {
        (A, Reason.E_WITHDRAWN)
    }
    assert not await world.store.placings.has_open(document.event_id)


async def test_a_document_that_is_being_placed_while_the_unit_agrees_is_noted(world: World) -> None:
    """The attempt ends after the agreement: what is in the inbox is on record, and so is that it was withdrawn."""
    document = await world.verified(world.letter(to=(A,)))
    await world.router.handlers[type(document)](document)
    (order,) = [each for each in world.sender.orders if f"placed/{A}".encode() in each.body]
    world.sender.orders.clear()
    await world.report(world.recall("doc", to=(A,)))
    world.sender.silent.add(A)
    before = world.sender.attempts
    slow = asyncio.create_task(world.router.placer.take(order))
    while world.sender.attempts == before:
        await asyncio.sleep(0)
    world.sender.silent.clear()
    await world.report(world.status(StatusCode.AGREED))
    world.sender.heard.set()
    await slow
    assert {fact.receiver for fact in world.sender.facts_named("delivery.refused")} == {A}
    assert document.package_id in {fact.package_id for fact in world.sender.facts_named("delivery.placed")}


async def test_an_issuer_that_closed_meanwhile_is_not_answered(world: World) -> None:
    world.sender.full.add(A)
    document = await world.deliver(world.letter(to=(A,)))
    fact = await world.notice(world.recall("doc", to=(A,)))
    units = directory()
    del units.units[SENDER]
    world.directory.current = units
    await world.take(fact)
    assert world.sender.inbox(SENDER) == []
    assert (await world.position("doc", A)).state is DeliveryState.RECALLED
    assert not await world.store.placings.has_open(document.event_id)
