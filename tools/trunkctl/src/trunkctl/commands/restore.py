"""Commands after a disaster: ``restore database``, ``restore store``, ``restore check``; and ``restore object``."""

import asyncio
from collections.abc import Iterable
from contextlib import closing
from pathlib import Path
from typing import Annotated, Any

import typer
from pymongo import MongoClient

from common.objects import Objects
from common.store_access import Role
from trunkctl.backup import freshness
from trunkctl.backup.database import open_backup
from trunkctl.backup.inventory import Inventory
from trunkctl.backup.second_store import second_store, shelf
from trunkctl.command_error import CommandError
from trunkctl.commands.backup import LostOption, database_shelf, known_lost
from trunkctl.databases import connected
from trunkctl.restore import database, rows
from trunkctl.restore.lost import Lost, bytes_of, lost_packages, unproved_packages
from trunkctl.restore.objects import ObjectCheck
from trunkctl.restore.one_object import ObjectRestore
from trunkctl.restore.store import StoreRestore
from trunkctl.send import send
from trunkctl.settings import DEFAULT_STATE, ControlSettings, StateOption, settings
from trunkctl.shown import show_line
from trunkctl.units import lookup

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
    lost: LostOption = None,
    state: StateOption = DEFAULT_STATE,
) -> None:
    """Fill empty buckets from the second store, with an administrator's TRUNK_S3_… keys; exit 1 on damage."""
    own = settings(state, Role.BACKUP)
    run = StoreRestore(
        second_store(own), own.backup_bucket, Objects(own).client, resume=resume, lost=known_lost(own, lost)
    )
    counts, faults = run.run(shelf(own, ""))
    for fault in faults:
        show_line(fault)
    for bucket, count in counts.items():
        show_line(f"{bucket}: {count.objects} objects")
    if faults:
        raise typer.Exit(1)


@restore_app.command("object")
def restore_object(
    place: Annotated[str, typer.Argument(metavar="BUCKET/KEY", help="As `archive check` and `log verify` name it.")],
    version: Annotated[str, typer.Option(help="Only this version, as the archive's record names it.")] = "",
    state: StateOption = DEFAULT_STATE,
) -> None:
    """Put a damaged or lost object back from its copy, with an administrator's TRUNK_S3_… keys; services may run."""
    own = settings(state, Role.BACKUP)
    with closing(connected(own, "trunkctl-restore")) as client:
        run = ObjectRestore(second_store(own), own.backup_bucket, Objects(own).client, client)
        versions = run.run(place, version)
    for put in versions:
        show_line(f"{place}: put back as version {put}")
    if not versions:
        show_line(f"{place}: the store has it, unaltered")


@restore_app.command("check")
def restore_check(state: StateOption = DEFAULT_STATE) -> None:
    """Compare databases, object store and archive after a restore: a line a fault or lost package, exit 1 if any.

    Databases without any package are a fault, too: nothing was restored, and nothing is compared.
    """
    own = settings(state, Role.BACKUP)
    store = Objects(own).client
    with closing(connected(own, "trunkctl-restore")) as client, Inventory.of(()) as named:
        note = freshness.restored(client)
        objects = ObjectCheck(client, store, named)
        parts = (
            rows.nothing_there(client),
            rows.unfinished_restore(client),
            rows.missing_rows(client, note),
            rows.claim_faults(client),
            rows.ledger_faults(client),
            objects.faults(),
            objects.archive_faults(),
        )
        faults = sum(_shown(part) for part in parts)
        since = note["started_at"] if note else None
        lost = lost_packages(client, store, since)
        unproved = unproved_packages(client, store, named, lost, since)
        for each in lost:
            show_line(f"{each.package_id} not in the databases: {each.document_id} of {each.sender}, {_state(each)}")
        for each in unproved:
            show_line(
                f"{each.bucket}/{each.key}: a package not in the databases, which nobody is known to have submitted; "
                f"ask {each.sender} about {each.document_id}"
            )
        for open_ in rows.still_open(client):
            if open_.count:
                show_line(f"{open_.what}: {open_.count} ({open_.remedy})")
    show_line(
        f"{objects.objects} objects read, {faults} faults, {len(lost) + len(unproved)} packages not in the databases"
    )
    if faults or lost or unproved:
        raise typer.Exit(1)


@restore_app.command("resubmit")
def restore_resubmit(state: StateOption = DEFAULT_STATE) -> None:
    """Submit the packages that `restore check` lists once more, as their units, the oldest first."""
    own, as_operator = settings(state, Role.BACKUP), settings(state)
    store, directory = Objects(own).client, lookup.in_force(as_operator)
    left = 0
    with closing(connected(own, "trunkctl-restore")) as client:
        note = freshness.restored(client)
        for each in lost_packages(client, store, note["started_at"] if note else None):
            package = bytes_of(store, each) if each.key else None
            try:
                if package is None:
                    raise CommandError("its bytes are gone.")
                asyncio.run(send(as_operator, lookup.named(directory, each.sender), package, each.lane))
                show_line(f"{each.package_id}: submitted as {each.sender}")
            except CommandError as error:
                show_line(f"{each.package_id}: {error} Tell {each.sender} to submit {each.document_id} again.")
                left += 1
    if left:
        raise typer.Exit(1)


def _shown(lines: Iterable[str]) -> int:
    count = 0
    for line in lines:
        show_line(line)
        count += 1
    return count


def _state(lost: Lost) -> str:
    return f"on record as {lost.known_as}" if lost.known_as else "received, not on record"


def _administrator(own: ControlSettings) -> MongoClient[dict[str, Any]]:
    uri = own.mongo_admin_uri.get_secret_value()
    if not uri:
        raise CommandError(
            "Set TRUNK_MONGO_ADMIN_URI to the database's address as its administrator: no role may do this."
        )
    return MongoClient(uri, tz_aware=True, serverSelectionTimeoutMS=TIMEOUT_MS, appname="trunkctl-restore")
