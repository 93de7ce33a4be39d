"""An event loop on virtual time, on which several simulated processes run, and end as by SIGKILL.

Time moves only when nothing is left to do at the present moment; then it jumps to the next timer. Callbacks run in the
order in which they were scheduled, as asyncio promises, so every order that a schedule shows is one that can happen:
the chance of a schedule lies in the latencies that the models of the servers draw.

Each callback belongs to the process in whose context it was scheduled. Those of a dead process are dropped: nothing of
it runs any more, no ``finally`` either.
"""

import asyncio
import heapq
from asyncio import events
from collections import deque
from collections.abc import Callable, Coroutine
from contextvars import Context, ContextVar, copy_context
from dataclasses import dataclass, field
from typing import Any


@dataclass(eq=False, slots=True)
class Process:
    """One simulated process of a service, a unit, or a server."""

    name: str
    replica: int = 1
    skew_seconds: float = 0.0
    """By which its clock is wrong."""
    is_alive: bool = True
    steps: int = 0
    """Requests to servers that it has made, to crash it at one of them."""
    crash_at: int = 0
    """Number of the request before which it crashes; negative: after which; 0 = none."""
    crash_on: str = ""
    """Beginning of the name of a request before which it crashes; after ``~``: after which."""
    cut_on: str = ""
    """The same of the loss of its connection to the broker."""
    connections: list[Any] = field(default_factory=list)
    """To the broker; lost when it dies."""

    def __str__(self) -> str:
        return f"{self.name}/{self.replica}"


CURRENT: ContextVar[Process | None] = ContextVar("process", default=None)


class Handle:
    """A scheduled callback."""

    __slots__ = ("_args", "_callback", "_context", "_is_cancelled", "_when")

    def __init__(
        self, callback: Callable[..., object], args: tuple[Any, ...], context: Context | None, when: float
    ) -> None:
        self._callback, self._args = callback, args
        self._context = context if context is not None else copy_context()
        self._is_cancelled = False
        self._when = when

    def __repr__(self) -> str:
        return f"{self._callback!r} at {self._when}"

    def cancel(self) -> None:
        self._is_cancelled = True
        self._callback, self._args = _nothing, ()

    def cancelled(self) -> bool:
        return self._is_cancelled

    def when(self) -> float:
        return self._when

    @property
    def is_due(self) -> bool:
        """Whether it still is to be run."""
        if self._is_cancelled:
            return False
        process = self._context.get(CURRENT)
        return process is None or process.is_alive


class NumberedTask(asyncio.Task):  # type: ignore[type-arg]
    """Hashed by number, not by address, so that sets of tasks have the same order in every run."""

    number = 0
    """Of its loop."""

    def __hash__(self) -> int:
        return self.number


STEPS_AT_ONE_MOMENT = 200_000
"""More than these, and something is busy for ever: it asks to be called again at once, each time that it is called."""


class TimeStandsStill(Exception):
    """Something would keep a processor busy until real time passes, and virtual time never would."""


class VirtualLoop(asyncio.AbstractEventLoop):
    """See the module."""

    def __init__(self, latency: Callable[[], float] = lambda: 0.001) -> None:
        """``latency``: seconds that something done in a thread takes."""
        self.latency = latency
        self.errors: list[dict[str, Any]] = []
        """What was handed to the exception handler."""
        self._now = 0.0
        self._ready: deque[Handle] = deque()
        self._timers: list[tuple[float, int, Handle]] = []
        self._count = self._tasks = 0
        self._steps = 0
        """Since virtual time last passed."""
        self._is_running = False

    def time(self) -> float:
        return self._now

    def call_soon(self, callback: Any, *args: Any, context: Context | None = None) -> Any:
        handle = Handle(callback, args, context, self._now)
        self._ready.append(handle)
        return handle

    call_soon_threadsafe = call_soon

    def call_at(self, when: float, callback: Any, *args: Any, context: Context | None = None) -> Any:
        self._count += 1
        handle = Handle(callback, args, context, when)
        heapq.heappush(self._timers, (when, self._count, handle))
        return handle

    def call_later(self, delay: float, callback: Any, *args: Any, context: Context | None = None) -> Any:
        return self.call_at(self._now + delay, callback, *args, context=context)

    def create_future(self) -> "asyncio.Future[Any]":
        return asyncio.Future(loop=self)

    def create_task(
        self, coro: Coroutine[Any, Any, Any], *, name: str | None = None, context: Context | None = None
    ) -> "asyncio.Task[Any]":
        task = NumberedTask.__new__(NumberedTask)
        self._tasks += 1
        task.number = self._tasks
        task.__init__(coro, loop=self, name=name or "task", context=context)  # type: ignore[misc]
        return task

    def run_in_executor(self, executor: Any, func: Callable[..., Any], *args: Any) -> "asyncio.Future[Any]":
        """The function runs at once as a whole when its latency is over, and ends with its process."""
        future = self.create_future()
        self.call_later(self.latency(), _call_for, future, func, args)
        return future

    def run_until_complete(self, future: Any) -> Any:
        task = asyncio.ensure_future(future, loop=self)
        self.run_until(task.done)
        return task.result()

    def run_to(self, latest: float) -> None:
        """Run until it is ``latest``, or nothing is left to do. Raises ``TimeStandsStill``."""
        self.run_until(None, latest)

    def run_until(self, is_over: Callable[[], bool] | None, latest: float = float("inf")) -> bool:
        """Run until something holds, it is ``latest``, or nothing is left to do. Whether it holds; ``None`` never does.

        Raises ``TimeStandsStill``.
        """
        self._is_running = True
        events._set_running_loop(self)
        ready = self._ready
        try:
            while is_over is None or not is_over():
                if ready:
                    self._run(ready.popleft())
                elif not self._advance(latest):
                    self._now = max(self._now, latest if latest < float("inf") else 0.0)
                    return is_over is not None and is_over()
            return True
        finally:
            events._set_running_loop(None)
            self._is_running = False

    def _advance(self, latest: float) -> bool:
        timers = self._timers
        while timers and not timers[0][2].is_due:
            heapq.heappop(timers)
        if not timers or timers[0][0] > latest:
            return False
        when, _, handle = heapq.heappop(timers)
        if when > self._now:
            self._now, self._steps = when, 0
        self._ready.append(handle)
        return True

    def _run(self, handle: Handle) -> None:
        self._steps += 1
        if self._steps > STEPS_AT_ONE_MOMENT:
            raise TimeStandsStill(f"{self._steps} steps at {self._now}, the last one {handle}")
        if handle._is_cancelled:
            return
        context = handle._context
        process = context.get(CURRENT)
        if process is None or process.is_alive:
            try:
                context.run(handle._callback, *handle._args)
            except (SystemExit, KeyboardInterrupt):
                raise
            except BaseException as error:
                self.call_exception_handler({"message": "callback failed", "exception": error})

    def call_exception_handler(self, context: dict[str, Any]) -> None:
        self.errors.append(context)

    def get_debug(self) -> bool:
        return False

    def is_running(self) -> bool:
        return self._is_running

    def is_closed(self) -> bool:
        return False

    def close(self) -> None:
        self._ready.clear()
        self._timers.clear()


def _nothing(*_: object) -> None:
    pass


def _call_for(future: "asyncio.Future[Any]", function: Callable[..., Any], args: tuple[Any, ...]) -> None:
    try:
        result = function(*args)
    except BaseException as error:
        if not future.done():
            future.set_exception(error)
    else:
        if not future.done():
            future.set_result(result)
