"""``python -m tests.simulation run 0 1000`` runs schedules; ``… replay SEED`` prints the history of one."""

import argparse
import multiprocessing
import time
from collections import Counter
from collections.abc import Iterator

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
        shares = [range(first + job, first + count, jobs) for job in range(jobs)]
        for share in pool.imap_unordered(_share, shares):
            done += share
    failed = [result for result in done if result.violations]
    for result in sorted(failed, key=lambda each: each.seed):
        print(f"seed {result.seed}: {', '.join(result.faults)}")
        for violation in result.violations[:3]:
            print(f"    {violation[:300]}")
    kinds = Counter(violation.partition(":")[0] for result in failed for violation in result.violations)
    cpu = sum(result.cpu_seconds for result in done)
    print(
        f"{len(done)} schedules, {len(failed)} failed {dict(kinds)}; {time.monotonic() - began:.0f} s, "
        f"{1000 * cpu / len(done):.0f} ms of CPU each, {sum(r.packages for r in done) / len(done):.1f} packages, "
        f"{sum(r.messages for r in done) / len(done):.0f} messages, "
        f"{sum(r.virtual_seconds for r in done) / len(done):.0f} s of virtual time"
    )
    return min(len(failed), 1)


def _share(seeds: range) -> list[Result]:
    return list(_results(seeds))


def _results(seeds: range) -> Iterator[Result]:
    yield from results(seeds)


if __name__ == "__main__":
    main()
