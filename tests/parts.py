"""``make test``: all parts of the test suite, stage by stage whatever fails, and one table at the end."""

import argparse
import subprocess
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field, replace
from pathlib import Path
from xml.etree import ElementTree

ROOT = Path(__file__).parent.parent
SERVICES = ("intake", "validator", "router", "archive", "notifier")
WORKERS = ("-n", "logical", "--dist", "loadfile", "--no-loadscope-reorder")
"""One process a core; tests of one file stay together, so that their fixtures are made once. Files are taken in their
order: files with few tests can be the slowest, and would come last otherwise."""
APART = ("tests/system", "tests/containers")
"""Folders that are parts of their own: each runs a whole trunk."""

SLOWEST = ("--durations=25", "--durations-min=5")
"""Where the time of the slow parts goes is shown at their end."""
LARGE = ("validator", "router")
"""Services with so many tests that starting further processes pays."""
MOST_REPEATED = 3
"""A part with servers runs its failed tests again, alone, if they are no more than this. A test that passes then
depends on timing or on the tests beside it, and so may the code under test: the table names it, to be mended. More
failures, and failures of tests without servers, are never forgiven."""

PARTS = {
    "without servers": ("-q", "-m", "not servers", *WORKERS),
    "servers": ("-q", "-m", "servers", *WORKERS, *(f"--ignore={folder}" for folder in APART)),
    "system": ("-v", *SLOWEST, *WORKERS, "tests/system"),
    "containers": ("-v", *SLOWEST, "tests/containers"),
}
FAST = ("-q", "-m", "not servers and not long", *WORKERS)
"""The part "without servers" as ``make test-fast`` runs it: without the tests that search at random for minutes."""
STAGES = (("without servers",), ("servers",), ("system", "containers"))
"""Parts that run at the same time: whole trunks, each on servers of its own, which wait more than they work."""
WITHOUT_SERVERS = ("without servers", *(f"{service}, without servers" for service in LARGE))


def parts_of(service: str) -> dict[str, tuple[str, ...]]:
    """Of one service: run in an environment that has nothing but the service's own dependencies."""
    folder = f"tests/{service}"
    if service not in LARGE:
        return {service: ("-q", folder)}
    return {f"{service}, {part}": (*PARTS[part], folder) for part in ("without servers", "servers")}


@dataclass
class Result:
    """What became of a part."""

    part: str
    code: int
    """As pytest ended: 0 = all passed, 5 = no test was chosen."""
    seconds: float
    passed: int = 0
    failed: list[str] = field(default_factory=list)
    repeated: list[str] = field(default_factory=list)
    """Tests that failed beside the others and passed alone."""
    skipped: Counter[str] = field(default_factory=Counter)
    """How many tests, by reason."""

    @property
    def is_good(self) -> bool:
        return self.code == 0 and not self.failed


def read(report: Path, result: Result) -> Result:
    """Count what a report of pytest (JUnit XML) says into ``result``; a report that is missing says nothing, and one
    that broke off, as on a full disk, is a failure."""
    if not report.is_file():
        return result
    try:
        cases = [*ElementTree.parse(report).iter("testcase")]
    except ElementTree.ParseError as error:
        return replace(result, failed=[f"::{report.name}: {error}"])
    for case in cases:
        skipped = case.find("skipped")
        if case.find("failure") is not None or case.find("error") is not None:
            result.failed.append(f"{case.get('classname')}::{case.get('name')}")
        elif skipped is not None:
            result.skipped[skipped.get("message", "")] += 1
        else:
            result.passed += 1
    return result


def run(parts: Mapping[str, Sequence[str]]) -> list[Result]:
    """Parts side by side to their end, with their output as it comes, and a few failures of tests with servers once
    more, when nothing else runs. With several parts, each line begins with the name of its part."""
    with tempfile.TemporaryDirectory() as folder, ThreadPoolExecutor(len(parts)) as threads:
        started = [threads.submit(_first, part, parts, Path(folder)) for part in parts]
        return [_again(each.result(), parts, Path(folder)) for each in started]


def _first(part: str, parts: Mapping[str, Sequence[str]], folder: Path) -> Result:
    print(f"\n== tests: {part}", flush=True)
    mark = f"{part} | " if len(parts) > 1 else ""
    return _run(part, [*parts[part], *_cache(part, folder)], folder / f"{part}.xml", mark)


def _again(first: Result, parts: Mapping[str, Sequence[str]], folder: Path) -> Result:
    """The result as it is, or what became of it when its failures ran alone."""
    if not is_repeated(first):
        return first
    print(f"\n== tests: {first.part}, what failed once more, alone", flush=True)
    alone = ("-n", "0", "-m", "servers", "--last-failed", "--last-failed-no-failures", "none")
    arguments = [*parts[first.part], *_cache(first.part, folder), *alone]
    return joined(first, _run(first.part, arguments, folder / f"{first.part}, again.xml"))


def _cache(part: str, folder: Path) -> tuple[str, ...]:
    """Where pytest remembers what failed."""
    return ("-o", f"cache_dir={folder}/{part}")


def _run(part: str, arguments: Sequence[str], report: Path, mark: str = "") -> Result:
    began = time.monotonic()
    command = [sys.executable, "-m", "pytest", *arguments, f"--junitxml={report}"]
    with subprocess.Popen(command, cwd=ROOT, stdout=subprocess.PIPE, stderr=subprocess.STDOUT) as running:
        for line in iter(running.stdout.readline, b"") if running.stdout else ():
            sys.stdout.write(mark + line.decode(errors="replace"))
            sys.stdout.flush()
    return read(report, Result(part, running.returncode, time.monotonic() - began))


def is_repeated(result: Result) -> bool:
    """Whether the failures of a part are few enough to be run again, and such that others can have caused them.

    A file that could not be read is none of these: its tests have no names yet, and all others would run instead.
    """
    if result.code != 1 or result.part in WITHOUT_SERVERS or any(name.startswith("::") for name in result.failed):
        return False
    return 0 < len(result.failed) <= MOST_REPEATED


def joined(first: Result, second: Result) -> Result:
    """What became of a part whose failures were run again: only what passed then is taken from them, and nothing
    unless all of them, and no others, were run."""
    failed, again = set(first.failed), set(second.failed)
    if second.code not in (0, 1) or not again <= failed or second.passed + len(again) != len(failed):
        return first
    return replace(
        first,
        code=second.code,
        seconds=first.seconds + second.seconds,
        passed=first.passed + second.passed,
        failed=second.failed,
        repeated=sorted(failed - again),
    )


def table(results: Iterable[Result]) -> str:
    """A line for each part, then every failure and every reason for a skip by name."""
    listed = list(results)
    lines = [f"{'part':28}{'passed':>8}{'failed':>8}{'skipped':>9}{'seconds':>9}"]
    for result in listed:
        ended = "" if result.is_good or result.failed else f"  pytest ended with {result.code}"
        lines.append(
            f"{result.part:28}{result.passed:8}{len(result.failed):8}{result.skipped.total():9}"
            f"{result.seconds:9.0f}{ended}"
        )
    lines += [f"PASSED ONLY WHEN REPEATED {name}" for result in listed for name in result.repeated]
    lines += [f"FAILED {name}" for result in listed for name in result.failed]
    lines += [f"skipped {count}: {why}" for result in listed for why, count in sorted(result.skipped.items())]
    return "\n".join(lines)


def main() -> int:
    parser = argparse.ArgumentParser(prog="python -m tests.parts", description=__doc__)
    parser.add_argument("--fast", action="store_true", help="what needs no server, without the long tests")
    parser.add_argument("--service", choices=SERVICES, help="the tests of one service")
    parser.add_argument("--without", nargs="*", default=[], choices=SERVICES, help="services tested already")
    options = parser.parse_args()
    fast = {WITHOUT_SERVERS[0]: FAST} if options.fast else PARTS
    chosen = parts_of(options.service) if options.service else fast
    left_out = [f"--ignore=tests/{service}" for service in options.without]
    stages = STAGES if chosen is PARTS else [(part,) for part in chosen]
    results = [result for stage in stages for result in run({part: (*chosen[part], *left_out) for part in stage})]
    print(f"\n{table(results)}", flush=True)
    return 0 if all(result.is_good for result in results) else 1


if __name__ == "__main__":
    sys.exit(main())
