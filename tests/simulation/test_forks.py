"""Schedules in forks: one that ends its process is known, and costs no other its result."""

import os

import pytest

from tests.simulation.forks import in_forks


def lost(seed: int, what: str) -> str:
    return f"{seed}: {what}"


def ends(seed: int) -> str:
    os._exit(3)


def raises(seed: int) -> str:
    raise ValueError


def never_ends(seed: int) -> str:
    while True:
        pass


def cannot_be_sent(seed: int) -> object:
    return lambda: seed


@pytest.mark.parametrize(
    ("fault", "what"),
    [(ends, "with 3"), (raises, "with 1"), (never_ends, "with -27"), (cannot_be_sent, "with 1")],
)
def test_what_ends_a_process_is_known_and_the_others_run(fault: object, what: str) -> None:
    def run(position: int, seed: int) -> str:
        return fault(seed) if seed in (11, 14) else f"{seed} at {position}"  # type: ignore[no-any-return, operator]

    results = list(in_forks(range(10, 17), run, lost, max_cpu_seconds=0.2))
    assert results == [
        "10 at 0",
        f"11: its process ended {what}",
        "12 at 0",
        "13 at 1",
        f"14: its process ended {what}",
        "15 at 0",
        "16 at 1",
    ]


def test_a_fork_ends_when_nobody_asks_for_its_results() -> None:
    def run(position: int, seed: int) -> int:
        return os.getpid() if position == 0 else never_ends(seed)  # type: ignore[return-value]

    results = in_forks(range(2), run, lambda seed, what: -1)
    child = next(results)
    results.close()
    with pytest.raises(ProcessLookupError):
        os.kill(child, 0)
