"""What a unit says about a recall stands, and what was announced is announced again, however often a step runs."""

from collections.abc import Awaitable, Callable
from typing import Any

import pytest

from common.domain.names import StatusCode
from common.domain.reason import Reason
from common.facts import BaseFact, DocumentVerified, NoticeAccepted
from router.delivery_state import DeliveryState
from router.placing import PlacingState, delivery_placing_id

from .conftest import SENDER, A, C, World
from .test_placed_again import placing_of
from .test_redriven import bodies
from .test_returns import discarded, parked
from .test_stable_events import BodiesById

ANSWERS = (StatusCode.DECLINED, StatusCode.AGREED)
Act = Callable[[World], Awaitable[BaseFact]]


async def a_recall(world: World) -> BaseFact:
    return await world.notice(world.recall("doc", to=(A,)))


async def a_request(world: World) -> BaseFact:
    return await world.notice(world.take_back(of=A))


async def a_removal(world: World) -> BaseFact:
    return await world.notice(world.update("doc", to=(), removed=(A,), files=0))


async def order_of_delivery(world: World, to: str = A) -> tuple[DocumentVerified, Any]:
    """A document whose order to be placed is still on its way."""
    document = await world.verified(world.letter(to=(to,)))
    await world.router.handlers[type(document)](document)
    (order,) = [each for each in world.sender.orders if f"placed/{to}".encode() in each.body]
    world.sender.orders.clear()
    return document, order


def agreed_by_trunk(world: World) -> list[Any]:
    return [sent for sent in world.sender.inbox(SENDER, "status") if sent.headers["x-sender"] == "000.00.00.W29"]


@pytest.mark.parametrize("answer", [StatusCode.DECLINED, StatusCode.AGREED, StatusCode.ARRIVED])
@pytest.mark.parametrize("act", [a_recall, a_request, a_removal])
async def test_a_repeated_recall_leaves_what_the_unit_has_said(world: World, act: Act, answer: StatusCode) -> None:
    """The document gets stuck only after the unit has got the recall."""
    document, order = await order_of_delivery(world)
    recall = await act(world)
    await world.take(recall)
    world.sender.full.add(A)
    await world.router.placer.take(order)
    assert (await placing_of(world, document)).state is PlacingState.WAITING
    await world.report(world.status(answer))
    before = await world.position("doc", A)
    for _ in range(2):
        await world.take(recall, by=world.restarted())
    assert agreed_by_trunk(world) == []
    assert await world.position("doc", A) == before


async def test_a_repeated_recall_repeats_the_answer_that_the_trunk_gave(world: World) -> None:
    world.sender.full.add(A)
    await world.deliver(world.letter(to=(A,)))
    recall = await a_recall(world)
    await world.take(recall)
    await world.report(world.status(StatusCode.DECLINED))
    recall_facts = {body for body in bodies(world.sender.facts) if recall.event_id.partition(":")[0] in body}
    world.sender.facts.clear()
    await world.take(recall, by=world.restarted())
    assert {body for body in bodies(world.sender.facts) if recall.event_id.partition(":")[0] in body} == recall_facts
    assert (await world.position("doc", A)).state is DeliveryState.RECALLED


async def test_what_an_earlier_run_has_withdrawn_is_answered_whatever_another_recall_brought(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The process ends between withdrawing and answering; another recall reaches the unit, which declines that."""
    world.sender.full.add(A)
    document = await world.deliver(world.letter(to=(A,)))
    first, second = await a_recall(world), await world.notice(world.recall("doc", to=(A,), name="second"))
    with monkeypatch.context() as ending:
        ending.setattr("router.execute.recording.Recording.happen", ends_at_the_answer())
        with pytest.raises(EndOfProcess):
            await world.take(first)
    await world.take(second)
    world.sender.full.clear()
    await world.sweep(hours=1)
    await world.report(world.status(StatusCode.DECLINED))
    await world.take(first)
    assert {sent.headers["x-kind"] for sent in world.sender.inbox(A, "document")} == {"recall"}
    assert (await world.position("doc", A)).state is DeliveryState.RECALLED
    refused = [fact for fact in world.sender.facts_named("delivery.refused") if fact.package_id == document.package_id]
    assert {fact.reason for fact in refused} == {Reason.E_WITHDRAWN}


@pytest.mark.parametrize("is_given_up", [False, True])
async def test_a_repeated_recall_leaves_what_an_operator_decides_about_it(world: World, is_given_up: bool) -> None:
    await world.deliver(world.letter(to=(A,)))
    recall = await world.notice(world.recall("doc", to=(A,)))
    await world.take(recall)
    event = f"{recall.package_id}:placed/{A}:1"
    await world.take(parked(world, event))
    if is_given_up:
        await world.take(discarded(world, event))
    world.sender.sent.clear()
    await world.take(recall, by=world.restarted())
    await world.sweep(hours=1)
    assert world.sender.inbox(A) == []


class EndOfProcess(Exception):
    """The process ends here."""


def ends_at_the_answer() -> Any:
    """``Recording.happen`` of a process that ends when the trunk is about to answer."""
    from router.execute.recording import Recording

    original = Recording.happen

    async def happen(self: Any, execution: Any, receiver: str, event: Any) -> Any:
        if event.id.endswith(StatusCode.AGREED):
            raise EndOfProcess
        return await original(self, execution, receiver, event)

    return happen


@pytest.mark.parametrize("answer", [None, StatusCode.DECLINED])
async def test_a_repeated_update_does_not_answer_for_a_unit_that_it_gave_the_document(
    world: World, answer: StatusCode | None
) -> None:
    """The recall was submitted later and carried out between the runs of the update."""
    await world.deliver(world.letter(to=(A,)))
    update = await world.verified(world.update("doc", to=(A,), added=(C,)))
    recall = await world.notice(world.recall("doc", to=(C,)))
    await world.take(update)
    await world.take(recall)
    if answer:
        await world.report(world.status(answer, by=C))
    before = await world.position("doc", C)
    for fact in (update, recall, update):
        await world.take(fact, by=world.restarted())
    assert await world.position("doc", C) == before
    agreed = [fact for fact in world.sender.facts_named("status.recorded") if fact.told == SENDER and fact.code == "15"]
    assert agreed == []


async def recall_during_an_update(world: World) -> tuple[DocumentVerified, NoticeAccepted]:
    """The recall is decided before C has a delivery, and remembered when the update has opened one."""
    await world.deliver(world.letter(to=(A,)))
    update = await world.verified(world.update("doc", to=(A,), added=(C,)))
    recall = await world.notice(world.recall("doc", to=(C,)))
    save = world.store.acts.save

    async def save_late(acts: Any) -> None:
        world.store.acts.save = save  # type: ignore[method-assign]
        await world.take(update)
        await save(acts)

    world.store.acts.save = save_late  # type: ignore[method-assign]
    await world.take(recall)
    return update, recall


async def test_an_act_that_comes_between_two_runs_of_an_update_is_answered_by_the_unit_alone(world: World) -> None:
    update, recall = await recall_during_an_update(world)
    await world.report(world.status(StatusCode.DECLINED, by=C))
    before = await world.position("doc", C)
    for fact in (update, recall):
        await world.take(fact, by=world.restarted())
    assert await world.position("doc", C) == before
    assert before.state is DeliveryState.SENT


@pytest.mark.parametrize("content", ["held", "on its way"])
async def test_two_answers_of_a_unit_lead_to_the_same_end_in_either_order(world: World, content: str) -> None:
    """The unit declined, and then agreed, when there was nothing to agree to but new content."""
    ends = []
    for name, is_reordered in (("doc", False), ("other", True)):
        document = await world.verified(world.letter(name, to=(A,)))
        await world.router.handlers[type(document)](document)
        order, world.sender.orders[:] = list(world.sender.orders), []
        if content == "held":
            world.sender.orders[:] = order
            await world.place()
        await world.report(world.recall(name, to=(A,)))
        content_fact = await world.deliver_and_keep(world.update(name, to=(A,))) if content == "held" else document
        answers = [await world.notice(world.status(code, name=name)) for code in ANSWERS]
        for fact in reversed(answers) if is_reordered else answers:
            await world.take(fact)
        await world.sweep(hours=1)
        position, placing = await world.position(name, A), await placing_of(world, content_fact)
        ends.append((position.state, position.content_version, position.offered_version, placing.state))
        assert content_fact.package_id in {sent.headers["x-package-id"] for sent in world.sender.inbox(A)}
    assert ends[0] == ends[1]
    assert ends[0][3] is PlacingState.PLACED


async def test_an_answer_that_comes_while_a_later_one_is_carried_out_has_its_effect(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Two routers: the one has read that the unit agreed, and withdraws what the other has just released."""
    await world.deliver(world.letter(to=(A,)))
    await world.report(world.recall("doc", to=(A,)))
    update = await world.deliver_and_keep(world.update("doc", to=(A,)))
    declined, agreed = [await world.notice(world.status(code)) for code in ANSWERS]
    find = world.store.placings.find

    async def find_late(placing_id: str) -> Any:
        if placing_id == delivery_placing_id(update.package_id, A):
            monkeypatch.undo()
            await world.restarted().handlers[type(declined)](declined)
        return await find(placing_id)

    monkeypatch.setattr(world.store.placings, "find", find_late)
    await world.take(agreed)
    assert (await placing_of(world, update)).state is PlacingState.PLACED


@pytest.mark.parametrize("first", ["agrees", "places"])
async def test_of_two_copies_of_an_update_one_agrees_for_a_unit_or_places_it_but_not_both(
    world: World, first: str
) -> None:
    """Both are processed at the same time. A recall is remembered after one copy has looked for it."""
    await world.deliver(world.letter(to=(A,)))
    update = await world.verified(world.update("doc", to=(A,), added=(C,)))
    recall = await world.notice(world.recall("doc", to=(C,)))
    acts, published = world.store.acts, BodiesById(world)
    save, look = acts.save, acts.about
    remembered: list[Any] = []

    async def save_late(rows: Any) -> None:
        remembered.extend(rows)
        acts.save = save  # type: ignore[method-assign]
        await world.take(update)
        await save(rows)

    async def look_early(key: str, after: Any) -> Any:
        later_acts = await look(key, after)
        if not await world.store.deliveries.receivers(key, frozenset({C})):
            return later_acts  # it is only being decided
        acts.about = look  # type: ignore[method-assign]
        await save(remembered)
        if first == "agrees":
            await world.take(update, by=world.restarted())
        return later_acts

    acts.save, acts.about = save_late, look_early  # type: ignore[method-assign]
    await world.take(recall)
    for fact in (update, recall, update):
        published.collect()
        await world.take(fact, by=world.restarted())
    published.collect()
    placed = f"{update.package_id}:placed/{C}:1"
    has_content, agreed = f"{C} {placed}" in published.bodies, f"status.recorded {recall.package_id}:agreed/{C}:1"
    state = (await world.position("doc", C)).state
    expected = DeliveryState.RECALLED if first == "agrees" else DeliveryState.RECALL_PENDING
    assert (has_content, state) == (first == "places", expected)
    assert (agreed in published.bodies) is not has_content
    assert published.differing() == {}
    assert not await world.store.placings.has_open(update.event_id)
    decision = await world.store.decisions.find(update.event_id)
    assert decision is not None
    assert decision.carried_out_at is not None


# what was announced


async def declined_and_placed(world: World) -> BaseFact:
    """New content that a recall held until the unit declined."""
    await world.deliver(world.letter(to=(A,)))
    await world.report(world.recall("doc", to=(A,)))
    update = await world.deliver_and_keep(world.update("doc", to=(A,)))
    await world.report(world.status(StatusCode.DECLINED))
    return update


async def agreed_while_on_its_way(world: World) -> BaseFact:
    """A document that a recall overtook, and the unit agreed."""
    document, _ = await order_of_delivery(world)
    await world.report(world.recall("doc", to=(A,)))
    await world.report(world.status(StatusCode.AGREED))
    return document


async def withdrawn_while_waiting(world: World) -> BaseFact:
    """A document that was recalled while its inbox was full."""
    world.sender.full.add(A)
    document = await world.deliver(world.letter(to=(A,)))
    await world.report(world.recall("doc", to=(A,)))
    return document


async def given_back(world: World) -> BaseFact:
    """A document that the unit's system rejected."""
    document = await world.deliver_and_keep(world.letter(to=(A,)))
    await world.take(parked(world, f"{document.package_id}:placed/{A}:1"))
    return document


async def given_back_at_once(world: World) -> BaseFact:
    """The same, before anybody noted that it was placed; and the operator gives it up."""
    document, _ = await order_of_delivery(world)
    event = f"{document.package_id}:placed/{A}:1"
    await world.take(parked(world, event))
    await world.take(discarded(world, event))
    return document


async def recalled_late(world: World) -> BaseFact:
    """A recall that was remembered for a unit, which then agreed itself."""
    _, recall = await recall_during_an_update(world)
    await world.report(world.status(StatusCode.AGREED, by=C))
    return recall


ABOUT_UNITS = ("delivery.placed", "delivery.refused", "document.recalled", "package.routed")
ENDS = [
    declined_and_placed,
    agreed_while_on_its_way,
    withdrawn_while_waiting,
    given_back,
    given_back_at_once,
    recalled_late,
]


@pytest.mark.parametrize("end", ENDS, ids=[end.__name__ for end in ENDS])
async def test_a_lost_announcement_is_made_again_when_the_package_comes_again(
    world: World, end: Callable[[World], Awaitable[DocumentVerified | NoticeAccepted]]
) -> None:
    fact = await end(world)

    def facts_about_units() -> set[str]:
        about = [each for each in world.sender.facts if getattr(each, "package_id", "") == fact.package_id]
        return set(bodies([each for each in about if each.fact in ABOUT_UNITS]))

    before = facts_about_units()
    assert any("package.routed" not in body for body in before), "a unit has it, or was refused"
    world.clock.move(hours=1)
    world.sender.facts.clear()
    await world.take(fact, by=world.restarted())
    assert {body for body in before if "package.routed" not in body} <= facts_about_units()
    assert any("package.routed" in body for body in facts_about_units())


@pytest.mark.parametrize("how", ["withdrawn while it waits", "agreed while it is on its way"])
async def test_what_was_held_and_released_and_then_withdrawn_is_refused_in_one_way(world: World, how: str) -> None:
    await world.deliver(world.letter(to=(A,)))
    await world.report(world.recall("doc", to=(A,)))
    update = await world.deliver_and_keep(world.update("doc", to=(A,)))
    published = BodiesById(world)
    if how == "withdrawn while it waits":
        world.sender.full.add(A)
        declined = await world.report(world.status(StatusCode.DECLINED))
    else:
        declined = await world.notice(world.status(StatusCode.DECLINED))
        await world.router.handlers[type(declined)](declined)
        world.sender.orders.clear()
    recall = await world.report(world.recall("doc", to=(A,), name="second"))
    agreed = await world.report(world.status(StatusCode.AGREED))
    published.collect()
    for fact in (update, declined, recall, agreed, update):
        world.clock.move(hours=1)
        await world.take(fact, by=world.restarted())
        published.collect()
    assert published.differing() == {}
    refused = [body for name, (body, *_) in published.bodies.items() if name.startswith("delivery.refused")]
    assert len(refused) == 1
    assert Reason.E_WITHDRAWN in refused[0]


async def test_a_delivery_that_is_withdrawn_twice_is_refused_in_one_way(world: World) -> None:
    """The unit declined before it agreed, which is learnt late; its inbox takes nothing, and it agrees once more."""
    document, _ = await order_of_delivery(world)
    await world.report(world.recall("doc", to=(A,)))
    world.sender.full.add(A)
    published, facts = BodiesById(world), [await world.notice(world.status(code)) for code in ANSWERS]
    for fact in reversed(facts):
        await world.take(fact)
        world.clock.move(hours=1)
    assert (await placing_of(world, document)).state is PlacingState.WAITING, "the earlier answer counts"
    await world.report(world.recall("doc", to=(A,), name="second"))
    world.clock.move(hours=1)
    facts.append(await world.report(world.status(StatusCode.AGREED)))
    assert (await placing_of(world, document)).state is PlacingState.WITHDRAWN
    for fact in (document, *facts, document):
        published.collect()
        world.clock.move(hours=1)
        await world.take(fact, by=world.restarted())
    published.collect()
    assert published.differing() == {}
    assert f"delivery.refused {document.package_id}:turned/{A}:1" in published.bodies
