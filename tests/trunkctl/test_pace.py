"""A check of everything reads no faster than it may, however many threads read, and catches nothing up."""

from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest

from trunkctl.archive_store import ArchiveStore
from trunkctl.pace import Pace

MIB = 1024 * 1024


class Time:
    """Passes only while somebody waits."""

    def __init__(self) -> None:
        self.now, self.waited = 0.0, list[float]()

    def wait(self, seconds: float) -> None:
        self.waited.append(seconds)
        self.now = max(self.now, self.now + seconds)


@pytest.mark.parametrize("rate", [1, 20])
def test_no_more_than_so_many_bytes_a_second(rate: int) -> None:
    time = Time()
    pace = Pace(rate * MIB, lambda: time.now, time.wait)
    for size in (MIB, MIB // 2, 3 * MIB):
        pace.take(size)
    assert time.now == pytest.approx(4.5 / rate)


def test_what_was_not_read_for_a_while_is_not_caught_up() -> None:
    time = Time()
    pace = Pace(MIB, lambda: time.now, time.wait)
    time.now = 1_000.0
    pace.take(MIB)
    assert time.waited == [1.0]


def test_without_a_rate_nobody_waits() -> None:
    time = Time()
    Pace(0, lambda: time.now, time.wait).take(MIB)
    assert time.waited == []


def test_threads_share_one_pace() -> None:
    """The clock stands still: each has to wait for those before it."""
    waited: list[float] = []
    pace = Pace(MIB, lambda: 0.0, waited.append)
    with ThreadPoolExecutor(8) as pool:
        list(pool.map(pace.take, [MIB] * 16))
    assert sorted(waited) == [float(number) for number in range(1, 17)]


class Answer:
    headers: dict[str, str] = {}  # noqa: RUF012

    def stream(self, _: int, decode_content: bool = True) -> list[bytes]:
        return [b"x" * MIB, b"x"]

    def close(self) -> None:
        """As the client library's answers do."""

    release_conn = close


class Client:
    def list_buckets(self) -> list[str]:
        return []

    def get_object(self, *_: Any, **__: Any) -> Answer:
        return Answer()


def test_every_byte_that_is_read_of_any_bucket_counts() -> None:
    time, client = Time(), Client()
    store = ArchiveStore(client, pace=Pace(MIB, lambda: time.now, time.wait))  # type: ignore[arg-type]
    store.held("a", "v")
    store.of("packages").held("b", "v")
    assert time.now == pytest.approx(2 * (MIB + 1) / MIB)
