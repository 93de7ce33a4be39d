"""Rows and columns (``table``)."""

from collections.abc import Mapping, Sequence
from typing import Any

from dashboards.drawing import tables
from dashboards.drawing.canvas import Box, on
from dashboards.drawing.look import DIM, GRID, TEXT, Look
from dashboards.drawing.values import shown

ROW = 36
NARROWEST = 150
"""Width of a column below which the table is scrolled to the side."""


def table(look: Look) -> None:
    """Below its header as many rows as fit; what is scrolled away is said."""
    if look.panel["datasource"]["type"] != "prometheus":
        look.said.append("not asked")
        middle = (look.box.x + look.box.width / 2, look.box.y + look.box.height / 2)
        look.canvas.text(middle, "(Tempo was not there to be asked)", color=DIM, anchor="mm")
        return
    answers = look.asking.answers(look.panel, look.box.width)
    columns, rows = tables.arranged(tables.rows(answers), look.panel.get("transformations", []))
    rows = tables.ordered(rows, look.panel["options"].get("sortBy", []))
    if not rows:
        look.nothing()
        return
    widths = _widths(look, columns)
    if sum(widths) > look.box.width + 1:
        look.said.append(f"{len(columns)} columns need {sum(widths):.0f} pixels, there are {look.box.width:.0f}")
    fitting = int((look.box.height - ROW) // ROW)
    if len(rows) > fitting:
        look.said.append(f"{len(rows)} rows, {fitting} to be seen")
    for number, title in enumerate(columns):
        box = Box(look.box.x + sum(widths[:number]), look.box.y, widths[number], look.box.height)
        _column(look, box, title, rows[: fitting + 1])


def _widths(look: Look, columns: Sequence[str]) -> list[float]:
    """Those that are set; the others share what is left, but none gets narrower than Grafana lets it be."""
    fixed = [_config(look, title).get("custom.width") for title in columns]
    left = look.box.width - sum(width for width in fixed if width)
    share = max(left / max(fixed.count(None), 1), NARROWEST)
    return [float(width or share) for width in fixed]


def _column(look: Look, box: Box, title: str, rows: list[tables.Row]) -> None:
    edge = look.box.x + look.box.width
    if box.x > edge - 12:
        return
    width = min(box.width, edge - box.x)
    config = _config(look, title)
    is_number = any(isinstance(row[title], float) for row in rows)
    head, side = (box.x + width - 6, "rm") if is_number else (box.x + 6, "lm")
    look.canvas.text((head, box.y + ROW / 2), title, weight=500, most=width - 12, color="#6e9fff", anchor=side)
    for number, row in enumerate(rows, 1):
        y = box.y + number * ROW
        height = min(ROW, look.box.y + look.box.height - y)
        if height < ROW / 2:
            return
        look.canvas.line([(box.x, y), (box.x + width, y)], GRID)
        cell = shown(row[title], config) if row[title] is not None else None
        if cell is None:
            continue
        color = TEXT
        cells = config.get("custom.cellOptions", {}).get("type")
        if cells == "color-text":
            color = cell.color
        if cells == "color-background":
            look.canvas.box(Box(box.x, y + 1, width, height - 1), cell.color)
            color = on(cell.color)
        at, anchor = ((box.x + width - 6, y + ROW / 2), "rm") if is_number else ((box.x + 6, y + ROW / 2), "lm")
        if height == ROW:
            look.canvas.text(at, cell.text, color=color, anchor=anchor, most=width - 12)
        if config.get("links") and cell.text and height == ROW:
            look.canvas.line([(box.x + 6, y + 27), (box.x + 6 + 40, y + 27)], DIM, dash=(2, 2))


def _config(look: Look, title: str) -> Mapping[str, Any]:
    """Settings of one column: those of all, and what overrides them by its title."""
    config = dict(look.config)
    for override in look.panel["fieldConfig"]["overrides"]:
        if override["matcher"]["options"] == title:
            config |= {each["id"]: each["value"] for each in override["properties"]}
    return config
