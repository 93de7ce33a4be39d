"""Commands that copy: ``backup database``, ``backup store``, ``backup list``."""

from contextlib import closing
from pathlib import Path
from typing import Annotated

import typer

from common.objects import Objects
from common.store_access import Role
from trunkctl.backup import database, freshness
from trunkctl.backup.copies import COPIED
from trunkctl.backup.second_store import DATABASE, second_store, shelf
from trunkctl.backup.shelf import Folder, Shelf
from trunkctl.backup.store import StoreBackup
from trunkctl.command_error import CommandError
from trunkctl.databases import connected
from trunkctl.settings import DEFAULT_STATE, ControlSettings, StateOption, settings
from trunkctl.shown import show_line

backup_app = typer.Typer(no_args_is_help=True, help="Copies of the databases and of the object store.")

ToOption = Annotated[
    Path | None, typer.Option("--to", help="Folder for the copies; none = the second store (TRUNK_BACKUP_S3_…).")
]
KeepOption = Annotated[
    int, typer.Option("--keep", min=0, help="How many complete backups to keep; older ones are removed. 0 = all.")
]
LostOption = Annotated[
    list[str] | None,
    typer.Option(
        "--lost",
        metavar="BUCKET/KEY",
        help="An object that is known to be lost for good, and no fault of this run. Repeatable; none = those of"
        " TRUNK_BACKUP_LOST.",
    ),
]


def register(app: typer.Typer) -> None:
    """Add these commands."""
    app.add_typer(backup_app, name="backup")


@backup_app.command("database")
def backup_database(target: ToOption = None, keep: KeepOption = 0, state: StateOption = DEFAULT_STATE) -> None:
    """Copy every record of the five services' databases; they may go on working meanwhile."""
    own = settings(state, Role.BACKUP)
    place = database_shelf(own, target)
    with closing(connected(own, "trunkctl-backup")) as client:
        manifest = database.back_up(client, place, lambda line: typer.echo(line, err=True))
        size = {"rows": manifest.rows, "size_bytes": manifest.size_bytes}
        freshness.note_success(client, "database", manifest.name, manifest.started_at, **size)
    show_line(f"backup {manifest.name}: {manifest.rows} rows, {manifest.size_bytes} bytes, complete")
    try:
        for name in database.forget_old(place, keep) if keep else []:
            show_line(f"removed: {name}")
    except CommandError as error:  # under lock, for example: the backup is complete all the same
        show_line(f"older backups stay: {error}")


@backup_app.command("store")
def backup_store(lost: LostOption = None, state: StateOption = DEFAULT_STATE) -> None:
    """Copy every object that is not at the second store yet: a line a fault, exit 1 if there is any."""
    own = settings(state, Role.BACKUP)
    target = second_store(own)
    with closing(connected(own, "trunkctl-backup")) as client:
        run = StoreBackup(Objects(own).client, target, own.backup_bucket, client, lost=known_lost(own, lost))
        report = run.run(shelf(own, ""))
        if not report.faults:
            freshness.note_success(client, "store", report.name, report.started_at, objects=report.objects)
    for fault in report.faults:
        show_line(fault)
    for place in report.lost:
        show_line(f"{place}: known to be lost")
    for bucket, counts in report.buckets.items():
        show_line(f"{bucket}: {counts.objects} objects, {counts.copied} copied, {counts.removed} copies removed")
    if report.faults:
        raise typer.Exit(1)


@backup_app.command("list")
def backup_list(target: ToOption = None, state: StateOption = DEFAULT_STATE) -> None:
    """Complete backups of the databases, the oldest first."""
    for name in database.complete(database_shelf(settings(state, Role.BACKUP), target)):
        show_line(name)


def known_lost(own: ControlSettings, lost: list[str] | None) -> frozenset[str]:
    """Bucket and key of each object that an operator has given up. Raises ``CommandError`` for what is no such name."""
    places = frozenset(lost or own.backup_lost)
    if wrong := sorted(
        place for place in places if place.partition("/")[0] not in COPIED or not place.partition("/")[2]
    ):
        raise CommandError(f"{wrong[0]} is no object of {', '.join(COPIED)}. Nothing done.")
    return places


def database_shelf(own: ControlSettings, folder: Path | None) -> Shelf:
    """Where copies of the databases lie."""
    return Folder(folder) if folder else shelf(own, DATABASE)
