"""Commands of an operator: ``track``, ``park``, ``upload-url``, ``edxml``."""

import asyncio
from pathlib import Path
from typing import Annotated

import typer

from common.objects import Objects
from trunkctl import edxml as edxml_files
from trunkctl import park, units, uploads
from trunkctl.parked import grouped
from trunkctl.records import Records
from trunkctl.settings import DEFAULT_STATE, StateOption, settings
from trunkctl.shown import console, park_table, trail_tables
from trunkctl.trouble import Trouble

park_app = typer.Typer(no_args_is_help=True, help="Messages that only a person can help.")

Files = Annotated[list[Path], typer.Argument(exists=True, dir_okay=False)]


def register(app: typer.Typer) -> None:
    """Add these commands."""
    app.command()(track)
    app.add_typer(park_app, name="park")
    app.command("upload-url")(upload_url)
    app.command()(edxml)


def track(
    identifier: Annotated[str, typer.Argument(metavar="ID", help="DocumentId, document key or package id.")],
    state: StateOption = DEFAULT_STATE,
) -> None:
    """Where is document ID: what happened to it, and where it stands at each receiver."""
    found = Records(settings(state)).trails(identifier)
    if not found:
        raise Trouble(f"Nothing is known of {identifier}: no DocumentId, document key or package id.")
    for trail in found:
        for table in trail_tables(trail):
            console().print(table)


@park_app.command("list")
def park_list(state: StateOption = DEFAULT_STATE) -> None:
    """What lies in the parking lot, by reason, service and queue."""
    found = asyncio.run(park.look(settings(state)))
    if found:
        console().print(park_table(grouped(found)))
    console().print(f"{len(found)} parked")


@park_app.command("replay")
def park_replay(
    identifier: Annotated[list[str] | None, typer.Option("--id", help="DocumentId, package or message id.")] = None,
    reason: Annotated[list[str] | None, typer.Option(help="Everything parked for this reason.")] = None,
    everything: Annotated[bool, typer.Option("--all", help="Everything.")] = False,
    state: StateOption = DEFAULT_STATE,
) -> None:
    """Put parked messages back into the queues they came from; safe to run again."""
    choice = park.Choice(tuple(identifier or ()), tuple(reason or ()), everything)
    if choice == park.Choice():
        raise typer.BadParameter("say which: --id, --reason or --all")
    done, stuck = asyncio.run(park.replay(settings(state), choice))
    console().print(f"{len(done)} replayed")
    for message in stuck:
        console().print(
            f"left: {message.document} came from no queue of a service or unit ({message.queue or 'unknown'})"
        )
    if stuck:
        raise typer.Exit(1)


def upload_url(
    unit: Annotated[str, typer.Argument(help="Code of the unit that will upload.")],
    name: Annotated[str, typer.Argument(help="Name of the upload, for people.")],
    state: StateOption = DEFAULT_STATE,
) -> None:
    """A presigned address to which UNIT may PUT one large package within an hour."""
    told = settings(state)
    code = units.named(units.in_force(told), unit).code
    address, key = uploads.address_now(Objects(told), code, name)
    console().print(f"key {key}", soft_wrap=True)
    console().print(address, markup=False, highlight=False, soft_wrap=True)


def edxml(files: Files, as_json: Annotated[bool, typer.Option("--json", help="One JSON line a file.")] = False) -> None:
    """What a reader of the trunk sees in edXML files; exit 1 if one of them cannot be read."""
    if not as_json:
        raise typer.BadParameter("say --json: there is no other form")
    raise typer.Exit(edxml_files.print_json(files))
