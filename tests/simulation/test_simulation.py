"""The simulation as part of ``make test``: some schedules, their replay, and the faults that it has to find.

Each runs in a process of its own, with fixed hashes: what a seed does must not depend on what other tests did before.
"""

import os
import subprocess
import sys
from pathlib import Path

import pytest

from tests.simulation.mutations import MUTATIONS

ROOT = Path(__file__).parents[2]
SCHEDULES = int(os.environ.get("TRUNK_TEST_SCHEDULES", "400"))
"""So many in every full test run; ``make simulation`` runs ten thousand."""
OFTEN = SCHEDULES // 4
"""So many also in ``make test-fast``."""
REPLAYED = 25
MOST_FOR_A_FAULT = 500


def simulation(*arguments: object, **settings: str) -> subprocess.CompletedProcess[str]:
    """Run a command of the simulation; ``settings``: of all services."""
    command = [sys.executable, "-m", "tests.simulation", *map(str, arguments)]
    env = {**os.environ, "PYTHONHASHSEED": "0", **settings}
    return subprocess.run(command, cwd=ROOT, env=env, capture_output=True, text=True)


@pytest.mark.parametrize(
    ("first", "count"),
    [pytest.param(0, OFTEN, id="often"), pytest.param(OFTEN, SCHEDULES - OFTEN, id="all", marks=pytest.mark.long)],
)
def test_everything_holds_after_every_schedule(first: int, count: int) -> None:
    ran = simulation("run", first, count)
    assert ran.returncode == 0, ran.stdout + ran.stderr
    assert f"{count} schedules, 0 failed" in ran.stdout


@pytest.mark.parametrize(
    ("first", "count"),
    [
        pytest.param(SCHEDULES, OFTEN // 4, id="often"),
        pytest.param(SCHEDULES + OFTEN // 4, OFTEN - OFTEN // 4, id="all", marks=pytest.mark.long),
    ],
)
def test_everything_holds_where_a_package_is_one_object(first: int, count: int) -> None:
    ran = simulation("run", first, count, TRUNK_ONE_OBJECT="true")
    assert ran.returncode == 0, ran.stdout + ran.stderr
    assert f"{count} schedules, 0 failed" in ran.stdout


def test_a_seed_leads_to_the_same_history_whatever_ran_before() -> None:
    """Behind up to fifteen others, from the last to the first; and alone in its process."""
    together, alone = (
        simulation("digests", 0, REPLAYED, "--backwards"),
        simulation("digests", 0, REPLAYED, "--batch", 1),
    )
    assert together.returncode == alone.returncode == 0, together.stderr + alone.stderr
    assert together.stdout.splitlines() == alone.stdout.splitlines()[::-1]
    digests = [line.split()[1] for line in alone.stdout.splitlines()]
    assert len(digests) == REPLAYED
    assert len(set(digests)) > REPLAYED / 2


@pytest.mark.long
def test_every_known_fault_is_found() -> None:
    ran = simulation("mutate", "--most", MOST_FOR_A_FAULT, *sorted(MUTATIONS))
    assert ran.returncode == 0, ran.stdout + ran.stderr


def test_the_history_of_a_failure_is_short_and_names_the_package() -> None:
    ran = simulation("replay", "--mutation", "invalid_documents_pass", 0)
    lines = ran.stdout.splitlines()
    assert any(line.startswith("nothing_invalid_is_delivered: altered") for line in lines), ran.stdout + ran.stderr
    assert 5 < len(lines) < 110
    assert any("document.verified" in line for line in lines)


@pytest.mark.parametrize("name", ["tests.simulation.loop", "tests.simulation.world"])
def test_models_are_no_part_of_what_is_shipped(name: str) -> None:
    sources = [path for folder in ("libs", "services", "tools") for path in (ROOT / folder).rglob("*.py")]
    assert not [path for path in sources if name in path.read_text()]
