"""Lines over time with their legend (``timeseries``)."""

import math
from collections.abc import Sequence
from datetime import datetime
from zoneinfo import ZoneInfo

from dashboards.drawing import units
from dashboards.drawing.canvas import Box, Place, width_of
from dashboards.drawing.look import DIM, GRID, TEXT, Look
from dashboards.drawing.source import Point, Series
from dashboards.drawing.values import COLORS, PALETTE

ZONE = ZoneInfo("Asia/Ho_Chi_Minh")
LEGEND_SHARE = 0.35
"""Of the panel's height; a longer legend is scrolled."""
LEGEND_ROW = 22
SMALL = 12
MARK = "#5794f2"


def graph(look: Look) -> None:
    """The y axis begins at zero and ends above the largest value."""
    found = look.named()
    if not found:
        look.nothing()
        return
    rows = min(len(found) + 1, int(look.box.height * LEGEND_SHARE // LEGEND_ROW))
    if rows < len(found) + 1:
        look.said.append(f"{len(found)} series, {rows - 1} in the legend")
    below = rows * LEGEND_ROW
    largest = max(value for _, series in found for _, value in series.points)
    ticks = _ticks(largest)
    unit = look.config["unit"]
    left = max(width_of(units.written(tick, unit), SMALL) for tick in ticks) + 12
    plot = look.box.inner(left, 6, 8, below + 24)
    _axes(look, plot, ticks, unit)
    step = look.asking.step(look.panel, look.box.width)
    curves = [
        ([[_place(look, plot, point, ticks[-1]) for point in piece] for piece in _pieces(series.points, step)], color)
        for (_, series), color in zip(found, _colors(len(found)), strict=True)
    ]
    look.canvas.curves(plot, curves, look.config["custom"]["fillOpacity"] / 100)
    _limits(look, plot, ticks[-1])
    _legend(look, look.box.inner(top=look.box.height - below), found[: rows - 1])


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


def _legend(look: Look, box: Box, found: Sequence[tuple[str, Series]]) -> None:
    unit = look.config["unit"]
    most, last = box.x + box.width - 8, box.x + box.width - 118
    for x, title in ((box.x, "Name"), (last, "Last *"), (most, "Max")):
        look.canvas.text((x, box.y + 11), title, size=SMALL, color="#6e9fff", anchor="lm" if x == box.x else "rm")
    for number, ((name, series), color) in enumerate(zip(found, _colors(len(found)), strict=True), 1):
        y = box.y + number * LEGEND_ROW + 11
        look.canvas.box(Box(box.x, y - 2, 14, 4), color)
        look.canvas.text((box.x + 22, y), name, size=SMALL, color=TEXT, most=last - box.x - 110)
        figures = ((last, series.last), (most, max(value for _, value in series.points)))
        for x, value in figures:
            look.canvas.text((x, y), units.written(value, unit), size=SMALL, color=TEXT, anchor="rm")
