"""What a package costs, counted on the simulated trunk in both forms; nothing of it may grow unnoticed."""

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from common.facts.flows import SERVICES
from tests.simulation.counting import Costs, sums

ROOT = Path(__file__).parents[2]
REQUESTS = {
    "parts": {
        "letter": {"intake": 5, "validator": 5, "router": 2, "archive": 10},
        "status": {"intake": 4, "router": 2, "archive": 5},
    },
    "one object": {
        "letter": {"intake": 1, "validator": 1, "router": 1, "archive": 3},
        "status": {"archive": 1},
    },
}
"""To the object store."""
OPERATIONS = {
    "letter": {"intake": 9, "validator": 2, "router": 17, "archive": 14, "notifier": 5},
    "status": {"intake": 8, "router": 16, "archive": 11, "notifier": 5},
}
"""At the database; the same in both forms."""
PAGE = ROOT / "docs" / "operations" / "cost.md"


@pytest.mark.parametrize("form", REQUESTS)
def test_a_package_costs_what_the_decision_says(form: str) -> None:
    env = {**os.environ, "PYTHONHASHSEED": "0", "TRUNK_ONE_OBJECT": str(form == "one object").lower()}
    command = [sys.executable, "-m", "tests.simulation", "count"]
    ran = subprocess.run(command, cwd=ROOT, env=env, capture_output=True, text=True)
    assert ran.returncode == 0, ran.stderr
    counted: dict[str, Costs] = json.loads(ran.stdout)
    assert {kind: sums(each)["store"] for kind, each in counted.items()} == REQUESTS[form]
    assert {kind: sums(each)["database"] for kind, each in counted.items()} == OPERATIONS, ran.stdout


@pytest.mark.parametrize("kind", OPERATIONS)
def test_the_page_says_what_is_counted(kind: str) -> None:
    counts = [OPERATIONS[kind].get(service, 0) for service in SERVICES]
    row = " | ".join(map(str, (kind, *counts, sum(counts))))
    assert f"| {row} |" in PAGE.read_text(), f"the page does not say: {row}"
