"""Packages about documents that have not come: they wait, are announced, woken, and refused at the deadline."""

import hashlib
import io
import secrets
from collections.abc import AsyncIterator
from datetime import date, timedelta
from typing import Any
from unittest.mock import AsyncMock

import pytest
from pydantic import SecretStr

from common.buckets import make_missing
from common.database import Database
from common.domain import ids
from common.domain.canary import CANARY_UNITS
from common.domain.directory import Directory, Unit
from common.domain.envelope import (
    Business,
    DocumentType,
    Envelope,
    Hop,
    Organization,
    ReceiverChange,
    Replacement,
    ResponseFor,
    Signer,
    StatusReport,
)
from common.domain.names import PackageKind, StatusCode
from common.domain.reason import Reason
from common.edxml import build
from common.edxml.dates import VIETNAM
from common.facts import (
    MAX_TARGETS,
    BaseFact,
    DocumentRefused,
    NoticeAccepted,
    OperatorActed,
    PackageAccepted,
    PackageFact,
    PackageFinished,
    PackageRefused,
    PackageRepeated,
    PackageWaiting,
    SecurityNoticed,
)
from common.facts.base import MAX_TEXT_BYTES
from common.failure import Outage, Transient, TrunkFailure
from common.objects import ObjectMissing, Objects, content_ref
from common.service.outgoing import fact_message
from common.service.tracing import publishing
from common.telemetry import span
from intake.handlers import Intake
from intake.open_packages import OpenPackages
from intake.packages import Packages
from intake.settings import IntakeSettings
from intake.waiting import LOOK_AT_HOLDER_AFTER, WaitingPackage
from intake.waiting_store import WaitingPackages
from intake.waiting_sweep import AT_ONCE, LONGEST_ROUND, WaitingSweep

from ..harness.memory import Clock, MemoryDirectory, RecordingPublisher, delivery
from ..harness.spans import exporter, spans, trace_of
from .conftest import MemoryObjects, MemoryOpenPackages, MemoryPackages, MemoryWaiting
from .test_handlers import AT, PDF, package

SENDER, RECEIVER = "000.00.14.H29", "000.00.12.H29"
LIMIT = 3


class TracedPublisher(RecordingPublisher):
    """Makes the span of each publish as well."""

    async def announce(self, fact: BaseFact) -> None:
        with publishing(fact_message(fact)):
            await super().announce(fact)


class World:
    """Two replicas of intake on one memory."""

    def __init__(self, packages: Any, waiting: Any, objects: Any, settings: IntakeSettings) -> None:
        self.packages, self.waiting, self.objects, self.settings = packages, waiting, objects, settings
        self.opened: Any = None
        self.announcer, self.clock = TracedPublisher(), Clock()
        units = [Unit(code=code, name=code, valid_from=date(2025, 7, 1)) for code in (SENDER, RECEIVER)]
        self.directory: Any = MemoryDirectory(Directory(units))

    @property
    def intake(self) -> Intake:
        """A process that has just started."""
        return Intake(
            self.announcer, self.settings, self.objects, self.packages, self.waiting, self.directory, self.clock
        )

    async def submit(self, body: bytes, unit: str = SENDER) -> Any:
        """What is announced first about a submission."""
        before = len(self.announcer.facts)
        await self.intake.receive(delivery(f"submit.{unit}.normal", body, user_id=unit, exchange="trunk.submit"))
        return self.announcer.facts[before]

    async def waits_for_its_id(self, body: bytes) -> bool:
        """Whether a submission is kept, and nobody is told anything about it yet."""
        before = len(self.announcer.facts)
        await self.intake.receive(delivery(f"submit.{SENDER}.normal", body, user_id=SENDER, exchange="trunk.submit"))
        saved = await self.waiting.find(ids.package_id(SENDER, hashlib.sha256(body).hexdigest()))
        return saved is not None and self.announcer.facts[before:] == []

    async def finish(self, accepted: Any, reason: Reason | None = None) -> None:
        """All of a package that was let in is done; ``reason``: why the validator refused it."""
        fact = finished_of(accepted, reason)
        await self.intake.release(fact)
        await self.opened.finish(fact)
        await self.intake.note_finished(fact)

    async def sweep(self, **passed: float) -> list[Any]:
        """Time passes; what a round announces."""
        before = len(self.announcer.facts)
        self.clock.move(**passed)
        await WaitingSweep(self.waiting, self.intake.resume, self.directory, self.clock).run()
        return self.announcer.facts[before:]


def finished_of(accepted: Any, reason: Reason | None) -> PackageFinished:
    about = {name: getattr(accepted, name) for name in PackageFact.model_fields if name != "fact"}
    return PackageFinished(**about, reason=reason)


@pytest.fixture(params=["memory", "real"])
async def world(request: pytest.FixtureRequest) -> AsyncIterator[World]:
    memory = request.param == "memory"
    stack = None if memory else request.getfixturevalue("stack")
    settings = IntakeSettings(
        mongo_uri=SecretStr(stack.mongo_uri if stack else "mongodb://none"),
        s3_endpoint=stack.s3_endpoint if stack else "http://none",
        s3_access_key=SecretStr(stack.s3_access_key if stack else "-"),
        s3_secret_key=SecretStr(stack.s3_secret_key if stack else "-"),
        waiting_packages_per_unit=LIMIT,
    )
    if stack is None:
        packages = MemoryPackages()
        world = World(packages, MemoryWaiting(), MemoryObjects(), settings)
        packages.clock = world.clock
        world.opened = MemoryOpenPackages(packages)
        yield world
        return
    name = f"intake_test_{secrets.token_hex(4)}"
    database, objects = Database(settings, name), Objects(settings)
    make_missing(objects.client)
    world = World(None, WaitingPackages(database), objects, settings)
    world.packages = Packages(database, settings.redrive_budgets, world.clock)
    world.opened = OpenPackages(database, settings.redrive_budgets)
    yield world
    await database.client.drop_database(f"trunk_{name}")
    database.client.close()


def recall(target: str) -> bytes:
    return build(
        Envelope(
            sender=Organization(code=SENDER),
            receivers=(Organization(code=RECEIVER),),
            document_id=secrets.token_hex(8),
            number="16",
            notation="TB-THU",
            promulgation_date=date(2026, 7, 1),
            type=DocumentType(name="Thông báo"),
            subject="V/v thử nghiệm",
            signer=Signer(full_name="Nguyễn Văn A"),
            business=Business(kind=PackageKind.RECALL, target=target, reason="gửi nhầm"),
        ),
        [],
    )


def status(target: str, world: World) -> bytes:
    report = StatusReport(
        sender=Organization(code=RECEIVER),
        response_for=ResponseFor(unit=SENDER, document_id=target),
        code=StatusCode.ARRIVED,
        at=world.clock().astimezone(VIETNAM),
    )
    return build(report)


async def test_a_recall_that_overtakes_its_document_is_let_in_after_it(world: World) -> None:
    early = await world.submit(recall("doc"))
    assert isinstance(early, PackageWaiting)
    assert early.reason is Reason.E_REFDOC_AWAITED
    assert early.deadline - early.submitted_at == timedelta(hours=24)
    assert await world.sweep(seconds=2) == []
    document = await world.submit(package("doc"))
    assert isinstance(document, PackageAccepted)
    (recalled,) = await world.sweep()
    assert isinstance(recalled, NoticeAccepted)
    assert (recalled.subject, recalled.submitted_at) == (document.subject, early.submitted_at)
    assert recalled.place is not None
    assert document.place is not None
    assert recalled.place > document.place
    assert await world.waiting.by_kind() == {}


async def test_a_report_that_comes_first_is_let_in_after_its_document(world: World) -> None:
    assert isinstance(await world.submit(status("doc", world), RECEIVER), PackageWaiting)
    await world.submit(package("doc"))
    (reported,) = await world.sweep()
    assert isinstance(reported, NoticeAccepted)
    assert reported.sender == RECEIVER


@pytest.mark.parametrize("crash", [False, True])
async def test_of_a_package_that_is_found_secret_after_it_has_waited_nothing_is_left(
    world: World, monkeypatch: pytest.MonkeyPatch, crash: bool
) -> None:
    """A release with another mark looks at it; the process may end before the bytes are gone."""
    early = await world.submit(recall("doc"))
    await world.submit(package("doc"))
    monkeypatch.setattr("intake.handlers.mark_in_message", lambda _: "MẬT")
    if crash:
        with monkeypatch.context() as patched:
            patched.setattr(world.objects, "purge", AsyncMock(side_effect=Outage("object store", "away")))
            with pytest.raises(Outage):
                await world.sweep()
    refused = [fact for fact in await world.sweep(minutes=1) if isinstance(fact, PackageRefused)]
    assert [fact.reason for fact in refused] == [Reason.E_SECRET]
    with pytest.raises((KeyError, TrunkFailure)):
        await world.objects.get(early.package)


async def test_what_never_comes_is_refused_at_the_deadline_and_once(world: World) -> None:
    early = await world.submit(recall("never"))
    assert await world.sweep(hours=23, minutes=59) == []
    (refused,) = await world.sweep(minutes=1)
    assert isinstance(refused, PackageRefused)
    assert (refused.reason, refused.subject) == (Reason.E_REFDOC, early.subject)
    assert await world.sweep(hours=24) == []
    assert isinstance(await world.submit(package("never")), PackageAccepted)
    assert await world.sweep() == []


async def test_what_is_said_of_a_package_that_waited_belongs_to_the_trace_of_its_submission(world: World) -> None:
    exporter.clear()
    for target in ("doc", "never"):
        with span(f"submission {target}"):
            await world.submit(recall(target))
    with span("submission document"):
        await world.submit(package("doc"))
    decided = await world.sweep() + await world.sweep(hours=24)
    for fact, target in zip(decided, ("doc", "never"), strict=True):
        (submission,) = spans(f"submission {target}")
        assert [trace_of(publish) for publish in spans(f"{fact.fact} publish")] == [trace_of(submission)]
        saved = await world.packages.find(fact.package_id)
        assert trace_of(submission) in saved.trace["traceparent"], "what is published once more belongs there, too"


async def test_a_repetition_of_what_waits_is_one_package(world: World) -> None:
    body = recall("doc")
    first = await world.submit(body)
    again = await world.submit(body)
    assert isinstance(again, PackageRepeated)
    assert again.package_id == first.package_id
    assert again.accepted
    await world.submit(package("doc"))
    assert len(await world.sweep()) == 1
    repeated = await world.submit(body)
    assert isinstance(repeated, PackageRepeated)
    assert repeated.event_id != again.event_id


async def test_a_crash_before_the_sender_is_told_is_made_good(world: World) -> None:
    body = recall("doc")
    world.announcer.failure = ConnectionError("broker went away")
    with pytest.raises(ConnectionError):
        await world.submit(body)
    world.announcer.failure = None
    world.clock.move(minutes=1)
    fact = await world.submit(body)
    assert isinstance(fact, PackageWaiting)
    assert fact.submitted_at == world.clock() - timedelta(minutes=1)


async def test_a_crash_after_the_decision_is_made_good(world: World) -> None:
    await world.submit(recall("doc"))
    await world.submit(package("doc"))
    world.announcer.failure = ConnectionError("broker went away")
    with pytest.raises(ConnectionError):
        await world.sweep()
    world.announcer.failure = None
    (recalled,) = await world.sweep(minutes=1)
    assert isinstance(recalled, NoticeAccepted)
    assert await world.sweep(hours=24) == []


async def test_a_document_whose_word_was_lost_is_found_by_the_sweep(world: World) -> None:
    await world.submit(recall("doc"))
    await world.packages.claim(ids.document_key(SENDER, "doc"), "p1")
    assert await world.sweep(seconds=2) == []
    assert len(await world.sweep(minutes=10)) == 1


async def test_a_document_that_comes_while_the_package_is_judged_is_not_missed(world: World) -> None:
    real = world.waiting.count

    async def meanwhile(sender: str) -> int:
        world.waiting.count = real
        await world.submit(package("doc"))
        return int(await real(sender))

    world.waiting.count = meanwhile
    await world.submit(recall("doc"))
    assert isinstance((await world.sweep())[0], NoticeAccepted)


def replacing(*names: str) -> Business:
    """What a package says that replaces documents."""
    old = tuple(Replacement(document_id=name, units=(RECEIVER,)) for name in names)
    return Business(kind=PackageKind.REPLACE, replacements=old, reason="thay thế")


async def test_a_replacement_waits_for_all_that_it_replaces(world: World) -> None:
    business = replacing("one", "two")
    assert isinstance(await world.submit(package(business=business)), PackageWaiting)
    await world.submit(package("one"))
    assert await world.sweep() == []
    await world.submit(package("two"))
    (let_in,) = await world.sweep()
    assert let_in.kind is PackageKind.REPLACE


async def test_a_chain_of_packages_wakes_link_by_link(world: World) -> None:
    await world.submit(recall("update"))
    update = Business(kind=PackageKind.UPDATE, target="doc", reason="bổ sung")
    assert isinstance(await world.submit(package("update", business=update)), PackageWaiting)
    document = await world.submit(package("doc"))
    (updated,) = await world.sweep()
    (recalled,) = await world.sweep()
    assert [updated.kind, recalled.kind] == [PackageKind.UPDATE, PackageKind.RECALL]
    assert document.place < updated.place < recalled.place


async def test_packages_of_the_canary_that_wait_are_not_counted(world: World) -> None:
    early = await world.submit(recall("doc"))
    row = await world.waiting.find(early.package_id)
    for sender in CANARY_UNITS:
        await world.waiting.save(row.model_copy(update={"package_id": f"of {sender}", "sender": sender}))
    assert await world.waiting.by_kind() == {PackageKind.RECALL: 1}


async def test_a_unit_that_floods_is_refused_and_others_are_not(world: World) -> None:
    for number in range(LIMIT):
        assert isinstance(await world.submit(recall(f"never {number}")), PackageWaiting)
    refused = await world.submit(recall("one more"))
    assert isinstance(refused, PackageRefused)
    assert refused.reason is Reason.E_REFDOC
    assert await world.waiting.by_kind() == {PackageKind.RECALL: LIMIT}
    assert isinstance(await world.submit(status("doc", world), RECEIVER), PackageWaiting)
    await world.submit(package("never 0"))
    await world.sweep()
    assert isinstance(await world.submit(recall("room again")), PackageWaiting)


async def test_two_processes_decide_once(world: World) -> None:
    await world.submit(recall("doc"))
    await world.submit(package("doc"))
    now = world.clock()
    taken = [await world.waiting.take_due(now, 10) for _ in range(2)]
    assert [len(each) for each in taken] == [1, 0]
    assert len(await world.sweep(minutes=1)) == 1


async def test_a_document_that_comes_during_a_look_is_looked_for_again(world: World) -> None:
    early = await world.submit(recall("doc"))
    now = world.clock() + timedelta(minutes=10)
    (row,) = await world.waiting.take_due(now, 10)
    await world.waiting.wake(ids.document_key(SENDER, "doc"))
    await world.waiting.postpone(row, now, now + timedelta(minutes=10))
    (due,) = await world.waiting.take_due(now, 10)
    assert due.package_id == early.package_id


async def test_what_is_woken_is_due_whatever_the_clock_of_the_waker_says(world: World) -> None:
    await world.submit(recall("doc"))
    world.clock.move(minutes=5)
    await world.submit(package("doc"))
    world.clock.move(minutes=-5)
    assert isinstance((await world.sweep(seconds=2))[0], NoticeAccepted)


@pytest.mark.parametrize("hours", [1, 48])
async def test_a_package_waits_as_long_as_its_sender_was_told(world: World, hours: float) -> None:
    """The setting is another one after a restart."""
    early = await world.submit(recall("never"))
    world.settings = world.settings.model_copy(update={"awaited_document_hours": hours})
    await world.submit(recall("another"))
    remaining = early.deadline - world.clock()
    assert early.package_id not in {
        fact.package_id for fact in await world.sweep(seconds=remaining.total_seconds() - 1)
    }
    assert early.package_id in {fact.package_id for fact in await world.sweep(seconds=1)}


async def test_packages_of_a_disabled_unit_wait_until_it_is_enabled(world: World) -> None:
    await world.submit(recall("doc"))
    await world.submit(package("doc"))
    world.directory.disabled = frozenset({SENDER})
    assert await world.sweep(hours=30) == []
    world.directory.disabled = frozenset()
    assert isinstance((await world.sweep())[0], NoticeAccepted)


async def test_each_unit_has_its_turn_in_every_round(world: World) -> None:
    for number in range(LIMIT):
        await world.submit(recall(f"never {number}"))
    world.clock.move(seconds=1)
    await world.submit(status("never", world), RECEIVER)
    taken = await world.waiting.take_due(world.clock() + timedelta(minutes=10), 2)
    assert {row.sender for row in taken} == {SENDER, RECEIVER}


async def test_a_round_that_takes_long_leaves_what_is_left_to_a_later_one(world: World) -> None:
    looked = list[str]()

    async def take_long(row: WaitingPackage) -> bool:
        looked.append(row.package_id)
        world.clock.move(seconds=LONGEST_ROUND.total_seconds() + 1)
        return True

    for number in range(LIMIT):
        await world.submit(recall(f"never {number}"))
    for number in range(LIMIT):
        world.clock.move(minutes=10)
        await WaitingSweep(world.waiting, take_long, world.directory, world.clock).run()
        assert len(set(looked)) == number + 1


async def test_one_that_cannot_be_read_holds_up_no_other(world: World) -> None:
    broken = await world.submit(recall("doc"))
    sound = await world.submit(recall("doc"))
    await world.submit(package("doc"))
    await world.objects.purge(broken.package)
    with pytest.raises(Exception, match=r".+"):
        await world.sweep()
    accepted = [fact.package_id for fact in world.announcer.facts if isinstance(fact, NoticeAccepted)]
    assert accepted == [sound.package_id]


# a DocumentId that was given back


def acted(package_: PackageAccepted, action: str, **changes: Any) -> OperatorActed:
    about = {"service": "validator", "action": action, "outcome": "done", "holds_package": True} | changes
    return OperatorActed(
        event_id=f"{package_.package_id}/{action}",
        occurred_at=package_.occurred_at,
        subject=package_.subject,
        lane=package_.lane,
        package_id=package_.package_id,
        sender=SENDER,
        record_id="r",
        actor="somebody",
        purpose="a reason",
        **about,
    )


async def test_a_package_that_an_operator_gave_up_holds_its_id_no_more(world: World) -> None:
    first = await world.submit(package("doc"))
    for other in ({"service": "router"}, {"outcome": "no such record"}, {"holds_package": False}):
        await world.intake.note_acted(acted(first, "discard", **other))
    assert await world.waits_for_its_id(package("doc", pdf=b"%PDF-1.7 other\n%%EOF\n"))
    assert [fact.reason for fact in await world.sweep(minutes=10)] == [Reason.E_DUP]
    await world.intake.note_acted(acted(first, "discard"))
    corrected = await world.submit(package("doc", pdf=b"%PDF-1.7 corrected\n%%EOF\n"))
    assert isinstance(corrected, PackageAccepted)
    await world.intake.note_acted(acted(first, "restore"))
    await world.finish(corrected)
    assert (await world.submit(package("doc", pdf=b"%PDF-1.7 more\n%%EOF\n"))).reason is Reason.E_DUP
    await world.intake.note_acted(acted(corrected, "discard"))
    assert isinstance(await world.submit(package("doc", pdf=b"%PDF-1.7 last\n%%EOF\n")), PackageAccepted)


async def test_a_package_that_is_taken_back_holds_its_id_again(world: World) -> None:
    first = await world.submit(package("doc"))
    for action in ("discard", "restore"):
        await world.intake.note_acted(acted(first, action))
    await world.finish(first)
    assert (await world.submit(package("doc", pdf=b"%PDF-1.7 other\n%%EOF\n"))).reason is Reason.E_DUP


@pytest.mark.parametrize("steps", [("replay",), ("discard", "restore", "replay")])
async def test_a_package_whose_replay_ended_in_its_refusal_holds_its_id_no_more(
    world: World, steps: tuple[str, ...]
) -> None:
    """The verdict is announced in the course of the replay, and the replay once it has ended."""
    first = await world.submit(package("doc"))
    for action in steps[:-1]:
        await world.intake.note_acted(acted(first, action))
    await world.intake.release(refused_by_the_validator(first))
    await world.intake.note_acted(acted(first, steps[-1]))
    await world.finish(first)
    assert isinstance(await world.submit(package("doc", pdf=CORRECTED)), PackageAccepted)


async def test_nobody_is_told_that_a_package_was_accepted_which_is_not_decided(world: World) -> None:
    """It claimed the DocumentId, and its process ended, or it is being decided at this moment."""
    first, other = package("doc"), package("doc", pdf=b"%PDF-1.7 other\n%%EOF\n")
    first_id = ids.package_id(SENDER, hashlib.sha256(first).hexdigest())
    await world.packages.claim(ids.document_key(SENDER, "doc"), first_id)
    with pytest.raises(Transient):
        await world.submit(other)
    accepted = await world.submit(first)
    assert isinstance(accepted, PackageAccepted)
    await world.finish(accepted)
    assert (await world.submit(other)).reason is Reason.E_DUP


async def test_a_package_of_which_nothing_came_holds_its_id_for_an_hour(world: World) -> None:
    """Its process ended, and its message is lost; or it comes back after all."""
    first, other = package("doc"), package("doc", pdf=b"%PDF-1.7 other\n%%EOF\n")
    first_id = ids.package_id(SENDER, hashlib.sha256(first).hexdigest())
    await world.packages.claim(ids.document_key(SENDER, "doc"), first_id)
    world.clock.move(minutes=59)
    with pytest.raises(Transient):
        await world.submit(other)
    world.clock.move(minutes=1)
    await world.finish(await world.submit(other))
    assert (await world.submit(first)).reason is Reason.E_DUP


async def test_a_package_that_is_decided_too_slowly_is_decided_again(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    """While its process stood still, another package has claimed the DocumentId."""
    first, other = package("doc"), package("doc", pdf=b"%PDF-1.7 other\n%%EOF\n")
    store = world.intake.objects.put_content

    async def stand_still(*args: Any) -> Any:
        monkeypatch.undo()
        world.clock.move(hours=1)
        assert isinstance(await world.submit(other), PackageAccepted)
        return await store(*args)

    monkeypatch.setattr(world.intake.objects, "put_content", stand_still)
    with pytest.raises(Transient):
        await world.submit(first)
    assert await world.waits_for_its_id(first)
    assert [fact.reason for fact in await world.sweep(minutes=10)] == [Reason.E_DUP]


CORRECTED = b"%PDF-1.7 corrected\n%%EOF\n"


def refused_by_the_validator(fact: Any) -> DocumentRefused:
    verdict = {"reason": Reason.E_SIG_SIGNER_NOT_AUTHORISED, "policy_version": "1"}
    return DocumentRefused.model_validate(fact.model_dump(exclude={"fact"}) | verdict)


@pytest.mark.parametrize("how", ["refused", "discarded"])
async def test_a_corrected_package_that_comes_before_the_refusal_of_the_first_is_let_in_after_it(
    world: World, how: str
) -> None:
    first = await world.submit(package("doc"))
    for _ in range(2):
        assert await world.waits_for_its_id(package("doc", pdf=CORRECTED)), "whatever is said now may turn out false"
    assert await world.sweep(minutes=1) == []
    if how == "refused":
        await world.intake.release(refused_by_the_validator(first))
    else:
        await world.intake.note_acted(acted(first, "discard"))
    (corrected,) = await world.sweep(seconds=2)
    assert isinstance(corrected, PackageAccepted)
    assert corrected.subject == first.subject
    assert isinstance(await world.submit(package("doc", pdf=CORRECTED)), PackageRepeated)


async def test_a_refusal_is_learnt_from_the_end_of_the_package_too(world: World) -> None:
    """The database was away when the refusal came, or its message is lost; the word of the end comes by another."""
    first = await world.submit(package("doc"))
    assert await world.waits_for_its_id(package("doc", pdf=CORRECTED))
    await world.finish(first, Reason.E_SIG_SIGNER_NOT_AUTHORISED)
    (corrected,) = await world.sweep(seconds=2)
    assert isinstance(corrected, PackageAccepted)
    await world.intake.release(refused_by_the_validator(first))
    assert await world.packages.holder([first.subject]) == corrected.package_id


async def test_a_package_whose_id_is_given_back_while_it_is_decided_about_takes_it(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    first, ask = await world.submit(package("doc")), world.packages.may_be_refused

    async def refused_meanwhile(package_id: str) -> bool:
        monkeypatch.undo()
        await world.finish(first, Reason.E_SIG_SIGNER_NOT_AUTHORISED)
        return bool(await ask(package_id))

    monkeypatch.setattr(world.packages, "may_be_refused", refused_meanwhile)
    assert isinstance(await world.submit(package("doc", pdf=CORRECTED)), PackageAccepted)


async def test_what_a_corrected_package_shares_with_a_secret_one_stays(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Files lie in the store once for all packages that carry them."""
    first = await world.submit(package("doc"))
    assert await world.waits_for_its_id(package("doc", hops=(Hop(unit=SENDER, at=AT),)))
    secret = refused_by_the_validator(first).model_copy(update={"reason": Reason.E_SECRET})

    async def away(_: Any) -> None:
        raise Outage("object store", "away")

    with monkeypatch.context() as patched:
        patched.setattr(world.objects, "purge", away)
        with pytest.raises(Outage):
            await world.intake.release(secret)
    assert await world.sweep(seconds=2) == [], "all of the secret one goes first"
    await world.intake.release(secret)
    (corrected,) = await world.sweep(seconds=2)
    assert isinstance(corrected, PackageAccepted)
    await world.finish(first, Reason.E_SECRET)
    file = io.BytesIO()
    await world.objects.fetch(content_ref(hashlib.sha256(PDF).hexdigest(), len(PDF)), file)
    assert file.getvalue() == PDF


class Failing:
    """``Objects.purge``, until it is asked to remove the n-th object."""

    def __init__(self, purge: Any, n: int) -> None:
        self.purge, self.left = purge, n

    async def __call__(self, ref: Any) -> None:
        self.left -= 1
        if self.left < 0:
            raise Outage("object store", "away")
        await self.purge(ref)


@pytest.mark.parametrize("fact", ["document.refused", "package.finished"])
@pytest.mark.parametrize("removed", [0, 1])
async def test_a_removal_that_was_interrupted_is_finished_before_the_id_is_free(
    world: World, monkeypatch: pytest.MonkeyPatch, fact: str, removed: int
) -> None:
    """``package.finished`` may be the only fact that tells of the refusal."""
    first = await world.submit(package("doc"))
    final_fact = {
        "document.refused": refused_by_the_validator(first).model_copy(update={"reason": Reason.E_SECRET}),
        "package.finished": finished_of(first, Reason.E_SECRET),
    }[fact]
    with monkeypatch.context() as patched:
        patched.setattr(world.objects, "purge", Failing(world.objects.purge, removed))
        with pytest.raises(Outage):
            await world.intake.release(final_fact)
    assert await world.packages.holder([first.subject]) == first.package_id
    await world.intake.release(final_fact)
    for ref in (first.package, content_ref(hashlib.sha256(PDF).hexdigest(), len(PDF))):
        with pytest.raises((ObjectMissing, KeyError)):
            await world.objects.fetch(ref, io.BytesIO())
    assert await world.packages.holder([first.subject]) is None


async def test_what_was_removed_is_not_removed_again(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    """The corrected package may have brought some of it again."""
    first = await world.submit(package("doc"))
    secret = refused_by_the_validator(first).model_copy(update={"reason": Reason.E_SECRET})
    await world.intake.release(secret)
    monkeypatch.setattr(world.objects, "purge", Failing(world.objects.purge, 0))
    await world.intake.release(secret)
    await world.finish(first, Reason.E_SECRET)


@pytest.mark.parametrize("is_free", [True, False], ids=["was finished", "was interrupted"])
async def test_a_removal_that_an_earlier_release_began(
    world: World, monkeypatch: pytest.MonkeyPatch, is_free: bool
) -> None:
    """It freed the DocumentId when it had removed all, and did not note that it had."""
    first = await world.submit(package("doc"))
    await world.packages.mark_secret(first.package_id, [first.package])
    find = world.packages.find

    async def of_earlier_release(package_id: str) -> Any:
        record = await find(package_id)
        return record and record.model_copy(update={"is_purged": None})

    monkeypatch.setattr(world.packages, "find", of_earlier_release)
    if is_free:
        await world.packages.release(first.subject, first.package_id)
    removed: list[Any] = []
    monkeypatch.setattr(world.objects, "purge", AsyncMock(side_effect=removed.append))
    await world.finish(first, Reason.E_SECRET)
    assert removed == ([] if is_free else [first.package])


@pytest.mark.parametrize("how", ["is finished", "takes too long"])
async def test_a_package_whose_id_another_keeps_is_refused_in_the_end(world: World, how: str) -> None:
    first = await world.submit(package("doc"))
    assert await world.waits_for_its_id(package("doc", pdf=CORRECTED))
    if how == "is finished":
        await world.finish(first)
    (refused,) = await (world.sweep(seconds=2) if how == "is finished" else world.sweep(minutes=10))
    assert (type(refused), refused.reason) == (PackageRefused, Reason.E_DUP)
    assert await world.sweep(days=1) == []


@pytest.mark.parametrize("minutes", [1, 60])
async def test_how_long_a_package_waits_for_its_id_counts_from_when_it_first_did(world: World, minutes: float) -> None:
    """However often it comes again, and whatever the setting is after a restart."""
    await world.submit(package("doc"))
    assert await world.waits_for_its_id(package("doc", pdf=CORRECTED))
    world.settings = world.settings.model_copy(update={"undecided_holder_minutes": minutes})
    assert await world.sweep(minutes=9) == []
    assert await world.waits_for_its_id(package("doc", pdf=CORRECTED))
    (refused,) = await world.sweep(minutes=1)
    assert (type(refused), refused.reason) == (PackageRefused, Reason.E_DUP)


@pytest.mark.parametrize("how", ["refused", "kept"])
@pytest.mark.parametrize("hours", [1, 25])
async def test_a_package_that_waited_for_its_document_waits_for_its_id_as_any_other(
    world: World, how: str, hours: int
) -> None:
    """Two updates under one id wait for the document; it may come as late as they may wait."""
    business = Business(kind=PackageKind.UPDATE, target="doc", reason="bổ sung")
    bodies = [package("update", business=business, pdf=CORRECTED + b"%" * number) for number in range(2)]
    for body in bodies:
        assert isinstance(await world.submit(body), PackageWaiting)
    world.clock.move(hours=hours)
    await world.submit(package("doc"))
    (first,) = await world.sweep(seconds=2)
    assert isinstance(first, PackageAccepted)
    (other,) = [each for each in bodies if ids.package_id(SENDER, hashlib.sha256(each).hexdigest()) != first.package_id]
    assert await world.sweep(minutes=5) == []
    assert isinstance(await world.submit(other), PackageRepeated), "it was told that it waits"
    if how == "kept":
        (refused,) = await world.sweep(minutes=5)
        assert (type(refused), refused.reason) == (PackageRefused, Reason.E_DUP)
        return
    await world.intake.release(refused_by_the_validator(first))
    (second,) = await world.sweep(seconds=2)
    assert (type(second), second.subject) == (PackageAccepted, first.subject)


async def test_what_waits_for_its_id_holds_up_nothing_else_and_is_bounded(world: World) -> None:
    await world.submit(package("doc"))
    for number in range(LIMIT):
        assert await world.waits_for_its_id(package("doc", pdf=CORRECTED + b"%" * number))
    assert isinstance(await world.submit(package("other")), PackageAccepted)
    assert (await world.submit(package("doc", pdf=CORRECTED + b"%" * LIMIT))).reason is Reason.E_DUP


def test_what_one_unit_lets_wait_fills_less_than_half_of_the_rounds() -> None:
    default = {name: field.default for name, field in IntakeSettings.model_fields.items()}
    looks_per_second = default["waiting_packages_per_unit"] / LOOK_AT_HOLDER_AFTER.total_seconds()
    assert looks_per_second < AT_ONCE / default["waiting_sweep_seconds"] / 2


async def test_of_two_corrected_packages_one_is_let_in(world: World) -> None:
    first = await world.submit(package("doc"))
    for number in range(2):
        assert await world.waits_for_its_id(package("doc", pdf=CORRECTED + b"%" * number))
    await world.intake.release(refused_by_the_validator(first))
    (corrected,) = await world.sweep(seconds=2)
    await world.finish(corrected)
    (refused,) = await world.sweep(seconds=2)
    assert (type(corrected), refused.reason) == (PackageAccepted, Reason.E_DUP)


async def test_a_notice_that_holds_an_id_is_refused_by_nobody(world: World) -> None:
    await world.submit(package("doc"))
    assert isinstance(await world.submit(addition("update", "V/v bổ sung nơi nhận")), NoticeAccepted)
    assert (await world.submit(addition("update", "V/v thêm nơi nhận"))).reason is Reason.E_DUP


def addition(document_id: str, subject: str) -> bytes:
    """A further receiver of a document, under an id of its own."""
    business = Business(
        kind=PackageKind.UPDATE,
        target="doc",
        reason="bổ sung",
        receivers_changed=True,
        receiver_changes=(ReceiverChange(unit=RECEIVER, added=True),),
    )
    return build(
        Envelope(
            sender=Organization(code=SENDER),
            receivers=(Organization(code=RECEIVER),),
            document_id=document_id,
            number="17",
            notation="TB-THU",
            promulgation_date=date(2026, 7, 1),
            type=DocumentType(name="Thông báo"),
            subject=subject,
            signer=Signer(full_name="Nguyễn Văn A"),
            business=business,
        ),
        [],
    )


@pytest.mark.parametrize("kind", ["recall", "status"])
async def test_a_package_about_a_document_names_who_held_it(world: World, kind: str) -> None:
    first = await world.submit(package("doc"))
    about = {"recall": lambda: recall("doc"), "status": lambda: status("doc", world)}[kind]
    by = {"recall": SENDER, "status": RECEIVER}[kind]
    assert (await world.submit(about(), by)).target_package == first.package_id
    await world.packages.release(ids.document_key(SENDER, "doc"), first.package_id)
    world.clock.move(minutes=1)
    assert (await world.submit(about(), by)).target_package is None
    world.clock.move(minutes=1)
    corrected = await world.submit(package("doc", pdf=b"%PDF-1.7 corrected\n%%EOF\n"))
    assert corrected.target_package is None
    assert (await world.submit(about(), by)).target_package == corrected.package_id


async def test_a_replacement_names_who_held_each_document(world: World) -> None:
    replacement = package("new", business=replacing("doc", "other"))
    first, other = await world.submit(package("doc")), await world.submit(package("other"))
    await world.packages.release(other.subject, other.package_id)
    fact = await world.submit(replacement)
    assert (fact.target_package, fact.target_packages) == (None, {first.subject: first.package_id})


async def test_a_fact_of_a_replacement_of_many_documents_is_within_its_limit(world: World) -> None:
    names = [f"doc {number}" for number in range(MAX_TARGETS + 1)]
    for name in names:
        await world.packages.claim(ids.document_key(SENDER, name), ids.package_id(SENDER, name))
    several = await world.submit(package("one", business=replacing(*names[1:])))
    all_of_them = await world.submit(package("two", business=replacing(*names)))
    assert len(several.target_packages) == MAX_TARGETS
    assert all_of_them.target_packages == {}, "as if an earlier release had let it in"
    assert len(several.model_dump_json()) < BaseFact.MAX_BYTES - 2 * MAX_TEXT_BYTES


async def test_a_package_that_was_refused_after_it_had_claimed_its_id_holds_nothing(world: World) -> None:
    first, other = package("doc"), package("doc", pdf=b"%PDF-1.7 other\n%%EOF\n")
    first_id = ids.package_id(SENDER, hashlib.sha256(first).hexdigest())
    await world.packages.claim(ids.document_key(SENDER, "doc"), first_id)
    closed = Unit(code=SENDER, name=SENDER, valid_from=date(2025, 7, 1), valid_to=date(2026, 1, 31))
    newest, world.directory.current = world.directory.current, Directory([closed])
    assert isinstance(await world.submit(first), SecurityNoticed | PackageRefused)
    world.directory.current = newest
    assert isinstance(await world.submit(other), PackageAccepted)
