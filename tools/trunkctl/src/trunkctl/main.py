"""``trunkctl``: the operator's and the unit's command line."""

from pathlib import Path
from typing import Annotated

import typer
from common.objects import Objects
from rich.console import Console

from trunkctl import stores_job, topology_job, units
from trunkctl.settings import settings

app = typer.Typer(no_args_is_help=True, add_completion=False, help=__doc__)
topology_app = typer.Typer(no_args_is_help=True, help="The broker's exchanges, queues, users and permissions.")
stores_app = typer.Typer(no_args_is_help=True, help="The object store's buckets.")
units_app = typer.Typer(no_args_is_help=True, help="The unit directory.")
app.add_typer(topology_app, name="topology")
app.add_typer(stores_app, name="stores")
app.add_typer(units_app, name="units")
console = Console()


@topology_app.command("apply")
def topology_apply() -> None:
    """Declare everything for the units of the current directory; safe to run again."""
    count = topology_job.apply(settings(), units.current(Objects(settings())))
    console.print(f"{count} broker objects as described")


@topology_app.command("check")
def topology_check() -> None:
    """Exit 1 and tell what differs from the description."""
    _tell(topology_job.check(settings(), units.current(Objects(settings()))))


@stores_app.command("apply")
def stores_apply() -> None:
    """Make the missing buckets; safe to run again."""
    made = stores_job.apply(Objects(settings()).client)
    console.print(f"made: {', '.join(made) or 'nothing, all there'}")


@stores_app.command("check")
def stores_check() -> None:
    """Exit 1 and tell which buckets are missing or unsafe."""
    _tell(stores_job.check(Objects(settings()).client))


@units_app.command("import")
def units_import(file: Annotated[Path, typer.Argument(exists=True, dir_okay=False)]) -> None:
    """Check a directory file and put it into force; then run ``topology apply`` for new units."""
    try:
        directory = units.import_file(Objects(settings()), file)
    except ValueError as error:
        console.print(f"[red]{error}")
        raise typer.Exit(1) from None
    console.print(f"{len(directory.units)} units, version {directory.version[:12]}")


def _tell(differences: list[str]) -> None:
    for line in differences:
        console.print(line)
    if differences:
        raise typer.Exit(1)
    console.print("as described")


def main() -> None:
    """Console entry point."""
    app()


if __name__ == "__main__":
    main()
