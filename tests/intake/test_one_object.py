"""A package that is kept as one object: put once, under lock or gone as a whole, and nothing of it lies elsewhere."""

import base64
import hashlib
import io
import json
import textwrap
from datetime import UTC, date, datetime
from typing import Any

import pytest

from common.domain.directory import Directory, Unit
from common.domain.reason import Reason
from common.edxml import parse
from common.envelopes import from_json, to_json
from common.facts import (
    BaseFact,
    DocumentRefused,
    NoticeAccepted,
    PackageAccepted,
    PackageRefused,
    PackageRepeated,
    PackageWaiting,
    SecurityNoticed,
)
from common.failure import Outage
from common.headers import REFERENCE_TYPE
from common.objects import BUCKETS, CONTENT, INSIDE, PACKAGES, UPLOADS, Objects, submitter_of
from intake.handlers import Intake
from intake.settings import IntakeSettings
from intake.waiting_sweep import WaitingSweep
from tests.simulation.store import Client, Store

from ..harness.memory import Clock, MemoryDirectory, RecordingPublisher, delivery
from .conftest import MemoryPackages, MemoryWaiting
from .test_handlers import package
from .test_waiting import recall, replacing

SENDER, RECEIVER = "000.00.14.H29", "000.00.12.H29"


class World:
    """Intake over the simulation's model of an object store."""

    def __init__(self) -> None:
        self.store = Store(lambda: datetime.now(UTC))
        self.store.buckets.update(BUCKETS)
        self.objects = Objects(IntakeSettings())
        client: Any = Client(self.store)
        self.objects.client = client
        self.packages: Any = MemoryPackages()
        self.waiting: Any = MemoryWaiting()
        self.announcer, self.clock = RecordingPublisher(), Clock()
        self.packages.clock = self.clock
        units = [Unit(code=code, name=code, valid_from=date(2025, 7, 1)) for code in (SENDER, RECEIVER)]
        self.directory: Any = MemoryDirectory(Directory(units))
        self.one_object = True

    @property
    def intake(self) -> Intake:
        """A process that has just started."""
        settings = IntakeSettings(one_object=self.one_object)
        return Intake(self.announcer, settings, self.objects, self.packages, self.waiting, self.directory, self.clock)

    async def submit(self, body: bytes, unit: str = SENDER, content_type: str = "") -> BaseFact:
        """What is announced first about a submission, security events apart."""
        before = len(self.announcer.facts)
        message = delivery(
            f"submit.{unit}.normal", body, user_id=unit, exchange="trunk.submit", content_type=content_type
        )
        await self.intake.receive(message)
        return next(fact for fact in self.announcer.facts[before:] if not isinstance(fact, SecurityNoticed))

    async def sweep(self) -> list[BaseFact]:
        """What a round announces about packages that wait."""
        before = len(self.announcer.facts)
        await WaitingSweep(self.waiting, self.intake.resume, self.directory, self.clock).run()
        return self.announcer.facts[before:]

    def stored_versions(self) -> dict[str, list[bytes]]:
        """All versions, by bucket and key."""
        objects = self.store.objects.items()
        return {f"{bucket}/{key}": [each.data for each in versions] for (bucket, key), versions in objects if versions}


@pytest.fixture
def world() -> World:
    return World()


async def test_a_letter_is_one_object_and_its_header_lies_in_it(world: World) -> None:
    body = package("doc")
    fact = await world.submit(body)
    assert isinstance(fact, PackageAccepted)
    assert world.stored_versions() == {f"{PACKAGES}/{fact.package.key}": [body]}
    assert fact.package.version_id
    assert await world.objects.get(fact.package) == body
    digest = hashlib.sha256(body).hexdigest()
    assert fact.package.key == f"{digest[:2]}/{digest}-{fact.package_id}"
    stat = world.objects.client.stat_object(PACKAGES, fact.package.key)
    assert submitter_of(stat.metadata) == SENDER
    assert (fact.envelope.bucket, fact.envelope.key, fact.envelope.packed) == (CONTENT, INSIDE, None)
    header = to_json(parse(io.BytesIO(body)).message)
    assert fact.envelope.sha256 == hashlib.sha256(header).hexdigest()
    assert fact.claims_document_id is True


async def test_no_word_of_a_letter_is_in_its_fact(world: World) -> None:
    """Its files have not been searched for marks of secrecy yet."""
    fact = await world.submit(package("doc"))
    assert "thử nghiệm" not in fact.model_dump_json()
    (record,) = world.packages.records.values()
    assert record.fact_body
    assert "thử nghiệm" not in record.model_dump_json()


async def test_the_same_bytes_again_are_one_version(world: World) -> None:
    body = package("doc")
    fact = await world.submit(body)
    assert isinstance(fact, PackageAccepted)
    assert isinstance(await world.submit(body), PackageRepeated)
    assert world.stored_versions() == {f"{PACKAGES}/{fact.package.key}": [body]}


async def test_the_bytes_of_another_unit_are_an_object_of_their_own(world: World) -> None:
    """What is removed of the one concerns the other in nothing."""
    body = package("doc")
    mine, theirs = await world.submit(body), await world.submit(body, RECEIVER)
    assert isinstance(mine, PackageAccepted)
    assert isinstance(theirs, PackageRefused)
    assert theirs.package
    assert set(world.stored_versions()) == {f"{PACKAGES}/{ref.key}" for ref in (mine.package, theirs.package)}


async def test_a_small_notice_is_no_object_and_goes_with_its_fact(world: World) -> None:
    await world.submit(package("doc"))
    before = world.stored_versions()
    body = recall("doc")
    fact = await world.submit(body)
    assert isinstance(fact, NoticeAccepted)
    assert fact.envelope.packed
    assert from_json(await world.objects.get(fact.envelope)) == parse(io.BytesIO(body)).message
    assert fact.package.packed
    assert await world.objects.get(fact.package) == body
    assert world.stored_versions() == before
    assert fact.claims_document_id is False
    assert isinstance(await world.submit(body), PackageRepeated)
    assert world.stored_versions() == before


def recall_with(at: bytes, more: bytes) -> bytes:
    """A recall with something more in it."""
    body = recall("doc")
    assert at in body
    return body.replace(at, at + more, 1)


SUBJECT_ENDS, HEADER_ENDS = b"</edXML:Subject>", b"</edXML:MessageHeader>"
NOISE = hashlib.shake_256(b"noise").hexdigest(6_000)
ENCODED = base64.encodebytes("Tuyệt mật\n".encode() * 20)
SIGNATURE = b'<Signature xmlns="http://www.w3.org/2000/09/xmldsig#"><Object>%s</Object></Signature>' % ENCODED
MISPLACED = (
    b"<edXML:Attachment><edXML:ContentTransferEncoded>%s</edXML:ContentTransferEncoded></edXML:Attachment>" % ENCODED
)


@pytest.mark.parametrize(
    "body",
    [
        recall_with(SUBJECT_ENDS, b"<edXML:Novelty>x</edXML:Novelty>"),
        recall_with(SUBJECT_ENDS, "<!-- Độ mật: Tuyệt mật -->".encode()),
        recall("doc").replace(b"<edXML:Subject>", '<edXML:Subject note="MẬT">'.encode()),
        recall("doc").replace(b"<edXML:Subject>", '<edXML:Subject note="Kế hoạch (Mật)">'.encode()),
        recall_with(SUBJECT_ENDS, "<!-- Độ mật = mật -->".encode()),
        recall_with(SUBJECT_ENDS, "<edXML:MimeType>Công văn MẬT về việc</edXML:MimeType>".encode()),
        recall_with(HEADER_ENDS, SIGNATURE),
        recall("doc").replace(HEADER_ENDS, MISPLACED + HEADER_ENDS),
        recall_with(SUBJECT_ENDS, b"<!--" + b"a long line " * 60 + b"-->"),
        recall_with(SUBJECT_ENDS, b"<!--" + b"\n" * 70_000 + b"-->"),
        recall_with(SUBJECT_ENDS, b"<!--" + "\n".join(textwrap.wrap(NOISE, 40)).encode() + b"-->"),
    ],
    ids=[
        "an element passed over",
        "marked in a comment",
        "marked in an attribute",
        "marked in an attribute as a field is",
        "marked with a sign of equality",
        "marked in a field that is not read",
        "a signature",
        "a file out of its place",
        "a line longer than any field",
        "large",
        "large when compressed",
    ],
)
async def test_a_notice_that_was_not_searched_or_is_not_small_is_one_object(world: World, body: bytes) -> None:
    """What nobody has searched is in no fact and no row."""
    await world.submit(package("doc"))
    before = set(world.stored_versions())
    fact = await world.submit(body)
    assert isinstance(fact, NoticeAccepted)
    assert fact.package.packed is None
    assert await world.objects.get(fact.package) == body
    assert set(world.stored_versions()) - before == {f"{PACKAGES}/{fact.package.key}"}


async def test_a_notice_that_is_refused_is_one_object(world: World) -> None:
    """It comes to its end there; a row would keep it."""
    await world.submit(package("doc"))
    before = set(world.stored_versions())
    fact = await world.submit(recall("doc").replace(SENDER.encode(), b"000.00.99.H29"))
    assert isinstance(fact, PackageRefused)
    assert fact.package
    assert fact.package.packed is None
    assert set(world.stored_versions()) - before == {f"{PACKAGES}/{fact.package.key}"}


async def test_a_notice_is_an_object_where_the_setting_is_off(world: World) -> None:
    world.one_object = False
    await world.submit(package("doc"))
    fact = await world.submit(recall("doc"))
    assert isinstance(fact, NoticeAccepted)
    assert (fact.package.packed, fact.envelope.packed) == (None, None)
    assert f"{CONTENT}/{fact.package.key}" in world.stored_versions()


@pytest.mark.parametrize("is_still_on", [True, False], ids=["still on", "turned off meanwhile"])
async def test_a_package_that_has_waited_is_put_once(world: World, is_still_on: bool) -> None:
    body = recall("doc")
    waiting = await world.submit(body)
    assert isinstance(waiting, PackageWaiting)
    assert waiting.package.version_id
    await world.submit(package("doc"))
    world.one_object = is_still_on
    (fact,) = await world.sweep()
    assert isinstance(fact, NoticeAccepted)
    assert fact.package == waiting.package, "of which no second copy may lie anywhere"
    assert await world.objects.get(fact.package) == body
    assert world.stored_versions()[f"{PACKAGES}/{waiting.package.key}"] == [body]


async def test_what_was_put_before_a_crash_is_found(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    body = package("doc")
    with monkeypatch.context() as crashing:
        crashing.setattr(world.packages, "save", lambda _: _crash())
        with pytest.raises(Outage):
            await world.submit(body)
    fact = await world.submit(body)
    assert isinstance(fact, PackageAccepted)
    assert world.stored_versions() == {f"{PACKAGES}/{fact.package.key}": [body]}
    assert await world.objects.get(fact.package) == body


async def _crash() -> None:
    raise Outage("database", "away")


async def test_of_a_package_that_the_validator_found_secret_nothing_is_left(world: World) -> None:
    body = package("doc")
    key = f"{SENDER}/upload"
    await world.objects.put(UPLOADS, key, body)
    named = {"bucket": UPLOADS, "key": key, "size": len(body), "sha256": hashlib.sha256(body).hexdigest()}
    fact = await world.submit(json.dumps(named).encode(), content_type=REFERENCE_TYPE)
    assert isinstance(fact, PackageAccepted)
    about = fact.model_dump(exclude={"fact"})
    refused = DocumentRefused.model_validate(about | {"reason": Reason.E_SECRET, "policy_version": "1"})
    for _ in range(2):
        await world.intake.release(refused)
        assert world.stored_versions() == {}
    await world.objects.put(UPLOADS, key, body)
    assert isinstance(await world.submit(json.dumps(named).encode(), content_type=REFERENCE_TYPE), PackageRepeated)
    assert world.stored_versions() == {}


async def found_secret(world: World, fact: PackageAccepted) -> None:
    """The validator has said so."""
    about = fact.model_dump(exclude={"fact"})
    await world.intake.release(
        DocumentRefused.model_validate(about | {"reason": Reason.E_SECRET, "policy_version": "1"})
    )


@pytest.mark.parametrize("first", [True, False], ids=["turned off meanwhile", "turned on meanwhile"])
async def test_of_a_secret_package_that_has_waited_nothing_is_left_in_either_form(world: World, first: bool) -> None:
    world.one_object = first
    waiting = await world.submit(package("second", business=replacing("first")))
    assert isinstance(waiting, PackageWaiting)
    document = await world.submit(package("first"))
    others = {place for place in world.stored_versions() if waiting.package.sha256 not in place}
    world.one_object = not first
    (fact,) = await world.sweep()
    assert isinstance(fact, PackageAccepted)
    assert isinstance(document, PackageAccepted)
    assert fact.package.bucket == PACKAGES
    await found_secret(world, fact)
    left = set(world.stored_versions())
    assert document.package.sha256 in "".join(left)
    assert left <= others
    assert not any(waiting.package.sha256 in place for place in left)


@pytest.mark.parametrize("first", [True, False], ids=["off for the second", "on for the second"])
async def test_of_a_secret_package_that_came_in_twice_nothing_is_left_in_either_form(
    world: World, monkeypatch: pytest.MonkeyPatch, first: bool
) -> None:
    """A process that knows the former setting has put it, and ended before its decision was saved."""
    world.one_object, body = first, package("doc")
    with monkeypatch.context() as crashing:
        crashing.setattr(world.packages, "save", lambda _: _crash())
        with pytest.raises(Outage):
            await world.submit(body)
    assert world.stored_versions()
    world.one_object = not first
    fact = await world.submit(body)
    assert isinstance(fact, PackageAccepted)
    assert (fact.package.bucket == PACKAGES) is not first
    await found_secret(world, fact)
    assert world.stored_versions() == {}


async def test_what_bears_a_mark_in_its_header_never_enters_the_store(world: World) -> None:
    letter = package("doc").replace("V/v thử nghiệm".encode(), "(Mật) thử nghiệm".encode())
    fact = await world.submit(letter)
    assert isinstance(fact, PackageRefused)
    assert fact.reason is Reason.E_SECRET
    assert world.stored_versions() == {}
