"""Intake's handler over real servers: every submission ends in one saved decision and its fact, or is parked."""

import asyncio
import dataclasses
import hashlib
import json
import secrets
from collections.abc import AsyncIterator
from datetime import UTC, date, datetime, timedelta
from types import SimpleNamespace
from typing import Any

import pytest
from pydantic import SecretStr

from common.buckets import make_missing
from common.database import Database
from common.domain.directory import Directory, Unit
from common.domain.envelope import Attachment, Business, DocumentType, Envelope, Hop, Organization, OtherInfo, Signer
from common.domain.names import Lane, Priority
from common.domain.reason import Reason
from common.edxml import build
from common.facts import (
    BaseFact,
    DocumentRefused,
    ObjectRef,
    PackageAccepted,
    PackageRefused,
    PackageRepeated,
    SecurityNoticed,
)
from common.failure import Forged, Outage, Permanent
from common.headers import REFERENCE_TYPE
from common.metrics import REGISTRY
from common.objects import CONTENT, UPLOADS, Objects, content_ref, submitter_of
from common.service.outgoing import fact_message
from intake.handlers import Intake
from intake.packages import Packages
from intake.settings import IntakeSettings
from intake.waiting_store import WaitingPackages

from ..harness.memory import MemoryDirectory, RecordingPublisher, delivery

SENDER, RECEIVER = "000.00.14.H29", "000.00.12.H29"
AT = datetime(2026, 7, 1, 8, 30, tzinfo=UTC)
PDF = b"%%PDF-1.7\nnot looked at here %s\n%%%%EOF\n" % secrets.token_hex(8).encode()
"""Of this process alone: the store keeps a file once by its digest, and a test of another process may purge it."""


@dataclasses.dataclass
class Bench:
    intake: Intake
    announcer: RecordingPublisher
    objects: Objects

    async def submit(
        self, body: bytes, user: str | None = SENDER, queue: str = SENDER, **properties: Any
    ) -> BaseFact | None:
        before = len(self.announcer.facts)
        message = {"queue": f"submit.{queue}.normal", "exchange": "trunk.submit", "user_id": user, **properties}
        await self.intake.receive(delivery(body=body, **message))
        return self.announcer.facts[-1] if len(self.announcer.facts) > before else None

    def security(self) -> list[str]:
        """Kinds of the security events so far."""
        return [str(fact.kind) for fact in self.announcer.facts if isinstance(fact, SecurityNoticed)]


@pytest.fixture
async def bench(stack: SimpleNamespace) -> AsyncIterator[Bench]:
    settings = IntakeSettings(
        mongo_uri=SecretStr(stack.mongo_uri),
        s3_endpoint=stack.s3_endpoint,
        s3_access_key=SecretStr(stack.s3_access_key),
        s3_secret_key=SecretStr(stack.s3_secret_key),
        inline_limit_bytes=1024 * 1024,
        undecided_holder_minutes=0,
    )
    objects = Objects(settings)
    make_missing(objects.client)
    name = f"intake_test_{secrets.token_hex(4)}"
    database, announcer = Database(settings, name), RecordingPublisher()
    directory: Any = MemoryDirectory(Directory([unit(SENDER), unit(RECEIVER)]))
    packages, waiting = Packages(database, settings.redrive_budgets), WaitingPackages(database)
    yield Bench(Intake(announcer, settings, objects, packages, waiting, directory), announcer, objects)
    await database.client.drop_database(f"trunk_{name}")
    database.client.close()


def unit(code: str, **more: Any) -> Unit:
    return Unit(code=code, name=code, valid_from=date(2025, 7, 1), **more)


def package(document_id: str | None = None, pdf: bytes = PDF, **changes: Any) -> bytes:
    envelope = Envelope(
        sender=Organization(code=changes.pop("sender", SENDER)),
        receivers=(Organization(code=RECEIVER),),
        document_id=document_id or secrets.token_hex(8),
        number="15",
        notation="TB-THU",
        promulgation_date=date(2026, 7, 1),
        type=DocumentType(name="Thông báo"),
        subject="V/v thử nghiệm",
        signer=Signer(full_name="Nguyễn Văn A"),
        business=changes.pop("business", Business()),
        other=OtherInfo(priority=changes.pop("priority", Priority.NORMAL)),
        hops=changes.pop("hops", ()),
        attachments=(
            Attachment(
                content_id="a1",
                name="15-TB.pdf",
                content_type="application/pdf",
                size_bytes=len(pdf),
                sha256=hashlib.sha256(pdf).hexdigest(),
            ),
        ),
    )
    return build(envelope, [pdf])


async def test_an_accepted_package_lies_in_the_store_byte_for_byte(bench: Bench) -> None:
    body = package(priority=Priority.EXPRESS)
    fact = await bench.submit(body)
    assert isinstance(fact, PackageAccepted)
    assert fact.lane is Lane.URGENT
    assert fact.package.sha256 == hashlib.sha256(body).hexdigest()
    assert await bench.objects.get(fact.package) == body
    assert submitter(bench, fact.package) == SENDER
    assert await bench.objects.get(content_ref(hashlib.sha256(PDF).hexdigest(), len(PDF))) == PDF
    assert json.loads(await bench.objects.get(fact.envelope))["subject"] == "V/v thử nghiệm"


async def test_the_same_bytes_get_the_stored_answer(bench: Bench) -> None:
    body = package()
    first = await bench.submit(body)
    again = await bench.submit(body)
    assert isinstance(first, PackageAccepted)
    assert isinstance(again, PackageRepeated)
    assert again.accepted
    assert again.package_id == first.package_id


async def test_a_crash_before_the_announcement_announces_the_same_fact_later(bench: Bench) -> None:
    body = package()
    bench.announcer.failure = ConnectionError("broker went away")
    with pytest.raises(ConnectionError):
        await bench.submit(body)
    assert bench.announcer.facts == []
    bench.announcer.failure = None
    fact = await bench.submit(body)
    assert isinstance(fact, PackageAccepted)


async def test_one_event_is_one_body_however_often_it_is_announced(bench: Bench) -> None:
    body = package()
    first = await bench.submit(body)
    await bench.intake.packages._packages.update_one({"_id": first.package_id}, {"$set": {"announced": False}})
    assert await bench.submit(body) == first
    assert await bench.submit(body) == await bench.submit(body)


async def test_a_package_is_measured_once(bench: Bench) -> None:
    accepted, refused = package(), package(sender=RECEIVER)
    before = measured()
    await asyncio.gather(*(bench.submit(accepted) for _ in range(5)))
    await bench.submit(refused)
    await bench.submit(refused)
    assert [now - then for now, then in zip(measured(), before, strict=True)] == [2, 1]


def measured() -> tuple[float, float]:
    """Packages that left intake, and those turned away for their From."""
    stage = {"stage": "intake", "urgency": "normal"}
    rejected = {"service": "intake", "reason": "E_FROM", "source": "package"}
    return (
        REGISTRY.get_sample_value("trunk_document_stage_seconds_count", stage) or 0.0,
        REGISTRY.get_sample_value("trunk_documents_rejected_total", rejected) or 0.0,
    )


async def test_other_bytes_under_the_same_id_are_a_conflict(bench: Bench) -> None:
    await bench.submit(package("one"))
    fact = await bench.submit(package("one", pdf=PDF + b"\n"))
    assert isinstance(fact, PackageRefused)
    assert fact.reason is Reason.E_DUP


async def test_a_rebuild_of_an_accepted_package_is_told_that_the_first_was_accepted(bench: Bench) -> None:
    first, again = (package("one", hops=(Hop(unit=SENDER, at=at),)) for at in (AT, AT + timedelta(minutes=30)))
    assert len(first) == len(again), "only the Timestamp differs"
    accepted, refused = await bench.submit(first), await bench.submit(again)
    assert isinstance(accepted, PackageAccepted)
    assert isinstance(refused, PackageRefused)
    receipt = f"{accepted.package_id}:receipt:1"
    assert (refused.reason, refused.detail) == (Reason.E_DUP, f"gói tin {accepted.package_id}, biên nhận {receipt}")
    assert await bench.submit(again) == await bench.submit(again), "and so does every further copy of the rebuild"


async def test_a_refused_document_gives_its_id_back(bench: Bench) -> None:
    first = await bench.submit(package("one"))
    assert isinstance(first, PackageAccepted)
    refusal = DocumentRefused.model_validate(
        first.model_dump(exclude={"fact"}) | {"reason": Reason.E_SIG_ORG_MISSING, "policy_version": "1"}
    )
    await bench.intake.release(refusal)
    corrected = await bench.submit(package("one", pdf=PDF + b"signed now\n%%EOF\n"))
    assert isinstance(corrected, PackageAccepted)
    assert corrected.subject == first.subject
    third = await bench.submit(package("one", pdf=PDF + b"third\n%%EOF\n"))
    assert isinstance(third, PackageRefused)
    assert third.reason is Reason.E_DUP


@pytest.mark.parametrize(
    ("case", "body", "reason"),
    [
        ("nothing", b"", Reason.E_XML),
        ("garbage", b"\x00\xff" * 50, Reason.E_XML),
        ("a DTD", b'<!DOCTYPE a [<!ENTITY b "c">]><a>&b;</a>', Reason.E_XML),
        ("another vocabulary", b"<a/>", Reason.E_NS),
        ("too large for one message", b"<a>" + b" " * 1024 * 1024, Reason.E_SIZE),
        ("another unit's name", package(sender=RECEIVER), Reason.E_FROM),
    ],
)
async def test_bad_submissions_are_answered_and_kept(bench: Bench, case: str, body: bytes, reason: Reason) -> None:
    fact = await bench.submit(body)
    assert isinstance(fact, PackageRefused), case
    assert fact.reason is reason
    assert fact.sender == SENDER
    assert fact.package is not None
    assert await bench.objects.get(fact.package) == body
    assert submitter(bench, fact.package) == SENDER


def submitter(bench: Bench, package: ObjectRef) -> str | None:
    """Whose package lies in the store, for those who find it without a row."""
    return submitter_of(bench.objects.client.stat_object(package.bucket, package.key).metadata)


@pytest.mark.parametrize(
    ("user", "kind"),
    [
        (None, "ANONYMOUS_MESSAGE"),
        ("nobody", "UNKNOWN_USER"),
        ("validator", "UNKNOWN_USER"),
        ("operator", "UNKNOWN_USER"),
    ],
)
async def test_a_submission_nobody_vouches_for_is_parked(bench: Bench, user: str | None, kind: str) -> None:
    with pytest.raises(Permanent) as parked:
        await bench.submit(package(), user=user)
    assert parked.value.reason is Reason.E_SENDER_UNKNOWN
    assert parked.value.security == kind
    assert bench.announcer.facts == []


async def test_what_a_former_directory_would_refuse_is_decided_by_the_newest(bench: Bench) -> None:
    reader: Any = bench.intake.directory
    newest, former = reader.current, Directory([unit(SENDER, valid_to=date(2026, 1, 31)), unit(RECEIVER)])
    for before in (former, Directory([unit(RECEIVER)]), Directory([unit(SENDER, broker_user="other")])):
        body = package()
        reader.current, reader.failure = before, Outage("object store", "away")
        with pytest.raises(Outage):
            await bench.submit(body)
        reader.failure, reader.newer = None, newest
        with pytest.raises(Outage, match="changed"):
            await bench.submit(body)
        assert isinstance(await bench.submit(body), PackageAccepted)
    assert bench.security() == []


async def test_what_changes_in_the_directory_while_a_package_is_read_counts(
    bench: Bench, monkeypatch: pytest.MonkeyPatch
) -> None:
    reader: Any = bench.intake.directory
    newest, find = reader.current, Packages.find
    reader.current = Directory([unit(SENDER, valid_to=date(2026, 1, 31)), unit(RECEIVER)])

    async def find_while_it_is_imported(packages: Packages, package_id: str) -> Any:
        reader.current = newest
        return await find(packages, package_id)

    monkeypatch.setattr(Packages, "find", find_while_it_is_imported)
    assert isinstance(await bench.submit(package()), PackageAccepted)
    assert bench.security() == []


async def test_a_unit_s_message_in_another_s_queue_is_forged(bench: Bench) -> None:
    for queue in (RECEIVER, "nobody"):
        with pytest.raises(Forged):
            await bench.submit(package(), queue=queue)


@pytest.mark.parametrize(
    ("body", "properties", "kind"),
    [
        (package(sender=RECEIVER), {}, "FROM_MISMATCH"),
        (b'{"bucket": "uploads", "key": "000.00.12.H29/p", "size": 1, "sha256": "%s"}' % (b"0" * 64),
         {"content_type": REFERENCE_TYPE}, "FOREIGN_UPLOAD"),
    ],
    ids=["From", "upload"],
)  # fmt: skip
async def test_an_attempt_to_speak_for_others_is_a_security_event(
    bench: Bench, body: bytes, properties: dict[str, Any], kind: str
) -> None:
    assert isinstance(await bench.submit(body, **properties), PackageRefused)
    assert bench.security() == [kind]
    (event,) = [fact for fact in bench.announcer.facts if isinstance(fact, SecurityNoticed)]
    assert (event.actor, event.origin, event.service) == (SENDER, f"submit.{SENDER}.normal", "intake")


def reference(body: bytes, **changes: Any) -> bytes:
    named = {"bucket": UPLOADS, "key": f"{SENDER}/p", "size": len(body), "sha256": hashlib.sha256(body).hexdigest()}
    return json.dumps(named | changes).encode()


async def test_a_package_by_reference(bench: Bench) -> None:
    body = package()
    await bench.objects.put(UPLOADS, f"{SENDER}/p", body)
    fact = await bench.submit(reference(body), content_type=REFERENCE_TYPE)
    assert isinstance(fact, PackageAccepted)
    assert fact.package.sha256 == hashlib.sha256(body).hexdigest()


@pytest.mark.parametrize(
    ("case", "changes", "reason"),
    [
        ("another unit's upload", {"key": f"{RECEIVER}/p"}, Reason.E_REFERENCE),
        ("another bucket", {"bucket": CONTENT}, Reason.E_REFERENCE),
        ("a way out of the folder", {"key": f"{SENDER}/../{RECEIVER}/p"}, Reason.E_REFERENCE),
        ("a zero in the key", {"key": f"{SENDER}/\0"}, Reason.E_REFERENCE),
        ("a key as long as a book", {"key": f"{SENDER}/" + "a" * 5000}, Reason.E_REFERENCE),
        ("missing object", {"key": f"{SENDER}/missing"}, Reason.E_REFERENCE),
        ("another digest", {"sha256": "0" * 64}, Reason.E_REFERENCE),
        ("another size", {"size": 7}, Reason.E_REFERENCE),
        ("no digest", {"sha256": ""}, Reason.E_REFERENCE),
        ("far too large", {"size": 10**12}, Reason.E_SIZE),
        ("the largest size that JSON carries", {"size": 2**53 - 1}, Reason.E_SIZE),
        ("larger than a row holds", {"size": 2**63}, Reason.E_SIZE),
        ("larger than any store", {"size": 10**30}, Reason.E_SIZE),
    ],
)
async def test_bad_references(bench: Bench, case: str, changes: dict[str, Any], reason: Reason) -> None:
    body = package()
    await bench.objects.put(UPLOADS, f"{SENDER}/p", body)
    fact = await bench.submit(reference(body, **changes), content_type=REFERENCE_TYPE)
    assert isinstance(fact, PackageRefused), case
    assert fact.reason is reason


async def test_fifty_copies_at_once_make_one_package(bench: Bench) -> None:

    body = package()
    await asyncio.gather(*(bench.submit(body) for _ in range(50)))
    ids = {fact.event_id for fact in bench.announcer.facts if isinstance(fact, PackageAccepted)}
    assert len(ids) == 1
    assert not [fact for fact in bench.announcer.facts if isinstance(fact, PackageRefused)]


async def test_the_fact_is_saved_with_the_decision_and_published_as_it_was_saved(bench: Bench) -> None:
    for body in (package(), b"garbage"):
        fact = await bench.submit(body)
        assert isinstance(fact, PackageAccepted | PackageRefused)
        saved = await bench.intake.packages.find(fact.package_id)
        assert saved is not None
        assert bench.announcer.saved[-1] == saved.fact_body == fact_message(fact).body
