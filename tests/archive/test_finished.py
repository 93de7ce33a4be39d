"""When the archive says that a package is finished: on record, routed, and the facts of all its receivers there."""

import itertools
from datetime import timedelta
from typing import Any

import pytest

from archive import handlers
from archive.handlers import Archive
from archive.ledger import Ledger
from archive.progress import Mark, is_finished, is_told_by_another
from archive.retention import read_table
from archive.store import Progress, Records
from common.database import Database
from common.facts import BaseFact, DeliveryWaiting, PackageFinished, PackageRouted
from common.objects import Objects

from .conftest import AT, RECEIVER, Material, Remembering
from .test_progress import OTHER, accepted, placed

DONE, WAITS = Mark.DONE, Mark.WAITS


@pytest.fixture
def archive(database: Database, objects: Objects, announced: Remembering) -> Archive:
    return Archive(Ledger(database), Records(database), Progress(database), objects, announced, read_table())


def about(what: Material, step: str) -> dict[str, Any]:
    values = what._base(step)
    values.pop("submitted_at")
    return values


def routed(what: Material, receivers: int) -> PackageRouted:
    return PackageRouted(**about(what, "routed"), receivers=receivers)


def finished_facts(announced: Remembering) -> list[BaseFact]:
    return [fact for fact in announced.facts if isinstance(fact, PackageFinished)]


@pytest.mark.parametrize(
    ("archiving", "expected", "settled", "finished"),
    [
        (DONE, 2, 2, True),
        (DONE, 2, 3, True),
        (DONE, 0, 0, True),
        (DONE, 2, 1, False),
        (DONE, None, 2, False),
        (WAITS, 2, 2, False),
        (Mark.AHEAD, 0, 0, False),
    ],
)
def test_what_finishes_a_package(archiving: Mark, expected: int | None, settled: int, finished: bool) -> None:
    assert is_finished(archiving, expected, settled) is finished


async def test_in_any_order_it_is_said_once_all_is_there(
    archive: Archive, objects: Objects, announced: Remembering
) -> None:
    for order in itertools.permutations(range(5)):
        what = await Material().store(objects)
        facts = [accepted(what), what.verified(), placed(what), placed(what, OTHER), routed(what, 2)]
        announced.facts.clear()
        for number in order[:-1]:
            await archive.take(facts[number])
        early = finished_facts(announced)
        await archive.take(facts[order[-1]])
        assert len(finished_facts(announced)) == 1, order
        # package.accepted is no part of what must be there
        assert len(early) == (facts[order[-1]].fact == "package.accepted"), order


async def test_what_is_refused_is_finished_when_its_sender_is_answered(
    archive: Archive, objects: Objects, announced: Remembering
) -> None:
    for refusal in ("refused", "turned_away"):
        what = await Material().store(objects)
        announced.facts.clear()
        await archive.take(getattr(what, refusal)())
        assert finished_facts(announced) == []
        await archive.take(routed(what, 0))
        (fact,) = finished_facts(announced)
        assert (fact.subject, fact.event_id) == (what.subject, f"{what.package_id}:finished:1")
        told_of_it = fact.model_dump()["reason"]
        assert told_of_it == (what.refused().reason if refusal == "refused" else None), "what intake said, it knows"


async def test_asked_again_it_says_the_same_again(
    archive: Archive, objects: Objects, announced: Remembering, monkeypatch: pytest.MonkeyPatch
) -> None:
    what = await Material().store(objects)
    everything = [accepted(what), what.verified(), placed(what), routed(what, 1)]
    for number in range(3):
        monkeypatch.setattr(handlers, "utc_now", lambda number=number: AT + timedelta(hours=number))
        for fact in everything:
            await archive.take(fact)
    bodies = [fact.model_dump_json() for fact in finished_facts(announced)]
    assert len(bodies) == 3, "once, and once for each repetition of what the router says"
    assert len(set(bodies)) == 1


@pytest.mark.parametrize(
    ("row", "is_told"),
    [
        ({}, False),
        ({"finished_at": AT, "finished_by": "this"}, False),
        ({"finished_at": AT, "finished_by": "another"}, True),
        ({"finished_at": AT}, False),
        ({"finished_at": AT, "is_told": True}, True),
    ],
    ids=["not finished", "by this one", "by another", "an earlier release ended before it told", "it has told"],
)
def test_who_tells_that_a_package_is_finished(row: dict[str, Any], is_told: bool) -> None:
    assert is_told_by_another(row, "this") is is_told


async def test_a_crash_before_intake_is_told_is_made_good(
    archive: Archive, objects: Objects, announced: Remembering, monkeypatch: pytest.MonkeyPatch
) -> None:
    what = await Material().store(objects)
    for fact in (what.verified(), routed(what, 1)):
        await archive.take(fact)

    async def crash(_: BaseFact) -> None:
        raise ConnectionError

    for _ in range(2):
        with monkeypatch.context() as patched:
            patched.setattr(announced, "announce", crash)
            with pytest.raises(ConnectionError):
                await archive.take(placed(what))
    await archive.take(accepted(what))
    assert finished_facts(announced) == [], "whoever found it finished tells it, and comes again"
    await archive.take(placed(what))
    assert len(finished_facts(announced)) == 1


async def test_signals_are_not_kept(archive: Archive, objects: Objects, database: Database) -> None:
    what = await Material().store(objects)
    await archive.take(what.verified())
    for fact in (
        routed(what, 1),
        DeliveryWaiting(**about(what, "delivery.waiting")),
        PackageFinished(**about(what, "finished")),
    ):
        await archive.take(fact)
    assert [entry.fact for entry in await Ledger(database).entries(what.subject)] == ["document.verified"]


async def test_a_receiver_s_lost_fact_keeps_the_package_open(
    archive: Archive, objects: Objects, announced: Remembering
) -> None:
    what = await Material().store(objects)
    for fact in (what.verified(), placed(what, RECEIVER), routed(what, 2), routed(what, 2)):
        await archive.take(fact)
    assert finished_facts(announced) == []
    await archive.take(placed(what, OTHER))
    assert len(finished_facts(announced)) == 1
