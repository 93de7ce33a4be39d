"""Rows of acts: only the acts that were submitted after a package are read, however many a document has."""

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from router.acts import Act
from router.delivery_history import DeliveryEvent
from router.delivery_state import EventKind
from router.order import SubmissionOrder
from router.store import acts as module
from router.store.acts import MongoActs

from ..simulation.database import ModelDatabase, Server
from ..simulation.loop import VirtualLoop

AT = datetime(2026, 11, 22, 8, 30, tzinfo=UTC)


def order(milliseconds: int, package_id: str = "p") -> SubmissionOrder:
    return SubmissionOrder(submitted_at=AT + timedelta(milliseconds=milliseconds), package_id=package_id)


def act(place: SubmissionOrder, document: str = "document") -> Act:
    event = DeliveryEvent(
        id=f"{place.submitted_at.isoformat()}{place.package_id}", kind=EventKind.RECALL, by="A", at=AT, order=place
    )
    return Act(document_key=document, receiver="B", event=event, fact={})


@pytest.mark.parametrize("after", [-1, 0, 5, 999, 1000, 1250, 1999])
def test_acts_after_a_package_are_found_and_no_other_is_read_but_of_the_same_second(
    after: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    loop, read = VirtualLoop(), list[Any]()
    acts = MongoActs(ModelDatabase(Server(loop, lambda: 0.001), "router"))  # type: ignore[arg-type]
    find_all = module.find_all

    async def recording_find_all(*arguments: Any) -> Any:
        read.extend(rows := await find_all(*arguments))
        return rows

    monkeypatch.setattr(module, "find_all", recording_find_all)
    places = [order(number, package) for number in (*range(-60_000, 0, 1000), 0, 5, 1000, 1250) for package in "aq"]
    saved = [act(place, document) for place in places for document in ("document", "other")]

    async def scenario() -> list[Act]:
        await acts.save(saved)
        return await acts.about("document", order(after))

    task = loop.create_task(scenario())
    loop.run_until(task.done, 60.0)
    later = [each for each in saved if each.document_key == "document" and each.event.order > order(after)]
    assert sorted(task.result(), key=lambda each: each.event.order) == later
    assert len(read) <= len(later) + 4
