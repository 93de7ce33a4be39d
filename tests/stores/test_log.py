"""The log on a real store with the keys of each role: sealed, verified, proved; harm done below the store is named."""

import asyncio
import io
import os
import secrets
import subprocess
from collections.abc import AsyncIterator, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from datetime import timedelta
from pathlib import Path

import pytest
import pytest_asyncio
from minio import Minio
from minio.commonconfig import COMPLIANCE
from minio.error import S3Error
from minio.retention import Retention

from archive.batches import Batches
from archive.lease import Lease
from archive.ledger import Ledger
from archive.log_store import LogStore
from archive.sealer import LEASE, Sealer
from archive.store import Backups
from common.clock import utc_now
from common.database import Database
from common.ledger import Entry
from common.objects import LOG, Objects
from common.settings import ServiceSettings
from common.store_access import Role
from common.tlog.names import CHECKPOINT
from common.tlog.note import SignerKey
from devstack.servers import Addresses
from tests.archive.test_ledger import fact
from tests.system.trunk import BIN
from trunkctl.log.tidy import TidyStore

from .asking import done_without_keys, wrong_answers
from .conftest import client as client_of
from .conftest import settings

KEY = SignerKey("log.example/trunk", b"k" * 32)


@dataclass(frozen=True)
class Sealed:
    """Entries of a subject of its own, in the log."""

    subject: str
    entries: list[Entry]
    database: Database
    environment: dict[str, str]
    administrator: Minio

    def run_trunkctl(self, *arguments: str) -> tuple[int, list[str]]:
        """``trunkctl`` with the operator's keys."""
        command = [str(BIN / "trunkctl"), *arguments]
        done = subprocess.run(command, env=self.environment, capture_output=True, text=True, check=False)
        return done.returncode, done.stdout.splitlines() + done.stderr.splitlines()


def environment(own: ServiceSettings) -> dict[str, str]:
    """Of a session of ``trunkctl`` with these keys and this database user."""
    return {
        "PATH": os.environ["PATH"],
        "TRUNK_MONGO_URI": own.mongo_uri.get_secret_value(),
        "TRUNK_S3_ENDPOINT": own.s3_endpoint,
        "TRUNK_S3_ACCESS_KEY": own.s3_access_key.get_secret_value(),
        "TRUNK_S3_SECRET_KEY": own.s3_secret_key.get_secret_value(),
    }


@pytest_asyncio.fixture
async def sealed(addresses: Addresses, administrator: Minio) -> AsyncIterator[Sealed]:
    own = settings(addresses, Role.ARCHIVE)
    database, subject = Database(own, "archive"), secrets.token_hex(16)
    ledger = Ledger(database)
    entries = [(await ledger.append(fact(number, subject), utc_now()))[0] for number in range(5)]
    lease = Lease(database, "test", LEASE)
    await Sealer(Batches(database), lease, LogStore(Objects(own)), KEY).round()
    variables = environment(settings(addresses, Role.OPERATOR)) | {"TRUNK_LOG_PUBLIC_KEYS": f'["{KEY.verifier}"]'}
    yield Sealed(subject, entries, database, variables, administrator)
    database.client.close()


async def test_the_log_is_verified_and_proves_entries_without_the_services(sealed: Sealed, tmp_path: Path) -> None:
    code, lines = await asyncio.to_thread(sealed.run_trunkctl, "log", "verify", "--save", str(tmp_path / "kept"))
    assert (code, lines[-1].endswith(" 0 faults")) == (0, True), lines
    code, lines = await asyncio.to_thread(sealed.run_trunkctl, "log", "prove", sealed.subject)
    assert (code, len(lines)) == (0, 5)
    (tmp_path / "proofs").write_text("\n".join(lines))
    code, lines = await asyncio.to_thread(sealed.run_trunkctl, "log", "check", str(tmp_path / "proofs"))
    assert code == 0
    assert {line.split()[1] for line in lines} == {entry.event_id for entry in sealed.entries}
    code, lines = await asyncio.to_thread(sealed.run_trunkctl, "log", "verify", "--known", str(tmp_path / "kept"))
    assert code == 0


async def test_a_run_of_tidy_is_noted_by_its_own_user(sealed: Sealed, addresses: Addresses) -> None:
    before = utc_now()
    tidier = replace(sealed, environment=environment(settings(addresses, Role.TIDY)))
    code, lines = await asyncio.to_thread(tidier.run_trunkctl, "log", "tidy")
    assert (code, lines[-1].endswith(" 0 faults")) == (0, True), lines
    noted = await Backups(sealed.database).tidied()
    assert noted
    assert noted >= before - timedelta(milliseconds=1), "MongoDB keeps milliseconds"


async def test_a_changed_and_a_removed_row_are_named(sealed: Sealed) -> None:
    rows = sealed.database.collection("ledger")
    _, before = await asyncio.to_thread(sealed.run_trunkctl, "archive", "check")
    assert not [line for line in before if sealed.subject in line]
    (summary,) = (line for line in before if "records checked" in line)
    noted = await sealed.database.collection("checks").find_one({"_id": "archive"})
    assert noted
    assert summary.endswith(f"{noted['records']} records checked, {noted['faults']} faults")
    row = await rows.find_one({"_id": sealed.entries[1].key})
    assert row
    await rows.update_one({"_id": row["_id"]}, {"$set": {"body": row["body"].replace("1/TB", "2/TB")}})
    code, lines = await asyncio.to_thread(sealed.run_trunkctl, "archive", "check")
    assert code == 1
    assert f"{row['_id']} does not give a leaf of the log: changed after it was sealed" in lines
    await rows.replace_one({"_id": row["_id"]}, row)


async def test_the_archive_s_keys_cannot_take_anything_out_of_the_log(sealed: Sealed, addresses: Addresses) -> None:
    client = Objects(settings(addresses, Role.ARCHIVE)).client
    with pytest.raises(S3Error, match="AccessDenied"):
        client.remove_object(LOG, CHECKPOINT)
    version = sealed.administrator.stat_object(LOG, CHECKPOINT).version_id
    with pytest.raises(S3Error, match="AccessDenied"):
        sealed.administrator.remove_object(LOG, CHECKPOINT, version_id=version)


async def test_a_delete_marker_is_named(sealed: Sealed) -> None:
    newest = list(sealed.administrator.list_objects(LOG, prefix="checkpoints/", recursive=True))[-1]
    name = str(newest.object_name)
    sealed.administrator.remove_object(LOG, name)
    code, lines = await asyncio.to_thread(sealed.run_trunkctl, "log", "verify")
    assert (code, lines[0]) == (1, f"{name}: hidden by a delete marker")
    (marker,) = [
        each
        for each in sealed.administrator.list_objects(LOG, prefix=name, include_version=True)
        if each.is_delete_marker
    ]
    sealed.administrator.remove_object(LOG, name, version_id=marker.version_id)


@contextmanager
def flipped(state: Path, data: bytes) -> Iterator[int]:
    """One bit of these bytes, wherever the store keeps them on its disk; put back afterwards."""
    places = [(path, path.read_bytes().find(data)) for path in state.rglob("*.dat")]
    copies = [(path, at) for path, at in places if at >= 0]

    def flip() -> None:
        for path, at in copies:
            with path.open("r+b") as file:
                file.seek(at + len(data) // 2)
                byte = file.read(1)[0] ^ 1
                file.seek(at + len(data) // 2)
                file.write(bytes([byte]))

    flip()
    yield len(copies)
    flip()


async def test_a_bit_that_flips_on_the_store_s_own_disk_is_named(sealed: Sealed, state: Path) -> None:
    names = [str(each.object_name) for each in sealed.administrator.list_objects(LOG, recursive=True)]
    leaf = sealed.entries[2].leaf()
    bundles = [name for name in names if "entries" in name and leaf in read(sealed, name)]
    assert bundles
    with flipped(state, leaf) as places:
        assert places
        code, lines = await asyncio.to_thread(sealed.run_trunkctl, "log", "verify")
    assert code == 1
    assert any(line.startswith(bundles[0]) for line in lines), lines
    assert (await asyncio.to_thread(sealed.run_trunkctl, "log", "verify"))[0] == 0


def read(sealed: Sealed, name: str) -> bytes:
    with sealed.administrator.get_object(LOG, name) as answer:
        return answer.read()


def test_the_keys_that_tidy_remove_versions_for_good_and_neither_locked_ones_nor_files(
    addresses: Addresses, administrator: Minio
) -> None:
    store, client = TidyStore(client_of(addresses, Role.TIDY), LOG), client_of(addresses, Role.TIDY)
    names = [f"tile/7/{number:03}.p/{secrets.randbelow(200) + 1}" for number in range(2)]
    lock = Retention(COMPLIANCE, utc_now() + timedelta(minutes=5))
    free, locked = (
        str(administrator.put_object(LOG, name, io.BytesIO(b"x"), 1, retention=retention).version_id)
        for name, retention in zip(names, (None, lock), strict=True)
    )
    for name in names:
        with pytest.raises(S3Error, match="AccessDenied"):
            client.remove_object(LOG, name)
    assert store.remove(names[0], free)
    assert not store.versions_of(names[0])
    assert store.remove(names[0], free), "again does nothing"
    assert not store.remove(names[1], locked)
    (left,) = store.versions_of(names[1])
    assert (left.version_id, left.is_delete_marker) == (locked, False)


@pytest.mark.parametrize("role", Role)
def test_each_role_may_do_with_the_log_what_the_table_says_and_nothing_else(addresses: Addresses, role: Role) -> None:
    """Last in this file: what is put for these questions is no part of the log, and the tests above would name it."""
    assert wrong_answers(addresses, role, LOG) == []


def test_without_keys_nothing_can_be_done_with_the_log(addresses: Addresses) -> None:
    assert done_without_keys(addresses, LOG) == []
