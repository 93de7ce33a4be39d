"""Commands of the simulation; ``docs/development.md`` says when to use which."""

import argparse
import json
import multiprocessing
import time
from collections import Counter
from statistics import fmean

from tests.simulation.counting import costs
from tests.simulation.history import shortened
from tests.simulation.mutations import MUTATIONS
from tests.simulation.runner import BATCH, Result, fixed_hashes, replayed, results, searched


def main() -> None:
    """Console entry point."""
    parser = argparse.ArgumentParser(prog="python -m tests.simulation", description=__doc__)
    commands = parser.add_subparsers(dest="command", required=True)
    run = commands.add_parser("run", help="run schedules and print those that fail")
    run.add_argument("first", type=int)
    run.add_argument("count", type=int)
    run.add_argument("--jobs", type=int, default=2)
    replay = commands.add_parser("replay", help="run one schedule and print its history")
    replay.add_argument("seed", type=int)
    replay.add_argument("--whole", action="store_true", help="the whole history, not only what concerns the failure")
    replay.add_argument("--mutation", default="", help="with this fault in the product")
    digests = commands.add_parser("digests", help="print what identifies the history of each schedule")
    digests.add_argument("first", type=int)
    digests.add_argument("count", type=int)
    digests.add_argument("--batch", type=int, default=BATCH, help="schedules that run in one process")
    digests.add_argument("--backwards", action="store_true", help="the last seed first")
    commands.add_parser("count", help="print what a letter and a status cost, as JSON")
    mutate = commands.add_parser("mutate", help="see that every known fault is found")
    mutate.add_argument("--most", type=int, default=500, help="schedules for one fault")
    mutate.add_argument("--jobs", type=int, default=2)
    mutate.add_argument("names", nargs="*")
    options = parser.parse_args()
    fixed_hashes()
    match options.command:
        case "run":
            raise SystemExit(_run(options.first, options.count, options.jobs))
        case "replay":
            _replay(options.seed, options.mutation, is_whole=options.whole)
        case "digests":
            seeds = range(options.first, options.first + options.count)
            for result in results(seeds[::-1] if options.backwards else seeds, options.batch):
                print(result.seed, result.digest, f"{result.virtual_seconds:.6f}")
        case "count":
            with multiprocessing.Pool(1) as pool:  # its processes leave the unfinished tasks of a world alone
                print(json.dumps(pool.apply(costs), indent=1))
        case "mutate":
            raise SystemExit(_mutate(options.names or list(MUTATIONS), options.most, options.jobs))


def _replay(seed: int, name: str, *, is_whole: bool) -> None:
    result = replayed(seed, name)
    for line in result.history if is_whole else shortened(result.history, result.violations):
        print(line)
    print(*result.violations or ["nothing is wrong"], sep="\n")


def _mutate(names: list[str], most: int, jobs: int) -> int:
    """Each fault is tried with one schedule after the other until one of them finds it. 1 = some fault is not found."""
    with multiprocessing.Pool(jobs) as pool:
        results = [
            each
            for share in pool.imap_unordered(_search, [(names[job::jobs], most) for job in range(jobs)])
            for each in share
        ]
    missed = [name for name, seed in results if seed is None]
    print(
        f"{len(results) - len(missed)} of {len(results)} faults found"
        + (f"; missed: {', '.join(missed)}" if missed else "")
    )
    return min(len(missed), 1)


def _search(work: tuple[list[str], int]) -> list[tuple[str, int | None]]:
    names, most = work
    results: list[tuple[str, int | None]] = []
    for name, result in searched(names, most):
        results.append((name, result.seed if result else None))
        says = f"schedule {result.seed:3}: {result.violations[0][:120]}" if result else f"not found in {most} schedules"
        print(f"{name:45} {says}", flush=True)
    return results


def _run(first: int, count: int, jobs: int) -> int:
    began, done = time.monotonic(), list[Result]()
    with multiprocessing.Pool(jobs) as pool:
        for share in pool.imap_unordered(_share, [range(first + job, first + count, jobs) for job in range(jobs)]):
            done += share
    failed = [result for result in done if result.violations]
    kinds = Counter(violation.partition(":")[0] for result in failed for violation in result.violations)
    print(
        f"{len(done)} schedules, {len(failed)} failed {dict(kinds) or ''}; {time.monotonic() - began:.0f} s, "
        f"{1000 * fmean(result.cpu_seconds for result in done):.0f} ms of CPU each "
        f"(this machine: {1000 * yardstick_seconds():.0f} ms for a million additions), "
        f"{fmean(result.packages for result in done):.1f} packages, "
        f"{fmean(result.messages for result in done):.0f} messages, "
        f"{fmean(result.virtual_seconds for result in done):.0f} s of virtual time"
    )
    return min(len(failed), 1)


def _share(seeds: range) -> list[Result]:
    done = []
    for result in results(seeds):
        done.append(result)
        if result.violations:
            print(f"seed {result.seed}: {', '.join(result.faults)}")
            print(*(f"    {violation[:300]}" for violation in result.violations[:3]), sep="\n", flush=True)
    return done


def yardstick_seconds() -> float:
    """CPU time of a million additions, to compare figures of machines and of hours."""
    began, total = time.process_time(), 0
    for number in range(10**6):
        total += number
    return time.process_time() - began


if __name__ == "__main__":
    main()
