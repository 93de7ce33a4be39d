"""How changes, the history and units are shown."""

from collections.abc import Iterable

from rich.table import Table

from common.domain.directory import Directory
from trunkctl.shown import rows
from trunkctl.units.changes import Change
from trunkctl.units.directory_acts import short
from trunkctl.units.history import Entry, State
from trunkctl.words import local_time


def change_lines(changes: Iterable[Change], shared: dict[str, tuple[str, ...]]) -> list[str]:
    """A line each; certificates for several units last, since they are easily overlooked."""
    return [
        *map(str, changes),
        *(f"certificate {sha256} is then registered for {', '.join(codes)}" for sha256, codes in shared.items()),
    ]


def history_table(entries: Iterable[Entry], announced: int) -> Table:
    """Newest last."""
    table = Table("entry", "time", "act", "about", "by", "why", "from", "announced")
    return rows(table, (_history_line(entry, announced) for entry in entries))


def _history_line(entry: Entry, announced: int) -> tuple[object, ...]:
    decision = entry.decision
    about = entry.unit or f"version {short(entry.version)}, {len(entry.changes)} changes"
    by = f"{decision.by}, after {entry.proposed_by}" if entry.proposed_by else decision.by
    is_announced = entry.number <= announced
    return entry.number, decision.at, entry.act, about, by, decision.why, decision.account, is_announced


def units_table(directory: Directory, state: State) -> Table:
    """Every unit and its access."""
    table = Table("unit", "name", "from", "to", "user", "logs in by", "disabled")
    return rows(
        table,
        (
            (u.code, u.name, u.valid_from, u.valid_to or "", u.user, u.broker_login, "yes" * (u.code in state.disabled))
            for u in directory.units.values()
        ),
    )


def disabled_lines(state: State) -> list[str]:
    """Who is disabled, since when, by whom and why; also units that are not in the directory any more."""
    return [
        f"{code} is disabled since {local_time(decision.at)}, by {decision.by}: {decision.why}"
        for code, decision in sorted(state.disabled.items())
    ]
