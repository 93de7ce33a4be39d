"""One page as a picture: its bar, and its panels where ``gridPos`` puts them."""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import datetime
from pathlib import Path
from typing import Any

from dashboards.drawing import variables
from dashboards.drawing.canvas import Box, Canvas
from dashboards.drawing.kinds import KINDS
from dashboards.drawing.look import DIM, EDGE, FAULT, PAGE, PANEL, Asking, Look
from dashboards.drawing.source import ZONE, Failed

WIDTH = 1440
COLUMNS, CELL, GAP = 24, 30, 8
"""Grafana's grid: columns, height of a cell, and the space between two."""
MARGIN, BAR, TITLE = 16, 88, 32
SHOWN_AS = {"datasource": "Prometheus"}


@dataclass(frozen=True, slots=True)
class Remark:
    """What somebody who looks at the picture should know about a panel."""

    panel: str
    about: str


def draw(page: Mapping[str, Any], asking: Asking, file: Path) -> list[Remark]:
    """Writes the picture. Raises nothing for an expression that fails: the panel shows the reason in red."""
    asking = replace(asking, marks=_marks(page, asking))
    rows = max(panel["gridPos"]["y"] + panel["gridPos"]["h"] for panel in page["panels"])
    canvas = Canvas(WIDTH, BAR + rows * (CELL + GAP) + MARGIN, PAGE)
    remarks = []
    _bar(canvas, page, asking)
    for panel in page["panels"]:
        remarks += [Remark(panel["title"], each) for each in _panel(canvas, panel, asking)]
    canvas.save(file)
    return remarks


def _place(grid: Mapping[str, int]) -> Box:
    column = (WIDTH - 2 * MARGIN + GAP) / COLUMNS
    x, y = MARGIN + grid["x"] * column, BAR + grid["y"] * (CELL + GAP)
    return Box(x, y, grid["w"] * column - GAP, grid["h"] * (CELL + GAP) - GAP)


def _panel(canvas: Canvas, panel: Mapping[str, Any], asking: Asking) -> list[str]:
    box = _place(panel["gridPos"])
    if panel["type"] == "row":
        canvas.text((box.x + 4, box.y + 15), f"›  {panel['title']}", size=16, weight=500)
        return []
    canvas.box(box, PANEL, EDGE)
    before = len(canvas.cut)
    used = canvas.text((box.x + 8, box.y + 16), panel["title"], weight=500, most=box.width - 40)
    canvas.text((box.x + 8 + used + 12, box.y + 16), "i", size=11, color=DIM)
    is_filled = panel.get("options", {}).get("colorMode") == "background"
    inside = box.inner(8, TITLE, 8, 8) if not is_filled else box.inner(1, TITLE, 1, 1)
    look = Look(canvas, inside, panel, asking)
    try:
        KINDS[panel["type"]](look)
    except Failed as failure:
        look.said.append(f"FAILED: {failure}")
        middle = (box.x + box.width / 2, box.y + box.height / 2)
        canvas.text(middle, f"⚠ {failure}", color=FAULT, anchor="mm", most=box.width - 16)
    return [*look.said, *(f"cut: {text}" for text in canvas.cut[before:])]


def _bar(canvas: Canvas, page: Mapping[str, Any], asking: Asking) -> None:
    canvas.text((MARGIN, 24), page["title"], size=18, weight=500)
    shown = [datetime.fromtimestamp(at, ZONE) for at in (asking.span.start, asking.span.end)]
    time = f"{shown[0]:%d/%m/%Y %H:%M} – {shown[1]:%H:%M}"
    canvas.text((WIDTH - MARGIN, 24), time, color=DIM, anchor="rm")
    x = float(MARGIN)
    for variable in page["templating"]["list"]:
        value = asking.variables[variable["name"]]
        text = "All" if value == variable.get("allValue") else SHOWN_AS.get(variable["name"], value)
        x += canvas.text((x, 62), variable.get("label", variable["name"]), size=12, color=DIM) + 8
        width = canvas.text((x + 8, 62), text, size=12) + 16
        x += width + 20


def _marks(page: Mapping[str, Any], asking: Asking) -> list[tuple[float, float]]:
    step = asking.span.step_seconds(WIDTH, 0)
    covered = [
        series
        for annotation in page["annotations"]["list"]
        for series in asking.prometheus.over(
            variables.filled(annotation["expr"], asking.variables, asking.span, step), asking.span, step
        )
    ]
    return [(series.points[0][0], series.points[-1][0]) for series in covered]
