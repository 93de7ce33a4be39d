"""``python -m fuzz TARGET --minutes N [--from NUMBER]``: mutate for N minutes of CPU time; findings are written down.

The minutes are CPU time of the process, user and system, so that an hour of fuzzing is as much work on a busy machine
as on a quiet one. With ``--atheris`` the coverage-guided engine drives the same target, where it is installed; its
minutes are time on the clock. The target ``submissions`` is the running trunk of this checkout.
"""

import argparse
import hashlib
import math
import resource
import runpy
import signal
import sys
import tempfile
import time
import traceback
from pathlib import Path
from types import FrameType
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from fuzz.targets import Target

MEMORY_BYTES = 2 * 1024**3


FOLLOWED = ("validator", "common", "pyhanko.pdf_utils")
"""Packages whose branches lead atheris."""
MARKED_SLOWER = 2
"""Times that code takes with atheris' marks in it."""


class TooSlow(Exception):
    """One input took more CPU time than it may."""


def _alarm(_number: int, _frame: FrameType | None) -> None:
    raise TooSlow


def run(
    name: str,
    target: "Target",
    *,
    seconds: float = math.inf,
    inputs: float = math.inf,
    first: int = 0,
    folder: Path | None = None,
) -> tuple[int, int]:
    """Number of inputs tried and of findings, until ``seconds`` of CPU time are spent or so many inputs tried."""
    number, findings = first, 0
    ended: list[int] = []
    before = signal.signal(signal.SIGTERM, lambda number, _frame: ended.append(number))
    from fuzz.targets import case

    target.seeds()
    until = time.process_time() + seconds
    while time.process_time() < until and number < first + inputs and not ended:
        seed, data = case(target, number)
        findings += not _holds(f"{name} {number}", target, seed, data, target.seconds, folder)
        number += 1
    signal.signal(signal.SIGTERM, before)
    return number - first, findings


def _holds(name: str, target: "Target", seed: bytes, data: bytes, seconds: float, folder: Path | None) -> bool:
    """Whether the target keeps its promise, within its time; if not, say so and keep the input in ``folder``."""
    signal.signal(signal.SIGVTALRM, _alarm)
    signal.setitimer(signal.ITIMER_VIRTUAL, seconds)
    try:
        target.run(seed, data)
    except Exception as error:
        print(f"{name}: {type(error).__name__}: {error}", flush=True)
        traceback.print_exc(limit=-4, file=sys.stdout)
        if folder:
            folder.mkdir(parents=True, exist_ok=True)
            (folder / name.replace(" ", "-")).write_bytes(data)
        return False
    finally:
        signal.setitimer(signal.ITIMER_VIRTUAL, 0)
    return True


def guided(name: str, target: "Target", minutes: float, folder: Path) -> None:
    """The same by atheris, which follows coverage; ``folder``: for findings, and its corpus."""
    import atheris

    seeds = target.seeds()
    corpus = folder / "corpus"
    corpus.mkdir(parents=True, exist_ok=True)
    for number, seed in enumerate(seeds):
        (corpus / f"seed-{number}").write_bytes(seed)

    def one(data: bytes) -> None:
        nearest = max(seeds, key=lambda seed: _common(seed, data))
        called = f"{name} {hashlib.sha256(data).hexdigest()[:16]}"
        _holds(called, target, nearest, data, MARKED_SLOWER * target.seconds, folder)

    options = [
        f"-max_total_time={int(minutes * 60)}",
        f"-max_len={2 * max(map(len, seeds))}",
        f"-artifact_prefix={folder}/",
        "-print_final_stats=1",
    ]
    atheris.Setup([sys.argv[0], *options, str(corpus)], one)
    atheris.Fuzz()


def _common(one: bytes, other: bytes) -> int:
    """Bytes that both begin with."""
    differ = (at for at, (a, b) in enumerate(zip(one, other, strict=False)) if a != b)
    return next(differ, min(len(one), len(other)))


def _targets(*, followed: bool) -> "dict[str, Target]":
    """Imported late, so that atheris can put its marks into them."""
    if not followed:
        from fuzz.targets import TARGETS

        return TARGETS
    import atheris

    with atheris.instrument_imports(include=list(FOLLOWED)):
        from fuzz.targets import TARGETS
    return TARGETS


def main() -> int:
    """Command line."""
    if sys.argv[1:2] == ["submissions"]:
        del sys.argv[1]
        runpy.run_module("tests.system.attacks.fuzzer", run_name="__main__")
    parser = argparse.ArgumentParser(prog="python -m fuzz", description=__doc__)
    parser.add_argument(
        "target", help="gate, structure, signed, difference, certificate, edxml, secrecy or submissions"
    )
    parser.add_argument(
        "--minutes", type=float, default=1.0, help="of CPU time of this process; with --atheris of time on the clock"
    )
    parser.add_argument("--from", dest="first", type=int, default=0, help="number of the first input")
    parser.add_argument("--folder", type=Path, default=None, help="where findings, and atheris its corpus, are written")
    parser.add_argument("--atheris", action="store_true")
    asked = parser.parse_args()
    target = _targets(followed=asked.atheris)[asked.target]
    resource.setrlimit(resource.RLIMIT_AS, (MEMORY_BYTES, MEMORY_BYTES))
    if asked.atheris:
        with tempfile.TemporaryDirectory() as made:
            guided(asked.target, target, asked.minutes, asked.folder or Path(made))
        return 0
    tried, findings = run(asked.target, target, seconds=asked.minutes * 60, first=asked.first, folder=asked.folder)
    print(f"{asked.target}: {tried} inputs, {findings} findings, {time.process_time() / 60:.1f} min of CPU")
    return 1 if findings else 0


if __name__ == "__main__":
    sys.exit(main())
