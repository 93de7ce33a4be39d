"""The archive's handler on real servers: what is kept, what is announced, and that nothing can be taken away."""

import asyncio
import hashlib
import io
import json
import secrets
from collections.abc import Awaitable, Callable
from datetime import timedelta

import pytest
from minio.commonconfig import COMPLIANCE
from minio.error import S3Error
from minio.retention import Retention

from archive.handlers import Archive
from archive.kept import Kept, part_bytes
from archive.ledger import Ledger
from archive.record import archived
from archive.retention import read_table
from archive.store import Progress, Records
from common.database import Database
from common.domain.ids import package_id
from common.domain.names import Lane, PackageKind
from common.domain.reason import Reason
from common.edxml import build
from common.facts import DeliveryPlaced, DocumentArchived
from common.failure import Outage, Permanent, Transient
from common.objects import ARCHIVE, PACKAGES, Objects, package_ref
from common.package_store import PackageStore

from .conftest import AT, RECEIVER, SENDER, Material, Remembering, ref_of

TABLE = read_table()


@pytest.fixture
def archive(database: Database, objects: Objects, announced: Remembering) -> Archive:
    return Archive(Ledger(database), Records(database), Progress(database), objects, announced, TABLE)


@pytest.fixture
def ledger(database: Database) -> Ledger:
    return Ledger(database)


async def material(objects: Objects) -> Material:
    return await Material().store(objects)


async def test_a_valid_document_is_kept_whole(archive: Archive, objects: Objects, announced: Remembering) -> None:
    what = await material(objects)
    await archive.take(what.verified())
    folder = f"{what.subject}/{what.package_id}"
    assert await objects.get_key(ARCHIVE, f"{folder}/package.edxml") == what.package_bytes
    assert await objects.get_key(ARCHIVE, f"{folder}/envelope.json") == what.envelope_bytes
    assert await objects.get_key(ARCHIVE, f"{folder}/report.json") == what.report_bytes
    evidence = json.loads(await objects.get_key(ARCHIVE, f"{folder}/record.json"))
    assert [entry["role"] for entry in evidence["objects"]] == [
        "package",
        "envelope",
        "report",
        "attachment",
        "attachment",
    ]
    for entry in evidence["objects"]:
        data = await objects.get_key(ARCHIVE, entry["key"])
        assert (hashlib.sha256(data).hexdigest(), len(data)) == (entry["sha256"], entry["size_bytes"])
    [announced_fact] = announced.facts
    assert isinstance(announced_fact, DocumentArchived)
    assert announced_fact.record_id == what.package_id
    assert announced_fact.retain_until.isoformat() == "2036-12-31T16:59:59+00:00"


async def test_every_object_is_locked_until_its_term_ends(archive: Archive, objects: Objects) -> None:
    what = await material(objects)
    await archive.take(what.verified())
    locked = list(objects.client.list_objects(ARCHIVE, f"{what.subject}/", recursive=True))
    assert len(locked) == 6
    for item in locked:
        lock = objects.client.get_object_retention(ARCHIVE, str(item.object_name))
        assert lock is not None
        assert lock.mode == COMPLIANCE
        assert lock.retain_until_date.isoformat() == "2036-12-31T16:59:59+00:00"


async def test_a_package_that_is_one_object_is_locked_where_it_lies(archive: Archive, objects: Objects) -> None:
    what = Material()
    wanted = package_ref(ref_of(what.package_bytes).sha256, len(what.package_bytes), what.package_id)
    package = await PackageStore(objects).put(wanted, io.BytesIO(what.package_bytes), SENDER)
    parts = {"envelope": await objects.carry(what.envelope_bytes), "report": await objects.carry(what.report_bytes)}
    fact = what.verified().model_copy(update={"package": package, **parts})
    for _ in range(2):
        await archive.take(fact)
    lock = objects.client.get_object_retention(PACKAGES, package.key, version_id=package.version_id)
    assert lock is not None
    assert (lock.mode, lock.retain_until_date.isoformat()) == (COMPLIANCE, "2036-12-31T16:59:59+00:00")
    folder = f"{what.subject}/{what.package_id}"
    names = [item.object_name for item in objects.client.list_objects(ARCHIVE, f"{folder}/", recursive=True)]
    assert names == [f"{folder}/record.json"]
    saved = json.loads(await objects.get_key(ARCHIVE, names[0]))
    assert saved["parts"] == {"envelope": what.envelope_bytes.decode(), "report": what.report_bytes.decode()}
    assert [(each["bucket"], each["version_id"]) for each in saved["objects"]] == [(PACKAGES, package.version_id)]


async def test_a_notice_that_is_no_object_is_one_locked_object_with_its_record(
    archive: Archive, objects: Objects
) -> None:
    what = Material()
    parts = {"package": await objects.carry(what.package_bytes), "envelope": await objects.carry(what.envelope_bytes)}
    fact = what.notice().model_copy(update=parts)
    for _ in range(2):
        await archive.take(fact)
    folder = f"{what.subject}/{what.package_id}"
    (stored_object,) = objects.client.list_objects(ARCHIVE, f"{folder}/", recursive=True, include_version=True)
    assert stored_object.object_name == f"{folder}/record.json"
    lock = objects.client.get_object_retention(ARCHIVE, stored_object.object_name)
    assert lock is not None
    assert (lock.mode, lock.retain_until_date.isoformat()) == (COMPLIANCE, "2036-12-31T16:59:59+00:00")
    saved = json.loads(await objects.get_key(ARCHIVE, stored_object.object_name))
    assert part_bytes("package", saved["parts"]["package"]) == what.package_bytes
    assert saved["parts"]["envelope"].encode() == what.envelope_bytes
    assert saved["objects"] == []


async def test_a_decision_that_was_made_anew_is_kept_as_the_ledger_has_it(
    archive: Archive, ledger: Ledger, objects: Objects, database: Database
) -> None:
    """After a restore: the backup has the entry, and neither the record nor the validator's verdict."""
    what = await material(objects)
    first = what.verified()
    await ledger.append(first, AT)
    other = await objects.put_content(b'{"verdict": "valid", "decided": "again"}')
    await archive.take(first.model_copy(update={"report": other}))
    saved = await Records(database).load(what.package_id)
    assert saved
    assert [each.sha256 for each in saved.objects if each.role == "report"] == [first.report.sha256]


async def test_what_a_verdict_rests_on_is_locked_once_for_all_records(archive: Archive, objects: Objects) -> None:
    crl, records = secrets.token_bytes(40), list[Material]()
    for _ in range(3):
        what = await material(objects)
        await objects.put_content(crl)
        await archive.take(what.verified(crl))
        records.append(what)
        archive._shared.clear()  # as in a process that has just started
    prefix = f"evidence/{hashlib.sha256(crl).hexdigest()}/"
    (stored_object,) = objects.client.list_objects(ARCHIVE, prefix, recursive=True, include_version=True)
    lock = objects.client.get_object_retention(ARCHIVE, str(stored_object.object_name))
    assert lock is not None
    assert (lock.mode, lock.retain_until_date.isoformat()) == (COMPLIANCE, "2036-12-31T16:59:59+00:00")
    for what in records:
        saved = json.loads(await objects.get_key(ARCHIVE, f"{what.subject}/{what.package_id}/record.json"))
        assert saved["objects"][-1] == {
            "role": "evidence",
            "key": stored_object.object_name,
            "sha256": hashlib.sha256(crl).hexdigest(),
            "size_bytes": len(crl),
        }
    assert await objects.get_key(ARCHIVE, str(stored_object.object_name)) == crl


async def test_evidence_that_is_away_is_waited_for(archive: Archive, objects: Objects) -> None:
    """A secret package had the same bytes as a file, and was removed; the validator puts them there again."""
    crl, what = secrets.token_bytes(40), await material(objects)
    with pytest.raises(Transient):
        await archive.take(what.verified(crl))
    await objects.put_content(crl)
    await archive.take(what.verified(crl))


async def test_nothing_can_be_taken_away(archive: Archive, objects: Objects) -> None:
    what = await material(objects)
    await archive.take(what.verified())
    store, key = objects.client, f"{what.subject}/{what.package_id}/package.edxml"
    version = store.stat_object(ARCHIVE, key).version_id
    lock = store.get_object_retention(ARCHIVE, key)
    assert version
    assert lock
    with pytest.raises(S3Error, match="AccessDenied"):
        store.remove_object(ARCHIVE, key, version_id=version)
    shorter = Retention(COMPLIANCE, lock.retain_until_date - timedelta(days=1))
    with pytest.raises(S3Error, match="AccessDenied"):
        store.set_object_retention(ARCHIVE, key, shorter, version_id=version)
    store.remove_object(ARCHIVE, key)  # only a delete marker
    response = store.get_object(ARCHIVE, key, version_id=version)
    assert response.read() == what.package_bytes
    response.close()
    longer = Retention(COMPLIANCE, lock.retain_until_date + timedelta(days=365))
    store.set_object_retention(ARCHIVE, key, longer, version_id=version)


async def test_overwriting_leaves_the_kept_version(archive: Archive, objects: Objects) -> None:
    what = await material(objects)
    await archive.take(what.verified())
    key = f"{what.subject}/{what.package_id}/package.edxml"
    version = objects.client.stat_object(ARCHIVE, key).version_id
    await objects.put(ARCHIVE, key, b"forged")
    response = objects.client.get_object(ARCHIVE, key, version_id=version)
    assert response.read() == what.package_bytes
    response.close()


async def test_what_comes_again_is_announced_again_but_kept_once(
    archive: Archive, objects: Objects, ledger: Ledger, announced: Remembering
) -> None:
    what = await material(objects)
    for _ in range(3):
        await archive.take(what.verified())
    assert len(announced.facts) == 3
    assert len(set(announced.facts)) == 1
    assert len(await ledger.entries(what.subject)) == 1
    versions = objects.client.list_objects(ARCHIVE, f"{what.subject}/", recursive=True, include_version=True)
    assert len(list(versions)) == 6


async def test_what_comes_many_times_at_once_is_one_record(
    archive: Archive, objects: Objects, database: Database, ledger: Ledger, announced: Remembering
) -> None:
    what = await material(objects)
    await asyncio.gather(*(archive.take(what.verified()) for _ in range(8)))
    assert len(set(announced.facts)) == 1
    assert len(await ledger.entries(what.subject)) == 1
    assert await database.collection("records").count_documents({"_id": what.package_id}) == 1


async def test_a_crash_before_the_announcement_is_made_good(
    archive: Archive, objects: Objects, database: Database, announced: Remembering
) -> None:
    """Saved, then killed: the redelivery announces what was saved."""
    what = await material(objects)

    class Dying(Remembering):
        async def announce(self, fact: object) -> None:
            raise ConnectionError

    dying = Archive(Ledger(database), Records(database), Progress(database), objects, Dying(), TABLE)
    with pytest.raises(ConnectionError):
        await dying.take(what.verified())
    await archive.take(what.verified())
    saved = await Records(database).load(what.package_id)
    assert saved
    assert announced.facts == [archived(what.verified(), saved)]


@pytest.mark.parametrize(
    ("tell", "files", "row"),
    [
        (Material.refused, ["envelope.json", "package.edxml", "record.json", "report.json"], "refused"),
        (Material.turned_away, ["package.edxml", "record.json"], "refused"),
        (lambda what: what.turned_away(with_bytes=False), ["record.json"], "refused"),
        (lambda what: what.turned_away(Reason.E_SECRET), ["record.json"], "refused"),
        (Material.notice, ["envelope.json", "package.edxml", "record.json"], "notice"),
    ],
    ids=["refused by the validator", "turned away", "turned away without bytes", "secret", "notice"],
)
async def test_evidence_is_kept_without_an_announcement(
    archive: Archive,
    objects: Objects,
    database: Database,
    announced: Remembering,
    tell: Callable[[Material], Kept],
    files: list[str],
    row: str,
) -> None:
    what = await material(objects)
    await archive.take(tell(what))
    stored_objects = objects.client.list_objects(ARCHIVE, f"{what.subject}/{what.package_id}/", recursive=True)
    assert sorted(str(item.object_name).rpartition("/")[2] for item in stored_objects) == files
    saved = await Records(database).load(what.package_id)
    assert saved
    assert saved.retention_class == row
    assert announced.facts == []


async def test_other_facts_enter_the_ledger_only(
    archive: Archive, ledger: Ledger, database: Database, announced: Remembering
) -> None:
    what = Material()
    placed = DeliveryPlaced(
        event_id="placed",
        occurred_at=AT,
        subject=what.subject,
        package_id=what.package_id,
        sender="A.01",
        document_id=what.document_id,
        kind=PackageKind.NEW,
        lane=Lane.URGENT,
        receiver=RECEIVER,
        submitted_at=AT,
    )
    await archive.take(placed)
    assert [entry.fact for entry in await ledger.entries(what.subject)] == ["delivery.placed"]
    assert await Records(database).load(what.package_id) is None
    assert announced.facts == []


async def test_a_file_that_a_secret_package_took_along_is_taken_out_of_its_own(
    archive: Archive, objects: Objects
) -> None:
    what = Material()
    what.package_bytes = build(what.envelope, what.files)
    what.package_id = package_id(SENDER, ref_of(what.package_bytes).sha256)
    await what.store(objects)
    shared = ref_of(what.files[1])
    await objects.purge(shared)
    await archive.take(what.verified())
    key = f"{what.subject}/{what.package_id}/attachments/2-{shared.sha256}"
    assert await objects.get_key(ARCHIVE, key) == what.files[1]


async def test_a_file_that_is_in_no_package_is_no_evidence(archive: Archive, objects: Objects) -> None:
    what = await material(objects)
    await objects.purge(ref_of(what.files[1]))
    with pytest.raises(Permanent) as caught:
        await archive.take(what.verified())
    assert caught.value.reason is Reason.E_OBJECT


@pytest.mark.parametrize("harm", ["missing", "altered"])
async def test_lost_or_altered_bytes_are_no_evidence(
    archive: Archive, objects: Objects, database: Database, announced: Remembering, harm: str
) -> None:
    what = await material(objects)
    ref = what.verified().package
    objects.client.remove_object(ref.bucket, ref.key)
    if harm == "altered":
        await objects.put(ref.bucket, ref.key, b"x" * ref.size_bytes)
    with pytest.raises(Permanent) as caught:
        await archive.take(what.verified())
    assert caught.value.reason is Reason.E_OBJECT
    assert await Records(database).load(what.package_id) is None
    assert announced.facts == []


@pytest.mark.parametrize("is_noted", [True, False], ids=["noted", "ended before the record was noted"])
async def test_a_second_verdict_on_one_package_is_not_swallowed(
    archive: Archive, objects: Objects, database: Database, announced: Remembering, is_noted: bool
) -> None:
    what = await material(objects)
    await archive.take(what.refused())
    locked = versions(objects, what)
    if not is_noted:
        await database.collection("progress").delete_one({"_id": what.package_id})
    with pytest.raises(Permanent):
        await archive.take(what.verified())
    assert announced.facts == []
    saved = await Records(database).load(what.package_id)
    assert saved is not None
    assert saved.verdict == "document.refused"
    if is_noted:
        assert versions(objects, what) == locked


def versions(objects: Objects, what: Material) -> list[tuple[str | None, str | None]]:
    """Everything under lock that is the package's own."""
    listed = objects.client.list_objects(ARCHIVE, f"{what.subject}/", recursive=True, include_version=True)
    return sorted((each.object_name, each.version_id) for each in listed)


async def test_a_store_that_is_away_is_an_outage(
    objects: Objects, database: Database, announced: Remembering, monkeypatch: pytest.MonkeyPatch
) -> None:
    what = await material(objects)

    async def away(*_: object) -> None:
        raise Outage("object store", "away")

    archive: Callable[..., Awaitable[None]] = Archive(
        Ledger(database), Records(database), Progress(database), objects, announced, TABLE
    ).take
    with monkeypatch.context() as patched:
        patched.setattr(objects, "put_locked", away)
        with pytest.raises(Outage):
            await archive(what.verified())
    assert announced.facts == []
    await archive(what.verified())
    assert len(announced.facts) == 1
