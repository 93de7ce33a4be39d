"""How much intake has taken of each unit in this minute: read out of its database."""

from collections.abc import Iterable
from datetime import datetime, timedelta
from typing import Any

from rich.table import Table

from common.indexes import database_name
from trunkctl.databases import asking, connected
from trunkctl.settings import ControlSettings
from trunkctl.shown import rows

Row = dict[str, Any]


def taken(settings: ControlSettings, now: datetime) -> list[Row]:
    """Units of which something was taken in this minute or the one before, the busiest first."""
    since = now - timedelta(minutes=2)
    rates = connected(settings, "trunkctl-rates")[database_name("intake")]["unit_rates"]
    with asking():
        return list(rates.find({"minute": {"$gt": since}}).sort([("minute", -1), ("packages", -1)]))


def rates_table(limits: Iterable[Row]) -> Table:
    """One line a unit and lane."""
    table = Table("unit", "lane", "minute", "packages", "MiB")
    lines = (
        (row["unit"], row["lane"], row["minute"], row["packages"], f"{row['bytes'] / 2**20:.1f}") for row in limits
    )
    return rows(table, lines)
