"""After a secret package nothing of its content is left in any store, fact or log: real servers, a canary to find."""

import base64
import hashlib
import io
import json
import logging
import secrets
import zipfile
from collections.abc import AsyncIterator, Collection, Iterator
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from types import SimpleNamespace
from typing import Any

import pytest
import pytest_asyncio
from minio.error import S3Error
from pydantic import SecretStr

from archive.handlers import Archive
from archive.ledger import Ledger
from archive.retention import read_table
from archive.store import Progress, Records
from common.buckets import make_missing
from common.database import Database
from common.domain.directory import Directory, Unit
from common.domain.reason import Reason
from common.facts import (
    BaseFact,
    DocumentRefused,
    DocumentVerified,
    ObjectRef,
    PackageAccepted,
    PackageRefused,
    PackageRepeated,
    SecurityNoticed,
)
from common.headers import REFERENCE_TYPE
from common.objects import ARCHIVE, CONTENT, PACKAGES, UPLOADS, Objects, content_ref
from common.packing import unpacked
from common.settings import ServiceSettings
from devstack import servers
from devstack.servers import Addresses
from intake.handlers import Intake
from intake.packages import Packages
from intake.settings import IntakeSettings
from intake.waiting_store import WaitingPackages
from mint import packages
from mint.attacks.raw import page
from mint.city import build_city
from mint.paper import letter
from tests.secrecy.test_files import attached
from tests.validator.conftest import SENDER, revocation_of
from validator.context import Material, VerificationRequest
from validator.handlers import Validator
from validator.pki.revocation_lists import RevocationLists
from validator.pki.trust_store import TrustStore
from validator.report.decision import Decision
from validator.secrecy.search import SearchRequest, SearchResult
from validator.store import Verdicts
from validator.workers.budget import PackageBudget
from validator.workers.job import Limits
from validator.workers.pool import Pool

from ..harness.memory import MemoryDirectory, RecordingPublisher, delivery

RECEIVER = "H29.901.01"
pytestmark = pytest.mark.asyncio(loop_scope="module")


@dataclass
@dataclass
class Looking:
    """The examiner over a pool of real workers, without trust folder or directory service."""

    pool: Pool

    def package_budget(self) -> PackageBudget:
        return PackageBudget(120.0)

    async def examine(self, document: bytes, request: VerificationRequest, now: datetime, **how: Any) -> Decision:
        return await self.pool.run(document, request, now, **how)

    async def look(self, file: bytes, request: SearchRequest, now: datetime, **how: Any) -> SearchResult:
        return await self.pool.look(file, request, now, **how)

    async def confirm_directory(self, _: Collection[str]) -> None:
        """It never changes."""


class NoEvidence:
    """Verdicts here rest on nothing that has to be kept."""

    async def keep(self, decisions: object) -> dict[str, int]:
        return {}


@dataclass
class Trunk:
    """Intake, validator and archive, one after the other."""

    intake: Intake
    validator: Validator
    archive: Archive
    announcer: RecordingPublisher
    objects: Objects
    database: Any
    names: list[str]
    before: set[tuple[str, str, str | None]]
    is_one_object: bool
    """Whether intake keeps a package as one object."""

    async def receive(self, body: bytes, content_type: str = "") -> None:
        """Intake takes a submission."""
        queue = f"submit.{SENDER}.normal"
        await self.intake.receive(delivery(queue, body, user_id=SENDER, content_type=content_type))

    async def submit(self, body: bytes, content_type: str = "") -> list[BaseFact]:
        """Everything that is announced from a submission on, security events apart."""
        start = len(self.announcer.facts)
        await self.receive(body, content_type)
        fact = self.announcer.facts[-1]
        if isinstance(fact, PackageAccepted):
            await self.validator.verify_document(fact)
        for announced in self.announcer.facts[start:]:
            await self.archive.take(announced)
            if isinstance(announced, DocumentRefused):
                await self.intake.release(announced)
        return [fact for fact in self.announcer.facts[start:] if not isinstance(fact, SecurityNoticed)]

    @property
    def security(self) -> list[str]:
        """Kinds of the security events so far."""
        return [str(fact.kind) for fact in self.announcer.facts if isinstance(fact, SecurityNoticed)]

    def stored(self) -> Iterator[tuple[str, bytes]]:
        """Every object and version that came since the beginning, and every fact, with what its references carry.

        In a store that the environment names there are other tests': what one of them has deleted since it was listed
        is not kept.
        """
        for bucket, key, version in _listed(self.objects) - self.before:
            try:
                with self.objects.client.get_object(bucket, key, version_id=version) as response:
                    yield f"{bucket}/{key}", response.read()
            except S3Error as error:
                if error.code not in ("NoSuchKey", "NoSuchVersion"):
                    raise
        for fact in self.announcer.facts:
            yield fact.fact, fact.model_dump_json().encode()
            yield from ((fact.fact, carried) for carried in carried_in(fact.model_dump()))

    async def records(self) -> AsyncIterator[tuple[str, bytes]]:
        """Every database record."""
        for name in self.names:
            database = self.database.client[f"trunk_{name}"]
            for collection in await database.list_collection_names():
                async for document in database[collection].find({}):
                    yield f"{name}.{collection}", repr(document).encode()
                    for carried in carried_in(document):
                        yield f"{name}.{collection}", carried


def carried_in(value: Any) -> Iterator[bytes]:
    """What references carry, as it was before it was packed."""
    if isinstance(value, dict):
        if value.get("packed"):
            yield unpacked(value["packed"], value["size_bytes"])
        for inner in value.values():
            yield from carried_in(inner)
    elif isinstance(value, list | tuple):
        for inner in value:
            yield from carried_in(inner)


def _listed(objects: Objects) -> set[tuple[str, str, str | None]]:
    return {
        (bucket, each.object_name or "", each.version_id)
        for bucket in (UPLOADS, CONTENT, PACKAGES, ARCHIVE)
        for each in objects.client.list_objects(bucket, recursive=True, include_version=True)
        if not each.is_delete_marker
    }


@pytest.fixture(scope="module")
def store(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Addresses]:
    """An object store of its own, unless the environment names one: all that lies there is looked at."""
    state = tmp_path_factory.mktemp("store")
    yield servers.start(state, only=["s3"])
    servers.stop(state)


@pytest_asyncio.fixture(scope="module", loop_scope="module", params=[False, True], ids=["parts", "one object"])
async def trunk(request: pytest.FixtureRequest, stack: SimpleNamespace, store: Addresses) -> AsyncIterator[Trunk]:
    place: Any = {
        "mongo_uri": SecretStr(stack.mongo_uri),
        "s3_endpoint": store.s3_endpoint,
        "s3_access_key": SecretStr(store.s3_access_key),
        "s3_secret_key": SecretStr(store.s3_secret_key),
    }
    settings = ServiceSettings(**place)
    objects, announcer = Objects(settings), RecordingPublisher()
    make_missing(objects.client)
    mark = secrets.token_hex(4)
    names = [f"{service}_secrecy_{mark}" for service in ("intake", "validator", "archive")]
    databases = [Database(settings, name) for name in names]
    directory = Directory([Unit(code=code, name=code, valid_from=date(2025, 7, 1)) for code in (SENDER, RECEIVER)])
    pool = Pool(Material(TrustStore([]), RevocationLists(), directory), workers=1, limits=Limits(cpu_seconds=5))
    await pool.start()
    intake_settings = IntakeSettings(**place, one_object=request.param)
    ledger, records = Ledger(databases[2]), Records(databases[2])
    built = Trunk(
        Intake(
            announcer,
            intake_settings,
            objects,
            Packages(databases[0], intake_settings.redrive_budgets),
            WaitingPackages(databases[0]),
            MemoryDirectory(directory),  # type: ignore[arg-type]
        ),
        Validator(announcer, objects, Verdicts(databases[1]), Looking(pool), NoEvidence(), 480.0),  # type: ignore[arg-type]
        Archive(ledger, records, Progress(databases[2]), objects, announcer, read_table()),
        announcer,
        objects,
        databases[0],
        names,
        _listed(objects),
        request.param,
    )
    yield built
    await pool.close()
    for database, name in zip(databases, names, strict=True):
        await database.client.drop_database(f"trunk_{name}")
        database.client.close()


def forms(canary: str) -> list[bytes]:
    """The canary as it may lie in a store: as text, in UTF-16, in base64 at any alignment."""
    raw = canary.encode()
    shifted = [base64.b64encode(b"x" * shift + raw)[4:-4] for shift in range(3)]
    return [raw, canary.encode("utf-16-be"), canary.encode("utf-16-le"), *shifted]


async def assert_gone(trunk: Trunk, canary: str, body: bytes, *files: bytes) -> None:
    """No trace of the canary, and none of the objects by digest."""
    traces = [*trunk.stored(), *[each async for each in trunk.records()]]
    assert traces
    for place, held in traces:
        for form in forms(canary):
            assert form not in held, place
    now = {key for _, key, _ in _listed(trunk.objects)}
    for data in (body, *files):
        assert not [key for key in now if hashlib.sha256(data).hexdigest() in key]


def pdf(canary: str, stamp: bytes = b"TUYET MAT") -> bytes:
    return page(b"BT /F1 14 Tf 72 760 Td (%s) Tj 0 -20 Td (%s) Tj ET" % (stamp, canary.encode()))


def note(canary: str) -> bytes:
    return f"phu luc {canary}\n".encode()


def zipped(name: str, data: bytes) -> bytes:
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w") as archive:
        archive.writestr(name, data)
    return out.getvalue()


def package(canary: str, main: bytes, **changes: Any) -> bytes:
    options: dict[str, Any] = {"subject": f"V/v {canary}", "file_name": f"{canary}.pdf", "signer": canary}
    options |= {"promulgation_date": datetime.now(UTC).date()} | changes
    return packages.letter(SENDER, [RECEIVER], secrets.token_hex(8), main, **options)


async def test_a_marked_header_never_enters_a_store(trunk: Trunk, caplog: pytest.LogCaptureFixture) -> None:
    canary = "CANARY" + secrets.token_hex(8)
    caplog.set_level(logging.INFO)
    body = package(canary, pdf(canary, b"thuong"), subject=f"(Mật) {canary}")
    (fact,) = await trunk.submit(body)
    assert isinstance(fact, PackageRefused)
    assert (fact.reason, fact.detail) == (Reason.E_SECRET, "MAT in subject")
    (again,) = await trunk.submit(body)
    assert isinstance(again, PackageRepeated)
    await assert_gone(trunk, canary, body, pdf(canary, b"thuong"))
    assert canary not in caplog.text
    assert trunk.security[-1] == "SECRET_CONTENT"


@pytest.mark.parametrize(
    ("case", "changes"),
    [
        ("file name", {"file_name": "15-BC_MẬT.pdf"}),
        ("unit's name", {"names": {RECEIVER: "Phòng (Tối mật)"}}),
        ("type", {"type_name": "Công văn MẬT"}),
    ],
)
async def test_other_marked_fields(trunk: Trunk, case: str, changes: dict[str, Any]) -> None:
    (fact,) = await trunk.submit(package("x", pdf("x", b"thuong"), **changes))
    assert isinstance(fact, PackageRefused), case
    assert fact.reason is Reason.E_SECRET


async def test_a_secret_package_that_cannot_be_read(trunk: Trunk) -> None:
    canary = "CANARY" + secrets.token_hex(8)
    body = package(canary, pdf(canary), subject=f"TUYỆT MẬT {canary}").replace(b"</edXML>", b"")
    (fact,) = await trunk.submit(body)
    assert isinstance(fact, PackageRefused)
    assert fact.reason is Reason.E_SECRET
    await assert_gone(trunk, canary, body, pdf(canary))


@pytest.mark.parametrize("where", ["main document", "annex", "archive"])
async def test_marked_content_is_purged(trunk: Trunk, caplog: pytest.LogCaptureFixture, where: str) -> None:
    canary = "CANARY" + secrets.token_hex(8)
    caplog.set_level(logging.INFO)
    main, annex = pdf(canary, b"thuong"), note(canary)
    if where == "main document":
        main = pdf(canary)
    elif where == "annex":
        annex = f"MẬT\n{canary}\n".encode()
    else:
        annex = zipped("a.txt", f"MẬT\n{canary}\n".encode())
    name = "a.zip" if where == "archive" else "a.txt"
    body = package(canary, main, appendices=[(name, annex)])
    facts = await trunk.submit(body)
    assert [fact.fact for fact in facts] == ["package.accepted", "document.refused"]
    refused = facts[-1]
    assert isinstance(refused, DocumentRefused)
    assert refused.reason is Reason.E_SECRET
    assert refused.detail.startswith(("TUYET_MAT in attachment 1", "MAT in attachment 2"))
    left = json.loads(await trunk.objects.get(refused.envelope))
    assert left["subject"] == ""
    await assert_gone(trunk, canary, body, main, annex)
    assert canary not in caplog.text
    assert trunk.security[-1] == "SECRET_CONTENT"
    # The same fact again: nothing is looked for that is gone, and the same answer is given.
    accepted = facts[0]
    assert isinstance(accepted, PackageAccepted)
    await trunk.validator.verify_document(accepted)
    assert trunk.announcer.facts[-1] == refused


async def test_an_interrupted_purge_is_finished_by_the_next_run(trunk: Trunk, monkeypatch: pytest.MonkeyPatch) -> None:
    """Whatever went first: what must go is on record before anything goes."""
    canary = "CANARY" + secrets.token_hex(8)
    main, annex = pdf(canary), note(canary)
    body = package(canary, main, appendices=[("a.txt", annex)])
    real, done = trunk.objects.purge, 0

    async def failing(ref: ObjectRef) -> None:
        nonlocal done
        if done == 3:
            raise ConnectionError("the store went away")
        done += 1
        await real(ref)

    monkeypatch.setattr(trunk.objects, "purge", failing)
    with pytest.raises(ConnectionError):
        await trunk.submit(body)
    refused = trunk.announcer.facts[-1]
    assert isinstance(refused, DocumentRefused)
    assert done == 3
    monkeypatch.undo()
    for _ in range(2):
        await trunk.intake.release(refused)
        await assert_gone(trunk, canary, body, main, annex)


async def test_what_a_slow_copy_stores_after_the_purge_goes_with_its_answer(trunk: Trunk) -> None:
    canary = "CANARY" + secrets.token_hex(8)
    main, annex = pdf(canary), note(canary)
    body = package(canary, main, appendices=[("a.txt", annex)])
    facts = await trunk.submit(body)
    for data in (main, annex, body):  # as another replica of intake does, which has begun before the refusal
        await trunk.objects.put_content(data)
    (again,) = await trunk.submit(body)
    assert isinstance(again, PackageRepeated)
    assert [fact.fact for fact in facts] == ["package.accepted", "document.refused"]
    await assert_gone(trunk, canary, body, main, annex)


async def test_another_upload_of_a_secret_package_goes_too(trunk: Trunk) -> None:
    for subject, main in (("(Mật) thử", pdf("x", b"thuong")), ("thử", pdf("x"))):
        canary = "CANARY" + secrets.token_hex(8)
        body = package(canary, main, subject=f"{subject} {canary}")
        for key in (f"{SENDER}/{canary}-1", f"{SENDER}/{canary}-2"):
            await trunk.objects.put(UPLOADS, key, body)
            named = {"bucket": UPLOADS, "key": key, "size": len(body), "sha256": hashlib.sha256(body).hexdigest()}
            await trunk.submit(json.dumps(named).encode(), REFERENCE_TYPE)
            assert (UPLOADS, key) not in {(bucket, name) for bucket, name, _ in _listed(trunk.objects)}


async def test_an_upload_goes_too(trunk: Trunk) -> None:
    for subject, main in (("(Mật) thử", pdf("x", b"thuong")), ("thử", pdf("x"))):
        canary = "CANARY" + secrets.token_hex(8)
        body = package(canary, main, subject=f"{subject} {canary}")
        key = f"{SENDER}/{canary}"
        await trunk.objects.put(UPLOADS, key, body)
        named = {"bucket": UPLOADS, "key": key, "size": len(body), "sha256": hashlib.sha256(body).hexdigest()}
        facts = await trunk.submit(json.dumps(named).encode(), REFERENCE_TYPE)
        assert facts[-1].reason is Reason.E_SECRET  # type: ignore[attr-defined]
        assert (UPLOADS, key) not in {(bucket, name) for bucket, name, _ in _listed(trunk.objects)}


async def test_a_file_shared_with_a_secret_package_comes_back(trunk: Trunk) -> None:
    """Files are stored once by digest: what the purge takes from another package is taken out of that one again. A
    package that is one object shares nothing."""
    shared = note(secrets.token_hex(8))
    plain = package("a", pdf(secrets.token_hex(8), b"thuong"), appendices=[("a.txt", shared)])
    await trunk.receive(plain)
    waiting = trunk.announcer.facts[-1]
    await trunk.submit(package("b", pdf("b"), appendices=[("a.txt", shared)]))
    assert isinstance(waiting, PackageAccepted)
    await trunk.validator.verify_document(waiting)
    answer = trunk.announcer.facts[-1]
    assert isinstance(answer, DocumentRefused | DocumentVerified)
    assert getattr(answer, "reason", None) is not Reason.E_SECRET
    if not trunk.is_one_object:
        assert await trunk.objects.get(content_ref(hashlib.sha256(shared).hexdigest(), len(shared))) == shared
    assert await trunk.objects.get(waiting.package) == plain


async def test_a_file_that_no_search_can_open(trunk: Trunk, caplog: pytest.LogCaptureFixture) -> None:
    """A document that is valid by every other step is refused with it (12.2), and nothing is purged."""
    caplog.set_level(logging.INFO)
    now = datetime.now(UTC)
    city = build_city(now, kind="p256")
    trust = TrustStore([city.authority.root.der], [city.authority.issuing.der])
    revocation = revocation_of(city, trust, this_update=now, next_update=now + timedelta(days=1))
    looking: Any = trunk.validator.examiner
    before = looking.pool.material
    looking.pool.update(Material(trust, revocation, city.directory("v1")))
    main, deep = city.signed(SENDER, letter()), page()
    for _ in range(3):
        deep = attached(b"a.pdf", deep)
    for annex, reason in ((page(), None), (deep, Reason.E_PDF_LIMIT)):
        body = package("x", main, appendices=[("a.pdf", annex)])
        facts = await trunk.submit(body)
        (fact,) = (each for each in facts if isinstance(each, DocumentRefused | DocumentVerified))
        assert getattr(fact, "reason", None) == reason
        assert fact.report
        report = json.loads(await trunk.objects.get(fact.report))
        places = ["attachment 2, file nested too deeply"] if reason else []
        assert report["not_searched"] == places
        assert await trunk.objects.get(fact.package) == body
    assert trunk.security[-1] == "NOT_SEARCHED"
    looking.pool.update(before)
