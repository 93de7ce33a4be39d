"""Runs schedules in forks of this process, several in each, and knows which of them ended a process."""

import faulthandler
import os
import pickle
import signal
import traceback
from collections.abc import Callable, Generator, Iterator, Sequence
from contextlib import suppress
from typing import BinaryIO, TypeVar

MAX_CPU_SECONDS = 60.0
"""A schedule that takes longer never ends; the slowest takes less than one second."""
STDERR = 2
T = TypeVar("T")


def in_forks(
    seeds: Sequence[int],
    run: Callable[[int, int], T],
    lost: Callable[[int, str], T],
    *,
    max_cpu_seconds: float = MAX_CPU_SECONDS,
) -> Generator[T, None, None]:
    """Run schedules one after the other in a fork, and those behind one that ended the process in another fork.

    ``run``: called in the fork with a schedule's position among those of the fork, and its seed; its result must be
    picklable. ``lost``: makes the result of a schedule that ended the process or took longer than ``max_cpu_seconds``
    of CPU, from its seed and from what happened. Once nobody asks for further results, the fork is ended.
    """
    remaining = seeds
    while remaining:
        reading, writing = os.pipe()
        if (child := os.fork()) == 0:
            os.close(reading)
            with suppress(BrokenPipeError), os.fdopen(writing, "wb") as pipe:
                _run_all(remaining, run, pipe, max_cpu_seconds)
            os._exit(0)
        os.close(writing)
        count = status = 0
        try:
            with os.fdopen(reading, "rb") as pipe:
                for result in _sent(pipe):
                    count += 1
                    yield result
        except GeneratorExit:
            os.kill(child, signal.SIGKILL)
            raise
        finally:
            _, status = os.waitpid(child, 0)
        if count < len(remaining):
            yield lost(remaining[count], f"its process ended with {os.waitstatus_to_exitcode(status)}")
        remaining = remaining[count + 1 :]


def _run_all(seeds: Sequence[int], run: Callable[[int, int], T], pipe: BinaryIO, max_cpu_seconds: float) -> None:
    """Whatever happens belongs to the first schedule without a result. Raises only ``BrokenPipeError``."""
    faulthandler.register(signal.SIGPROF, STDERR, all_threads=False, chain=True)
    for position, seed in enumerate(seeds):
        signal.setitimer(signal.ITIMER_PROF, max_cpu_seconds)
        try:
            data = pickle.dumps(run(position, seed))
        except BaseException:
            traceback.print_exc()
            os._exit(1)
        pipe.write(data)
        pipe.flush()


def _sent(pipe: BinaryIO) -> Iterator[T]:
    """The results that come out of a pipe, until it ends, be it in the middle of one."""
    with suppress(EOFError, pickle.UnpicklingError):
        while True:
            yield pickle.load(pipe)
