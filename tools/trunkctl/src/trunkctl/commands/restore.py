"""Commands after a disaster: ``restore database``, ``restore store``, ``restore check``."""

from contextlib import closing
from pathlib import Path
from typing import Annotated, Any

import typer
from pymongo import MongoClient

from common.objects import Objects
from common.store_access import Role
from trunkctl.backup.database import open_backup
from trunkctl.backup.second_store import second_store, shelf
from trunkctl.commands.backup import database_shelf
from trunkctl.restore import database
from trunkctl.restore.store import StoreRestore
from trunkctl.settings import DEFAULT_STATE, ControlSettings, StateOption, settings
from trunkctl.shown import show_line
from trunkctl.trouble import Trouble

restore_app = typer.Typer(no_args_is_help=True, help="Make databases and object store again from backups.")

FromOption = Annotated[
    Path | None, typer.Option("--from", help="Folder of the copies; none = the second store (TRUNK_BACKUP_S3_…).")
]
TIMEOUT_MS = 10_000


def register(app: typer.Typer) -> None:
    """Add these commands."""
    app.add_typer(restore_app, name="restore")


@restore_app.command("database")
def restore_database(
    source: FromOption = None,
    backup: Annotated[str, typer.Option(help="Which backup, as `backup list` names it; none = the newest.")] = "",
    state: StateOption = DEFAULT_STATE,
) -> None:
    """Fill empty databases from a backup, with TRUNK_MONGO_ADMIN_URI. No service may run meanwhile."""
    own = settings(state, Role.BACKUP)
    place = database_shelf(own, source)
    manifest = open_backup(place, backup)
    with closing(_administrator(own)) as client:
        taken_back = database.restore(client, place, manifest, lambda line: typer.echo(line, err=True))
    show_line(f"backup {manifest.name}: {manifest.rows} rows restored, as they were {manifest.started_at.isoformat()}")
    for what, count in taken_back.items():
        show_line(f"{what} while it was written, and open again: {count}")


@restore_app.command("store")
def restore_store(
    resume: Annotated[bool, typer.Option(help="Go on where an interrupted restore has stopped.")] = False,
    state: StateOption = DEFAULT_STATE,
) -> None:
    """Fill empty buckets from the second store, with an administrator's TRUNK_S3_… keys; exit 1 on damage."""
    own = settings(state, Role.BACKUP)
    run = StoreRestore(second_store(own), own.backup_bucket, Objects(own).client, resume=resume)
    counts, faults = run.run(shelf(own, ""))
    for fault in faults:
        show_line(fault)
    for bucket, count in counts.items():
        show_line(f"{bucket}: {count.objects} objects")
    if faults:
        raise typer.Exit(1)


def _administrator(own: ControlSettings) -> MongoClient[dict[str, Any]]:
    uri = own.mongo_admin_uri.get_secret_value()
    if not uri:
        raise Trouble("Set TRUNK_MONGO_ADMIN_URI to the database's address as its administrator: no role may do this.")
    return MongoClient(uri, tz_aware=True, serverSelectionTimeoutMS=TIMEOUT_MS, appname="trunkctl-restore")
