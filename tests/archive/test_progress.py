"""How far packages are: facts in any order and repeatedly come to the same end, and the oldest that waits is found."""

import asyncio
import itertools
from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any

import pytest

from archive.handlers import Archive
from archive.ledger import Ledger
from archive.progress import ARCHIVING, ROUTING, VALIDATION, Mark, Said, said, units_named
from archive.retention import read_table
from archive.store import Progress, Records
from common.database import Database
from common.domain.envelope import Business, Envelope, Organization, ReceiverChange
from common.domain.names import Lane, PackageKind, StatusCode
from common.domain.reason import Reason
from common.envelopes import from_json
from common.facts import (
    BaseFact,
    DeliveryPlaced,
    DeliveryRefused,
    DocumentArchived,
    DocumentRecalled,
    DocumentSuperseded,
    NotificationSent,
    PackageAccepted,
    PackageRepeated,
    RoutingRefused,
    StatusRecorded,
)
from common.metrics import REGISTRY
from common.objects import Objects

from .conftest import AT, RECEIVER, SENDER, Material, Remembering

WAITS, DONE = Mark.WAITS, Mark.DONE
WHAT = Material()
OTHER = "000.00.12.H29"


def accepted(what: Material) -> PackageAccepted:
    return PackageAccepted(**what._base("intake"), **what._carried())


def placed(what: Material, receiver: str = RECEIVER) -> DeliveryPlaced:
    return DeliveryPlaced(**what._base(f"placed/{receiver}"), receiver=receiver)


def _about(what: Material, step: str, **more: Any) -> dict[str, Any]:
    about = what._base(step) | more
    about.pop("submitted_at")
    return about


SAYS = [
    (accepted(WHAT), {VALIDATION: WAITS}, None),
    (WHAT.verified(), {VALIDATION: DONE, ROUTING: WAITS, ARCHIVING: WAITS}, None),
    (WHAT.refused(), {VALIDATION: DONE, ARCHIVING: WAITS}, None),
    (WHAT.notice(), {ROUTING: WAITS, ARCHIVING: WAITS}, None),
    (WHAT.turned_away(), {ARCHIVING: WAITS}, None),
    (RoutingRefused(**_about(WHAT, "r"), reason=Reason.E_DUP), {ROUTING: DONE}, None),
    (placed(WHAT), {}, RECEIVER),
    (DeliveryRefused(**_about(WHAT, "t"), receiver=OTHER, reason=Reason.E_TO_UNKNOWN), {}, OTHER),
    (DocumentRecalled(**_about(WHAT, "w"), receiver=OTHER, state="RECALL_PENDING"), {}, OTHER),
    (
        StatusRecorded(**_about(WHAT, "s"), receiver=OTHER, told=SENDER, code=StatusCode.ACCEPTED, state="ACCEPTED"),
        {},
        OTHER,
    ),
]
SILENT = [
    PackageRepeated(**WHAT._base("repeated"), accepted=True),
    DocumentSuperseded(**_about(WHAT, "x"), receiver=OTHER, successor="y"),
    DocumentArchived(**_about(WHAT, "a"), record_id="r", retain_until=AT),
    NotificationSent(**_about(WHAT, "n"), unit=OTHER, channel="email", about_event="e"),
]


@pytest.mark.parametrize(("fact", "marks", "settles"), SAYS, ids=lambda value: getattr(value, "fact", ""))
def test_what_a_fact_says(fact: BaseFact, marks: dict[Any, Mark], settles: str | None) -> None:
    progress = said(fact)
    assert progress == Said(marks, settles)


@pytest.mark.parametrize("fact", SILENT, ids=lambda fact: fact.fact)
def test_other_facts_say_nothing_about_progress(fact: BaseFact) -> None:
    assert said(fact) is None


def test_every_unit_that_a_package_names_is_counted_once() -> None:
    envelope = from_json(WHAT.envelope_bytes)
    assert isinstance(envelope, Envelope)
    assert units_named(envelope) == 1
    changes = (ReceiverChange(unit=OTHER, added=True), ReceiverChange(unit=RECEIVER, added=False))
    business = Business(kind=PackageKind.UPDATE, receiver_changes=changes)
    twice = (*envelope.receivers, Organization(code=RECEIVER))
    assert units_named(replace(envelope, receivers=twice, business=business)) == 2


async def state(database: Database, package_id: str) -> dict[str, Any]:
    row = await database.collection("progress").find_one({"_id": package_id})
    assert row is not None
    return row


async def test_any_order_comes_to_the_same_end(database: Database) -> None:
    progress = Progress(database)
    for order in itertools.permutations(range(4)):
        what = Material()
        verified = what.verified()
        facts = [
            (accepted(what), said(accepted(what))),
            (verified, said(verified, 2)),
            (placed(what), said(placed(what))),
            (placed(what, OTHER), said(placed(what, OTHER))),
        ]
        for number in order:
            await progress.note(*facts[number])
        for fact, news in facts:
            await progress.note(fact, news)
        end = await state(database, what.package_id)
        assert (end["validation"], end["routing"], end["archiving"]) == (DONE, DONE, WAITS), order
        assert end["submitted_at"] == AT


async def test_facts_taken_at_the_same_moment_are_all_heard(database: Database) -> None:
    progress = Progress(database)
    units = [f"000.00.{number:02}.H29" for number in range(20)]
    for _ in range(5):
        what = Material()
        facts = [(accepted(what), said(accepted(what))), (what.verified(), said(what.verified(), len(units)))]
        facts += [(placed(what, unit), said(placed(what, unit))) for unit in units]
        await asyncio.gather(*(progress.note(*one) for one in facts))
        end = await state(database, what.package_id)
        assert (end["validation"], end["routing"], len(end["settled"])) == (DONE, DONE, len(units))


async def test_routing_waits_for_the_last_unit(database: Database) -> None:
    progress, what = Progress(database), Material()
    await progress.note(what.verified(), said(what.verified(), 2))
    await progress.note(placed(what), said(placed(what)))
    await progress.note(placed(what), said(placed(what)))
    assert (await state(database, what.package_id))["routing"] == WAITS
    await progress.note(placed(what, OTHER), said(placed(what, OTHER)))
    assert (await state(database, what.package_id))["routing"] == DONE


async def test_the_oldest_that_waits(database: Database) -> None:
    await database.collection("progress").delete_many({})
    progress = Progress(database)
    assert set((await progress.oldest()).values()) == {None}
    materials: list[Material] = []
    for hours in (3, 1, 2):
        what = Material()
        materials.append(what)
        fact = accepted(what).model_copy(update={"submitted_at": AT - timedelta(hours=hours)})
        await progress.note(fact, said(fact))
    assert await oldest(progress) == {(VALIDATION, Lane.NORMAL): AT - timedelta(hours=3)}
    await progress.note(materials[0].refused(), said(materials[0].refused()))
    assert await oldest(progress) == {
        (VALIDATION, Lane.NORMAL): AT - timedelta(hours=2),
        (ARCHIVING, Lane.NORMAL): AT - timedelta(hours=3),
    }


async def test_the_canary_s_packages_make_nothing_old(database: Database) -> None:
    await database.collection("progress").delete_many({})
    progress, what = Progress(database), Material()
    facts = (accepted(what), what.verified(), what.refused())
    for fact in (each.model_copy(update={"sender": "CANARY.1"}) for each in facts):
        await progress.note(fact, said(fact))
        assert await oldest(progress) == {}


async def oldest(progress: Progress) -> dict[Any, datetime]:
    return {key: at for key, at in (await progress.oldest()).items() if at}


async def test_a_package_on_its_way_and_its_repeats(
    database: Database, objects: Objects, announced: Remembering
) -> None:
    archive = Archive(Ledger(database), Records(database), Progress(database), objects, announced, read_table())
    what = await Material().store(objects)
    before = observed()
    for _ in range(2):
        for fact in (accepted(what), what.verified(), placed(what)):
            await archive.take(fact)
    end = await state(database, what.package_id)
    assert (end["validation"], end["routing"], end["archiving"]) == (DONE, DONE, DONE)
    assert {name: observed()[name] - before[name] for name in before} == {"written": 1, "repeated": 1, "archived": 1}


async def test_what_is_turned_away_is_done_when_it_is_on_record(
    database: Database, objects: Objects, announced: Remembering
) -> None:
    archive = Archive(Ledger(database), Records(database), Progress(database), objects, announced, read_table())
    what = await Material().store(objects)
    await archive.take(what.turned_away())
    end = await state(database, what.package_id)
    assert (end["validation"], end["routing"], end["archiving"]) == (Mark.AHEAD, Mark.AHEAD, DONE)


async def test_a_recall_waits_until_it_reached_the_units_it_names(
    database: Database, objects: Objects, announced: Remembering
) -> None:
    archive = Archive(Ledger(database), Records(database), Progress(database), objects, announced, read_table())
    what = await Material().store(objects)
    await archive.take(what.notice())
    assert (await state(database, what.package_id))["routing"] == WAITS
    await archive.take(DocumentRecalled(**_about(what, "w"), receiver=RECEIVER, state="RECALL_PENDING"))
    end = await state(database, what.package_id)
    assert (end["routing"], end["archiving"]) == (DONE, DONE)


def observed() -> dict[str, float]:
    def sample(name: str, **labels: str) -> float:
        return REGISTRY.get_sample_value(name, labels) or 0.0

    return {
        "written": sample("trunk_archive_writes_total", outcome="written"),
        "repeated": sample("trunk_archive_writes_total", outcome="repeated"),
        "archived": sample("trunk_document_stage_seconds_count", stage="archived", urgency="normal"),
    }
