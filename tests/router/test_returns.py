"""Messages that a unit's system returns: noted, announced to the sender, and placed again or discarded."""

import json
from datetime import timedelta

import pytest

from common.domain.names import Lane, StatusCode
from common.domain.reason import Reason
from common.facts import DocumentVerified, MessageParked, OperatorActed
from common.failure import Permanent
from common.headers import EVENT_ID, REASON
from router.delivery_state import DeliveryState
from router.placing import Cause, PlacingState

from ..harness.memory import delivery
from .conftest import AT, SENDER, A, World
from .test_handlers import status_in


def parked(world: World, event: str, unit: str = A, number: int = 1) -> MessageParked:
    """The chassis has parked what the unit gave back."""
    return MessageParked(
        event_id=f"record-{world.run}:parked:{number}",
        occurred_at=AT,
        subject=world.key("doc"),
        lane=Lane.NORMAL,
        service="router",
        record_id=f"record-{world.run}",
        queue=f"inbox.{unit}",
        reason=Reason.E_RETURNED,
        detail="rejected by its reader",
        user="router",
        message_event_id=event,
    )


def discarded(world: World, event: str) -> OperatorActed:
    """An operator has given the parked message up."""
    return OperatorActed(
        event_id=f"record-{world.run}:acted:1",
        occurred_at=AT,
        subject=world.key("doc"),
        lane=Lane.NORMAL,
        service="router",
        record_id=f"record-{world.run}",
        action="discard",
        actor="Nguyễn Văn A",
        purpose="đơn vị đã nhận bản giấy",
        outcome="done",
        message_event_id=event,
    )


async def given_back(world: World) -> tuple[DocumentVerified, str]:
    """A document that A's system rejected; and the event id of the message."""
    document = await world.deliver(world.letter(to=(A,)))
    event = f"{document.package_id}:placed/{A}:1"
    await world.take(parked(world, event))
    return document, event


async def placed_again(world: World, event: str) -> None:
    """An operator replays the parked message."""
    await world.router.returns.place_again(delivery(f"inbox.{A}", b"", user_id="router", labels={EVENT_ID: event}))
    await world.place()


async def test_the_sender_is_told_once_and_the_row_says_so(world: World) -> None:
    document, event = await given_back(world)
    await world.take(parked(world, event), by=world.restarted())
    (receipt,) = world.sender.inbox(SENDER, "receipt")
    content = json.loads(receipt.body)
    assert (content["receipt"], content["receiver"], content["package_id"]) == ("returned", A, document.package_id)
    assert (content["reason"], receipt.headers[REASON]) == ("E_RETURNED", "E_RETURNED")
    assert A in content["description"]
    placing = await world.store.placings.find(event)
    assert placing is not None
    assert (placing.state, placing.cause) == (PlacingState.RETURNED, Cause.RETURNED)
    assert (await world.store.placings.waiting())[Cause.RETURNED] > 0


async def test_nobody_tries_it_again_by_himself(world: World) -> None:
    document, _ = await given_back(world)
    await world.sweep(hours=5)
    await world.take(document, by=world.restarted())
    assert world.sender.inbox(A) == []


async def test_an_operator_has_it_placed_again(world: World) -> None:
    document, event = await given_back(world)
    for _ in range(2):
        await placed_again(world, event)
    again = world.sender.inbox(A, "document")
    assert {sent.headers[EVENT_ID] for sent in again} == {event}
    assert again[0].body == await world.objects.get(document.package)
    placing = await world.store.placings.find(event)
    assert placing is not None
    assert placing.state is PlacingState.PLACED
    await world.report(world.status(StatusCode.ARRIVED))
    assert (await world.position("doc", A)).state is DeliveryState.ARRIVED


async def test_it_may_be_given_back_again(world: World) -> None:
    _, event = await given_back(world)
    await placed_again(world, event)
    await world.take(parked(world, event, number=2))
    assert len(world.sender.inbox(SENDER, "receipt")) == 2


@pytest.mark.parametrize("is_placed", [True, False])
async def test_a_word_of_the_return_that_comes_after_the_replay_stops_nothing(world: World, is_placed: bool) -> None:
    """The word is delivered again, or late, and the one of the replay has not come yet."""
    _, event = await given_back(world)
    await world.router.returns.place_again(delivery(f"inbox.{A}", b"", user_id="router", labels={EVENT_ID: event}))
    if is_placed:
        await world.place()
    late = parked(world, event)
    await world.take(late)
    replayed = discarded(world, event).model_copy(update={"action": "replay", "occurred_at": AT + timedelta(minutes=1)})
    for fact in (replayed, late, replayed):
        await world.take(fact, by=world.restarted())
        placing = await world.store.placings.find(event)
        assert placing is not None
        assert placing.state is PlacingState.PLACED
    assert {sent.headers[EVENT_ID] for sent in world.sender.inbox(A, "document")} == {event}
    again = parked(world, event, number=2).model_copy(update={"occurred_at": AT + timedelta(minutes=2)})
    for fact in (again, replayed, again):
        await world.take(fact, by=world.restarted())
    placing = await world.store.placings.find(event)
    assert placing is not None
    assert placing.state is PlacingState.RETURNED, "given back once more, it waits for another decision"


async def test_an_operator_gives_it_up_and_may_change_his_mind(world: World) -> None:
    _, event = await given_back(world)
    await world.take(discarded(world, event))
    (refusal,) = world.sender.inbox(SENDER, "refusal")
    assert refusal.headers[REASON] == "E_DISCARDED"
    assert "đơn vị đã nhận bản giấy" in (status_in(refusal).description or "")
    placing = await world.store.placings.find(event)
    assert placing is not None
    assert placing.state is PlacingState.WITHDRAWN
    await placed_again(world, event)
    assert len(world.sender.inbox(A, "document")) == 1


async def test_a_recall_of_what_was_given_back_is_answered_by_the_trunk(world: World) -> None:
    _, event = await given_back(world)
    world.sender.forget()
    await world.report(world.recall("doc", to=(A,)))
    assert world.sender.inbox(A) == []
    (answer,) = world.sender.inbox(SENDER, "status")
    assert status_in(answer).code is StatusCode.AGREED
    with pytest.raises(Permanent) as refused:
        await placed_again(world, event)
    assert refused.value.reason is Reason.E_RECALLED
    assert world.sender.inbox(A) == []


async def test_it_may_be_given_back_before_anybody_noted_that_it_was_placed(world: World) -> None:
    document = await world.verified(world.letter(to=(A,)))
    await world.router.handlers[type(document)](document)
    event = f"{document.package_id}:placed/{A}:1"
    await world.router.handlers[MessageParked](parked(world, event))
    await world.place()
    assert world.sender.inbox(A) == []
    assert await world.store.placings.reopen(event, AT)


async def test_a_receipt_that_its_own_reader_rejects_is_told_to_nobody(world: World) -> None:
    await world.take(await world.accepted(world.letter()))
    (receipt,) = world.sender.inbox(SENDER, "receipt")
    await world.take(parked(world, receipt.headers[EVENT_ID], unit=SENDER))
    assert world.sender.inbox(SENDER) == [receipt]
    placing = await world.store.placings.find(receipt.headers[EVENT_ID])
    assert placing is not None
    assert placing.state is PlacingState.RETURNED


@pytest.mark.parametrize(
    "changes",
    [{"service": "validator"}, {"message_event_id": ""}, {"message_event_id": "x"}, {"queue": "inbox.H29.904.01"}],
)
async def test_what_is_no_message_of_ours_changes_nothing(world: World, changes: dict[str, str]) -> None:
    document = await world.deliver(world.letter(to=(A,)))
    event = f"{document.package_id}:placed/{A}:1"
    await world.take(parked(world, event).model_copy(update=changes))
    assert world.sender.inbox(SENDER) == []
    placing = await world.store.placings.find(event)
    assert placing is not None
    assert placing.state is PlacingState.PLACED


@pytest.mark.parametrize("word", ["parked", "discard"])
async def test_what_was_told_before_an_operator_had_it_placed_again_does_not_count(world: World, word: str) -> None:
    """The broker delivers it once more."""
    _, event = await given_back(world)
    earlier = [parked(world, event), discarded(world, event)]
    restored = discarded(world, event).model_copy(
        update={"action": "restore", "occurred_at": AT + timedelta(minutes=1)}
    )
    replayed = restored.model_copy(update={"action": "replay", "occurred_at": AT + timedelta(minutes=2)})
    if word == "discard":
        await world.take(earlier[1])
        await world.take(restored)
    world.sender.full.add(A)
    await placed_again(world, event)
    await world.take(replayed)
    for fact in earlier:
        await world.take(fact)
    world.sender.full.clear()
    await world.sweep(hours=1)
    placing = await world.store.placings.find(event)
    assert placing is not None
    assert placing.state is PlacingState.PLACED
    assert event in {sent.headers[EVENT_ID] for sent in world.sender.inbox(A)}
