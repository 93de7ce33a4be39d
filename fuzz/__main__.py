"""``python -m fuzz TARGET --minutes N [--from NUMBER]``: mutate until the time is over; findings are written down.

With ``--atheris`` the coverage-guided engine drives the same target, where it is installed.
"""

import argparse
import resource
import signal
import sys
import time
import traceback
from pathlib import Path
from types import FrameType

from fuzz.targets import TARGETS, Target, case

MEMORY_BYTES = 2 * 1024**3


class TooSlow(Exception):
    """One input took more CPU time than it may."""


def _alarm(_number: int, _frame: FrameType | None) -> None:
    raise TooSlow


def run(name: str, target: Target, *, seconds: float, first: int = 0, folder: Path | None = None) -> tuple[int, int]:
    """Number of inputs tried and of findings."""
    signal.signal(signal.SIGVTALRM, _alarm)
    until, number, findings = time.monotonic() + seconds, first, 0
    target.seeds()
    while time.monotonic() < until:
        seed, data = case(target, number)
        signal.setitimer(signal.ITIMER_VIRTUAL, target.seconds)
        try:
            target.run(seed, data)
        except Exception as error:
            findings += 1
            print(f"{name} {number}: {type(error).__name__}: {error}", flush=True)
            traceback.print_exc(limit=-4, file=sys.stdout)
            if folder:
                folder.mkdir(parents=True, exist_ok=True)
                (folder / f"{name}-{number}").write_bytes(data)
        finally:
            signal.setitimer(signal.ITIMER_VIRTUAL, 0)
        number += 1
    return number - first, findings


def guided(target: Target, minutes: float) -> None:
    """The same by atheris, which follows coverage."""
    import atheris

    seed = target.seeds()[0]
    atheris.instrument_all()
    atheris.Setup([sys.argv[0], f"-max_total_time={int(minutes * 60)}"], lambda data: target.run(seed, data))
    atheris.Fuzz()


def main() -> int:
    """Command line."""
    parser = argparse.ArgumentParser(prog="python -m fuzz", description=__doc__)
    parser.add_argument("target", choices=TARGETS)
    parser.add_argument("--minutes", type=float, default=1.0)
    parser.add_argument("--from", dest="first", type=int, default=0, help="number of the first input")
    parser.add_argument("--folder", type=Path, default=None, help="where inputs of findings are written")
    parser.add_argument("--atheris", action="store_true")
    asked = parser.parse_args()
    resource.setrlimit(resource.RLIMIT_AS, (MEMORY_BYTES, MEMORY_BYTES))
    if asked.atheris:
        guided(TARGETS[asked.target], asked.minutes)
        return 0
    tried, findings = run(
        asked.target, TARGETS[asked.target], seconds=asked.minutes * 60, first=asked.first, folder=asked.folder
    )
    print(f"{asked.target}: {tried} inputs, {findings} findings")
    return 1 if findings else 0


if __name__ == "__main__":
    sys.exit(main())
