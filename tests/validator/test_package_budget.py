"""The files of a package have a bounded time together: over it it is refused, and on a slow machine put back."""

import asyncio
import io
from collections.abc import Collection
from dataclasses import dataclass, field
from datetime import UTC, date, datetime
from typing import Any

import pytest

from common.byte_budget import ByteBudget
from common.domain.envelope import Attachment, DocumentType, Envelope, Organization, Signer
from common.domain.names import Lane, PackageKind
from common.domain.reason import Reason
from common.envelopes import to_json
from common.facts import DocumentRefused, ObjectRef, PackageAccepted
from common.failure import Outage, Transient
from common.objects import content_ref, digest_of
from mint.misbehave import LOOP, misbehave
from validator.context import Material, VerificationRequest
from validator.handlers import Validator
from validator.pki.trust_store import TrustStore
from validator.report.decision import Decision
from validator.workers.budget import PackageBudget
from validator.workers.job import Limits
from validator.workers.pool import Pool

from ..harness.memory import RecordingPublisher
from .conftest import NOW, SENDER, Harness
from .memory import MemoryVerdicts, NoEvidence

FILES = 100
FILE_BYTES = 1_000


@dataclass
class MemoryObjects:
    """An object store in memory, with a small budget of memory."""

    held: dict[str, bytes] = field(default_factory=dict)
    memory: ByteBudget = field(default_factory=lambda: ByteBudget(2 * FILE_BYTES))

    async def put_content(self, data: bytes) -> ObjectRef:
        ref = content_ref(*digest_of(io.BytesIO(data)))
        self.held[ref.sha256] = data
        return ref

    async def get(self, ref: ObjectRef) -> bytes:
        return self.held[ref.sha256]


@dataclass
class Slow:
    """An examiner whose every file takes the same time."""

    decision: Decision
    seconds_a_file: float
    budget_seconds: float
    objects: MemoryObjects
    looked: int = 0
    examined: int = 0
    most_bytes: int = 0
    waits: asyncio.Event | None = None

    def package_budget(self) -> PackageBudget:
        return PackageBudget(self.budget_seconds)

    async def look(self, *_: Any, budget: PackageBudget, **__: Any) -> None:
        self.looked += 1
        self.most_bytes = max(self.most_bytes, self.objects.memory.held_bytes)
        if self.waits:
            await self.waits.wait()
        await asyncio.sleep(0)
        budget.spend(self.seconds_a_file)

    async def examine(self, *_: Any, budget: PackageBudget, **__: Any) -> Decision:
        self.examined += 1
        budget.spend(self.seconds_a_file)
        return self.decision

    async def confirm_directory(self, _: Collection[str]) -> None:
        """It never changes."""

    async def evidence(self, _: Any) -> dict[str, bytes]:
        return {}


async def package(objects: MemoryObjects, files: int = FILES) -> PackageAccepted:
    """A package with many PDFs."""
    refs = [await objects.put_content(f"file {number}".encode().ljust(FILE_BYTES)) for number in range(files)]
    attachments = [
        Attachment(
            content_id=f"a{number}",
            name=f"{number}.pdf",
            content_type="application/pdf",
            size_bytes=ref.size_bytes,
            sha256=ref.sha256,
        )
        for number, ref in enumerate(refs)
    ]
    envelope = Envelope(
        sender=Organization(code=SENDER),
        receivers=(Organization(code="000.00.09.H29"),),
        document_id="1",
        number="15",
        notation="TB",
        promulgation_date=date(2026, 7, 1),
        type=DocumentType(name="Công văn"),
        subject="Về việc nghỉ lễ",
        signer=Signer(full_name="Nguyễn Văn A"),
        attachments=tuple(attachments),
    )
    return PackageAccepted(
        event_id="package:intake:1",
        occurred_at=datetime.now(UTC),
        subject="document",
        package_id="package",
        sender=SENDER,
        document_id="1",
        kind=PackageKind.NEW,
        lane=Lane.NORMAL,
        package=refs[0],
        envelope=await objects.put_content(to_json(envelope)),
        submitted_at=datetime.now(UTC),
    )


@pytest.mark.parametrize(
    ("seconds_a_file", "looked", "examined"),
    [(20.0, 6, 0), (1.0, FILES, 20), (0.5, FILES, FILES)],
    ids=["while it is searched", "while it is verified", "in time"],
)
async def test_a_package_that_takes_too_long_is_refused(
    harness: Harness, seconds_a_file: float, looked: int, examined: int
) -> None:
    objects, announcer = MemoryObjects(), RecordingPublisher()
    slow = Slow(harness.judge(harness.signed), seconds_a_file, 120.0, objects)
    validator = Validator(announcer, objects, MemoryVerdicts(), slow, NoEvidence(), 480.0)  # type: ignore[arg-type]
    fact = await package(objects)
    await validator.verify_document(fact)
    assert (slow.looked, slow.examined) == (looked, examined)
    refused = announcer.named("document.refused")
    assert len(refused) == (examined < FILES)
    if refused:
        assert isinstance(refused[0], DocumentRefused)
        assert (refused[0].reason, "120 s" in refused[0].detail) == (Reason.E_PDF_TIMEOUT, True)


class Incomplete(Slow):
    """An examiner whose trust folder holds a file of certificates that cannot be read."""

    def confirm_trust(self) -> None:
        raise Outage("trust folder", "unreadable")


async def test_a_document_of_an_unknown_authority_waits_for_the_whole_trust_folder(harness: Harness) -> None:
    objects, verdicts = MemoryObjects(), MemoryVerdicts()
    foreign = harness.judge(harness.signed, trust=TrustStore([harness.city.foreign.root.der]))
    assert foreign.reason is Reason.E_SIG_UNTRUSTED_CA  # type: ignore[union-attr]
    examiner = Incomplete(foreign, 0.0, 120.0, objects)
    validator = Validator(RecordingPublisher(), objects, verdicts, examiner, NoEvidence(), 480.0)  # type: ignore[arg-type]
    with pytest.raises(Outage):
        await validator.verify_document(await package(objects, files=1))
    assert verdicts.rows == {}


async def test_a_machine_that_is_too_slow_says_nothing_about_the_package(harness: Harness) -> None:
    objects, verdicts = MemoryObjects(), MemoryVerdicts()
    slow = Slow(harness.judge(harness.signed), 0.0, 120.0, objects, waits=asyncio.Event())
    validator = Validator(RecordingPublisher(), objects, verdicts, slow, NoEvidence(), 0.01)  # type: ignore[arg-type]
    with pytest.raises(Transient) as put_back:
        await validator.verify_document(await package(objects, files=2))
    assert put_back.value.reason is Reason.E_PDF_TIMEOUT
    assert (verdicts.rows, objects.memory.held_bytes) == ({}, 0)


async def test_many_packages_hold_no_more_files_than_fit(harness: Harness) -> None:
    objects = MemoryObjects()
    slow = Slow(harness.judge(harness.signed), 0.0, 120.0, objects)
    fact = await package(objects, files=5)
    facts = [fact.model_copy(update={"package_id": f"package {number}"}) for number in range(20)]
    validator = Validator(RecordingPublisher(), objects, MemoryVerdicts(), slow, NoEvidence(), 480.0)  # type: ignore[arg-type]
    await asyncio.gather(*(validator.verify_document(each) for each in facts))
    assert (slow.looked, slow.most_bytes) == (100, 2 * FILE_BYTES)


async def test_workers_tell_what_a_document_took(harness: Harness) -> None:
    """CPU time as the kernel counts it; a document that ends its worker has used all of its time."""
    pool = Pool(
        Material(harness.trust, harness.revocation, harness.directory),
        workers=1,
        limits=Limits(cpu_seconds=1, wall_seconds=30),
        hook=misbehave,
    )
    await pool.start()
    try:
        budget, question = PackageBudget(1.0), VerificationRequest(sender=SENDER)
        await pool.run(harness.signed, question, NOW, budget=budget)
        assert 0 < budget.spent_seconds < 1
        assert budget.refused() is None
        await pool.run(harness.signed + LOOP, question, NOW, budget=budget)
        refused = budget.refused()
        assert refused is not None
        assert refused.reason is Reason.E_PDF_TIMEOUT
    finally:
        await pool.close()
