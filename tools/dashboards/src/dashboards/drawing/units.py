"""Numbers as Grafana writes them."""

import math
from collections.abc import Callable, Sequence

Written = Callable[[float], str]
SUFFIX = "suffix:"
MINUTE, HOUR, DAY, WEEK, YEAR = 60, 3600, 86_400, 604_800, 31_536_000


def written(value: float, unit: str, decimals: int | None = None) -> str:
    """A value in its unit. decimals: in place of as many as the value needs. Raises ``KeyError`` for another unit."""
    if decimals is not None and unit in PLAIN:
        return PLAIN[unit](round(value, decimals))
    if unit.startswith(SUFFIX):
        return f"{number(value)} {unit.removeprefix(SUFFIX)}"
    return UNITS[unit](value)


def is_known(unit: str) -> bool:
    """Whether ``written`` can write it."""
    return unit in UNITS or unit.startswith(SUFFIX)


def number(value: float) -> str:
    """With three significant digits if it is no whole number, without zeros at the end."""
    if value == 0 or not math.isfinite(value):
        return f"{value:g}"
    decimals = 0 if value == int(value) else max(0, 2 - math.floor(math.log10(abs(value))))
    text = f"{value:.{decimals}f}"
    return text.rstrip("0").rstrip(".") if "." in text else text


def _scaled(factor: float, endings: Sequence[str]) -> Written:
    def write(value: float) -> str:
        power = 0 if value == 0 else max(0, min(math.floor(math.log(abs(value), factor)), len(endings) - 1))
        return f"{number(value / factor**power)}{endings[power]}"

    return write


def _seconds(value: float) -> str:
    size = abs(value)
    steps = ((1e-3, 1e-6, "µs"), (1, 1e-3, "ms"), (MINUTE, 1, "s"), (HOUR, MINUTE, "min"), (DAY, HOUR, "hour"))
    longer = ((WEEK, DAY, "day"), (YEAR, WEEK, "week"), (math.inf, YEAR, "year"))
    if value == 0:
        return "0 s"
    _, divisor, ending = next(step for step in (*steps, *longer) if size < step[0])
    return f"{number(value / divisor)} {ending}"


def _clock(value: float) -> str:
    if value < 0:
        return f"{_clock(-value)} ago"
    days, rest = divmod(int(value), DAY)
    return f"{f'{days} d ' if days else ''}{rest // HOUR:02}:{rest % HOUR // MINUTE:02}:{rest % MINUTE:02}"


PLAIN: dict[str, Written] = {"none": number, "locale": lambda value: f"{value:,.10g}"}
"""Units of plain numbers."""
UNITS: dict[str, Written] = {
    **PLAIN,
    "short": _scaled(1000, ("", " K", " Mil", " Bil", " Tri")),
    "percentunit": lambda value: f"{number(value * 100)}%",
    "s": _seconds,
    "dtdhms": _clock,
    "ops": _scaled(1000, (" ops/s", "K ops/s", "M ops/s")),
    "bytes": _scaled(1024, (" B", " KiB", " MiB", " GiB", " TiB")),
}
"""Units that pages may use."""
