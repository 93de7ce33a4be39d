"""Contains the errors of libraries: what one raises over one piece of input ends only the work on that piece.

Parsers of certificates, XML or archives raise more than they document: exceptions without a common base class, and,
from libraries written in Rust, panics that are no ``Exception``.
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
    """A piece of input cannot be used. The text says why, for people."""


class contained:  # noqa: N801 - reads like a statement
    """Runs a block. What it raises is passed to ``note`` as text, and the work continues after the block.

    Cancellation, the end of the process, and the classes in ``passing`` are raised nevertheless, for example
    ``MemoryError`` where it says nothing about the input.
    """

    def __init__(self, note: Callable[[str], object], *, passing: tuple[type[BaseException], ...] = ()) -> None:
        self._note = note
        self._passing: tuple[type[BaseException], ...] = (*ENDS_THE_PROCESS, *passing)

    def __enter__(self) -> None:
        """Do nothing."""

    def __exit__(self, kind: object, error: BaseException | None, traceback: object) -> bool:
        """Pass the error to ``note``, and suppress it."""
        if error is None or isinstance(error, self._passing):
            return False
        self._note(described(error))
        return True


@contextmanager
def raising_unusable(what: str = "not readable") -> Iterator[None]:
    """Turns what the block raises into ``Unusable``. An ``Unusable`` is raised unchanged, and so is ``MemoryError``,
    which says nothing about the input."""
    try:
        yield
    except (Unusable, MemoryError, *ENDS_THE_PROCESS):
        raise
    except BaseException as error:
        raise Unusable(f"{what}: {described(error)}") from error


def described(error: BaseException) -> str:
    """An error on one line, cut to 200 characters because it may quote the input."""
    text = " ".join(str(error).split())
    name = type(error).__name__
    return name if not text else text[:200] if isinstance(error, Unusable) else f"{name}: {text[:200]}"


async def in_thread(function: Callable[P, T], *args: P.args, **options: P.kwargs) -> T:
    """The result of ``function``, which runs in a thread. Raises what it raises."""
    return await asyncio.to_thread(call_for_coroutine, partial(function, *args, **options))


def call_for_coroutine(function: Callable[[], T]) -> T:
    """Calls a function in a thread for which a coroutine waits.

    A ``StopIteration`` cannot be passed on: the coroutine would wait for ever. It is raised as ``RuntimeError``, as
    generators do.
    """
    try:
        return function()
    except StopIteration as error:
        raise RuntimeError("StopIteration") from error
