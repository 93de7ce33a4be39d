"""The group ``units``: its commands are imported when they are named, because few of them need the broker."""

import typer

from trunkctl.command_table import COMMANDS, UNITS
from trunkctl.on_demand import OnDemand


class Units(OnDemand):
    """The commands about units."""

    table = UNITS


def register(app: typer.Typer) -> None:
    """Add the group."""
    units_app = typer.Typer(cls=Units, no_args_is_help=True, help=COMMANDS["units"].help)
    app.add_typer(units_app, name="units")
