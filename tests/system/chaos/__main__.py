"""``python -m tests.system.chaos``: a long run against the trunk of this checkout, with a table at the end."""

import argparse
import tempfile
from pathlib import Path

from ..trunk import Trunk
from .ordeal import ordeal


def main() -> None:
    """Console entry point; ends with 1 when anything is wrong."""
    parser = argparse.ArgumentParser(prog="python -m tests.system.chaos", description=__doc__)
    parser.add_argument("--packages", type=int, default=2000)
    parser.add_argument("--faults", type=int, default=200)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--patience-seconds", type=float, default=1800.0)
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        done = ordeal(
            Trunk.up(), Path(folder), options.packages, options.faults, options.seed, options.patience_seconds
        )
    print(*done.log, "", done.table(), "", *(done.balance.wrong or ["Nothing is lost, doubled or stuck."]), sep="\n")
    raise SystemExit(1 if done.balance.wrong else 0)


if __name__ == "__main__":
    main()
