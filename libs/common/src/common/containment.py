"""Keeps what a library raises over one piece of input from ending anything but the work on that piece.

Parsers of certificates, XML or archives raise more than their documentation says: exceptions that share no base class,
and, from libraries written in Rust, panics that are no ``Exception`` at all.
"""

import asyncio
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import partial
from typing import ParamSpec, TypeVar

P = ParamSpec("P")
T = TypeVar("T")

ENDS_THE_PROCESS = (KeyboardInterrupt, SystemExit, GeneratorExit, asyncio.CancelledError)
"""Raised to end a task or the process, not because of what was read."""


class Unusable(ValueError):
    """A piece of input cannot be used; the text says why, for people."""


class contained:  # noqa: N801 - reads like a statement
    """Runs a block; whatever it raises is handed to ``note`` as text, and the work goes on behind the block.

    Cancellation and the end of the process pass through, and so does what ``passing`` names: a lack of memory, for
    example, where it says nothing about the piece that is being read.
    """

    def __init__(self, note: Callable[[str], object], *, passing: tuple[type[BaseException], ...] = ()) -> None:
        self._note = note
        self._passing: tuple[type[BaseException], ...] = (*ENDS_THE_PROCESS, *passing)

    def __enter__(self) -> None:
        """Nothing to begin."""

    def __exit__(self, kind: object, error: BaseException | None, traceback: object) -> bool:
        """Hand the error over, and end it."""
        if error is None or isinstance(error, self._passing):
            return False
        self._note(described(error))
        return True


@contextmanager
def raising_unusable(what: str = "not readable") -> Iterator[None]:
    """Turns whatever the block raises into ``Unusable``; an ``Unusable`` of its own passes as it is.

    A lack of memory passes, too: it does not make the input unusable.
    """
    try:
        yield
    except (Unusable, MemoryError, *ENDS_THE_PROCESS):
        raise
    except BaseException as error:
        raise Unusable(f"{what}: {described(error)}") from error


def described(error: BaseException) -> str:
    """An error in one line, cut off where it is long: the text may quote the input."""
    text = " ".join(str(error).split())
    name = type(error).__name__
    return name if not text else text[:200] if isinstance(error, Unusable) else f"{name}: {text[:200]}"


async def in_thread(function: Callable[P, T], *args: P.args, **options: P.kwargs) -> T:
    """The answer of ``function``, run in a thread, or what it raises."""
    return await asyncio.to_thread(call_for_coroutine, partial(function, *args, **options))


def call_for_coroutine(function: Callable[[], T]) -> T:
    """Calls a function in a thread for a coroutine that waits.

    A ``StopIteration`` cannot be handed over: whoever waits for it would wait for ever. It is raised as
    ``RuntimeError``, as generators do.
    """
    try:
        return function()
    except StopIteration as error:
        raise RuntimeError("StopIteration") from error
