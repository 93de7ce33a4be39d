"""Commands that bring servers into the described state: ``topology``, ``stores``, ``migrate``, ``units``."""

from pathlib import Path
from typing import Annotated

import typer

from common import buckets
from common.directory import read_directory
from common.objects import Objects
from trunkctl import migrate_job, topology_job, units
from trunkctl.settings import DEFAULT_STATE, StateOption, settings
from trunkctl.shown import console
from trunkctl.trouble import Trouble

topology_app = typer.Typer(no_args_is_help=True, help="The broker's exchanges, queues, users and permissions.")
stores_app = typer.Typer(no_args_is_help=True, help="The object store's buckets.")
units_app = typer.Typer(no_args_is_help=True, help="The unit directory.")


def register(app: typer.Typer) -> None:
    """Add these commands."""
    app.add_typer(topology_app, name="topology")
    app.add_typer(stores_app, name="stores")
    app.add_typer(units_app, name="units")
    app.command()(migrate)


CheckOption = Annotated[bool, typer.Option("--check", help="Change nothing: exit 1 and tell what differs.")]


def migrate(check: CheckOption = False, state: StateOption = DEFAULT_STATE) -> None:
    """Make missing buckets and indexes; safe to run again, also while the services run."""
    if check:
        _tell(migrate_job.check(settings(state)))
        return
    made = migrate_job.apply(settings(state))
    for line in made:
        console().print(f"made {line}", markup=False)
    console().print("as described" if made else "as described already")


@topology_app.command("apply")
def topology_apply(check: CheckOption = False, state: StateOption = DEFAULT_STATE) -> None:
    """Declare everything for the units of the current directory; safe to run again."""
    told = settings(state)
    if check:
        topology_check(state)
        return
    count = topology_job.apply(told, units.current(Objects(told)))
    console().print(f"{count} broker objects as described")


@topology_app.command("check")
def topology_check(state: StateOption = DEFAULT_STATE) -> None:
    """Exit 1 and tell what differs from the description."""
    told = settings(state)
    _tell(topology_job.check(told, units.current(Objects(told))))


@stores_app.command("apply")
def stores_apply(state: StateOption = DEFAULT_STATE) -> None:
    """Make the missing buckets; safe to run again."""
    made = buckets.make_missing(Objects(settings(state)).client)
    console().print(f"made: {', '.join(made) or 'nothing, all there'}")


@stores_app.command("check")
def stores_check(state: StateOption = DEFAULT_STATE) -> None:
    """Exit 1 and tell which buckets are missing or unsafe."""
    _tell(buckets.problems(Objects(settings(state)).client))


@units_app.command("show")
def units_show(state: StateOption = DEFAULT_STATE) -> None:
    """The directory file in force, byte for byte, to keep or to edit; its version goes to standard error."""
    data = units.current_file(Objects(settings(state)))
    typer.echo(f"version {read_directory(data).version}", err=True)
    typer.echo(data, nl=False)


@units_app.command("import")
def units_import(
    file: Annotated[Path, typer.Argument(exists=True, dir_okay=False)], state: StateOption = DEFAULT_STATE
) -> None:
    """Check a directory file and put it into force; then run ``topology apply`` for new units."""
    try:
        directory = units.import_file(Objects(settings(state)), file)
    except ValueError as error:
        raise Trouble(str(error)) from error
    console().print(f"{len(directory.units)} units, version {directory.version[:12]}")


@units_app.command("password")
def units_password(
    unit: Annotated[str, typer.Argument(help="Code of the unit.")], state: StateOption = DEFAULT_STATE
) -> None:
    """The unit's broker user and password, to hand over; ``topology apply`` makes them."""
    told = settings(state)
    user = units.named(units.in_force(told), unit).user
    if (password := told.passwords().get(user)) is None:
        raise Trouble(f"{user} has no password yet: `trunkctl topology apply` makes one.")
    console().print(f"{user} {password}", markup=False, highlight=False, soft_wrap=True)


def _tell(differences: list[str]) -> None:
    for line in differences:
        console().print(line, markup=False)
    if differences:
        raise typer.Exit(1)
    console().print("as described")
