"""``units rates``: how much the units submit now."""

from datetime import datetime

import typer

from common.edxml.dates import VIETNAM
from trunkctl.settings import DEFAULT_STATE, StateOption, settings
from trunkctl.shown import console
from trunkctl.units.rates import rates_table, taken


def register(app: typer.Typer) -> None:
    """Add the command."""
    app.command()(rates)


def rates(state: StateOption = DEFAULT_STATE) -> None:
    """Submissions that intake has taken from each unit in this minute and the one before, the busiest first."""
    console().print(rates_table(taken(settings(state), datetime.now(VIETNAM))))
