"""Partial tiles go once a full one stands for them, and no earlier; whatever is not right is named and stays."""

from datetime import UTC, datetime, timedelta

import pytest

from archive.log_store import PARTIAL_KEPT
from common.tlog.audit import Fault
from common.tlog.names import CHECKPOINT, batch_checkpoint
from trunkctl.log.reading import Bucket
from trunkctl.log.tidy import SIDE_BY_SIDE, Removed, tidy
from trunkctl.log.verify import verify

from .test_reading import MemoryStore
from .whole import KEY, Whole

PUT = datetime(2026, 1, 1, tzinfo=UTC)
UNLOCKED = PUT + PARTIAL_KEPT
LATER = UNLOCKED + timedelta(days=1)
WHOLE = Whole(3, 250, 300, 301)
EDGE = {".p/44", ".p/45", ".p/1"}


class TidiedStore(MemoryStore):
    """Of a log whose partial tiles were locked as the sealer locks them."""

    def __init__(self, whole: Whole = WHOLE) -> None:
        super().__init__(whole.files)
        self.until = {name: UNLOCKED for name in whole.files if ".p/" in name}
        self.fails_at = 0

    def remove(self, key: str, version_id: str) -> bool:
        if len(self.removed) + 1 == self.fails_at:
            raise ConnectionError
        self.removed.append(key)
        del self.put[key][int(version_id)]
        if not self.put[key]:
            del self.put[key]
        return True


def partial_tiles(store: MemoryStore) -> set[str]:
    return {name for name in store.put if ".p/" in name}


def test_a_partial_tile_goes_once_its_lock_has_ended_and_the_full_one_stands_for_it() -> None:
    store = TidiedStore()
    before = partial_tiles(store)
    assert [*tidy(store, UNLOCKED)] == [], "the clocks may be apart"
    done = [*tidy(store, LATER)]
    assert {each.name for each in done} == before - partial_tiles(store)
    assert all(isinstance(each, Removed) for each in done)
    assert {f".p/{name.rpartition('/')[2]}" for name in partial_tiles(store)} == EDGE
    assert [*tidy(store, LATER)] == []
    assert verify(Bucket(store, lambda _: None), [KEY.verifier]).faults == []


@pytest.mark.parametrize("step", range(1, 5))
def test_a_run_that_is_interrupted_is_finished_by_the_next(step: int) -> None:
    store = TidiedStore()
    store.fails_at = step
    with pytest.raises(ConnectionError):
        list(tidy(store, LATER))
    assert verify(Bucket(store, lambda _: None), [KEY.verifier]).faults == []
    store.fails_at = 0
    list(tidy(store, LATER))
    assert len(store.removed) == 4
    assert verify(Bucket(store, lambda _: None), [KEY.verifier]).faults == []


def test_nothing_goes_that_is_still_locked() -> None:
    """An earlier release has locked them for a month."""
    store = TidiedStore()
    store.until |= dict.fromkeys(store.until, PUT + timedelta(days=30))
    assert [*tidy(store, LATER)] == []
    assert len([*tidy(store, PUT + timedelta(days=31))]) == 4


def test_a_full_tile_that_came_just_now_does_not_stand_for_any() -> None:
    store = TidiedStore()
    store.at = {"tile/0/000": LATER, "tile/entries/000": LATER}
    assert [*tidy(store, LATER + SIDE_BY_SIDE - timedelta(seconds=1))] == []
    assert len([*tidy(store, LATER + SIDE_BY_SIDE)]) == 4


def test_a_full_tile_that_no_checkpoint_covers_does_not_stand_for_any() -> None:
    """A sealer stopped before it signed: the partial tiles are the end of the log."""
    store = TidiedStore()
    store.put[CHECKPOINT] = [WHOLE.files[batch_checkpoint(3)]]
    assert [*tidy(store, LATER)] == []


def test_a_partial_tile_that_is_not_the_beginning_of_the_full_one_is_named_and_stays() -> None:
    store, other = TidiedStore(), Whole(3, 250, 300, 301)
    store.put["tile/0/000.p/3"] = [other.files["tile/0/000.p/3"]]
    faults = [each for each in tidy(store, LATER) if isinstance(each, Fault)]
    assert faults == [Fault("tile/0/000.p/3", "is not the beginning of tile/0/000, and stays")]
    assert "tile/0/000.p/3" in store.put
    assert len(store.removed) == 3


@pytest.mark.parametrize(
    ("harm", "what"),
    [
        ("unlocked", "not locked"),
        ("broken", "cannot stand for its partial ones: InternalError"),
        ("cut", "cannot stand for its partial ones: tile/0/000: 8191 bytes instead of 8192"),
    ],
)
def test_a_full_tile_that_is_not_right_stands_for_none(harm: str, what: str) -> None:
    store = TidiedStore()
    if harm == "cut":
        store.put["tile/0/000"] = [WHOLE.files["tile/0/000"][:-1]]
    else:
        getattr(store, harm).add("tile/0/000")
    faults = [each for each in tidy(store, LATER) if isinstance(each, Fault)]
    assert faults == [Fault("tile/0/000", what)]
    assert {name for name in store.removed if name.startswith("tile/0/000")} == set()


@pytest.mark.parametrize("hidden", ["tile/0/000", "tile/0/000.p/3"])
def test_what_is_hidden_is_left_for_people(hidden: str) -> None:
    store = TidiedStore()
    store.put[hidden].append(None)
    list(tidy(store, LATER))
    assert hidden in store.put
    assert "tile/0/000.p/3" in store.put


@pytest.mark.parametrize("harm", ["gone", "hidden", "another file"])
def test_a_log_without_a_checkpoint_in_sight_is_a_fault(harm: str) -> None:
    """Its size is unknown: nothing is looked at, and that is no success."""
    store = TidiedStore()
    if harm == "gone":
        del store.put[CHECKPOINT]
    else:
        store.put[CHECKPOINT].append(None if harm == "hidden" else b"no checkpoint")
    assert [*tidy(store, LATER)] == [Fault(CHECKPOINT, "is not in sight: nothing was tidied")]
    assert store.removed == []


def test_a_log_that_has_not_begun_is_no_fault() -> None:
    store = TidiedStore()
    store.put.clear()
    assert [*tidy(store, LATER)] == []
