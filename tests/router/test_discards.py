"""The document of a discarded package counts as refused, so packages about it are answered and do not wait."""

from collections.abc import Awaitable, Callable
from datetime import timedelta
from typing import Any
from unittest.mock import AsyncMock

import pytest

from common.domain.names import Lane
from common.domain.reason import Reason
from common.facts import BaseFact, CarriesPackage, OperatorActed, ParkedPackage
from common.failure import Outage, Transient
from common.objects import ObjectAltered, ObjectMissing
from router.delivery_state import DeliveryState

from .conftest import AT, A, B, World
from .test_corrected import ACTS, about, refusals

Act = Callable[[World, str], Awaitable[BaseFact]]


def acted(fact: CarriesPackage, action: Any = "discard", service: str = "validator", **changes: Any) -> OperatorActed:
    """An operator has decided about a parked fact, ``service`` being the one that had parked it."""
    package = ParkedPackage(
        fact=fact.fact,
        kind=fact.kind,
        envelope=fact.envelope,
        submitted_at=fact.submitted_at,
        place=fact.place,
        claims_document_id=fact.claims_document_id,
    )
    return OperatorActed(
        event_id=f"{fact.package_id}:acted/{action}:1",
        occurred_at=AT,
        subject=fact.subject,
        lane=Lane.NORMAL,
        service=service,
        record_id=f"record-{fact.package_id}",
        action=action,
        actor="Nguyễn Văn A",
        purpose="gói tin không xử lý được",
        holds_package=True,
        sender=fact.sender,
        package_id=fact.package_id,
        document_id=fact.document_id,
        **{"outcome": "done", "package": package} | changes,
    )


@pytest.mark.parametrize("position", ["before", "after"])
@pytest.mark.parametrize("act", ACTS)
async def test_what_waits_for_a_discarded_package_is_answered(world: World, act: Act, position: str) -> None:
    """Before it was discarded, an act names the package as the holder of the DocumentId; after it, none."""
    document = await world.accepted(world.letter(to=(A,)))
    fact = await act(world, "doc")
    if position == "before":
        fact = about(fact, document)
        with pytest.raises(Transient):
            await world.take(fact)
    await world.take(acted(document))
    world.sender.forget()
    await world.take(fact)
    assert set(refusals(world)) <= {Reason.E_REFDOC, Reason.E_STATUS_FORBIDDEN}
    assert len(refusals(world)) == 1


@pytest.mark.parametrize("claims", [True, False])
async def test_what_intake_has_said_of_a_package_needs_no_header(world: World, claims: bool) -> None:
    """That of a package that is one object lies nowhere else."""
    document = await world.accepted(world.letter(to=(A,)))
    nowhere = document.envelope.model_copy(update={"key": "nowhere", "sha256": "0" * 64})
    recall = about(await world.notice(world.recall("doc", to=(A,))), document)
    parked = document.model_copy(update={"envelope": nowhere, "claims_document_id": claims})
    await world.take(acted(parked))
    world.sender.forget()
    if claims:
        await world.take(recall)
        assert refusals(world) == [Reason.E_REFDOC]
    else:
        with pytest.raises(Transient):
            await world.take(recall)


async def test_a_replacement_of_a_discarded_package_has_nothing_to_replace(world: World) -> None:
    document = await world.accepted(world.letter(to=(A,)))
    replacement = about(await world.verified(world.replacement("doc")), document)
    for fact in (acted(document), replacement):
        await world.take(fact)
    assert replacement.package_id in {sent.headers["x-package-id"] for sent in world.sender.inbox(A)}


async def test_what_is_about_a_discarded_update_is_answered(world: World) -> None:
    await world.deliver(world.letter(to=(A,)))
    update = await world.accepted(world.update("doc", to=(A,)))
    recall = about(await world.notice(world.recall("update", to=(A,))), update)
    with pytest.raises(Transient):
        await world.take(recall)
    await world.take(acted(update))
    world.sender.forget()
    await world.take(recall)
    assert refusals(world) == [Reason.E_REFDOC]


async def test_a_package_that_is_restored_is_awaited_again_and_may_be_delivered(world: World) -> None:
    document = await world.verified(world.letter(to=(A,)))
    recall = about(await world.notice(world.recall("doc", to=(A,))), document)
    parked = document.model_copy(update={"fact": "package.accepted"})
    for action in ("discard", "restore", "discard", "restore", "restore"):
        await world.take(acted(parked, action))
    with pytest.raises(Transient):
        await world.take(recall)
    await world.take(document)
    await world.take(recall)
    assert (await world.position("doc", A)).state is DeliveryState.RECALL_PENDING


def at_minute(fact: OperatorActed, minute: int) -> OperatorActed:
    return fact.model_copy(update={"occurred_at": AT + timedelta(minutes=minute)})


@pytest.mark.parametrize("arrival", [(0, 1, 0), (1, 0), (0, 1, 0, 1)], ids=["again", "overtaken", "both again"])
@pytest.mark.parametrize("way_back", ["restore", "replay"])
async def test_a_discard_that_comes_after_it_was_taken_back_does_not_count(
    world: World, way_back: str, arrival: tuple[int, ...]
) -> None:
    document = await world.accepted(world.letter(to=(A,)))
    recall = about(await world.notice(world.recall("doc", to=(A,))), document)
    words = [at_minute(acted(document), 1), at_minute(acted(document, way_back), 2)]
    for number in arrival:
        await world.take(words[number])
    with pytest.raises(Transient):
        await world.take(recall)
    await world.take(at_minute(acted(document), 3))
    world.sender.forget()
    await world.take(recall)
    assert refusals(world) == [Reason.E_REFDOC]


async def test_a_discarded_package_that_was_replayed_all_the_same_is_delivered(world: World) -> None:
    """Its discard is heard again, or late."""
    document = await world.verified(world.letter(to=(A,)))
    parked = document.model_copy(update={"fact": "package.accepted"})
    for fact in (acted(parked), document, acted(parked), acted(parked, "restore")):
        await world.take(fact)
    await world.report(world.recall("doc", to=(A,)))
    assert (await world.position("doc", A)).state is DeliveryState.RECALL_PENDING


async def test_a_document_that_was_given_up_in_the_middle_is_recalled_from_who_has_it(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The router had opened a delivery when its handler failed for good."""
    document = await world.verified(world.letter(to=(A, B)))
    with monkeypatch.context() as failing:
        failing.setattr(world.store.documents, "settle", AsyncMock(side_effect=Outage("database", "away")))
        with pytest.raises(Outage):
            await world.take(document)
    recall = about(await world.notice(world.recall("doc", to=(A,))), document)
    with pytest.raises(Transient):
        await world.take(recall)
    await world.take(acted(document, service="router"))
    await world.take(recall)
    assert recall.package_id in {sent.headers["x-package-id"] for sent in world.sender.inbox(A)}


@pytest.mark.parametrize(
    "changes",
    [{"service": "router"}, {"service": "archive"}, {"outcome": "not parked, but replayed"}, {"package": None}],
    ids=["only a receipt", "another service", "not done", "an earlier release"],
)
async def test_what_ends_no_package_leaves_its_document_awaited(world: World, changes: dict[str, Any]) -> None:
    document = await world.accepted(world.letter(to=(A,)))
    await world.take(acted(document, **changes))
    with pytest.raises(Transient):
        await world.take(await world.notice(world.recall("doc", to=(A,))))


async def test_a_package_without_a_document_of_its_own_leaves_the_document_alone(world: World) -> None:
    recall = await world.notice(world.recall("doc", to=(A,)))
    await world.take(acted(recall, service="router"))
    await world.deliver(world.letter(to=(A,)))
    await world.report(world.take_back(of=A))
    assert (await world.position("doc", A)).state is DeliveryState.RECALL_PENDING


async def test_a_corrected_package_that_was_discarded_counts_after_the_refused_one(world: World) -> None:
    first = await world.invalid(world.letter(to=(A,)))
    second = await world.accepted(world.letter(to=(A,)))
    recall = about(await world.notice(world.recall("doc", to=(A,))), second)
    for fact in (acted(second), first):
        await world.take(fact)
    world.sender.forget()
    await world.take(recall)
    assert refusals(world) == [Reason.E_REFDOC]


@pytest.mark.parametrize("error", [ObjectMissing("content/x"), ObjectAltered("content/x")], ids=["missing", "altered"])
async def test_a_package_whose_envelope_is_lost_can_be_discarded(world: World, error: Exception) -> None:
    """An operator gives it up for that very reason, and its sender is told."""
    document = await world.accepted(world.letter(to=(A,)))
    world.router._discards._objects = AsyncMock()
    world.router._discards._objects.get.side_effect = error
    await world.take(acted(document))
    assert refusals(world) == [Reason.E_DISCARDED]
