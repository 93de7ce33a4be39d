"""Commands of an operator: ``track``, ``upload-url``, ``edxml``."""

from pathlib import Path
from typing import Annotated

import typer

from common.objects import Objects
from trunkctl import edxml as edxml_files
from trunkctl import uploads
from trunkctl.command_error import CommandError
from trunkctl.records import Records
from trunkctl.settings import DEFAULT_STATE, StateOption, settings
from trunkctl.shown import console, show_line, trail_tables
from trunkctl.units import lookup

Files = Annotated[list[Path], typer.Argument(exists=True, dir_okay=False)]


def register(app: typer.Typer) -> None:
    """Add these commands."""
    app.command()(track)
    app.command("upload-url")(upload_url)
    app.command()(edxml)


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


def upload_url(
    unit: Annotated[str, typer.Argument(help="Code of the unit that will upload.")],
    name: Annotated[str, typer.Argument(help="Name of the upload, for people.")],
    state: StateOption = DEFAULT_STATE,
) -> None:
    """A presigned address to which UNIT may PUT one large package within an hour."""
    control_settings = settings(state)
    code = lookup.named(lookup.in_force(control_settings), unit).code
    address, key = uploads.address_now(Objects(control_settings), code, name)
    show_line(f"key {key}")
    show_line(address)


def edxml(files: Files, as_json: Annotated[bool, typer.Option("--json", help="One JSON line a file.")] = False) -> None:
    """Show what the trunk reads in edXML files; exit 1 if one of them cannot be read."""
    if not as_json:
        raise typer.BadParameter("say --json: there is no other form")
    raise typer.Exit(edxml_files.print_json(files))
