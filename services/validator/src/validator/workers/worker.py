"""One worker process as its parent sees it."""

import contextlib
import signal
import sys
import threading
from collections.abc import Iterator
from multiprocessing.context import ForkServerContext, ForkServerProcess
from types import ModuleType
from typing import Any

from validator.workers.job import Hook, Job, Limits
from validator.workers.process import serve

START_SECONDS = 60.0
"""Until a worker must have reported, or taken new material: the imports take one to two seconds, and so do large lists,
more on a busy machine."""
END_SECONDS = 5.0
"""How long to wait for the exit code of a process that is gone."""


class WorkerDied(Exception):
    """The worker is gone."""

    def __init__(self, exit_code: int | None) -> None:
        super().__init__(f"exit code {exit_code}")
        self.used_up_cpu_time = exit_code == -signal.SIGXCPU
        """The kernel ended it for that."""


class NoMaterial(Exception):
    """The worker ended, or gave no sign, while it took the material: no document has anything to do with that."""


class Worker:
    """One process and the pipe to it. Used by one thread at a time; ``kill`` may come from any."""

    def __init__(self, context: ForkServerContext, limits: Limits, hook: Hook | None) -> None:
        """Starts the process and waits until it has reported. Raises ``RuntimeError`` if it does not."""
        self.documents = 0
        """Number of jobs done."""
        self._limits = limits
        self._version = ""
        self._has_grown = False
        self._pipe, theirs = context.Pipe()
        self._process: ForkServerProcess = context.Process(
            target=serve, args=(theirs, limits, hook), daemon=True, name="validator-worker"
        )
        with _hidden_main():
            self._process.start()
        theirs.close()
        self._wait_for_start()

    @property
    def process_id(self) -> int:
        """Of the process."""
        return self._process.pid or 0

    @property
    def is_spent(self) -> bool:
        """Whether it has done its share, or holds on to memory."""
        return self._has_grown or self.documents >= self._limits.documents

    def ask(self, version: str, material: bytes, job: Job) -> tuple[Any, float]:
        """The answer to one job, and the CPU time that it took. Raises ``TimeoutError``, ``WorkerDied`` or
        ``NoMaterial``; after any of them the worker is of no more use.

        ``material``: pickled; sent only if its ``version`` is not the one the worker has.
        """
        try:
            if version != self._version:
                self._hand_over(material)
                self._version = version
            self._pipe.send(job)
            if not self._pipe.poll(self._limits.wall_seconds):
                raise TimeoutError
            answer, cpu_seconds, self._has_grown = self._pipe.recv()
        except (EOFError, BrokenPipeError, ConnectionResetError) as error:
            self._process.join(END_SECONDS)
            raise WorkerDied(self._process.exitcode) from error
        self.documents += 1
        return answer, cpu_seconds

    def _hand_over(self, material: bytes) -> None:
        try:
            self._pipe.send_bytes(material)
            is_taken = self._pipe.poll(START_SECONDS) and self._pipe.recv()
        except (EOFError, BrokenPipeError, ConnectionResetError):
            is_taken = False
        if not is_taken:
            raise NoMaterial

    def _wait_for_start(self) -> None:
        try:
            started = self._pipe.poll(START_SECONDS) and self._pipe.recv()
        except EOFError:
            started = False
        if not started:
            self.kill()
            raise RuntimeError("validator worker did not start")

    def kill(self) -> None:
        """End the process now."""
        self._process.kill()
        self._process.join(END_SECONDS)


_starting = threading.Lock()


@contextlib.contextmanager
def _hidden_main() -> Iterator[None]:
    """Keep new processes from importing our ``__main__`` again: a second each, and they need none of the service."""
    with _starting:
        main = sys.modules["__main__"]
        sys.modules["__main__"] = ModuleType("__main__")
        try:
            yield
        finally:
            sys.modules["__main__"] = main
