"""After a restore of the databases the sealer signs nothing until a person has said where the log ends.

On the model of the database and a bucket in memory; ``test_sealer.py`` has the same on a real database.
"""

import asyncio
import copy
import secrets
from collections.abc import Iterator
from datetime import timedelta
from typing import Any

import pytest
from pydantic import ValidationError

from archive.batches import Batches
from archive.lease import RESTORED, Lease
from archive.ledger import Ledger
from archive.log_store import LogConflict, LogStore
from archive.sealer import LEASE, Sealer
from archive.settings import ArchiveSettings
from common.indexes import BACKUPS
from common.tlog.checkpoint import open_checkpoint
from common.tlog.names import CHECKPOINT
from common.tlog.note import SignerKey
from tests.harness.memory import Clock
from tests.harness.memory_log import MemoryBucket
from tests.simulation.database import ModelDatabase, Server
from tests.simulation.loop import VirtualLoop

from .test_ledger import AT, fact

KEY = SignerKey.generate("log.example/trunk")


class Restored:
    """Databases as a backup had them, with a log of some size, and an empty bucket. What is entered since is not
    sealed."""

    def __init__(self, loop: VirtualLoop, sealed: int) -> None:
        self._loop = loop
        self._server = Server(loop, lambda: 0.001)
        self.clock = Clock(AT)
        self.bucket = MemoryBucket()
        if sealed:
            self.enter(sealed)
            self.take_over()
        backup = copy.deepcopy(self._server.rows)
        if sealed:
            self.enter(4)
            self.take_over()
        self.signed = self.checkpoint()
        """What somebody outside may have kept; of an empty log, nothing."""
        self._server.rows = backup
        self.bucket = MemoryBucket()
        self._run(self.database.collection(BACKUPS).insert_one({"_id": RESTORED, "name": "20261129T010000Z"}))
        self.enter(4)

    @property
    def database(self) -> Any:
        return ModelDatabase(self._server, "archive")

    def enter(self, count: int) -> None:
        subject = secrets.token_hex(16)
        for number in range(count):
            self._run(Ledger(self.database).append(fact(number, subject), AT))

    def take_over(self, **options: Any) -> None:
        """A round of another process, once the lease of the former one has lapsed."""
        objects: Any = self.bucket
        lease = Lease(self.database, secrets.token_hex(4), LEASE, self._elapsed_seconds)
        options = {"pause": timedelta(), "now": self.clock, "elapsed_seconds": self._elapsed_seconds} | options
        sealer = Sealer(Batches(self.database), lease, LogStore(objects), KEY, **options)
        self._run(sealer.round())
        self.clock.move(seconds=LEASE.total_seconds() + 1)
        self._run(sealer.round())

    def checkpoint(self) -> Any:
        note = self.bucket.files.get(CHECKPOINT)
        return open_checkpoint(note, [KEY.verifier]) if note else None

    def confirmation(self) -> Any:
        return self._run(self.database.collection("leases").find_one({"_id": RESTORED}))

    def _elapsed_seconds(self) -> float:
        return (self.clock() - AT).total_seconds()

    def _run(self, coroutine: Any) -> Any:
        return self._loop.run_until_complete(coroutine)


@pytest.fixture
def loop() -> Iterator[VirtualLoop]:
    loop = VirtualLoop()
    asyncio.set_event_loop(loop)
    yield loop
    asyncio.set_event_loop(None)


@pytest.mark.parametrize("adopted", [{}, {"adopted_size": None}, {"adopted_size": 0}, {"adopted_size": 7}], ids=str)
def test_an_empty_log_is_not_continued_where_restored_batches_lead_further(
    loop: VirtualLoop, adopted: dict[str, Any]
) -> None:
    """Whoever has the checkpoint of size 7 would see another history of that size."""
    restored = Restored(loop, sealed=3)
    assert restored.signed.size == 7
    for _ in range(2):
        with pytest.raises(LogConflict, match="no log in the store, and the restored database leads to 3"):
            restored.take_over(**adopted)
    assert restored.bucket.versions == {}
    assert restored.confirmation() is None


def test_a_lost_log_is_written_again_once_a_person_names_where_the_database_leads_to(loop: VirtualLoop) -> None:
    restored = Restored(loop, sealed=3)
    restored.take_over(adopted_size=3)
    assert restored.checkpoint().size == 7
    assert restored.confirmation()["size"] == 3
    restored.enter(1)
    restored.take_over()
    assert restored.checkpoint().size == 8


def test_also_a_log_that_never_began_waits_for_a_person(loop: VirtualLoop) -> None:
    """The backup may be older than the log."""
    restored = Restored(loop, sealed=0)
    with pytest.raises(LogConflict, match="no log in the store, and the restored database leads to 0"):
        restored.take_over()
    assert restored.bucket.versions == {}
    restored.take_over(adopted_size=0)
    assert restored.checkpoint().size == 4


@pytest.mark.parametrize(("written", "size"), [(None, None), ("", None), ("0", 0), ("7", 7)])
def test_a_size_that_is_not_set_is_no_confirmation(
    written: str | None, size: int | None, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("TRUNK_LOG_ADOPT_SIZE", raising=False)
    if written is not None:
        monkeypatch.setenv("TRUNK_LOG_ADOPT_SIZE", written)
    assert ArchiveSettings().log_adopt_size == size


def test_a_size_below_zero_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TRUNK_LOG_ADOPT_SIZE", "-1")
    with pytest.raises(ValidationError):
        ArchiveSettings()
