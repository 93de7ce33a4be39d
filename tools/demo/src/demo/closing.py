"""The closing table, the totals, and what is not as it must be."""

from collections import Counter
from collections.abc import Iterable, Sequence

from rich.console import Console
from rich.markup import escape
from rich.table import Table

from common.domain.names import UnitCode
from demo.cases import Case, Kind, Outcome
from demo.screen import STYLES
from demo.totals import Observed, Sum, median_seconds

MOST_NAMED = 2
"""Receivers written out in a row."""


Row = tuple[str, str, str, str, str, str, str, str, str]
"""Numbers, what, from, to, what must become of it, outcome, reason, seconds, verdict."""


def row(number: int, case: Case) -> Row:
    """One package."""
    return (
        str(number),
        case.title,
        case.sender,
        _units(case.receivers),
        _expected(case),
        str(case.outcome),
        _reasons(case),
        _seconds([case]),
        "ok" if case.as_expected else "NOT AS EXPECTED",
    )


def rows(cases: Iterable[Case]) -> list[tuple[Row, Case]]:
    """A row for each package but the statuses; of a burst, those that came out well share one row a title."""
    listed: list[tuple[Row, Case]] = []
    bursts: dict[str, list[tuple[int, Case]]] = {}
    for number, case in enumerate((c for c in cases if c.kind is not Kind.STATUS), start=1):
        if case.burst and case.as_expected:
            bursts.setdefault(case.title, []).append((number, case))
        else:
            listed.append((row(number, case), case))
    return [*listed, *(_burst_row(members) for members in bursts.values())]


def table(cases: Iterable[Case]) -> Table:
    """Every package but the statuses."""
    made = Table("#", "what was sent", "from", "to", title="Packages")
    for name in ("must be", "outcome", "reason", "s", ""):
        made.add_column(name, overflow="fold")
    for cells, case in rows(cases):
        style = STYLES[case.outcome] if case.as_expected else "bold red"
        made.add_row(*map(escape, cells), style=style)
    return made


def status_line(cases: Iterable[Case]) -> str:
    """How many statuses of each code were forwarded."""
    counts = Counter(c.title for c in cases if c.kind is Kind.STATUS and c.outcome is Outcome.DELIVERED)
    return ", ".join(f"{title} × {number}" for title, number in sorted(counts.items()))


def speed_line(cases: Sequence[Case]) -> str:
    """Medians: one at a time, and of many at one moment, where urgent ones overtake."""
    wanted = (("one at a time", False, False), ("many at once, normal", False, True), ("urgent", True, True))
    parts = []
    for name, urgent, burst in wanted:
        seconds = median_seconds(cases, urgent=urgent, burst=burst)
        parts.append(f"{name} {seconds:.2f} s" if seconds is not None else f"{name} none")
    return "submission to last inbox, median: " + ", ".join(parts)


def close(
    console: Console, cases: Sequence[Case], observed: Observed, equations: Iterable[Sum], notes: Iterable[str]
) -> None:
    """Print all of it."""
    console.print(table(cases))
    for equation in equations:
        console.print(str(equation), style="green" if equation.adds_up else "bold red", highlight=False)
    console.print(status_line(cases), highlight=False)
    console.print(speed_line(cases), highlight=False)
    for what, refused in (observed.trespasses or {}).items():
        console.print(f"the broker {'refused' if refused else 'ALLOWED'}: {what}", highlight=False)
    for note in notes:
        console.print(note, highlight=False, markup=False)


def _burst_row(members: Sequence[tuple[int, Case]]) -> tuple[Row, Case]:
    cases = [case for _, case in members]
    first = row(members[0][0], cases[0])
    numbers = f"{members[0][0]}-{members[-1][0]}"
    senders = _units(sorted({case.sender for case in cases}))
    receivers = _units(sorted({unit for case in cases for unit in case.receivers}))
    return (numbers, f"{first[1]} × {len(cases)}", senders, receivers, *first[4:7], _seconds(cases), "ok"), cases[0]


def _seconds(cases: Iterable[Case]) -> str:
    """Of one; of several, from the quickest to the slowest."""
    durations = sorted(case.seconds for case in cases if case.seconds is not None)
    ends = durations[:1] + durations[1:][-1:]
    return "-".join(f"{seconds:.2f}" for seconds in ends)


def _units(codes: Sequence[UnitCode]) -> str:
    if len(codes) <= MOST_NAMED:
        return ", ".join(codes)
    return f"{codes[0]} and {len(codes) - 1} more"


def _expected(case: Case) -> str:
    if case.kind is Kind.REPEAT:
        return "answered"
    if case.expected.reason:
        return str(case.expected.reason)
    return "delivered"


def _reasons(case: Case) -> str:
    turned = [f"{unit}: {reason}" for unit, reason in sorted(case.turned)]
    return ", ".join([str(case.reason)] if case.reason else turned)
