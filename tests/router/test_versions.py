"""Versions of a document as rows: numbered once each, and the newest before a package is found by its place."""

import asyncio
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from common.domain.names import PackageKind
from common.facts import ObjectRef
from router.order import SubmissionOrder
from router.route import DocumentState
from router.store.documents import MongoDocuments
from router.store.rows import DocumentRecord
from router.versions import NumberedVersion, Version

from ..simulation.database import ModelDatabase, Server
from ..simulation.loop import VirtualLoop

AT = datetime(2026, 11, 22, 8, 30, tzinfo=UTC)
REF = ObjectRef(bucket="content", key="k", sha256="0" * 64, size_bytes=1)


def order(milliseconds: int, package_id: str = "p") -> SubmissionOrder:
    return SubmissionOrder(submitted_at=AT + timedelta(milliseconds=milliseconds), package_id=package_id)


def version(place: SubmissionOrder | None, package_id: str = "") -> Version:
    package = place.package_id if place else package_id
    return Version(package_id=package, package=REF, kind=PackageKind.UPDATE, order=place)


class World:
    """Documents on the model of the database."""

    def __init__(self, *former: Version) -> None:
        self.loop = VirtualLoop()
        self.database = ModelDatabase(Server(self.loop, lambda: 0.001), "router")
        self.documents = MongoDocuments(self.database)  # type: ignore[arg-type]
        for key in ("document", "documents"):
            record = DocumentRecord(
                key=key, sender="A", document_id="1", state=DocumentState.ROUTING, package_id="first",
                kind=PackageKind.NEW, submitted_at=AT, versions=former,
            )  # fmt: skip
            self.run(self.documents.claim(record))

    def run(self, *work: Any) -> list[Any]:
        async def all_at_once() -> list[Any]:
            return await asyncio.gather(*work)

        task = self.loop.create_task(all_at_once())
        self.loop.run_until(task.done, self.loop.time() + 60.0)
        return task.result()

    def add(self, place: SubmissionOrder) -> int:
        (number,) = self.run(self.documents.add_version("document", version(place), place))
        return int(number)

    def current(self, place: SubmissionOrder, key: str = "document") -> NumberedVersion | None:
        (current,) = self.run(self.documents.current_version(key, place))
        return current  # type: ignore[no-any-return]


def test_the_newest_before_a_package_is_current_whatever_the_order_of_arrival() -> None:
    first = order(0, "first")
    world, places = World(version(first)), [order(at, f"p{at}") for at in (3000, 1, 1999, 2000, 1500)]
    assert [world.add(place) for place in places] == [2, 3, 4, 5, 6]
    assert [world.add(place) for place in reversed(places)] == [6, 5, 4, 3, 2], "again, the same"
    for place in (order(at, package) for at in range(0, 3002, 250) for package in ("a", "z")):
        earlier = [each for each in (first, *places) if each < place]
        current = world.current(place)
        assert (current.version.order if current else None) == max(earlier, default=None)
    assert world.current(order(9000), "documents") == NumberedVersion(1, version(first)), "another document"


def test_versions_of_an_earlier_release_are_older_than_all_others() -> None:
    world = World(version(None, "first"), version(None, "second"))
    assert world.current(order(0)) == NumberedVersion(2, version(None, "second"))
    assert world.add(order(5)) == 3
    assert world.current(order(5)) == NumberedVersion(2, version(None, "second"))
    assert world.current(order(6)) == NumberedVersion(3, version(order(5)))
    again = version(order(7, "second"))
    assert world.run(world.documents.add_version("document", again, order(7, "second"))) == [2]


def test_processes_that_add_versions_at_once_number_each_once() -> None:
    world, places = World(version(order(0, "first"))), [order(at, f"p{at}") for at in range(1, 9)]
    adding = [world.documents.add_version("document", version(place), place) for place in (*places, *places)]
    numbers = world.run(*adding)
    assert numbers[:8] == numbers[8:]
    assert len(set(numbers)) == 8
    assert 1 not in numbers


def test_the_row_of_a_document_does_not_grow() -> None:
    world = World(version(order(0, "first")))
    sizes = []
    for at in range(1, 60):
        world.add(order(at, f"p{at}"))
        (row,) = world.run(world.database.collection("documents").find_one({"_id": "document"}))
        sizes.append(len(str(row)))
    assert max(sizes) - min(sizes) < 10


@pytest.mark.parametrize("order_", [order(0), order(10**9)])
def test_a_document_that_is_not_there_has_no_version(order_: SubmissionOrder) -> None:
    assert World().current(order_, "unknown") is None
