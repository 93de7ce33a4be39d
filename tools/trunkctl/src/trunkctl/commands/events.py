"""``trunkctl events``: the security events that the archive keeps."""

from contextlib import closing
from datetime import UTC, datetime
from typing import Annotated

import typer
from rich.table import Table

from common.domain.security import SecurityKind
from common.facts.security import SecurityNoticed
from trunkctl.events import SecurityLedger, Wanted
from trunkctl.settings import DEFAULT_STATE, StateOption, settings
from trunkctl.shown import console, rows, show_json

COLUMNS = ("time", "kind", "who", "from where", "reported by", "times", "what")

KindOption = Annotated[list[SecurityKind] | None, typer.Option("--kind", help="Only events of this kind; repeatable.")]
DAYS = ["%Y-%m-%d", "%Y-%m-%dT%H:%M:%S"]


def register(app: typer.Typer) -> None:
    """Add this command."""
    app.command()(events)


def events(
    kind: KindOption = None,
    actor: Annotated[str, typer.Option(help="Only what this unit, broker user or person did.")] = "",
    since: Annotated[datetime | None, typer.Option(formats=DAYS, help="UTC, included.")] = None,
    until: Annotated[datetime | None, typer.Option(formats=DAYS, help="UTC, excluded.")] = None,
    limit: Annotated[int, typer.Option(min=1, help="At most so many, the newest.")] = 50,
    as_json: Annotated[bool, typer.Option("--json", help="One JSON line an event.")] = False,
    state: StateOption = DEFAULT_STATE,
) -> None:
    """Security events, the newest first: who did what, when and from where."""
    with closing(SecurityLedger(settings(state))) as kept:
        wanted = Wanted(kinds=tuple(kind or ()), actor=actor, since=_utc(since), until=_utc(until))
        shown_events, unreadable = kept.newest(wanted, limit)
    if as_json:
        for event in shown_events:
            show_json(event.model_dump_json())
    else:
        console().print(_table(shown_events) if shown_events else "no such event")
    if unreadable:
        typer.echo(f"{unreadable} entries of the ledger are no security events: trunkctl track security", err=True)


def _utc(at: datetime | None) -> datetime | None:
    return at.replace(tzinfo=UTC) if at else None


def _table(shown_events: list[SecurityNoticed]) -> Table:
    table, lines = Table(*COLUMNS), []
    for event in shown_events:
        when = event.occurred_at.astimezone(UTC).isoformat(sep=" ", timespec="seconds")
        row = (when, event.kind, event.actor, event.origin, event.service, str(event.count), event.detail)
        lines.append(row)
    return rows(table, lines)
