"""One horizontal bar a series (``bargauge``)."""

from dashboards.drawing.canvas import Box, width_of
from dashboards.drawing.look import GRID, TEXT, Look
from dashboards.drawing.values import shown

GAP = 8
ABOVE_FROM = 40
"""Height in pixels from which the name stands above its bar."""
NAME_SHARE, NAME_MOST = 0.2, 200
"""Of the width, that names to the left may take; and pixels."""


def bars(look: Look) -> None:
    """From zero to the largest value of all."""
    named = look.named()
    if not named:
        look.said.append("no data")
    values = [(name, series.last) for name, series in named]
    most = max((value for _, value in values), default=0) or 1
    rows = [(name, shown(value, look.config), value / most) for name, value in values]
    rows = rows or [("", shown(None, look.config), 0.0)]
    options = look.panel["options"]
    height = (look.box.height - GAP * (len(rows) - 1)) / len(rows)
    height = max(min(height, options["maxVizHeight"]), options["minVizHeight"])
    is_above = options["namePlacement"] == "top" or height > ABOVE_FROM
    fitting = int((look.box.height + GAP) // (height + GAP))
    if fitting < len(rows):
        look.said.append(f"{len(rows)} bars, {fitting} to be seen")
    size = min(16.0, height * 0.6)
    names = min(max(width_of(name, size) for name, *_ in rows) + 10, look.box.width * NAME_SHARE, NAME_MOST)
    room = max(width_of(value.text, size) for _, value, _ in rows) + 14
    for number, (name, value, share) in enumerate(rows[:fitting]):
        y = look.box.y + number * (height + GAP)
        if is_above:
            look.canvas.text((look.box.x, y + 9), name, color=TEXT, most=look.box.width)
            bar = Box(look.box.x, y + 20, look.box.width - room, height - 20)
        else:
            look.canvas.text((look.box.x, y + height / 2), name, size=size, color=TEXT, most=names - 8)
            bar = Box(look.box.x + names, y, look.box.width - names - room, height)
        look.canvas.box(bar, GRID)
        look.canvas.box(Box(bar.x, bar.y, max(bar.width * share, 2), bar.height), value.color)
        at = (bar.x + bar.width + 8, bar.y + bar.height / 2)
        look.canvas.text(at, value.text, size=size, color=value.color, weight=500)
    if size < 10:
        look.said.append(f"small names ({size:.0f} px)")
