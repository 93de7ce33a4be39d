"""What records share is read once for all of them, and memory does not grow with it."""

import threading
from collections.abc import Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor

import pytest

from trunkctl.archive_check import Version, VersionContent
from trunkctl.shared_reads import SharedReads
from trunkctl.store_patience import Unreadable


class Counting:
    """A store that notes what it is asked, and answers once it is let go."""

    def __init__(self) -> None:
        self.asked: list[str] = []
        self.goes_on = threading.Event()
        self.goes_on.set()
        self.is_broken = False

    def versions(self, folder: str) -> Mapping[str, Sequence[Version]]:
        self.asked.append(folder)
        return {}

    def of(self, bucket: str) -> "Counting":
        return Counting()

    def versions_of(self, key: str) -> Sequence[Version]:
        self.asked.append(key)
        return ()

    def held(self, key: str, version_id: str, *, with_data: bool = False) -> VersionContent | None:
        self.asked.append(f"{key} {version_id}")
        self.goes_on.wait(10)
        if self.is_broken:
            raise Unreadable("InternalError")
        return VersionContent("", 0, "", None, b"x" if with_data else b"")


@pytest.fixture
def store() -> Counting:
    return Counting()


def test_what_is_shared_is_read_once(store: Counting) -> None:
    reads = SharedReads(store)
    for _ in range(3):
        assert reads.held("evidence/aa/2036", "1") == VersionContent("", 0, "", None, b"")
        assert reads.versions("evidence/aa") == {}
    assert store.asked == ["evidence/aa/2036 1", "evidence/aa"]
    assert reads.held("evidence/aa/2036", "1", with_data=True) == VersionContent("", 0, "", None, b"x")
    reads.held("evidence/aa/2036", "2")
    assert len(store.asked) == 4


def test_what_belongs_to_one_record_is_not_kept(store: Counting) -> None:
    reads = SharedReads(store)
    for _ in range(2):
        reads.held("d/p1/record.json", "1")
        reads.versions("d/p1")
    assert len(store.asked) == 4


def test_of_threads_that_ask_at_the_same_time_one_reads(store: Counting) -> None:
    store.goes_on.clear()
    reads = SharedReads(store)
    with ThreadPoolExecutor(8) as pool:
        answers = [pool.submit(reads.held, "evidence/aa/2036", "1") for _ in range(8)]
        store.goes_on.set()
        assert {answer.result() is not None for answer in answers} == {True}
    assert len(store.asked) == 1


def test_what_cannot_be_read_is_said_to_each(store: Counting) -> None:
    """By an exception of its own: one that many records share would hold what was being done with each of them."""
    store.is_broken = True
    reads, said = SharedReads(store), list[Unreadable]()
    for _ in range(3):
        with pytest.raises(Unreadable, match="InternalError") as caught:
            reads.held("evidence/aa/2036", "1")
        said.append(caught.value)
    assert len(store.asked) == 1
    assert len({*map(id, said)}) == 3


def test_the_answers_that_are_kept_are_limited(store: Counting) -> None:
    reads = SharedReads(store, remembered=2)
    for name in ("a", "b", "a", "c", "a", "b"):
        reads.held(f"evidence/{name}/2036", "1")
    assert [asked.split("/")[1] for asked in store.asked] == ["a", "b", "c", "b"]
