"""Nothing is lost, doubled or stuck when nodes of the broker die that lead its queues.

``make chaos`` kills ten.
"""

from pathlib import Path

import pytest

from .chaos.leaders import lost_leaders
from .trunk import Trunk, eventually

pytestmark = pytest.mark.system

PACKAGES, DEATHS, SEED = 60, 3, 5
PATIENCE_SECONDS = 600.0


def test_everything_balances_after_three_leaders_have_died(trunk: Trunk, tmp_path: Path) -> None:
    done = lost_leaders(trunk, tmp_path, PACKAGES, DEATHS, SEED, PATIENCE_SECONDS)
    print("", *done.log, "", done.table(), sep="\n")
    assert not done.balance.wrong
    assert done.faults.total() == DEATHS
    assert eventually(lambda: not trunk.not_ready(), PATIENCE_SECONDS, 1.0)
