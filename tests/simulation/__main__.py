"""``python -m tests.simulation run 0 1000`` runs schedules; ``… replay SEED`` prints the history of one."""

import argparse
import multiprocessing
import time
from collections import Counter
from statistics import fmean

from tests.simulation.runner import Result, fixed_hashes, replayed, results


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
    options = parser.parse_args()
    fixed_hashes()
    if options.command == "run":
        raise SystemExit(_run(options.first, options.count, options.jobs))
    result = replayed(options.seed)
    for line in result.history:
        print(line)
    print(*result.violations or ["nothing is wrong"], sep="\n")
    print(result.digest)


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
