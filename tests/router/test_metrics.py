"""What the router counts: once each, however often a fact is delivered and however many replicas work on it."""

import asyncio

from common.domain.canary import CANARY_UNITS
from common.domain.names import Lane, StatusCode
from common.domain.reason import Reason
from router.gauges import Gauges
from router.placing import Cause
from router.store.deliveries import MongoDeliveries
from tests.counted import Series, Since, series

from .conftest import CLOSED, UNKNOWN, A, B, C, World

WATCHED = (
    "trunk_deliveries_total",
    "trunk_document_delivery_seconds_count",
    "trunk_document_stage_seconds_count",
    "trunk_delivery_ack_seconds_count",
    "trunk_documents_rejected_total",
)


def delivered(*units: str, lane: str = "normal") -> Series:
    """What one document delivered to these units counts."""
    return {
        **{("deliveries_total", unit, lane, "delivered"): 1.0 for unit in units},
        ("document_delivery_seconds_count", lane): 1.0,
        ("document_stage_seconds_count", "delivered", lane): 1.0,
    }


async def test_a_document_counts_once_however_often_its_fact_comes(world: World) -> None:
    fact = await world.verified(world.letter(to=(A, B)))
    since = Since(*WATCHED)
    await asyncio.gather(*(world.take(fact, by=world.restarted()) for _ in range(3)))
    await world.take(fact)
    assert since.counted == delivered(A, B)


async def test_the_delivery_is_measured_when_the_last_unit_has_it(world: World) -> None:
    fact = await world.verified(world.letter(to=(A, B)))
    world.sender.full.add(B)
    since = Since(*WATCHED)
    for _ in range(2):
        await world.take(fact)
    assert since.counted == {
        ("deliveries_total", A, "normal", "delivered"): 1,
        ("deliveries_total", B, "normal", "failed"): 2,
    }
    world.sender.full.clear()
    await world.take(fact)
    assert since.counted == delivered(A, B) | {("deliveries_total", B, "normal", "failed"): 2}


async def test_urgent_documents_count_as_urgent_and_so_do_the_statuses_about_them(world: World) -> None:
    fact = (await world.verified(world.letter(to=(A,)))).model_copy(update={"lane": Lane.URGENT})
    since = Since(*WATCHED)
    await world.take(fact)
    await world.report(world.status(StatusCode.ACCEPTED))
    assert since.counted == delivered(A, lane="urgent") | {
        ("deliveries_total", A, "urgent", "acknowledged"): 1,
        ("delivery_ack_seconds_count", "urgent"): 1,
    }


async def test_the_first_status_acknowledges_and_the_others_count_nothing(world: World) -> None:
    await world.deliver(world.letter(to=(A,)))
    since = Since(*WATCHED)
    arrived = await world.report(world.status(StatusCode.ARRIVED))
    await world.take(arrived)
    for code in (StatusCode.ACCEPTED, StatusCode.ASSIGNED, StatusCode.DONE):
        await world.report(world.status(code))
    assert since.counted == {
        ("deliveries_total", A, "normal", "acknowledged"): 1,
        ("delivery_ack_seconds_count", "normal"): 1,
    }


async def test_a_refusal_counts_as_refused_also_after_it_was_acknowledged(world: World) -> None:
    await world.deliver(world.letter(to=(A, B)))
    since = Since(*WATCHED)
    await world.report(world.status(StatusCode.REFUSED, by=A))
    await world.report(world.status(StatusCode.ARRIVED, by=B))
    await world.report(world.status(StatusCode.REFUSED, by=B))
    assert since.counted == {
        ("deliveries_total", A, "normal", "refused"): 1,
        ("deliveries_total", B, "normal", "acknowledged"): 1,
        ("deliveries_total", B, "normal", "refused"): 1,
        ("delivery_ack_seconds_count", "normal"): 2,
    }


async def test_what_the_sender_does_is_no_answer_of_the_receiver(world: World) -> None:
    await world.deliver(world.letter(to=(A,)))
    since = Since(*WATCHED)
    await world.report(world.take_back(of=A))
    assert since.counted == {}


async def test_receivers_that_do_not_exist_are_no_label(world: World) -> None:
    fact = await world.verified(world.letter(to=(A, CLOSED, UNKNOWN)))
    since = Since(*WATCHED)
    for _ in range(2):
        await world.take(fact)
    assert since.counted == delivered(A) | {
        ("documents_rejected_total", "router", "E_TO_CLOSED", "receiver"): 1,
        ("documents_rejected_total", "router", "E_TO_UNKNOWN", "receiver"): 1,
    }


async def test_what_is_turned_away_as_a_whole_counts_once_by_what_it_was(world: World) -> None:
    await world.deliver(world.letter(to=(A,)))
    since = Since(*WATCHED)
    notice = await world.report(world.status(StatusCode.ARRIVED, by=C))
    await world.take(notice)
    double = await world.verified(world.letter(to=(A,)))
    await world.take(double)
    await world.take(double)
    assert since.counted == {
        ("documents_rejected_total", "router", Reason.E_STATUS_FORBIDDEN, "notice"): 1,
        ("documents_rejected_total", "router", Reason.E_DUP, "document"): 1,
    }


async def test_an_update_is_a_delivery_of_the_document_but_not_a_further_one_of_the_unit(world: World) -> None:
    await world.deliver(world.letter(to=(A,)))
    since = Since(*WATCHED)
    await world.take(await world.verified(world.update("doc", to=(A,), added=(B,))))
    assert since.counted == delivered(B)


async def test_placings_of_the_canary_that_wait_are_not_counted(world: World) -> None:
    world.sender.full.add(A)
    document = await world.deliver(world.letter(to=(A,)))
    placing = await world.store.placings.find(f"{document.package_id}:placed/{A}:1")
    assert placing is not None
    for unit in CANARY_UNITS:
        await world.store.placings.open([placing.model_copy(update={"id": f"of {unit}", "receiver": unit})])
    assert await world.store.placings.waiting() == {Cause.FULL: 1}


def pending() -> dict[tuple[str, ...], float]:
    """What the gauge says, by unit and urgency."""
    return {key[1:]: count for key, count in series("trunk_deliveries_pending").items()}


def waiting() -> dict[tuple[str, ...], float]:
    return {key: count for key, count in pending().items() if count}


async def clear(world: World) -> None:
    """Other tests of the module leave deliveries in the same database."""
    if isinstance(world.store.deliveries, MongoDeliveries):
        await world.store.deliveries._deliveries.delete_many({})


async def test_pending_deliveries_are_those_placed_and_not_answered(world: World) -> None:
    await clear(world)
    gauges = Gauges(world.store, world.directory)
    await world.deliver(world.letter("one", to=(A, B)))
    await world.deliver(world.letter("two", to=(A, B)))
    await world.take((await world.verified(world.letter("three", to=(A,)))).model_copy(update={"lane": Lane.URGENT}))
    await gauges.refresh()
    assert waiting() == {(A, "normal"): 2, (B, "normal"): 2, (A, "urgent"): 1}
    await world.report(world.status(StatusCode.ARRIVED, by=A, name="one"))
    await world.report(world.status(StatusCode.ACCEPTED, by=A, name="two"))
    await world.report(world.status(StatusCode.REFUSED, by=B, name="two"))
    await gauges.refresh()
    assert waiting() == {(A, "normal"): 1, (B, "normal"): 1, (A, "urgent"): 1}


async def test_units_without_pending_deliveries_are_told_as_zero(world: World) -> None:
    await clear(world)
    await Gauges(world.store, world.directory).refresh()
    assert pending() == {(unit, lane): 0 for unit in world.directory.current.units for lane in ("normal", "urgent")}


async def test_what_was_opened_but_not_placed_is_not_pending(world: World) -> None:
    await clear(world)
    fact = await world.verified(world.letter(to=(A, B)))
    world.sender.full.add(B)
    await world.take(fact)
    await Gauges(world.store, world.directory).refresh()
    assert waiting() == {(A, "normal"): 1}
