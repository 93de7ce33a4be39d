"""Corrected packages: the later submission counts, whichever comes first, and however often."""

from collections.abc import Awaitable, Callable
from datetime import timedelta
from typing import Any

import pytest

from common.domain.names import PackageKind, StatusCode
from common.domain.reason import Reason
from common.facts import BaseFact, DocumentRefused, DocumentVerified, NoticeAccepted
from common.failure import Transient
from router.delivery_state import DeliveryState
from router.route import DocumentState

from .conftest import SENDER, A, World


def about(fact: Any, package: Any) -> Any:
    """The fact of a package that was let in while another package held the DocumentId of its document."""
    if fact.kind is PackageKind.REPLACE:
        return fact.model_copy(update={"target_packages": {package.subject: package.package_id}})
    return fact.model_copy(update={"target_package": package.package_id})


async def a_recall(world: World, document: str) -> BaseFact:
    return await world.notice(world.recall(document, to=(A,)))


async def a_request(world: World, document: str) -> BaseFact:
    return await world.notice(world.take_back(of=A, name=document))


async def an_update(world: World, document: str) -> BaseFact:
    return await world.verified(world.update(document, to=(A,)))


ACTS = [a_recall, a_request, an_update]
Act = Callable[[World, str], Awaitable[BaseFact]]


async def test_a_replacement_waits_for_the_corrected_package_that_it_replaces(world: World) -> None:
    first, corrected = await refused_and_corrected(world)
    replacement = about(await world.verified(world.replacement("doc")), corrected)
    await world.take(first)
    with pytest.raises(Transient):
        await world.take(replacement)
    for fact in (corrected, replacement):
        await world.take(fact)
    assert (await world.position("doc", A)).state is DeliveryState.SUPERSEDED


@pytest.mark.parametrize("holder", ["the refused one", "an earlier release did not say"])
async def test_a_replacement_of_a_refused_document_has_nothing_to_replace(world: World, holder: str) -> None:
    first = await world.invalid(world.letter(to=(A,)))
    fact = await world.verified(world.replacement("doc"))
    for each in (first, about(fact, first) if holder == "the refused one" else fact):
        await world.take(each)
    assert fact.package_id in {sent.headers["x-package-id"] for sent in world.sender.inbox(A, "document")}
    assert world.sender.facts_named("document.superseded") == []


async def refused_and_corrected(world: World, name: str = "doc") -> tuple[DocumentRefused, DocumentVerified]:
    """Two packages of one document."""
    return await world.invalid(world.letter(name, to=(A,))), await world.verified(world.letter(name, to=(A,)))


def refusals(world: World) -> list[str]:
    return [sent.headers["x-reason"] for sent in world.sender.inbox(SENDER, "refusal")]


@pytest.mark.parametrize("act", ACTS)
async def test_what_is_about_a_corrected_package_waits_until_that_has_come(world: World, act: Act) -> None:
    first, corrected = await refused_and_corrected(world)
    fact = about(await act(world, "doc"), corrected)
    await world.take(first)
    world.sender.forget()
    with pytest.raises(Transient):
        await world.take(fact)
    await world.take(corrected)
    await world.take(fact)
    assert refusals(world) == []
    assert fact.package_id in {sent.headers["x-package-id"] for sent in world.sender.inbox(A)}  # type: ignore[attr-defined]


@pytest.mark.parametrize("holder", ["the refused one", "an earlier release did not say"])
@pytest.mark.parametrize("act", ACTS)
async def test_what_is_about_a_refused_document_is_refused(world: World, act: Act, holder: str) -> None:
    first = await world.invalid(world.letter(to=(A,)))
    fact = await act(world, "doc")
    await world.take(first)
    world.sender.forget()
    await world.take(about(fact, first) if holder == "the refused one" else fact)
    assert set(refusals(world)) <= {Reason.E_REFDOC, Reason.E_STATUS_FORBIDDEN}
    assert len(refusals(world)) == 1


async def test_what_is_about_a_corrected_package_that_is_refused_as_well_is_refused(world: World) -> None:
    first, second = await world.invalid(world.letter(to=(A,))), await world.invalid(world.letter(to=(A,)))
    recall = about(await a_recall(world, "doc"), second)
    for fact in (second, first, second):
        await world.take(fact)
    world.sender.forget()
    await world.take(recall)
    assert refusals(world) == [Reason.E_REFDOC]


async def test_what_is_about_an_earlier_package_does_not_wait_for_a_later_one(world: World) -> None:
    first = await world.invalid(world.letter(to=(A,)))
    recall = about(await a_recall(world, "doc"), first)
    second = await world.invalid(world.letter(to=(A,)))
    for fact in (first, second):
        await world.take(fact)
    world.sender.forget()
    await world.take(recall)
    assert refusals(world) == [Reason.E_REFDOC]


@pytest.mark.parametrize("again", [False, True])
async def test_of_two_refused_packages_the_later_one_is_known(world: World, again: bool) -> None:
    first, second = await world.invalid(world.letter()), await world.invalid(world.letter())
    for fact in (second, first, second, first) if again else (second, first):
        await world.take(fact)
    document = await world.store.documents.find(world.key("doc"))
    assert document is not None
    assert (document.state, document.package_id) == (DocumentState.REFUSED, second.package_id)


async def test_the_order_of_two_packages_is_that_of_their_places(world: World) -> None:
    """Not of the clocks of the replicas that took them."""
    first, second = await world.invalid(world.letter()), await world.invalid(world.letter())
    place = second.submitted_at + timedelta(minutes=1)
    first = first.model_copy(update={"submitted_at": place + timedelta(minutes=3), "place": place})
    second = second.model_copy(update={"place": place + timedelta(milliseconds=1)})
    for fact in (second, first):
        await world.take(fact)
    document = await world.store.documents.find(world.key("doc"))
    assert document is not None
    assert document.package_id == second.package_id


async def corrected_update(world: World) -> tuple[DocumentRefused, DocumentVerified]:
    """An update under an id of its own that was refused, and the corrected one."""
    await world.deliver(world.letter(to=(A,)))
    return await world.invalid(world.update("doc", to=(A,))), await world.verified(world.update("doc", to=(A,)))


@pytest.mark.parametrize("order", ["as submitted", "the refusal late", "the refusal again"])
async def test_the_id_of_a_corrected_update_names_the_document(world: World, order: str) -> None:
    refused, update = await corrected_update(world)
    arriving = {
        "as submitted": (refused, update),
        "the refusal late": (update, refused),
        "the refusal again": (refused, update, refused, update),
    }
    for fact in arriving[order]:
        await world.take(fact)
    world.sender.forget()
    await world.report(world.status(StatusCode.ACCEPTED, name="update"))
    assert (await world.position("doc", A)).state is DeliveryState.ACCEPTED
    recall: NoticeAccepted = await world.report(world.recall("update", to=(A,)))
    assert (await world.position("doc", A)).state is DeliveryState.RECALL_PENDING
    assert world.sender.inbox(A, "document")[-1].headers["x-package-id"] == recall.package_id
    assert refusals(world) == []


async def test_what_is_about_a_corrected_update_waits_until_that_has_come(world: World) -> None:
    refused, update = await corrected_update(world)
    await world.take(refused)
    recall = about(await world.notice(world.recall("update", to=(A,))), update)
    with pytest.raises(Transient):
        await world.take(recall)
    for fact in (update, recall):
        await world.take(fact)
    assert (await world.position("doc", A)).state is DeliveryState.RECALL_PENDING


async def test_a_refused_document_takes_no_id_from_a_document_or_from_a_later_alias(world: World) -> None:
    late = await world.invalid(world.letter("recall"))
    await world.deliver(world.letter(to=(A,)))
    await world.report(world.recall("doc", to=(A,)))
    await world.take(late)
    await world.report(world.status(StatusCode.DECLINED, name="recall"))
    assert (await world.position("doc", A)).state is DeliveryState.SENT
