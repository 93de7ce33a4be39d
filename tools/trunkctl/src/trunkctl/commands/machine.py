"""Commands for the trunk on this machine: ``up``, ``down``, ``demo``."""

from typing import Annotated

import typer

from trunkctl.commands.optional import demo_parts
from trunkctl.settings import DEFAULT_STATE, StateOption
from trunkctl.shown import address_table, console


def register(app: typer.Typer) -> None:
    """Add these commands."""
    app.command()(up)
    app.command()(down)
    app.command()(demo)


def up(state: StateOption = DEFAULT_STATE) -> None:
    """Start servers and services below STATE, and leave them running; what runs already is left alone."""
    with demo_parts("up"):
        from devstack import progress
        from trunkctl.local.up import up as bring_up
    with progress.shown() as shown:
        trunk = bring_up(state, shown)
    console().print(address_table(trunk))


def down(state: StateOption = DEFAULT_STATE) -> None:
    """Stop the services, which drain first, then the servers. The data stays."""
    with demo_parts("down"):
        from devstack import progress
        from trunkctl.local.down import down as take_down
    with progress.shown() as shown:
        take_down(state, shown)


def demo(
    keep: Annotated[bool, typer.Option("--keep", help="Leave the trunk running afterwards.")] = False,
    patience: Annotated[
        float, typer.Option(help="Seconds without any progress after which the rest counts as lost.")
    ] = 120.0,
    state: StateOption = DEFAULT_STATE,
) -> None:
    """A stream of valid and invalid documents on real servers; exit 1 unless everything comes out as it must."""
    with demo_parts("demo"):
        from trunkctl.demo.main import run
    raise typer.Exit(run(state, keep=keep, patience_seconds=patience))
