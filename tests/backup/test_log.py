"""A backup that was made while the log grew is restored, and the sealer goes on from there: on real servers."""

import secrets
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from minio import Minio

from archive import log_store
from archive.batches import Batches
from archive.lease import SEALER, Lease
from archive.ledger import Ledger
from archive.log_store import LogStore
from archive.sealer import LEASE, Sealer
from common.clock import utc_now
from common.database import Database
from common.objects import LOG, Objects
from common.store_access import Role
from common.tlog.names import batch_checkpoint
from common.tlog.note import SignerKey
from devstack.servers import Addresses
from tests.archive.test_ledger import fact
from tests.stores.conftest import settings as role_settings
from trunkctl.archive_store import ArchiveStore
from trunkctl.backup import log_cut
from trunkctl.backup.copies import Original, newest_first
from trunkctl.backup.database import back_up, open_backup
from trunkctl.backup.second_store import second_store, shelf
from trunkctl.backup.shelf import Folder
from trunkctl.backup.store import StoreBackup
from trunkctl.log.reading import Bucket
from trunkctl.log.rows import LedgerRows
from trunkctl.log.verify import Outcome, verify
from trunkctl.restore.database import restore
from trunkctl.restore.store import StoreRestore
from trunkctl.settings import ControlSettings

from .conftest import empty

KEY = SignerKey("log.example/trunk", b"k" * 32)


class Archive:
    """Enters facts and seals them, into the store of the trunk or another one."""

    def __init__(self, addresses: Addresses) -> None:
        self._settings = role_settings(addresses, Role.ARCHIVE)
        self.database = Database(self._settings, "archive")
        self.objects = Objects(self._settings)

    async def seal(self, count: int, adopted_size: int | None = None) -> None:
        ledger, subject = Ledger(self.database), secrets.token_hex(16)
        for number in range(count):
            await ledger.append(fact(number, subject), utc_now())
        await self.database.collection("leases").delete_one({"_id": SEALER})
        lease = Lease(self.database, secrets.token_hex(4), LEASE)
        store = LogStore(self.objects)
        await Sealer(Batches(self.database), lease, store, KEY, adopted_size=adopted_size).round()


def verified(client: Minio) -> Outcome:
    return verify(Bucket(ArchiveStore(client, LOG), lambda _: None), [KEY.verifier])


def without_the_newest_checkpoint(*place: Any) -> Iterator[Original]:
    """It was put after the versions of ``checkpoint`` were listed."""
    return iter([*newest_first(*place)][-1:])


async def test_the_log_goes_on_behind_what_was_copied_while_it_grew(
    addresses: Addresses,
    database: Any,
    reader: Any,
    settings: ControlSettings,
    other: Minio,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """What was sealed long ago, and copied while a checkpoint was published, verifies before anything is sealed."""
    archive, second = Archive(addresses), second_store(settings)

    async def copy_store() -> None:
        report = StoreBackup(Objects(settings).client, second, settings.backup_bucket, reader).run(shelf(settings, ""))
        assert not report.faults

    with monkeypatch.context() as patch:
        patch.setattr(log_store, "KEPT", log_store.KEPT - timedelta(days=800))  # its lock ends as much earlier
        patch.setattr(log_cut, "newest_first", without_the_newest_checkpoint)
        await archive.seal(4)
        back_up(reader, Folder(tmp_path), lambda _: None)
        await archive.seal(3)
        await copy_store()
        await archive.seal(2)
        patch.setattr(log_cut, "end_of", lambda _: 7)  # the log grew once its end was looked at
        await copy_store()
        names = [each.object_name or "" for each in second.list_objects(settings.backup_bucket, recursive=True)]
        assert not [name for name in names if ".p/9/" in name or batch_checkpoint(7) in name]
        patch.setattr(log_cut, "is_beyond", lambda name, _: name == batch_checkpoint(7))
        await copy_store()  # as older copies are: tiles without their checkpoint

    empty(database)
    restore(database, Folder(tmp_path), open_backup(Folder(tmp_path)), lambda _: None)
    _, faults = StoreRestore(second, settings.backup_bucket, other).run(shelf(settings, ""))
    assert [fault for fault in faults if not fault.endswith("by the last complete backup")] == []
    archive.objects.client = other
    outcome = verified(other)
    assert (outcome.size, outcome.faults) == (7, [])
    await archive.seal(5, adopted_size=7)
    await archive.seal(1)
    outcome = verified(other)
    assert (outcome.size, outcome.faults) == (13, [])
    rows = LedgerRows.of(reader)
    assert list(rows.faults(outcome.verified, utc_now(), adopted={(4, 7): None})) == []
    archive.database.client.close()
