"""Acts of an issuer that overtake the package which gives the document to a unit."""

from unittest.mock import AsyncMock

import pytest

from common.domain.names import StatusCode
from common.domain.reason import Reason
from common.facts import BaseFact
from common.failure import Outage
from router.delivery_state import DeliveryState
from router.execute.early_acts import EarlyActs
from router.settings import RouterSettings

from .conftest import SENDER, A, B, C, RememberedObjects, World, memory_store


@pytest.mark.parametrize("how", ["recall", "removal", "removal with content", "take back"])
async def test_a_unit_never_gets_what_was_recalled_before(world: World, how: str) -> None:
    await world.deliver(world.letter())
    adding = await world.verified(world.update("doc", added=(C,)))
    match how:
        case "recall":
            act: BaseFact = await world.notice(world.recall("doc", to=(A, C)))
        case "removal":
            act = await world.notice(world.update("doc", to=(A,), removed=(C,), name="removal", files=0))
        case "removal with content":
            act = await world.verified(world.update("doc", to=(A,), removed=(C,), name="removal"))
        case _:
            act = await world.notice(world.take_back(of=C))
    await world.take(act)
    assert Reason.E_STATUS_FORBIDDEN in refused(world), "the issuer is told that the unit does not have the document"
    for _ in range(2):
        await world.take(adding)
        await world.take(act)
    assert world.sender.inbox(C) == []
    assert (await world.position("doc", C)).state is DeliveryState.RECALLED
    assert Reason.E_RECALLED in refused(world)
    agreed = [fact for fact in world.sender.facts_named("status.recorded") if fact.code is StatusCode.AGREED]
    assert {(fact.receiver, fact.state, fact.changed) for fact in agreed} == {(C, DeliveryState.RECALLED, True)}
    assert C in {fact.receiver for fact in world.sender.facts_named("document.recalled")}


async def test_what_comes_after_the_recall_is_given(world: World) -> None:
    await world.deliver(world.letter())
    await world.take(await world.notice(world.recall("doc", to=(C,))))
    await world.take(await world.verified(world.update("doc", added=(C,))))
    assert len(world.sender.inbox(C, "document")) == 1
    assert (await world.position("doc", C)).state is DeliveryState.SENT


async def test_a_recall_does_not_reach_what_was_given_later(world: World) -> None:
    await world.deliver(world.letter())
    recall = await world.notice(world.recall("doc", to=(C,)))
    await world.take(await world.verified(world.update("doc", added=(C,))))
    world.sender.forget()
    await world.take(recall)
    assert world.sender.inbox(C) == []
    assert refused(world) == [Reason.E_STATUS_FORBIDDEN]
    assert (await world.position("doc", C)).state is DeliveryState.SENT


async def test_a_unit_with_content_of_its_own_is_asked_for_it(world: World) -> None:
    """The recall was not for what the unit has, but for an update that arrives last."""
    await world.deliver(world.letter())
    adding = await world.verified(world.update("doc", added=(C,), name="first"))
    recall = await world.notice(world.recall("doc", to=(C,)))
    await world.take(recall)
    await world.take(await world.notice(world.update("doc", to=(A,), added=(C,), name="second", files=0)))
    assert len(world.sender.inbox(C)) == 1
    world.sender.forget()
    await world.take(adding)
    assert [sent.headers["x-package-id"] for sent in world.sender.inbox(C)] == [recall.package_id]
    assert (await world.position("doc", C)).state is DeliveryState.RECALL_PENDING


@pytest.mark.parametrize("units", [(), (A, B, C)])
async def test_a_replacement_counts_for_who_gets_the_document_late(world: World, units: tuple[str, ...]) -> None:
    await world.deliver(world.letter())
    adding = await world.verified(world.update("doc", added=(C,)))
    for fact in (await world.verified(world.replacement("doc", units=units)), adding, adding):
        await world.take(fact)
    assert (await world.position("doc", C)).state is DeliveryState.SUPERSEDED
    superseded = {(fact.receiver, fact.successor) for fact in world.sender.facts_named("document.superseded")}
    assert superseded == {(unit, world.key("replacement")) for unit in (A, B, C)}


async def test_a_version_that_arrives_late_is_given_to_whom_an_older_one_was_shared(world: World) -> None:
    await world.deliver(world.letter())
    newer = await world.verified(world.update("doc", name="newer"))
    await world.take(await world.notice(world.update("doc", to=(A,), added=(C,), name="sharing", files=0)))
    for _ in range(2):
        await world.take(newer)
    packages = [sent.headers["x-package-id"] for sent in world.sender.inbox(C)]
    assert packages[1:] == [newer.package_id] * (len(packages) - 1)
    position = await world.position("doc", C)
    assert (position.content_version, position.offered_version) == (2, None)


async def test_an_older_version_is_not_given_after_a_newer_one_was_shared(world: World) -> None:
    await world.deliver(world.letter())
    older = await world.verified(world.update("doc", name="older"))
    await world.take(await world.verified(world.update("doc", name="newer")))
    await world.take(await world.notice(world.update("doc", to=(A,), added=(C,), name="sharing", files=0)))
    world.sender.forget()
    await world.take(older)
    assert world.sender.inbox(C) == []


@pytest.mark.parametrize("answer", [StatusCode.AGREED, StatusCode.DECLINED])
async def test_content_that_was_held_for_a_recall_known_before_it_follows_the_answer(
    world: World, answer: StatusCode
) -> None:
    """The unit has content by a later package, so it is asked; what arrives last is held until it has answered."""
    await world.deliver(world.letter())
    adding = await world.verified(world.update("doc", added=(C,), name="first"))
    await world.take(await world.notice(world.recall("doc", to=(C,))))
    await world.take(await world.notice(world.update("doc", to=(A,), added=(C,), name="second", files=0)))
    await world.take(adding)
    await world.report(world.status(answer, by=C))
    is_given = adding.package_id in {sent.headers["x-package-id"] for sent in world.sender.inbox(C, "document")}
    assert (is_given, Reason.E_RECALLED in refused(world)) == (
        answer is StatusCode.DECLINED,
        answer is StatusCode.AGREED,
    )
    await assert_carried_out(world, adding)


@pytest.mark.parametrize("units", [(), (A, B, C)])
async def test_content_of_a_document_that_was_replaced_before_its_recall_is_given(
    world: World, units: tuple[str, ...]
) -> None:
    """What was replaced is final: the recall takes nothing back, and the trunk has nothing to agree to."""
    await world.deliver(world.letter())
    adding = await world.verified(world.update("doc", added=(C,)))
    replacement = await world.verified(world.replacement("doc", units=units))
    recall = await world.notice(world.recall("doc", to=(C,)))
    for fact in (replacement, recall, adding, adding):
        await world.take(fact)
    assert (await world.position("doc", C)).state is DeliveryState.SUPERSEDED
    packages = {sent.headers["x-package-id"] for sent in world.sender.inbox(C, "document")}
    assert {adding.package_id, recall.package_id} <= packages
    await assert_carried_out(world, adding)


@pytest.mark.parametrize("late", ["a replacement", "a refusal"])
async def test_content_that_a_recall_holds_is_given_when_something_earlier_ends_the_recall(
    world: World, late: str
) -> None:
    await world.deliver(world.letter())
    ending: BaseFact = await world.verified(world.replacement("doc"))
    if late == "a refusal":
        ending = await world.notice(world.status(StatusCode.REFUSED))
    await world.report(world.recall("doc", to=(A,)))
    update = await world.verified(world.update("doc", to=(A,)))
    await world.take(update)
    assert update.package_id not in {sent.headers["x-package-id"] for sent in world.sender.inbox(A, "document")}
    await world.take(ending)
    assert update.package_id in {sent.headers["x-package-id"] for sent in world.sender.inbox(A, "document")}
    await assert_carried_out(world, update)


async def test_a_unit_that_spoke_before_it_got_anything_is_asked(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    """The first run of the update had opened its delivery when the process ended."""
    await world.deliver(world.letter())
    adding = await world.verified(world.update("doc", added=(C,)))
    recall = await world.notice(world.recall("doc", to=(C,)))
    await world.take(recall)
    with monkeypatch.context() as ending:
        ending.setattr(EarlyActs, "apply", AsyncMock(side_effect=Outage("database", "away")))
        with pytest.raises(Outage):
            await world.take(adding)
    await world.report(world.status(StatusCode.ARRIVED, by=C))
    await world.take(adding)
    assert [sent.headers["x-package-id"] for sent in world.sender.inbox(C, "document")] == [recall.package_id]
    await world.report(world.status(StatusCode.AGREED, by=C))
    assert (await world.position("doc", C)).state is DeliveryState.RECALLED
    await assert_carried_out(world, adding)


async def assert_carried_out(world: World, fact: BaseFact) -> None:
    """Nothing of a package is left to do."""
    assert not await world.store.placings.has_open(fact.event_id)
    decision = await world.store.decisions.find(fact.event_id)
    assert decision is not None
    assert decision.carried_out_at is not None


async def test_an_act_and_a_delivery_do_not_miss_each_other() -> None:
    """A recall that was decided before the delivery was opened, and carried out after."""
    world = World(memory_store(), RememberedObjects(), RouterSettings())
    await world.deliver(world.letter())
    adding = await world.verified(world.update("doc", added=(C,)))
    recall = await world.notice(world.recall("doc", to=(C,)))
    save = world.store.acts.save

    async def save_late(acts: object) -> None:
        world.store.acts.save = save  # type: ignore[method-assign]
        await world.take(adding)
        await save(acts)  # type: ignore[arg-type]

    world.store.acts.save = save_late  # type: ignore[method-assign]
    await world.take(recall)
    assert [sent.headers["x-package-id"] for sent in world.sender.inbox(C)] == [adding.package_id, recall.package_id]
    assert (await world.position("doc", C)).state is DeliveryState.RECALL_PENDING


def refused(world: World) -> list[Reason]:
    """The reasons that the issuer was told."""
    return [Reason(sent.headers["x-reason"]) for sent in world.sender.inbox(SENDER, "refusal")]
