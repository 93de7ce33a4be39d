"""Lines over time with their legend (``timeseries``)."""

import math
from collections.abc import Sequence
from datetime import datetime

from dashboards.drawing import units
from dashboards.drawing.canvas import Box, Place, width_of
from dashboards.drawing.look import DIM, GRID, TEXT, Look
from dashboards.drawing.source import ZONE, Point, Series
from dashboards.drawing.values import COLORS, PALETTE

BELOW_SHARE, BESIDE_SHARE = 0.35, 0.6
"""Of the panel's height and width; a longer legend is scrolled."""
LEGEND_ROW, FIGURE = 22, 78
SMALL = 12
MARK = "#5794f2"


def graph(look: Look) -> None:
    """The y axis begins at zero and ends above the largest value."""
    named = look.named()
    if not named:
        look.nothing()
        return
    plot, beside = _divided(look, named)
    most = max(value for _, series in named for _, value in series.points)
    ticks = _ticks(max(most, look.config["custom"].get("axisSoftMax", 0)))
    unit = look.config["unit"]
    left = max(width_of(units.written(tick, unit), SMALL) for tick in ticks) + 12
    plot = plot.inner(left, 6, 8, 24)
    _axes(look, plot, ticks, unit)
    step = look.asking.step(look.panel, look.box.width)
    colored = list(zip(named, _colors(len(named)), strict=True))
    curves = [
        ([[_place(look, plot, point, ticks[-1]) for point in piece] for piece in _pieces(series.points, step)], color)
        for (_, series), color in colored
    ]
    look.canvas.curves(plot, curves, look.config["custom"]["fillOpacity"] / 100)
    _limits(look, plot, ticks[-1])
    _legend(look, beside, colored)


def _divided(look: Look, named: Sequence[tuple[str, Series]]) -> tuple[Box, Box]:
    """The place of the lines, and that of the legend beside or below them."""
    box = look.box
    if look.panel["options"]["legend"]["placement"] == "right":
        names = max(width_of(name, SMALL) for name, _ in named) + 30
        width = min(names + 2 * FIGURE, box.width * BESIDE_SHARE)
        return box.inner(right=width + 8), box.inner(left=box.width - width)
    height = min(len(named) + 1, int(box.height * BELOW_SHARE // LEGEND_ROW)) * LEGEND_ROW
    return box.inner(bottom=height), box.inner(top=box.height - height)


def _ticks(largest: float) -> list[float]:
    """About five round values from zero, the last not below the largest."""
    if largest <= 0:
        return [0.0, 0.5, 1.0]
    rough = largest / 4
    power = 10 ** math.floor(math.log10(rough))
    step = next(factor * power for factor in (1, 2, 2.5, 5, 10) if factor * power >= rough)
    return [number * step for number in range(math.ceil(largest / step - 1e-9) + 1)]


def _colors(count: int) -> list[str]:
    return [PALETTE[number % len(PALETTE)] for number in range(count)]


def _pieces(points: Sequence[Point], step: int) -> list[list[Point]]:
    """Parts without a gap."""
    pieces: list[list[Point]] = []
    for point in points:
        if pieces and point[0] - pieces[-1][-1][0] <= step * 1.5:
            pieces[-1].append(point)
        else:
            pieces.append([point])
    return pieces


def _place(look: Look, plot: Box, point: Point, highest: float) -> Place:
    span = look.asking.span
    across = (point[0] - span.start) / (span.end - span.start)
    return plot.x + across * plot.width, plot.y + plot.height * (1 - max(point[1], 0.0) / highest)


def _axes(look: Look, plot: Box, ticks: Sequence[float], unit: str) -> None:
    for tick in ticks:
        y = plot.y + plot.height * (1 - tick / ticks[-1])
        look.canvas.line([(plot.x, y), (plot.x + plot.width, y)], GRID)
        look.canvas.text((plot.x - 6, y), units.written(tick, unit), size=SMALL, color=DIM, anchor="rm")
    span = look.asking.span
    seconds = span.end - span.start
    every = next(step for step in (60, 120, 300, 600, 1800, 3600, 7200, 21_600, 43_200, 86_400) if seconds / step < 9)
    at = math.ceil(span.start / every) * every
    while at <= span.end:
        x = plot.x + (at - span.start) / seconds * plot.width
        look.canvas.line([(x, plot.y), (x, plot.y + plot.height)], GRID)
        text = datetime.fromtimestamp(at, ZONE).strftime("%H:%M" if every < 86_400 else "%d/%m")
        look.canvas.text((x, plot.y + plot.height + 12), text, size=SMALL, color=DIM, anchor="mm")
        at += every
    for start, _end in look.asking.marks:
        x = plot.x + (start - span.start) / seconds * plot.width
        if x >= plot.x:
            look.canvas.line([(x, plot.y), (x, plot.y + plot.height)], MARK)


def _limits(look: Look, plot: Box, highest: float) -> None:
    """Dashed lines where colours change; one above the axis is not seen."""
    if look.config["custom"].get("thresholdsStyle", {}).get("mode") != "dashed":
        return
    for step in look.config["thresholds"]["steps"][1:]:
        if 0 <= step["value"] <= highest:
            y = plot.y + plot.height * (1 - step["value"] / highest)
            look.canvas.line([(plot.x, y), (plot.x + plot.width, y)], COLORS[step["color"]], dash=(10, 8))


def _legend(look: Look, box: Box, colored: Sequence[tuple[tuple[str, Series], str]]) -> None:
    """In the order that the panel asks for; what does not fit would have to be scrolled to."""
    unit = look.config["unit"]
    if look.panel["options"]["legend"].get("sortBy") == "Max":
        colored = sorted(colored, key=lambda each: -_most(each[0][1]))
    fitting = int(box.height // LEGEND_ROW) - 1
    if fitting < len(colored):
        look.said.append(f"{len(colored)} series, {fitting} in the legend")
    most, last = box.x + box.width - 8, box.x + box.width - 8 - FIGURE
    for x, title in ((box.x, "Name"), (last, "Last *"), (most, "Max")):
        look.canvas.text((x, box.y + 11), title, size=SMALL, color="#6e9fff", anchor="lm" if x == box.x else "rm")
    for number, ((name, series), color) in enumerate(colored[:fitting], 1):
        y = box.y + number * LEGEND_ROW + 11
        look.canvas.box(Box(box.x, y - 2, 14, 4), color)
        look.canvas.text((box.x + 22, y), name, size=SMALL, color=TEXT, most=last - box.x - FIGURE + 10)
        for x, value in ((last, series.last), (most, _most(series))):
            look.canvas.text((x, y), units.written(value, unit), size=SMALL, color=TEXT, anchor="rm")


def _most(series: Series) -> float:
    return max(value for _, value in series.points)
