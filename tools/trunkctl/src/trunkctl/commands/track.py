"""``track``: where a document is."""

from typing import Annotated

import typer

from trunkctl.command_error import CommandError
from trunkctl.records import Records
from trunkctl.settings import DEFAULT_STATE, StateOption, settings
from trunkctl.shown import console, trail_tables


def register(app: typer.Typer) -> None:
    """Add the command."""
    app.command()(track)


def track(
    identifier: Annotated[str, typer.Argument(metavar="ID", help="DocumentId, document key or package id.")],
    state: StateOption = DEFAULT_STATE,
) -> None:
    """Show where document ID is: what happened to it, and its state at each receiver."""
    trails = Records(settings(state)).trails(identifier)
    if not trails:
        raise CommandError(f"Nothing is known of {identifier}: no DocumentId, document key or package id.")
    for trail in trails:
        for table in trail_tables(trail):
            console().print(table)
