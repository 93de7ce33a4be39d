"""Progress output: each step with its seconds."""

import sys
import time
from collections.abc import Iterator
from contextlib import AbstractContextManager, contextmanager
from typing import Protocol

from rich.console import Console
from rich.progress import Progress as RichProgress
from rich.progress import SpinnerColumn, TextColumn, TimeElapsedColumn


class Progress(Protocol):
    """Steps may overlap: they are reported from several threads."""

    def step(self, title: str) -> AbstractContextManager[None]:
        """Report `title` as under way until the block ends, and then its seconds."""

    def note(self, text: str) -> None:
        """Report something that takes no time."""


class Silent:
    """Says nothing."""

    @contextmanager
    def step(self, title: str) -> Iterator[None]:  # noqa: ARG002
        """Report nothing."""
        yield

    def note(self, text: str) -> None:
        """Report nothing."""


class Plain:
    """One line a step when it ends, for logs."""

    def __init__(self, console: Console) -> None:
        self._console = console

    @contextmanager
    def step(self, title: str) -> Iterator[None]:
        """Print the title with its seconds once the block has ended."""
        began = time.monotonic()
        word = "failed"
        try:
            yield
            word = "done"
        finally:
            self.note(f"{time.monotonic() - began:6.1f} s  {title}" + ("" if word == "done" else f": {word}"))

    def note(self, text: str) -> None:
        """Print a line."""
        self._console.print(text, highlight=False, markup=False, soft_wrap=True)


class Live(Plain):
    """The steps under way turn below the lines of those that have ended."""

    def __init__(self, console: Console, display: RichProgress) -> None:
        super().__init__(console)
        self._display = display

    @contextmanager
    def step(self, title: str) -> Iterator[None]:
        """Show the title turning, then print it with its seconds."""
        task = self._display.add_task(title, total=None)
        try:
            with super().step(title):
                yield
        finally:
            self._display.remove_task(task)


@contextmanager
def shown() -> Iterator[Progress]:
    """Progress on standard error: live on a terminal, plain lines elsewhere."""
    console = Console(file=sys.stderr)
    if not console.is_terminal:
        yield Plain(console)
        return
    columns = (SpinnerColumn(), TextColumn("{task.description}"), TimeElapsedColumn())
    with RichProgress(*columns, console=console, transient=True) as display:
        yield Live(console, display)
