"""Nothing is lost, doubled or stuck, whatever is killed, frozen, cut off or emptied under load.

``make chaos`` does the same for longer.
"""

from pathlib import Path

import pytest

from .chaos.ordeal import FaultPlan, ordeal
from .trunk import Trunk, eventually

pytestmark = pytest.mark.system

PACKAGES, FAULTS, SEED = 300, 40, 11
PATIENCE_SECONDS = 900.0


def test_everything_balances_after_forty_faults(trunk: Trunk, tmp_path: Path) -> None:
    plan = FaultPlan.of_every_kind(FAULTS, SEED)
    done = ordeal(trunk, tmp_path, PACKAGES, plan, SEED, PATIENCE_SECONDS)
    print("", *done.log, "", done.table(), sep="\n")
    assert not done.balance.wrong
    assert done.faults.total() == FAULTS
    assert eventually(lambda: not trunk.not_ready()), trunk.not_ready()
