"""Commands for the trunk on this machine: ``up`` and ``down``."""

import typer

from trunkctl.commands.optional import local_packages
from trunkctl.settings import DEFAULT_STATE, StateOption
from trunkctl.shown import address_table, console


def register(app: typer.Typer) -> None:
    """Add these commands."""
    app.command()(up)
    app.command()(down)


def up(state: StateOption = DEFAULT_STATE) -> None:
    """Start servers and services below STATE, and leave them running; what runs already is left alone."""
    with local_packages("up"):
        from devstack import progress
        from trunkctl.local.up import up as bring_up
    with progress.shown() as shown:
        trunk = bring_up(state, shown)
    console().print(address_table(trunk))


def down(state: StateOption = DEFAULT_STATE) -> None:
    """Stop the services, which drain first, then the servers. The data stays."""
    with local_packages("down"):
        from devstack import progress
        from trunkctl.local.down import down as take_down
    with progress.shown() as shown:
        take_down(state, shown)
