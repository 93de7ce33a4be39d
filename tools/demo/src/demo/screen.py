"""What the person who watches sees: bars on a terminal, one line a package elsewhere."""

import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Protocol

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TaskID, TextColumn, TimeElapsedColumn

from demo.cases import Case, Kind, Outcome

STYLES = {
    Outcome.DELIVERED: "green",
    Outcome.ANSWERED: "green",
    Outcome.REFUSED: "yellow",
    Outcome.UNANSWERED: "dim",
}


class Screen(Protocol):
    """Is told of every change of a case: when it was sent, and when it is complete."""

    def show(self, case: Case) -> None:
        """Show it."""


class Plain:
    """One line a package, when it is complete; statuses only every so often."""

    STATUSES_A_LINE = 25

    def __init__(self, console: Console) -> None:
        self._console = console
        self._began = time.monotonic()
        self._statuses = 0

    def show(self, case: Case) -> None:
        """Print what is complete."""
        if not case.complete:
            return
        if case.kind is Kind.STATUS and case.as_expected:
            self._statuses += 1
            if self._statuses % self.STATUSES_A_LINE:
                return
        seconds = time.monotonic() - self._began
        self._console.print(f"{seconds:6.1f} s  {line_of(case)}", markup=False, highlight=False, soft_wrap=True)


class Bars:
    """How many were sent, came out, were reported; below, what happened last."""

    def __init__(self, display: Progress, documents: int) -> None:
        self._display = display
        self._sent = display.add_task("packages sent", total=documents, last="")
        self._complete = display.add_task("came out", total=documents, last="")
        self._statuses = display.add_task("statuses", total=0, last="")
        self._statuses_total = 0

    def show(self, case: Case) -> None:
        """Move the bars."""
        if case.kind is Kind.STATUS:
            self._show_status(case)
            return
        self._advance(self._complete if case.complete else self._sent, case)

    def _show_status(self, case: Case) -> None:
        if case.complete:
            self._advance(self._statuses, case)
        else:
            self._statuses_total += 1
            self._display.update(self._statuses, total=self._statuses_total)

    def _advance(self, bar: TaskID, case: Case) -> None:
        self._display.update(bar, advance=1, last=line_of(case) if case.complete else "")


@contextmanager
def screen(console: Console, documents: int) -> Iterator[Screen]:
    """Bars where somebody watches, lines elsewhere."""
    if not console.is_terminal:
        yield Plain(console)
        return
    columns = (
        TextColumn("{task.description:>14}"),
        BarColumn(),
        MofNCompleteColumn(),
        TimeElapsedColumn(),
        TextColumn("{task.fields[last]}", markup=False),
    )
    with Progress(*columns, console=console, transient=True) as display:
        yield Bars(display, documents)


def line_of(case: Case) -> str:
    """A case in one line."""
    to = case.receivers[0] + (f" +{len(case.receivers) - 1}" if len(case.receivers) > 1 else "")
    reason = f" {case.reason}" if case.reason else ""
    seconds = f" ({case.seconds:.1f} s)" if case.seconds is not None else ""
    return f"{case.title}, {case.sender} → {to}: {case.outcome}{reason}{seconds}"
