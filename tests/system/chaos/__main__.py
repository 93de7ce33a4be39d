"""``python -m tests.system.chaos``: a long run against the trunk of this checkout, with a table at the end."""

import argparse
import tempfile
from pathlib import Path

from ..trunk import Trunk
from .leaders import lost_leaders
from .ordeal import FaultPlan, Ordeal, ordeal

PACKAGES_PER_LEADER = 20


def main() -> None:
    """Console entry point; ends with 1 when anything is wrong."""
    parser = argparse.ArgumentParser(prog="python -m tests.system.chaos", description=__doc__)
    parser.add_argument("--packages", type=int, default=2000)
    parser.add_argument("--faults", type=int, default=200)
    parser.add_argument(
        "--leaders", type=int, default=10, help="nodes of a cluster of three brokers that die afterwards"
    )
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--patience-seconds", type=float, default=1800.0)
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        trunk, patience, made = Trunk.up(), options.patience_seconds, []
        if options.faults:
            plan = FaultPlan.of_every_kind(options.faults, options.seed)
            made.append(ordeal(trunk, Path(folder), options.packages, plan, options.seed, patience))
            _show(made[-1])
        if options.leaders:
            packages = options.leaders * PACKAGES_PER_LEADER
            folder_of_leaders = Path(folder) / "leaders"
            folder_of_leaders.mkdir()
            made.append(lost_leaders(trunk, folder_of_leaders, packages, options.leaders, options.seed, patience))
            _show(made[-1])
    raise SystemExit(1 if any(done.balance.wrong for done in made) else 0)


def _show(done: Ordeal) -> None:
    print(*done.log, "", done.table(), "", *(done.balance.wrong or ["Nothing is lost, doubled or stuck."]), sep="\n")


if __name__ == "__main__":
    main()
