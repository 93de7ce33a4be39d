"""What comes to its end is removed by its row, with a row about it, and nothing that is open, locked or referred to."""

import asyncio
import hashlib
import io
import secrets
from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta
from types import SimpleNamespace
from typing import Any

import pytest
from minio.commonconfig import COMPLIANCE
from minio.retention import Retention
from pydantic import SecretStr

from common.buckets import make_missing
from common.database import Database
from common.domain.directory import Directory
from common.domain.reason import Reason
from common.facts import OperatorActed, PackageFinished
from common.failure import Outage
from common.metrics import REGISTRY
from common.objects import BUCKETS, Objects, content_ref, package_ref
from common.package_store import PackageStore
from common.service.record_store import MongoRecords
from common.service.record_transitions import begun
from common.topology import submit_queue
from intake.ends import Ending, read_terms
from intake.open_packages import OpenPackages
from intake.packages import Packages
from intake.record import PackageRecord
from intake.redrive import Redrive
from intake.removal import Removal
from intake.removals import Removals
from intake.settings import IntakeSettings
from intake.uploads import Uploads
from tests.simulation.database import ModelDatabase, Server
from tests.simulation.store import Client, Store

from ..harness.memory import Clock, MemoryDirectory, delivery
from .conftest import BUDGETS
from .test_handlers import SENDER, unit
from .test_open_packages import acted, finished, parked, record

TERMS = read_terms()
TERM = timedelta(days=TERMS.of(Ending.REFUSED).days)


class Queues:
    """Message records of intake."""

    def __init__(self) -> None:
        self.named: set[str] = set()

    async def queues(self) -> set[str]:
        return self.named


class World:
    """Intake's rows and objects, and processes that remove what has come to its end."""

    def __init__(self, database: Any, objects: Objects, settings: IntakeSettings) -> None:
        self.clock = Clock(datetime.now(UTC).replace(microsecond=0))
        self.database, self.objects = database, objects
        self.packages = Packages(database, BUDGETS, self.clock)
        self.opened = OpenPackages(database, BUDGETS)
        self.redrive = Redrive(self.opened, None, settings, self.clock)  # type: ignore[arg-type]
        self.rows, self.store, self.queues = Removals(database), PackageStore(objects), Queues()
        self.directory: Any = MemoryDirectory(Directory([unit(SENDER)]))
        self.server_clock, self.uploads = self.clock, f"uploads-{secrets.token_hex(4)}"
        objects.client.make_bucket(self.uploads)
        self.rows.server_time = self._server_time  # type: ignore[method-assign]

    async def _server_time(self) -> datetime:
        return self.server_clock()

    @property
    def process(self) -> Removal:
        """One that has just started."""
        uploads = Uploads(self.objects, self.uploads)
        return Removal(self.rows, self.store, uploads, self.queues, self.directory, TERMS, self.clock)

    async def package(self, **changes: Any) -> PackageRecord:
        """A package that is decided, with its object."""
        saved = record(**changes)
        body = secrets.token_bytes(100)
        source = io.BytesIO(body)
        wanted = package_ref(hashlib.sha256(body).hexdigest(), len(body), saved.package_id)
        ref = await self.store.put(wanted, source, SENDER)
        return await self.packages.save(saved.model_copy(update={"package": ref}))

    async def refused(self) -> PackageRecord:
        """One that intake refused and that is on record."""
        package = await self.package(reason=Reason.E_DUP, carries_files=False)
        await self.finish(package)
        return package

    async def invalid(self) -> PackageRecord:
        """One that the validator refused and that is on record."""
        package = await self.package()
        await self.finish(package, Reason.E_SIG_ORDER)
        return package

    async def given_up(self) -> PackageRecord:
        """One that nobody could decide about, until an operator discarded it."""
        package = await self.package()
        await self.redrive.note_parked(parked(package, service="validator"))
        await self.redrive.note_acted(acted_by("validator", package, "discard"))
        return package

    async def finish(self, package: PackageRecord, reason: Reason | None = None) -> None:
        fact: PackageFinished = finished(package)
        await self.redrive.finish(fact.model_copy(update={"reason": reason, "occurred_at": self.clock()}))

    async def round(self, passed: timedelta = timedelta(hours=1)) -> None:
        self.clock.move(seconds=passed.total_seconds())
        await self.process.round()

    def there(self, package: PackageRecord) -> bool:
        ref = package.package
        listed = self.objects.client.list_objects(ref.bucket, prefix=ref.key, include_version=True)
        return any(True for _ in listed)

    async def removals(self) -> dict[str, Any]:
        rows = await self.rows._removals.find({}).to_list(None)
        return {row["_id"]: row for row in rows}

    async def row(self, package: PackageRecord) -> dict[str, Any]:
        row = await self.packages._packages.find_one({"_id": package.package_id})
        assert row
        return row

    async def due(self, ending: Ending) -> tuple[float | None, float | None]:
        await self.process.measure()
        names = ("trunk_removal_due", "trunk_removal_due_since_timestamp_seconds")
        count, since = (REGISTRY.get_sample_value(name, {"ending": ending}) for name in names)
        return count, since


def acted_by(service: str, package: PackageRecord, action: str) -> OperatorActed:
    """An operator's decision about what a service had parked."""
    return acted(package, action).model_copy(update={"service": service})


KINDS = (World.refused, World.invalid, World.given_up)
every_kind = pytest.mark.parametrize("kind", KINDS, ids=lambda kind: kind.__name__)


@pytest.fixture(params=["model", "real"])
async def world(request: pytest.FixtureRequest) -> AsyncIterator[World]:
    if request.param == "model":
        server: Any = Server(asyncio.get_running_loop(), lambda: 0.0)  # type: ignore[arg-type]
        settings, store = IntakeSettings(), Store(lambda: datetime.now(UTC))
        store.buckets.update(BUCKETS)
        objects = Objects(settings)
        objects.client = Client(store)  # type: ignore[assignment]
        yield World(ModelDatabase(server, "intake"), objects, settings)
        return
    stack: SimpleNamespace = request.getfixturevalue("stack")
    settings = IntakeSettings(
        mongo_uri=SecretStr(stack.mongo_uri),
        s3_endpoint=stack.s3_endpoint,
        s3_access_key=SecretStr(stack.s3_access_key),
        s3_secret_key=SecretStr(stack.s3_secret_key),
    )
    name = f"intake_test_{secrets.token_hex(4)}"
    database, objects = Database(settings, name), Objects(settings)
    make_missing(objects.client)
    yield World(database, objects, settings)
    await database.client.drop_database(f"trunk_{name}")
    database.client.close()


@every_kind
async def test_it_goes_when_its_term_is_over_and_not_before(world: World, kind: Any) -> None:
    package = await kind(world)
    await world.round(TERM - timedelta(minutes=1))
    assert world.there(package)
    assert await world.due(Ending(kind.__name__)) == (0, 0)
    world.clock.move(minutes=2)
    since = (world.clock() - timedelta(minutes=1)).timestamp()
    assert await world.due(Ending(kind.__name__)) == (1, since)
    before = REGISTRY.get_sample_value("trunk_removed_total", {"ending": kind.__name__}) or 0
    await world.round()
    assert not world.there(package)
    assert await world.due(Ending(kind.__name__)) == (0, 0)
    assert REGISTRY.get_sample_value("trunk_removed_total", {"ending": kind.__name__}) == before + 1
    (removed,) = (await world.removals()).values()
    assert (removed["package_id"], removed["sha256"]) == (package.package_id, package.package.sha256)
    assert (removed["ending"], removed["days"], removed["terms"]) == (kind.__name__, 120, TERMS.version)
    assert removed["legal_basis"] == TERMS.of(Ending(kind.__name__)).legal_basis
    assert removed["removed_at"] >= removed["begun_at"]
    assert await world.packages.find(package.package_id), "the row answers the same bytes as before"
    await world.round()
    assert REGISTRY.get_sample_value("trunk_removed_total", {"ending": kind.__name__}) == before + 1


async def open_one(world: World) -> PackageRecord:
    return await world.package()


async def refused_and_not_on_record(world: World) -> PackageRecord:
    return await world.package(reason=Reason.E_DUP)


async def accepted(world: World) -> PackageRecord:
    package = await world.package()
    await world.finish(package)
    return package


async def held(world: World) -> PackageRecord:
    package = await world.package()
    await world.redrive.note_parked(parked(package, service="validator"))
    return package


async def discarded_after_the_validator(world: World) -> PackageRecord:
    """Units may have it already."""
    package = await world.package()
    await world.redrive.note_parked(parked(package, service="archive"))
    await world.redrive.note_acted(acted_by("archive", package, "discard"))
    return package


async def taken_back(world: World) -> PackageRecord:
    package = await world.given_up()
    await world.redrive.note_acted(acted_by("validator", package, "restore"))
    return package


async def replayed_and_accepted(world: World) -> PackageRecord:
    package = await world.given_up()
    await world.redrive.note_acted(acted_by("validator", package, "replay"))
    await world.finish(package)
    return package


async def accepted_then_published_again_and_discarded(world: World) -> PackageRecord:
    """The archive has locked it."""
    package = await accepted(world)
    lock = Retention(COMPLIANCE, datetime.now(UTC) + timedelta(minutes=5))
    ref = package.package
    world.objects.client.set_object_retention(ref.bucket, ref.key, lock, version_id=ref.version_id)
    assert await world.opened.ask(package.package_id, world.clock()) == "done"
    await world.redrive.note_parked(parked(package, service="validator"))
    await world.redrive.note_acted(acted_by("validator", package, "discard"))
    return package


async def refused_then_published_again(world: World) -> PackageRecord:
    package = await world.invalid()
    assert await world.opened.ask(package.package_id, world.clock()) == "done"
    return package


async def secret(world: World) -> PackageRecord:
    """Its objects go at once, and not by this job."""
    package = await world.invalid()
    await world.packages.mark_secret(package.package_id, [package.package])
    return package


STAY = (
    open_one,
    refused_and_not_on_record,
    accepted,
    held,
    discarded_after_the_validator,
    taken_back,
    replayed_and_accepted,
    accepted_then_published_again_and_discarded,
    refused_then_published_again,
    secret,
)


@pytest.mark.parametrize("case", STAY, ids=lambda case: case.__name__)
async def test_what_is_open_kept_or_needed_stays(world: World, case: Any) -> None:
    package = await case(world)
    await world.round(TERM * 10)
    assert world.there(package)


async def test_what_is_locked_stays_due_and_is_named(world: World) -> None:
    """A restored row says that it was given up; after the backup it was accepted, and the archive has locked it."""
    package = await accepted_then_published_again_and_discarded(world)
    await world.round(TERM * 2)
    assert world.there(package)
    (removal,) = (await world.removals()).values()
    assert removal["removed_at"] is None
    count, _ = await world.due(Ending.GIVEN_UP)
    assert count == 1
    await world.redrive.note_acted(acted_by("validator", package, "restore"))
    assert (await world.row(package))["stage"] == "held", "nothing was begun that would hold it"


async def test_a_discard_that_is_taken_back_and_made_again_counts_from_then_on(world: World) -> None:
    package = await world.given_up()
    world.clock.move(days=20)
    await world.redrive.note_acted(acted_by("validator", package, "restore"))
    await world.redrive.note_acted(acted_by("validator", package, "discard"))
    await world.round(TERM - timedelta(days=1))
    assert world.there(package)
    await world.round(timedelta(days=2))
    assert not world.there(package)


async def test_a_replayed_package_that_is_refused_after_all_counts_from_its_refusal(world: World) -> None:
    package = await world.given_up()
    await world.redrive.note_acted(acted_by("validator", package, "replay"))
    world.clock.move(days=20)
    await world.finish(package, Reason.E_SIG_ORDER)
    await world.finish(package, Reason.E_SIG_ORDER)
    await world.round(TERM - timedelta(days=1))
    assert world.there(package)
    await world.round(timedelta(days=2))
    assert not world.there(package)


@every_kind
async def test_once_begun_nothing_brings_it_back(world: World, kind: Any) -> None:
    package = await kind(world)
    ending, now = Ending(kind.__name__), world.clock() + TERM * 2
    (due,) = await world.rows.due(ending, now, 10)
    assert await world.rows.begin(due, ending, now, now)
    for action in ("restore", "replay"):
        await world.redrive.note_acted(acted_by("validator", package, action))
    assert "end" in await world.opened.ask(package.package_id, now) or kind is World.given_up
    assert (await world.row(package))["is_open"] is False
    await world.round(TERM * 2)
    assert not world.there(package)


@every_kind
async def test_what_is_taken_back_while_a_round_looks_at_it_stays(world: World, kind: Any) -> None:
    package = await kind(world)
    ending, now = Ending(kind.__name__), world.clock() + TERM * 2
    (due,) = await world.rows.due(ending, now, 10)
    await world.redrive.note_acted(acted_by("validator", package, "restore"))
    if kind is not World.given_up:
        assert await world.opened.ask(package.package_id, now) == "done"
    assert not await world.rows.begin(due, ending, now, now)


class Ends(BaseException):
    """The process ends here."""


@pytest.mark.parametrize("step", ["note_begun", "remove", "note_done"])
@pytest.mark.parametrize("is_done", [False, True], ids=["before", "after"])
async def test_a_process_that_ends_anywhere_leaves_nothing_half_done(
    world: World, monkeypatch: pytest.MonkeyPatch, step: str, is_done: bool
) -> None:
    package = await world.refused()
    place = world.store if step == "remove" else world.rows
    really = getattr(place, step)

    async def ends(*arguments: Any) -> None:
        if is_done:
            await really(*arguments)
        raise Ends

    with monkeypatch.context() as patch:
        patch.setattr(place, step, ends)
        with pytest.raises(Ends):
            await world.round(TERM * 2)
    removals = await world.removals()
    assert world.there(package) or removals, "nothing goes without a row about it"
    await world.round()
    assert not world.there(package)
    (removal,) = (await world.removals()).values()
    assert removal["removed_at"]
    assert (await world.row(package))["is_removed"]


async def test_two_at_once_remove_each_thing_once(world: World) -> None:
    packages = [await world.refused() for _ in range(5)]
    world.clock.move(days=TERM.days + 1)
    before = REGISTRY.get_sample_value("trunk_removed_total", {"ending": "refused"}) or 0
    now = world.clock()
    term = TERMS.of(Ending.REFUSED)
    due = await world.rows.due(Ending.REFUSED, term.began_before(now), 10)
    processes = [world.process, world.process]
    await asyncio.gather(*(each._remove(package, term, now) for package in due for each in processes))
    assert not any(world.there(package) for package in packages)
    assert REGISTRY.get_sample_value("trunk_removed_total", {"ending": "refused"}) == before + 5
    assert len(await world.removals()) == 5


async def test_one_of_many_processes_does_a_round(world: World) -> None:
    await world.refused()
    await world.round(TERM * 2)
    late = await world.refused()
    await world.round(timedelta(minutes=59))
    assert world.there(late)


@pytest.mark.parametrize("wrong", ["own", "server"])
async def test_by_a_wrong_clock_nothing_is_removed(world: World, wrong: str) -> None:
    package = await world.refused()
    if wrong == "own":
        world.server_clock = Clock(world.clock())
        world.clock.move(days=1_000)
    else:
        world.server_clock = Clock(world.clock() + timedelta(days=1_000))
    with pytest.raises(Outage):
        await world.process.round()
    assert world.there(package)
    world.server_clock = world.clock


async def test_the_database_tells_the_time(world: World) -> None:
    server_time = await world.database.server_time()
    assert abs(server_time - datetime.now(UTC)) < timedelta(minutes=2)


async def test_queues_with_records_are_known(world: World) -> None:
    messages = MongoRecords(world.database)
    for queue in ("submit.A.01.normal", "submit.A.01.normal", "facts.intake.normal"):
        assert await messages.save(begun(delivery(queue, secrets.token_bytes(9)), world.clock()))
    assert await messages.queues() == {"submit.A.01.normal", "facts.intake.normal"}


async def test_what_lies_in_content_has_no_term(world: World) -> None:
    """It is shared by its digest."""
    for reason in (None, Reason.E_DUP):
        package = await world.packages.save(record(reason=reason, package=content_ref("c" * 64, 9)))
        await world.finish(package, Reason.E_SIG_ORDER)
        assert "ending" not in await world.row(package)


# uploads


def put_upload(world: World, folder: str) -> str:
    key = f"{folder}/{secrets.token_hex(8)}/package.edxml"
    world.objects.client.put_object(world.uploads, key, io.BytesIO(b"bytes"), 5)
    return key


def lies(world: World, key: str) -> bool:
    return any(
        each.object_name == key for each in world.objects.client.list_objects(world.uploads, key, recursive=True)
    )


async def test_uploads_go_ninety_days_after_they_were_put(world: World) -> None:
    key = put_upload(world, SENDER)
    await world.round(timedelta(days=89))
    assert lies(world, key)
    await world.round(timedelta(days=2))
    assert not lies(world, key)
    removal = (await world.removals())[f"{world.uploads}/{key}"]
    assert (removal["ending"], removal["sender"], removal["package_id"]) == ("upload", SENDER, None)
    assert removal["removed_at"]
    assert await world.due(Ending.UPLOAD) == (0, 0)


async def test_uploads_that_a_submission_may_still_name_stay(world: World) -> None:
    disabled, with_messages = "000.00.01.H29", "000.00.02.H29"
    keys = [put_upload(world, folder) for folder in (disabled, with_messages)]
    world.directory.disabled = frozenset({disabled})
    world.queues.named = {submit_queue(with_messages, record().lane), "facts.intake.normal"}
    await world.round(timedelta(days=1_000))
    assert all(lies(world, key) for key in keys)
    world.directory.disabled, world.queues.named = frozenset(), set()
    await world.round()
    assert not any(lies(world, key) for key in keys)


async def test_before_the_directory_is_loaded_no_upload_goes(world: World) -> None:
    key = put_upload(world, SENDER)
    world.directory.is_loaded = False
    await world.round(timedelta(days=1_000))
    assert lies(world, key)


async def test_uploads_that_one_round_leaves_are_told(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("intake.removal.AT_ONCE", 1)
    keys = [put_upload(world, SENDER) for _ in range(2)]
    await world.round(timedelta(days=91))
    count, since = await world.due(Ending.UPLOAD)
    assert count == sum(lies(world, key) for key in keys) == 1
    assert since
