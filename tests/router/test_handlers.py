"""The router's handlers, over remembered stores and over real ones: both keep the same promises."""

import asyncio
import contextlib
import dataclasses
import json
from contextlib import ExitStack
from dataclasses import replace
from datetime import datetime, timedelta
from io import BytesIO
from typing import Any

import httpx
import pytest

from common.domain.envelope import StatusReport
from common.domain.ids import document_key, event_id
from common.domain.names import Label, PackageKind, StatusCode
from common.domain.reason import Reason
from common.edxml import parse
from common.facts import PackageRouted, PackageWaiting, RoutingRefused, SecurityNoticed
from common.failure import Forged, Permanent, Transient
from common.headers import EVENT_ID, KIND, LABEL, PACKAGE_ID, REASON, SHA256
from common.headers import SENDER as FROM
from common.sentences import sentence
from common.service.incoming import Incoming
from common.service.outgoing import QueueFull, Unroutable
from router.delivery_state import DeliveryState
from router.execute.silence import PATIENT_ATTEMPTS, SHORT_SECONDS, SILENCE_SECONDS, Patience, Silence
from router.order import order_of
from router.placing import Cause, PlacingState
from router.versions import Version

from ..harness.memory import Clock, MemoryDirectory, delivery
from .conftest import CLOSED, SENDER, UNKNOWN, A, B, C, Sent, World, directory

TRUNK = "000.00.00.W29"


def status_in(sent: Sent) -> StatusReport:
    """The status package that the trunk wrote."""
    assert sent.content_type == "application/edxml+xml"
    message = parse(BytesIO(sent.body)).message
    assert isinstance(message, StatusReport)
    assert message.sender.code == sent.headers[FROM] == TRUNK
    return message


def events(world: World) -> list[str]:
    """Everything placed and announced, by event id."""
    placed = [f"{sent.unit} {sent.type} {sent.headers[EVENT_ID]}" for sent in world.sender.sent]
    return sorted([*placed, *(f"{fact.fact} {fact.event_id}" for fact in world.sender.facts)])


# receipts and refusals


@pytest.mark.parametrize("carries_files", [True, False])
async def test_what_intake_let_in_is_receipted(world: World, carries_files: bool) -> None:
    await world.deliver(world.letter("doc"))
    message = world.letter("next") if carries_files else world.status(StatusCode.ARRIVED, by=A)
    fact = await (world.accepted(message) if carries_files else world.notice(message))
    await world.take(fact)
    (receipt,) = world.sender.inbox(fact.sender, "receipt")
    assert receipt.content_type == "application/json"
    assert json.loads(receipt.body) == {
        "receipt": "accepted",
        "package_id": fact.package_id,
        "document_id": fact.document_id,
        "sha256": fact.package.sha256,
        "submitted_at": fact.submitted_at.isoformat(),
    }
    assert receipt.headers[PACKAGE_ID] == fact.package_id
    assert receipt.headers[SHA256] == fact.package.sha256
    assert receipt.headers[FROM] == TRUNK
    assert receipt.headers[EVENT_ID] == f"{fact.package_id}:receipt:1"


async def test_what_intake_refused_is_answered_with_a_status_02(world: World) -> None:
    fact = await world.turned_away(world.letter(), Reason.E_DUP)
    await world.take(fact)
    (refusal,) = world.sender.inbox(SENDER, "refusal")
    status = status_in(refusal)
    assert status.code is StatusCode.REFUSED
    assert (status.response_for.unit, status.response_for.document_id) == (SENDER, world.id("doc"))
    assert status.description == f"E_DUP: {sentence(Reason.E_DUP)} (x)"
    assert refusal.headers[REASON] == "E_DUP"


async def test_who_sent_a_rebuild_is_told_the_package_that_was_accepted_and_its_receipt(world: World) -> None:
    accepted = "0" * 32
    detail = f"gói tin {accepted}, biên nhận {accepted}:receipt:1"
    await world.take(await world.turned_away(world.letter(), Reason.E_DUP, detail=detail))
    (refusal,) = world.sender.inbox(SENDER, "refusal")
    description = status_in(refusal).description
    assert description.endswith(f"({detail})"), "nothing of it is cut off"
    assert "không cấp mã mới" in description


async def test_a_package_that_nobody_could_read_is_answered_by_its_own_id(world: World) -> None:
    fact = await world.turned_away(world.letter(), Reason.E_XML, document_id="")
    await world.take(fact)
    (refusal,) = world.sender.inbox(SENDER, "refusal")
    assert status_in(refusal).response_for.document_id == fact.package_id


async def test_a_sender_that_closed_meanwhile_is_not_answered(world: World) -> None:
    fact = await world.turned_away(world.letter(), sender=CLOSED)
    await world.take(fact)
    assert world.sender.sent == []


async def test_an_invalid_document_is_answered_with_its_reason(world: World) -> None:
    fact = await world.invalid(world.letter(), Reason.E_SIG_REVOKED)
    await world.take(fact)
    (refusal,) = world.sender.inbox(SENDER, "refusal")
    status = status_in(refusal)
    assert status.description == f"E_SIG_REVOKED: {sentence(Reason.E_SIG_REVOKED)} (chữ ký 1)"
    assert status.response_for.code == "15/TB"
    assert status.at == fact.occurred_at


async def test_a_corrected_package_takes_the_place_of_a_refused_one(world: World) -> None:
    first = await world.invalid(world.letter())
    await world.take(first)
    await world.deliver(world.letter())
    assert (await world.position("doc", A)).state is DeliveryState.SENT
    await world.take(first)
    await world.take(await world.invalid(world.letter()))
    await world.report(world.status(StatusCode.ARRIVED))
    assert (await world.position("doc", A)).state is DeliveryState.ARRIVED


async def test_an_invalid_update_leaves_its_document_alone(world: World) -> None:
    await world.deliver(world.letter())
    update = replace(world.update("doc"), document_id=world.id("doc"))
    await world.take(await world.invalid(update))
    assert world.sender.inbox(SENDER, "refusal")
    await world.report(world.status(StatusCode.ARRIVED))
    assert (await world.position("doc", A)).state is DeliveryState.ARRIVED


async def test_the_stored_answer_comes_again(world: World) -> None:
    fact = await world.accepted(world.letter())
    await world.take(fact)
    await world.take(world.repeated(fact))
    receipts = world.sender.inbox(SENDER, "receipt")
    assert len(receipts) == 2
    assert receipts[0] == receipts[1]


async def test_a_refusal_by_the_validator_is_the_stored_answer(world: World) -> None:
    accepted = await world.accepted(world.letter())
    await world.take(accepted)
    invalid = (await world.invalid(world.letter())).model_copy(update={"package_id": accepted.package_id})
    await world.take(invalid)
    world.sender.forget()
    await world.take(world.repeated(accepted))
    (refusal,) = world.sender.inbox(SENDER)
    assert refusal.headers[REASON] == "E_SIG_REVOKED"


async def test_a_repeat_that_overtook_its_first_answer(world: World) -> None:
    accepted, refused = await world.accepted(world.letter()), await world.turned_away(world.letter(), Reason.E_SIZE)
    with pytest.raises(Transient):
        await world.take(world.repeated(accepted))
    await world.take(world.repeated(refused, accepted=False))
    (refusal,) = world.sender.inbox(SENDER)
    assert refusal.headers[REASON] == "E_SIZE"


# delivery


async def test_a_valid_document_reaches_its_receivers_unchanged(world: World) -> None:
    fact = await world.verified(world.letter(to=(A, UNKNOWN, B, CLOSED)))
    await world.take(fact)
    for unit in (A, B):
        (sent,) = world.sender.inbox(unit)
        assert sent.body == await world.objects.get(fact.package)
        assert (sent.type, sent.content_type) == ("document", "application/edxml+xml")
        assert sent.headers == {
            "x-event-id": f"{fact.package_id}:placed/{unit}:1",
            "x-package-id": fact.package_id,
            "x-document-key": world.key("doc"),
            "x-document-id": world.id("doc"),
            "x-sender": SENDER,
            "x-sha256": fact.package.sha256,
            "x-kind": "new",
            "x-lane": "normal",
            "x-label": "ORIGINAL",
        }
        assert (await world.position("doc", unit)).state is DeliveryState.SENT
    placed = {fact.receiver: fact for fact in world.sender.facts_named("delivery.placed")}
    assert set(placed) == {A, B}
    assert (placed[A].subject_text, placed[A].label, placed[A].sender) == ("Về việc doc", Label.ORIGINAL, SENDER)
    refused = {fact.receiver: (fact.reason, fact.detail) for fact in world.sender.facts_named("delivery.refused")}
    assert refused == {
        UNKNOWN: (Reason.E_TO_UNKNOWN, f"đơn vị nhận {UNKNOWN}"),
        CLOSED: (Reason.E_TO_CLOSED, f"đơn vị nhận {CLOSED}, đơn vị kế thừa {SENDER}"),
    }
    statuses = {sent.headers[REASON]: status_in(sent) for sent in world.sender.inbox(SENDER, "refusal")}
    assert UNKNOWN in (statuses["E_TO_UNKNOWN"].description or "")
    assert statuses["E_TO_CLOSED"].response_for.document_id == world.id("doc")


async def test_the_same_fact_again_does_the_same_again(world: World) -> None:
    fact = await world.verified(world.letter(to=(A, B, UNKNOWN)))
    await world.take(fact)
    first, facts = events(world), sorted(fact.model_dump_json() for fact in world.sender.facts)
    world.sender.forget()
    world.directory.current = directory(UNKNOWN)
    await world.take(fact, by=world.restarted())
    assert sorted(fact.model_dump_json() for fact in world.sender.facts) == facts
    assert world.sender.sent == [], "what lies in an inbox is not placed again"
    assert {name for name in first if name.startswith("delivery.")} <= set(events(world))


@pytest.mark.parametrize("cause", ["full", "missing"])
async def test_an_inbox_that_takes_nothing_holds_up_no_other_and_is_tried_until_it_does(
    world: World, cause: str
) -> None:
    fact = await world.verified(world.letter(to=(A, B, C)))
    getattr(world.sender, cause).add(B)
    await world.take(fact)
    assert [len(world.sender.inbox(unit)) for unit in (A, B, C)] == [1, 0, 1]
    assert {fact.receiver for fact in world.sender.facts_named("delivery.placed")} == {A, C}
    assert await world.store.placings.waiting() == {Cause(cause): 1}
    await world.sweep(seconds=4)
    assert await world.store.placings.waiting() == {Cause(cause): 1}, "not due yet"
    getattr(world.sender, cause).clear()
    await world.sweep(seconds=2)
    assert len(world.sender.inbox(B)) == 1
    assert {fact.receiver for fact in world.sender.facts_named("delivery.placed")} == {A, B, C}
    await world.sweep(hours=1)
    await world.take(fact)
    assert [len(world.sender.inbox(unit)) for unit in (A, B, C)] == [1, 1, 1]


async def test_an_inbox_that_never_answers_waits_like_a_full_one(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("router.execute.silence.SILENCE_SECONDS", 0.01)
    world.sender.silent.add(B)
    await world.take(await world.verified(world.letter(to=(A, B))))
    assert await world.store.placings.waiting() == {Cause.SILENT: 1}
    world.sender.silent.clear()
    await world.sweep(seconds=6)
    assert world.sender.inbox(B)


async def test_a_clock_that_is_set_back_leaves_no_inbox_resting(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("router.execute.silence.SILENCE_SECONDS", 0.01)
    world.sender.silent.add(B)
    await world.take(await world.verified(world.letter(to=(B,))))
    world.sender.silent.clear()
    world.clock.move(seconds=6)
    world.clock.now -= timedelta(hours=1)
    await world.take(await world.verified(world.letter("second", to=(B,))))
    assert len(world.sender.inbox(B)) == 1


def patience(seconds: float, *, is_apart: bool = False) -> Patience:
    return Patience(seconds, is_apart)


def test_few_attempts_of_a_process_wait_long_whatever_inboxes_they_are_at() -> None:
    silence = Silence(Clock().seconds)
    with ExitStack() as attempts:
        waits = [attempts.enter_context(silence.attempt(unit)) for unit in (A, B, A, C)]
    assert waits == [patience(seconds) for seconds in (SILENCE_SECONDS, SILENCE_SECONDS, SHORT_SECONDS, SHORT_SECONDS)]
    with silence.attempt(A) as later:
        assert later == patience(SILENCE_SECONDS)


@pytest.mark.parametrize("answer", [None, QueueFull("A"), Unroutable("A")], ids=lambda answer: type(answer).__name__)
def test_an_inbox_that_did_not_answer_is_tried_with_one_message_at_a_time_until_it_does(
    answer: Exception | None,
) -> None:
    clock = Clock()
    silence = Silence(clock.seconds)
    with pytest.raises(TimeoutError), silence.attempt(A):
        raise TimeoutError
    with silence.attempt(A) as at_once:
        assert at_once is None, "many attempts in a row take the slots as many at once do"
    clock.move(seconds=5)
    with contextlib.suppress(QueueFull, Unroutable), silence.attempt(A) as first:
        with silence.attempt(A) as second, silence.attempt(B) as other:
            assert (first, second) == (patience(SILENCE_SECONDS, is_apart=True), None)
            assert other == patience(SILENCE_SECONDS)
        if answer:
            raise answer
    with silence.attempt(A) as first, silence.attempt(A) as second:
        assert first == second == patience(SILENCE_SECONDS)


async def test_silent_inboxes_leave_the_slots_to_the_others(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    """Eight slots, and three letters each for more silent inboxes than that, ordered before one for a healthy inbox."""
    monkeypatch.setattr("router.execute.silence.SILENCE_SECONDS", 3600.0)
    monkeypatch.setattr("router.execute.silence.SHORT_SECONDS", 0.01)
    silent = [f"S{number}.1" for number in range(8)]
    world.directory = MemoryDirectory(directory(*silent))
    world.router = world.restarted()
    world.sender.silent.update(silent)
    for number in range(3):
        fact = await world.verified(world.letter(f"letter-{number}", to=silent))
        await world.router.handlers[type(fact)](fact)
    fact = await world.verified(world.letter("healthy", to=(A,)))
    await world.router.handlers[type(fact)](fact)
    slots = asyncio.Semaphore(8)

    async def take(order: Incoming) -> None:
        async with slots:
            await world.router.placer.take(order)

    tasks = [asyncio.create_task(take(order)) for order in world.sender.orders]
    world.sender.orders.clear()
    async with asyncio.timeout(60):
        await tasks[-1]
        while sum(not task.done() for task in tasks) > PATIENT_ATTEMPTS:
            await asyncio.sleep(0)
    assert world.sender.inbox(A)
    for task in tasks:
        task.cancel()
    await asyncio.gather(*tasks, return_exceptions=True)


async def test_of_a_silent_inbox_one_placing_is_ordered_at_a_time(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("router.execute.silence.SILENCE_SECONDS", 0.01)
    world.sender.silent.add(B)
    for number in range(3):
        await world.take(await world.verified(world.letter(f"letter-{number}", to=(B,))))
    world.clock.move(minutes=1)
    await world.router.placer.sweep()
    assert len(world.sender.orders) == 1
    world.sender.silent.clear()
    await world.place()
    await world.sweep(minutes=3)
    assert len(world.sender.inbox(B)) == 3
    assert world.sender.apart == {B}


async def test_answers_wait_for_room_too(world: World) -> None:
    world.sender.full.add(SENDER)
    await world.take(await world.accepted(world.letter()))
    await world.take(await world.turned_away(world.letter("other")))
    assert world.sender.sent == []
    world.sender.full.clear()
    await world.sweep(seconds=6)
    assert sorted(sent.type for sent in world.sender.inbox(SENDER)) == ["receipt", "refusal"]


async def test_an_order_that_was_lost_is_given_again(world: World) -> None:
    """The row is there, its message to place is not: the broker lost it."""
    fact = await world.verified(world.letter(to=(A,)))
    await world.router.handlers[type(fact)](fact)
    world.sender.orders.clear()
    await world.sweep(minutes=9)
    assert world.sender.inbox(A) == []
    await world.sweep(minutes=2)
    assert len(world.sender.inbox(A)) == 1


async def test_pauses_between_attempts_grow(world: World) -> None:
    world.sender.full.add(A)
    await world.take(await world.verified(world.letter(to=(A,))))
    attempts = []
    for minute in range(60):
        before = world.sender.attempts
        await world.sweep(minutes=1)
        attempts += [minute] if world.sender.attempts > before else []
    assert 5 <= len(attempts) <= 14, attempts


@pytest.mark.parametrize("user", ["notifier", "A.01", "operator", None])
async def test_only_a_router_orders_placings(world: World, user: str | None) -> None:
    fact = await world.verified(world.letter(to=(A,)))
    await world.router.handlers[type(fact)](fact)
    (order, *_) = world.sender.orders
    with pytest.raises(Forged):
        await world.router.placer.take(dataclasses.replace(order, user_id=user))
    assert world.sender.sent == []


@pytest.mark.parametrize("body", [b"", b"{}", b"null", b'{"placing_id": "no such"}', b"\xff"])
async def test_an_order_that_names_nothing_is_parked(world: World, body: bytes) -> None:
    with pytest.raises(Permanent):
        await world.router.placer.take(delivery("place.normal", body, user_id="router"))


async def test_a_large_package_is_fetched_by_its_address(world: World, backing: str) -> None:
    fact = await world.verified(world.letter(), size_bytes=10_000)
    await world.take(fact)
    (sent,) = world.sender.inbox(A)
    assert sent.content_type == "application/vnd.trunk.reference+json"
    reference = json.loads(sent.body)
    expires_at = datetime.fromisoformat(reference.pop("expires_at"))
    assert abs(expires_at - world.clock() - timedelta(days=7)) < timedelta(minutes=1)
    url = reference.pop("url")
    if backing == "servers":
        assert (await asyncio.to_thread(httpx.get, url)).content == await world.objects.get(fact.package)
    assert reference == fact.package.model_dump(include={"bucket", "key", "sha256", "size_bytes"})
    assert sent.headers[SHA256] == fact.package.sha256


async def test_a_thousand_receivers(world: World) -> None:
    units = [f"H29.{n:03}.01" for n in range(1000)]
    world.directory.current = directory(*units)
    fact = await world.verified(world.letter(to=units))
    await world.take(fact)
    documents = [sent for sent in world.sender.sent if sent.type == "document"]
    assert {sent.unit for sent in documents} == set(units)
    assert len(documents) == len(world.sender.named("delivery.placed")) == 1000


async def test_another_valid_package_with_the_same_id_is_refused(world: World) -> None:
    await world.deliver(world.letter())
    await world.take(await world.verified(world.letter(to=(C,))))
    (refusal,) = [sent for sent in world.sender.sent if sent.type != "receipt"]
    assert (refusal.unit, refusal.headers[REASON]) == (SENDER, "E_DUP")


async def test_content_never_passes_as_a_notice(world: World) -> None:
    for message in (world.letter(), world.letter(files=0), world.recall("doc", files=1)):
        with pytest.raises(Permanent, match="E_FACT"):
            await world.take(await world.notice(message))
    with pytest.raises(Permanent, match="E_FACT"):
        await world.take(await world.verified(world.status(StatusCode.ARRIVED)))
    assert world.sender.sent == []


# statuses


async def test_a_status_is_recorded_and_forwarded_unchanged(world: World) -> None:
    await world.deliver(world.letter())
    status = world.status(StatusCode.ACCEPTED)
    fact = await world.report(status)
    (sent,) = world.sender.inbox(SENDER, "status")
    assert sent.body == await world.objects.get(fact.package)
    assert (sent.headers[FROM], sent.headers[KIND]) == (A, "status")
    (recorded,) = world.sender.facts_named("status.recorded")
    assert (recorded.subject, recorded.receiver, recorded.told) == (world.key("doc"), A, SENDER)
    assert (recorded.code, recorded.state, recorded.changed) == (StatusCode.ACCEPTED, "ACCEPTED", True)
    assert recorded.description == status.description
    assert (await world.position("doc", B)).state is DeliveryState.SENT


async def test_a_redelivered_status_tells_what_it_told(world: World) -> None:
    await world.deliver(world.letter())
    fact = await world.report(world.status(StatusCode.ARRIVED))
    recorded = world.sender.facts_named("status.recorded")
    await world.report(world.status(StatusCode.ACCEPTED))
    world.sender.forget()
    await world.take(fact, by=world.restarted())
    assert world.sender.sent == [], "what lies in an inbox is not placed again"
    assert world.sender.facts_named("status.recorded") == recorded
    assert (await world.position("doc", A)).state is DeliveryState.ACCEPTED


async def test_a_late_status_is_forwarded_and_changes_nothing(world: World) -> None:
    await world.deliver(world.letter())
    for code in (StatusCode.ACCEPTED, StatusCode.ARRIVED, StatusCode.ACCEPTED):
        await world.report(world.status(code))
    recorded = world.sender.facts_named("status.recorded")
    assert [(fact.state, fact.changed) for fact in recorded] == [
        ("ACCEPTED", True),
        ("ACCEPTED", False),
        ("ACCEPTED", False),
    ]
    assert len(world.sender.inbox(SENDER, "status")) == 3


async def test_a_status_of_a_stranger_changes_nothing_and_is_answered(world: World) -> None:
    await world.deliver(world.letter())
    await world.report(world.status(StatusCode.ACCEPTED, by=C))
    (refusal,) = world.sender.inbox(C, "refusal")
    status = status_in(refusal)
    assert (status.description or "").startswith("E_STATUS_FORBIDDEN: ")
    assert (status.response_for.unit, status.response_for.document_id) == (SENDER, world.id("doc"))
    assert world.sender.inbox(SENDER) == []
    event, refusing, routed = world.sender.facts
    assert isinstance(routed, PackageRouted)
    assert routed.receivers == 0
    assert isinstance(refusing, RoutingRefused)
    assert refusing.reason is Reason.E_STATUS_FORBIDDEN
    assert isinstance(event, SecurityNoticed)
    assert (event.kind, event.actor) == ("FOREIGN_STATUS", refusing.sender)


async def test_a_status_on_a_refused_document_is_forbidden(world: World) -> None:
    await world.take(await world.invalid(world.letter()))
    await world.report(world.take_back())
    assert world.sender.inbox(SENDER, "refusal")[-1].headers[REASON] == "E_STATUS_FORBIDDEN"


async def test_a_notice_that_overtook_its_document_waits_but_is_receipted_once(world: World) -> None:
    fact = await world.notice(world.recall("doc"))
    for _ in range(3):
        with pytest.raises(Transient) as raised:
            await world.take(fact)
        assert raised.value.reason is Reason.E_REFDOC
        await world.place()
    assert [sent.type for sent in world.sender.sent] == ["receipt"]
    await world.deliver(world.letter())
    await world.take(fact)
    assert (await world.position("doc", A)).state is DeliveryState.RECALL_PENDING


async def test_a_status_for_a_sender_that_closed_is_recorded(world: World) -> None:
    await world.deliver(world.letter())
    world.directory.current.units.pop(SENDER)
    await world.report(world.status(StatusCode.ARRIVED))
    assert world.sender.inbox(SENDER) == []
    assert world.sender.facts_named("status.recorded")


async def test_racing_statuses_are_all_counted(world: World) -> None:
    await world.deliver(world.letter())
    facts = [await world.notice(world.status(code)) for code in 3 * (StatusCode.ARRIVED, StatusCode.ACCEPTED)]
    await asyncio.gather(*(world.take(fact) for fact in facts))
    assert (await world.position("doc", A)).state is DeliveryState.ACCEPTED
    assert sum(fact.changed for fact in world.sender.facts_named("status.recorded")) in (1, 2)
    assert len(world.sender.inbox(SENDER, "status")) == 6


# recalls, updates, replacements


async def test_the_sender_takes_back_by_status(world: World) -> None:
    await world.deliver(world.letter())
    fact = await world.report(world.take_back(of=A))
    (sent,) = world.sender.inbox(A)
    assert (sent.type, sent.body) == ("status", await world.objects.get(fact.package))
    (recalled,) = world.sender.facts_named("document.recalled")
    assert (recalled.receiver, recalled.state) == (A, "RECALL_PENDING")
    (recorded,) = world.sender.facts_named("status.recorded")
    assert (recorded.told, recorded.code) == (A, StatusCode.TAKE_BACK)
    await world.report(world.status(StatusCode.AGREED))
    assert (await world.position("doc", A)).state is DeliveryState.RECALLED
    assert (await world.position("doc", B)).state is DeliveryState.SENT


@pytest.mark.parametrize("files", [0, 1])
async def test_a_recall_package(world: World, files: int) -> None:
    await world.deliver(world.letter())
    await world.report(world.status(StatusCode.ACCEPTED))
    world.sender.forget()
    recall = world.recall("doc", to=(A, B, C), files=files)
    fact = await (world.verified(recall) if files else world.notice(recall))
    await world.take(fact)
    for unit in (A, B):
        (sent,) = world.sender.inbox(unit, "document")
        assert (sent.body, sent.headers[KIND]) == (await world.objects.get(fact.package), "recall")
        assert (await world.position("doc", unit)).state is DeliveryState.RECALL_PENDING
    assert world.sender.inbox(C) == []
    assert {fact.receiver: fact.reason for fact in world.sender.facts_named("delivery.refused")} == {
        C: Reason.E_STATUS_FORBIDDEN
    }
    assert {fact.receiver for fact in world.sender.facts_named("document.recalled")} == {A, B}
    assert {fact.subject for fact in world.sender.facts} == {world.key("doc")}
    await world.report(world.status(StatusCode.DECLINED))
    assert (await world.position("doc", A)).state is DeliveryState.ACCEPTED
    await world.report(world.status(StatusCode.AGREED, by=B, name="recall"))
    assert (await world.position("doc", B)).state is DeliveryState.RECALLED


async def test_an_update_brings_a_version(world: World) -> None:
    await world.deliver(world.letter())
    fact = await world.verified(world.update("doc", to=(A, B), added=(C,), removed=(B,)))
    await world.take(fact)
    bytes_of_update = await world.objects.get(fact.package)
    assert [sent.body for sent in world.sender.inbox(A)] == [bytes_of_update]
    assert [sent.body for sent in world.sender.inbox(C)] == [bytes_of_update]
    (notice,) = world.sender.inbox(B)
    assert (notice.type, status_in(notice).code) == ("status", StatusCode.TAKE_BACK)
    assert status_in(notice).response_for.document_id == world.id("doc")
    assert (await world.position("doc", A)).offered_version == 2
    assert (await world.position("doc", B)).state is DeliveryState.RECALL_PENDING
    assert await world.position("doc", C) == replace(
        await world.position("doc", A), content_version=2, offered_version=None
    )
    await world.report(world.status(StatusCode.AGREED, name="update"))
    assert (await world.position("doc", A)).content_version == 2
    assert world.sender.facts_named("status.recorded")[-1].subject == world.key("doc")


async def test_receivers_are_changed_without_files(world: World) -> None:
    original = await world.deliver(world.letter())
    fact = await world.report(world.update("doc", to=(A,), added=(C,), removed=(B,), files=0))
    (shared,) = world.sender.inbox(C)
    assert shared.body == await world.objects.get(original.package)
    assert (shared.headers[PACKAGE_ID], shared.headers[KIND], shared.headers[LABEL]) == (
        original.package_id,
        "new",
        "ORIGINAL",
    )
    for unit in (A, B):
        assert [sent.body for sent in world.sender.inbox(unit)] == [await world.objects.get(fact.package)]
    assert (await world.position("doc", B)).state is DeliveryState.RECALL_PENDING
    await world.report(world.status(StatusCode.ARRIVED, by=C))
    assert (await world.position("doc", C)).state is DeliveryState.ARRIVED


async def test_added_receivers_get_the_newest_version(world: World) -> None:
    await world.deliver(world.letter())
    update = await world.deliver(world.update("doc"))
    await world.report(world.update("doc", to=(A,), added=(C,), name="more", files=0))
    (shared,) = world.sender.inbox(C)
    assert shared.body == await world.objects.get(update.package)
    assert (await world.position("doc", C)).content_version == 2


async def test_an_older_version_that_arrives_last_is_not_the_current_one(world: World) -> None:
    await world.deliver(world.letter())
    older, newer = await world.verified(world.update("doc")), await world.verified(world.update("doc", name="newer"))
    for fact in (newer, older):
        await world.take(fact)
    assert {sent.headers[PACKAGE_ID] for sent in world.sender.inbox(A)} == {older.package_id, newer.package_id}
    await world.report(world.status(StatusCode.AGREED))
    again = Version(package_id=newer.package_id, package=newer.package, kind=newer.kind, order=order_of(newer))
    number = await world.store.documents.add_version(world.key("doc"), again, order_of(newer))
    assert (await world.position("doc", A)).content_version == number
    await world.report(world.update("doc", to=(A,), added=(C,), name="more", files=0))
    (shared,) = world.sender.inbox(C)
    assert shared.headers[PACKAGE_ID] == newer.package_id


async def test_a_version_is_shared_as_it_was_decided(world: World) -> None:
    """A run that crashed half-way is repeated after a newer version came: the unit gets what it was to get."""
    original = await world.deliver(world.letter())
    fact = await world.notice(world.update("doc", to=(A,), added=(C,), name="more", files=0))
    refuse = world.sender.publish

    async def crash(_: object) -> None:
        raise ConnectionError

    world.sender.publish = crash  # type: ignore[method-assign,assignment]
    with pytest.raises(ConnectionError):
        await world.take(fact)
    world.sender.publish = refuse  # type: ignore[method-assign]
    await world.deliver(world.update("doc"))
    await world.take(fact, by=world.restarted())
    (shared,) = world.sender.inbox(C)
    assert shared.headers[PACKAGE_ID] == original.package_id
    assert (await world.position("doc", C)).content_version == 1


@pytest.mark.parametrize("how", ["offered", "delivered"])
async def test_new_content_is_not_given_to_a_unit_that_gave_the_document_back(world: World, how: str) -> None:
    await world.deliver(world.letter())
    await world.report(world.recall("doc", to=(A,)))
    await world.report(world.status(StatusCode.AGREED))
    world.sender.forget()
    if how == "offered":
        fact = await world.deliver_and_keep(world.update("doc"))
    else:
        fact = await world.report(world.update("doc", to=(B,), added=(A,), files=0))
    assert world.sender.inbox(A) == []
    assert [sent.headers[PACKAGE_ID] for sent in world.sender.inbox(B)] == [fact.package_id]
    (refusal,) = world.sender.inbox(SENDER, "refusal")
    assert refusal.headers[REASON] == "E_RECALLED"
    assert refusal.headers[EVENT_ID] == f"{fact.package_id}:refusal/{A}:1"
    (refused,) = world.sender.facts_named("delivery.refused")
    assert (refused.receiver, refused.reason) == (A, Reason.E_RECALLED)


@pytest.mark.parametrize("answer", [StatusCode.AGREED, StatusCode.DECLINED])
async def test_new_content_waits_for_the_answer_to_a_recall(world: World, answer: StatusCode) -> None:
    await world.deliver(world.letter())
    await world.report(world.recall("doc", to=(A,)))
    world.sender.forget()
    fact = await world.deliver_and_keep(world.update("doc"))
    assert world.sender.inbox(A) == []
    assert world.sender.inbox(SENDER, "refusal") == [], "nothing is decided"
    placing = await world.store.placings.find(f"{fact.package_id}:placed/{A}:1")
    assert placing is not None
    assert (placing.state, placing.cause) == (PlacingState.HELD, Cause.RECALL)
    assert (await world.store.placings.waiting())[Cause.RECALL] > 0

    def message_count(unit: str, kind: str) -> int:
        return sum(sent.headers[PACKAGE_ID] == fact.package_id for sent in world.sender.inbox(unit, kind))

    await world.sweep(hours=5)
    assert not message_count(A, "document")
    status = await world.report(world.status(answer))
    is_agreed = answer is StatusCode.AGREED
    for _ in range(2):
        assert message_count(A, "document") == (not is_agreed)
        assert message_count(SENDER, "refusal") == is_agreed
        settled = await world.store.placings.find(placing.id)
        assert settled is not None
        assert settled.state is (PlacingState.WITHDRAWN if is_agreed else PlacingState.PLACED)
        assert not await world.store.placings.has_open(fact.event_id)
        await world.take(status)
        await world.take(fact, by=world.restarted())
        await world.sweep(hours=5)
    refused = [each for each in world.sender.facts_named("delivery.refused") if each.package_id == fact.package_id]
    assert {each.receiver for each in refused} == ({A} if is_agreed else set())


async def test_early_statuses_are_joined(world: World) -> None:
    await world.deliver(world.letter())
    codes = (StatusCode.DONE, StatusCode.ASSIGNED, StatusCode.ARRIVED, StatusCode.PROCESSING, StatusCode.ACCEPTED)
    for code in codes:
        await world.report(world.status(code))
    assert (await world.position("doc", A)).state is DeliveryState.DONE
    assert [fact.state for fact in world.sender.facts_named("status.recorded")] == [
        *("SENT", "SENT"),
        *("ARRIVED",) * 2,
        "DONE",
    ]


async def test_a_replacement(world: World) -> None:
    await world.deliver(world.letter())
    await world.take(await world.verified(world.replacement("doc", units=(A,))))
    assert (await world.position("doc", A)).state is DeliveryState.SUPERSEDED
    assert (await world.position("doc", B)).state is DeliveryState.SENT
    assert (await world.position("replacement", A)).state is DeliveryState.SENT
    assert world.sender.inbox(A)[0].headers[KIND] == PackageKind.REPLACE


async def test_a_recall_of_a_refused_document_is_refused(world: World) -> None:
    await world.take(await world.invalid(world.letter()))
    await world.report(world.recall("doc"))
    assert world.sender.inbox(SENDER, "refusal")[-1].headers[REASON] == "E_REFDOC"


@pytest.mark.parametrize("backing", ["servers"])
async def test_a_delivery_keeps_its_history(world: World) -> None:
    await world.deliver(world.letter())
    status = world.status(StatusCode.ARRIVED)
    fact = await world.report(status)
    await world.take(await world.verified(world.replacement("doc")))
    deliveries = world.store.deliveries._deliveries  # type: ignore[attr-defined]
    row = await deliveries.find_one({"_id": f"{world.key('doc')}/{A}"})
    assert (row["state"], row["version"]) == ("SUPERSEDED", 3)
    assert row["successor"] == document_key(SENDER, world.id("replacement"))
    assert "history" not in row, "a row does not grow with what happens"
    delivered, arrived, replaced = await events_of(world, row["_id"])
    assert (delivered["code"], delivered["brings"]) == ("deliver", 1)
    assert (arrived["event_id"], arrived["code"], arrived["by"]) == (fact.event_id, "01", A)
    assert (arrived["state"], arrived["description"], arrived["note"]) == ("ARRIVED", status.description, "moved")
    assert arrived["at"].tzinfo is not None
    assert replaced["code"] == "replace"


async def events_of(world: World, delivery: str) -> list[dict[str, Any]]:
    """The rows of a delivery's events."""
    events = world.store.deliveries._events._events  # type: ignore[attr-defined]
    rows: list[dict[str, Any]] = await events.find({"delivery": delivery}).sort("_id", 1).to_list(None)
    return rows


NEW_FIELDS = {
    "_id": "",
    "delivery": "",
    "number": "",
    "link": "",
    "package_id": "",
    "submitted_at": "",
    "brings": "",
    "early": "",
}


@pytest.mark.parametrize("backing", ["servers"])
async def test_rows_of_the_release_before_are_understood(world: World) -> None:
    """They have no entry for the beginning of a delivery, no order, and statuses that came early are lost in them."""
    await world.deliver(world.letter())
    for code in (StatusCode.ARRIVED, StatusCode.ACCEPTED, StatusCode.PROCESSING):
        await world.report(world.status(code))
    update = await world.deliver(world.update("doc"))
    deliveries = world.store.deliveries._deliveries  # type: ignore[attr-defined]
    row = await deliveries.find_one({"_id": f"{world.key('doc')}/{A}"})
    events = await events_of(world, row["_id"])
    former = [{name: value for name, value in entry.items() if name not in NEW_FIELDS} for entry in events[1:]]
    gone = {"early": "", "newest": "", "events_from": "", "returned_at": ""}
    await deliveries.update_one({"_id": row["_id"]}, {"$set": {"history": former}, "$unset": gone})
    await world.store.deliveries._events._events.delete_many({"delivery": row["_id"]})  # type: ignore[attr-defined]
    before = await world.position("doc", A)
    assert (before.state, before.content_version, before.offered_version) == (DeliveryState.PROCESSING, 1, 2)
    await world.report(world.status(StatusCode.AGREED))
    await world.report(world.status(StatusCode.DONE))
    after = await world.position("doc", A)
    assert (after.state, after.content_version, after.offered_version) == (DeliveryState.DONE, 2, None)
    documents = world.store.documents._documents  # type: ignore[attr-defined]
    versions = world.store.documents._versions._versions  # type: ignore[attr-defined]
    of_document = {"_id": {"$gt": f"{world.key('doc')}/", "$lt": f"{world.key('doc')}0"}}
    (added,) = await versions.find(of_document).to_list(None)
    former = {name: value for name, value in added.items() if name not in ("_id", "number")}
    await documents.update_one({"_id": world.key("doc")}, {"$push": {"versions": former}})
    unknown = {"versions.0.order": "", "versions.1.order": "", "last_version": ""}
    await documents.update_one({"_id": world.key("doc")}, {"$unset": unknown})
    await versions.delete_many(of_document)
    await world.report(world.update("doc", to=(A,), added=(C,), name="more", files=0))
    (shared,) = world.sender.inbox(C)
    assert shared.headers[PACKAGE_ID] == update.package_id


async def test_a_document_that_cannot_be_judged_yet_is_receipted_as_waiting_once_for_each_reason(world: World) -> None:
    accepted, reasons = await world.accepted(world.letter()), (Reason.E_REFDOC_AWAITED, Reason.E_SIG_REVOCATION_UNKNOWN)
    for reason in (*reasons, *reasons):
        about = accepted.model_dump(exclude={"fact", "envelope", "place"})
        about |= {"event_id": event_id(accepted.package_id, f"waiting/{reason}"), "reason": reason}
        await world.take(PackageWaiting(**about, deadline=accepted.submitted_at + timedelta(hours=72)))
    receipts = [json.loads(sent.body) for sent in world.sender.inbox(SENDER, "receipt")]
    assert [(each["receipt"], each["reason"]) for each in receipts] == [("waiting", reason) for reason in reasons]
    assert "chưa cần gửi lại" in receipts[1]["description"]


def waits(accepted: Any, reason: Reason) -> PackageWaiting:
    about = accepted.model_dump(include=set(PackageWaiting.model_fields) - {"fact"})
    about |= {"event_id": event_id(accepted.package_id, f"waiting/{reason}"), "reason": reason, "detail": ""}
    return PackageWaiting(**about, deadline=accepted.submitted_at + timedelta(hours=72))


@pytest.mark.parametrize("reason", [Reason.E_REFDOC_AWAITED, Reason.E_SIG_REVOCATION_UNKNOWN])
async def test_nobody_is_told_that_a_package_waits_which_was_decided_before(world: World, reason: Reason) -> None:
    """The two facts come by different ways, and one may be published again a day later."""
    delivered = await world.deliver(world.letter("doc"))
    refused = await world.invalid(world.letter("other"))
    await world.take(refused)
    world.sender.forget()
    for decided in (delivered, refused):
        await world.take(waits(decided, reason))
    assert world.sender.inbox(SENDER) == []


async def test_a_package_that_waits_for_a_document_is_receipted_as_waiting(world: World) -> None:
    notice = await world.notice(world.recall("doc"))
    fact = PackageWaiting(
        **notice.model_dump(exclude={"fact", "envelope", "place"})
        | {"event_id": event_id(notice.package_id, "waiting"), "reason": Reason.E_REFDOC_AWAITED},
        deadline=notice.submitted_at + timedelta(hours=24),
    )
    for _ in range(2):
        await world.take(fact)
    (waits,) = world.sender.inbox(SENDER, "receipt")
    receipt = json.loads(waits.body)
    assert (receipt["receipt"], receipt["reason"], waits.headers[REASON]) == ("waiting", *["E_REFDOC_AWAITED"] * 2)
    assert sentence(Reason.E_REFDOC_AWAITED) in receipt["description"]
    await world.take(world.repeated(notice))
    assert [json.loads(sent.body)["receipt"] for sent in world.sender.inbox(SENDER)] == ["waiting"] * 2
    await world.deliver(world.letter("doc"))
    await world.take(notice)
    world.sender.forget()
    await world.take(world.repeated(notice))
    assert [json.loads(sent.body)["receipt"] for sent in world.sender.inbox(SENDER)] == ["accepted"]
