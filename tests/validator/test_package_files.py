"""A package that is one object: read once, its header and files taken out of it, and answered in the same form."""

import hashlib
import io
import json
import secrets
from collections.abc import Collection
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any, BinaryIO

import pytest

from common.byte_budget import ByteBudget
from common.domain.envelope import Envelope
from common.domain.names import Lane, PackageKind, StatusCode
from common.domain.reason import Reason
from common.edxml import parse
from common.envelopes import from_json, to_json
from common.facts import DocumentRefused, DocumentVerified, ObjectRef, PackageAccepted
from common.failure import Permanent
from common.objects import content_ref, package_ref
from common.packing import packed, unpacked
from common.secrecy import Level, Mark
from mint import packages
from validator.handlers import Validator
from validator.package_files import opened
from validator.report.decision import Decision
from validator.workers.budget import PackageBudget

from ..harness.memory import RecordingPublisher
from .conftest import SENDER, Harness
from .memory import MemoryVerdicts, NoEvidence

RECEIVER = "000.00.09.H29"
ANNEX = b"phu luc\n" + secrets.token_hex(3_000).encode()


@dataclass
class MemoryObjects:
    """An object store in memory that counts what is asked of it."""

    held: dict[str, bytes] = field(default_factory=dict)
    requests: list[str] = field(default_factory=list)
    memory: ByteBudget = field(default_factory=lambda: ByteBudget(2**20))

    async def put_content(self, data: bytes) -> ObjectRef:
        ref = content_ref(hashlib.sha256(data).hexdigest(), len(data))
        self.requests.append(f"put {ref.key}")
        self.held[ref.key] = data
        return ref

    async def carry(self, data: bytes) -> ObjectRef:
        small = packed(data)
        if small is None:
            return await self.put_content(data)
        return content_ref(hashlib.sha256(data).hexdigest(), len(data)).model_copy(update={"packed": small})

    async def get(self, ref: ObjectRef) -> bytes:
        target = io.BytesIO()
        await self.fetch(ref, target)
        return target.read()

    async def fetch(self, ref: ObjectRef, target: BinaryIO) -> None:
        self.requests.append(f"get {ref.key}")
        target.write(self.held[ref.key])
        target.seek(0)


@dataclass
class Examiner:
    """Finds in every PDF what it is told to find."""

    decision: Decision
    mark: Mark | None = None
    files: list[bytes] = field(default_factory=list)

    def package_budget(self) -> PackageBudget:
        return PackageBudget(120.0)

    async def look(self, file: bytes, *_: Any, **__: Any) -> Mark | None:
        self.files.append(file)
        return self.mark

    async def examine(self, document: bytes, *_: Any, **__: Any) -> Decision:
        self.files.append(document)
        return self.decision

    async def confirm_directory(self, _: Collection[str]) -> None:
        """It never changes."""


def letter(pdf: bytes, **changes: Any) -> bytes:
    return packages.letter(SENDER, [RECEIVER], "D1", pdf, appendices=[("a.txt", ANNEX)], **changes)


def accepted(objects: MemoryObjects, body: bytes) -> PackageAccepted:
    """As intake announces a package that is one object; its header is nowhere else."""
    digest = hashlib.sha256(body).hexdigest()
    ref = package_ref(digest, len(body), "f" * 32).model_copy(update={"version_id": "v1"})
    objects.held[ref.key] = body
    return PackageAccepted(
        event_id="package:intake:1",
        occurred_at=datetime.now(UTC),
        subject="document",
        package_id="f" * 32,
        sender=SENDER,
        document_id="D1",
        kind=PackageKind.NEW,
        lane=Lane.NORMAL,
        package=ref,
        envelope=content_ref("0" * 64, 1),
        submitted_at=datetime.now(UTC),
    )


def validator(objects: MemoryObjects, announcer: RecordingPublisher, examiner: Examiner) -> Validator:
    return Validator(announcer, objects, MemoryVerdicts(), examiner, NoEvidence(), 480.0)  # type: ignore[arg-type]


async def test_header_and_files_are_those_that_intake_has_read(harness: Harness) -> None:
    objects, body = MemoryObjects(), letter(harness.signed)
    message = parse(io.BytesIO(body)).message
    fact = accepted(objects, body)
    async with opened(fact, objects) as package:  # type: ignore[arg-type]
        assert package.envelope == message
        files = [await package.file(each) for each in package.envelope.attachments]
        again = await package.file(package.envelope.attachments[0])
    assert files == [harness.signed, ANNEX]
    assert again == harness.signed
    assert objects.requests == [f"get {fact.package.key}"]


STATUS = packages.status(SENDER, RECEIVER, "D1", StatusCode.ARRIVED, datetime.now(UTC))


@pytest.mark.parametrize("body", [STATUS, b"<edXML>"], ids=["a status", "cut off"])
async def test_what_intake_cannot_have_read_so_is_parked(body: bytes) -> None:
    objects = MemoryObjects()
    with pytest.raises(Permanent) as parked:
        async with opened(accepted(objects, body), objects):  # type: ignore[arg-type]
            pass
    assert parked.value.reason is Reason.E_FACT


async def test_files_that_were_stored_apart_are_read_there(harness: Harness) -> None:
    """The former release's intake has put header and files beside the package."""
    objects, body = MemoryObjects(), letter(harness.signed)
    fact = accepted(objects, body)
    header = await objects.put_content(to_json(parse(io.BytesIO(body)).message))
    for data in (harness.signed, ANNEX):
        await objects.put_content(data)
    apart = {"package": await objects.put_content(body), "envelope": header}
    async with opened(fact.model_copy(update=apart), objects) as package:  # type: ignore[arg-type]
        assert [await package.file(each) for each in package.envelope.attachments] == [harness.signed, ANNEX]


async def test_the_verdict_carries_header_and_report(harness: Harness) -> None:
    """Nothing is put into the store, and the package is fetched once."""
    objects, announcer = MemoryObjects(), RecordingPublisher()
    examiner, body = Examiner(harness.judge(harness.signed)), letter(harness.signed)
    fact = accepted(objects, body)
    service = validator(objects, announcer, examiner)
    for _ in range(2):
        await service.verify_document(fact)
    first, second = announcer.facts
    assert first == second
    assert isinstance(first, DocumentVerified)
    assert (first.package, examiner.files) == (fact.package, [harness.signed, ANNEX, harness.signed])
    header, report = (read(ref) for ref in (first.envelope, first.report))
    assert from_json(header) == parse(io.BytesIO(body)).message
    assert json.loads(report)["package_id"] == fact.package_id
    assert objects.requests == [f"get {fact.package.key}"]


async def test_a_header_that_is_not_small_is_an_object(harness: Harness) -> None:
    objects, announcer = MemoryObjects(), RecordingPublisher()
    names = {f"000.00.{number:02}.H29": secrets.token_hex(100) for number in range(20, 80)}
    body = packages.letter(SENDER, list(names), "D1", harness.signed, names=names)
    service = validator(objects, announcer, Examiner(harness.judge(harness.signed)))
    await service.verify_document(accepted(objects, body))
    (verified,) = announcer.facts
    assert isinstance(verified, DocumentVerified)
    assert verified.envelope.packed is None
    assert isinstance(from_json(objects.held[verified.envelope.key]), Envelope)


async def test_of_a_secret_package_no_word_is_carried_on(harness: Harness) -> None:
    objects, announcer = MemoryObjects(), RecordingPublisher()
    canary = secrets.token_hex(8)
    examiner = Examiner(harness.judge(harness.signed), mark=Mark(Level.TOP_SECRET))
    fact = accepted(objects, letter(harness.signed, subject=f"V/v {canary}", file_name=f"{canary}.pdf"))
    await validator(objects, announcer, examiner).verify_document(fact)
    (refused,) = [each for each in announcer.facts if isinstance(each, DocumentRefused)]
    assert refused.reason is Reason.E_SECRET
    assert refused.report
    for part in (read(refused.envelope), read(refused.report), refused.model_dump_json().encode()):
        assert canary.encode() not in part
    assert objects.requests == [f"get {fact.package.key}"]


def read(ref: ObjectRef) -> bytes:
    """What came with a reference."""
    assert ref.packed
    return unpacked(ref.packed, ref.size_bytes)
