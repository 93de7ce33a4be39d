"""A restore goes on past a copy that the second store does not give, and names it. A store that is away ends it, and so
does a checkpoint without which nobody knows where the log ends."""

import hashlib
import re
from collections.abc import Collection
from typing import Any

import pytest
from urllib3.exceptions import IncompleteRead

from common.objects import CONTENT, LOG, content_ref
from common.tlog.names import batch_checkpoint
from trunkctl import store_patience
from trunkctl.backup.copies import UNLOCKED
from trunkctl.command_error import CommandError
from trunkctl.restore.copies import Copies
from trunkctl.restore.log_cut import cut_of
from trunkctl.restore.store import StoreRestore
from trunkctl.store_patience import Patience

from ..log.whole import Whole
from .memory_store import MemoryStore, refusal

BACKUP = "backup"
DATA = (b"one", b"two", b"three", b"four")


@pytest.fixture(autouse=True)
def _no_pause(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(store_patience.time, "sleep", lambda _: None)


class Stores:
    """The second store, with copies of some objects, and an empty store of the trunk."""

    def __init__(self) -> None:
        self.source, self.target = MemoryStore(), MemoryStore()

    def copy(self, bucket: str, key: str, data: bytes, version: str = "v1", order: str = "1", ending: str = "") -> str:
        said = {"sha256": hashlib.sha256(data).hexdigest(), "version": version, "order": order}
        headers = {f"x-amz-meta-trunk-{name}": value for name, value in said.items()}
        name = f"objects/{bucket}/{key}/{version}{ending}"
        self.source.put(BACKUP, name, data, **headers)
        return name

    def restore(self, *, resume: bool = False, lost: Collection[str] = ()) -> tuple[int, list[str]]:
        """``lost``: bucket and key of objects that were given up. Returns how many copies were put, and the faults."""
        source: Any = self.source
        target: Any = self.target
        run = StoreRestore(source, BACKUP, target, resume=resume, lost=lost)
        outcomes = [run._restored(group) for group in run._wanted()]
        return sum(done for done, _, _ in outcomes), [fault for _, _, faults in outcomes for fault in faults]


@pytest.fixture
def stores() -> Stores:
    return Stores()


def refuse(store: MemoryStore, *versions: str) -> None:
    """Have a store not give these versions."""
    get_object = store.get_object

    def get(bucket: str, key: str, version_id: str | None = None) -> Any:
        if version_id in versions:
            raise refusal("InternalError", bucket, key)
        return get_object(bucket, key, version_id)

    store.get_object = get  # type: ignore[method-assign]


def key_of(data: bytes) -> str:
    return content_ref(hashlib.sha256(data).hexdigest(), len(data)).key


@pytest.mark.parametrize(
    "failure",
    [refusal("InternalError", BACKUP, "x"), ConnectionResetError(), IncompleteRead(3, 5), ValueError("no date")],
    ids=["500", "cut", "short", "no date"],
)
@pytest.mark.parametrize("resume", [False, True], ids=["first", "resume"])
def test_a_copy_that_cannot_be_read_is_a_fault_and_the_others_are_restored(
    stores: Stores, failure: Exception, resume: bool
) -> None:
    names = [stores.copy(CONTENT, key_of(data), data) for data in DATA]
    stores.source.failing[BACKUP, names[0]] = failure
    done, faults = stores.restore(resume=resume)
    assert [fault.partition(":")[0] for fault in faults] == [f"{CONTENT}/{key_of(DATA[0])} cannot be restored"]
    assert done == 3
    assert stores.target.names(CONTENT) == sorted(key_of(data) for data in DATA[1:])


def test_of_an_object_the_versions_that_can_be_read_are_restored_in_their_order(stores: Stores) -> None:
    names = [stores.copy("archive", "d/p/record.json", data, f"v{at}", f"{at}") for at, data in enumerate(DATA)]
    stores.source.failing[BACKUP, names[1]] = refusal("InternalError", BACKUP, names[1])
    done, faults = stores.restore()
    assert len(faults) == 1
    assert done == 3
    versions = stores.target.objects["archive", "d/p/record.json"].values()
    assert [each.data for each in versions] == [b"one", b"three", b"four"]


def test_an_object_that_was_given_up_is_not_asked_for(stores: Stores) -> None:
    names = [stores.copy(CONTENT, key_of(data), data) for data in DATA]
    stores.source.failing[BACKUP, names[0]] = refusal("InternalError", BACKUP, names[0])
    assert stores.restore(lost={f"{CONTENT}/{key_of(DATA[0])}"}) == (3, [])
    assert len(stores.source.asked) == 3


def test_a_version_of_a_copy_that_cannot_be_read_is_not_the_sound_one(stores: Stores) -> None:
    name = stores.copy(CONTENT, key_of(b"one"), b"one")
    stores.copy(CONTENT, key_of(b"one"), b"one")
    refuse(stores.source, next(iter(stores.source.objects[BACKUP, name])))
    assert stores.restore() == (1, [])


def test_a_put_whose_answer_was_lost_is_not_put_twice(stores: Stores) -> None:
    stores.copy(CONTENT, key_of(b"one"), b"one")
    put_object, lost = stores.target.put_object, iter([True])

    def put(*what: Any, **more: Any) -> Any:
        answer = put_object(*what, **more)
        if next(lost, False):
            raise ConnectionResetError
        return answer

    stores.target.put_object = put  # type: ignore[method-assign]
    assert stores.restore() == (1, [])
    assert len(stores.target.objects[CONTENT, key_of(b"one")]) == 1


@pytest.mark.parametrize("away", ["source", "target"])
def test_a_store_that_is_away_ends_the_run_with_a_sentence(stores: Stores, away: str) -> None:
    stores.copy(CONTENT, key_of(b"one"), b"one")
    store = getattr(stores, away)

    def get_and_go(*_: Any, **__: Any) -> Any:
        store.is_away = True
        raise ConnectionResetError

    stores.source.get_object = get_and_go  # type: ignore[method-assign]
    with pytest.raises(CommandError, match=f"A store, asked for {CONTENT}/.*, does not answer"):
        stores.restore()


@pytest.fixture
def checkpoint(stores: Stores) -> str:
    """Name of the copy of the last checkpoint of a log with 300 entries; the one before it covers 7."""
    names = {name: stores.copy(LOG, name, data) for name, data in Whole(3, 7, 300).files.items()}
    return names[batch_checkpoint(7)]


def test_the_log_is_cut_before_a_checkpoint_of_which_no_copy_is_sound(stores: Stores, checkpoint: str) -> None:
    source: Any = stores.source
    assert cut_of(source, BACKUP, Patience()).size == 300
    for stored in stores.source.objects[BACKUP, checkpoint].values():
        stored.data = stored.data[:-1]
    assert cut_of(source, BACKUP, Patience()).size == 7


def test_the_log_is_not_cut_before_a_checkpoint_of_which_a_copy_cannot_be_read(stores: Stores, checkpoint: str) -> None:
    """It may be read again in a minute: then what comes behind it would be cut off for nothing."""
    source: Any = stores.source
    readable = stores.source.get_object
    refuse(stores.source, *stores.source.objects[BACKUP, checkpoint])
    stores.source.put(BACKUP, checkpoint, b"what a thief put there")
    sentence = f"Where the log ends is not known: {checkpoint}: InternalError."
    with pytest.raises(CommandError, match=f"^{re.escape(sentence)} Run this again"):
        cut_of(source, BACKUP, Patience())
    assert cut_of(source, BACKUP, Patience(), {f"{LOG}/{batch_checkpoint(7)}"}).size == 7
    assert cut_of(source, BACKUP, Patience(), {f"{LOG}/{name}" for name in map(batch_checkpoint, (7, 3))}).size == 3
    stores.source.get_object = readable  # type: ignore[method-assign]
    assert cut_of(source, BACKUP, Patience()).size == 300


def test_of_a_checkpoint_one_sound_copy_is_enough(stores: Stores, checkpoint: str) -> None:
    (version,) = stores.source.objects[BACKUP, checkpoint]
    stored = stores.source.objects[BACKUP, checkpoint][version]
    refuse(stores.source, stores.source.put(BACKUP, checkpoint, stored.data, **stored.headers))
    source: Any = stores.source
    assert cut_of(source, BACKUP, Patience()).size == 300


@pytest.mark.usefixtures("checkpoint")
def test_where_the_log_ends_is_not_asked_of_a_store_that_is_away(stores: Stores) -> None:
    source: Any = stores.source
    stores.source.is_away = True
    with pytest.raises(CommandError, match="does not answer"):
        cut_of(source, BACKUP, Patience())


def test_early_copies_are_no_copies_where_one_is_under_lock(stores: Stores) -> None:
    stores.copy("packages", "ab/cd", b"x", ending=UNLOCKED)
    stores.copy("packages", "ab/cd", b"x")
    source: Any = stores.source
    (group,) = Copies(source, BACKUP, Patience()).groups()
    assert list(group.copies) == ["objects/packages/ab/cd/v1"]
