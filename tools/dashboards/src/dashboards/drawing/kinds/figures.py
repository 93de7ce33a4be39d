"""Big figures side by side, as large as fits (``stat``)."""

import math

from dashboards.drawing.canvas import Box, on, width_of
from dashboards.drawing.look import TEXT, Look
from dashboards.drawing.values import Shown, shown

GAP = 8
WIDE = 2.5
"""Ratio from which the name stands beside the figure."""
LINE = 1.2
LARGEST_NAME = 30.0


def figures(look: Look) -> None:
    """One tile a series; its name only where there are several."""
    named = look.named()
    tiles = [(name if len(named) > 1 else "", shown(series.last, look.config)) for name, series in named]
    if not tiles:
        look.said.append("no data")
        tiles = [("", shown(None, look.config))]
    boxes = grid(look.box, len(tiles))
    widest = max((tile.text for _, tile in tiles), key=len)
    longest = max((name for name, _ in tiles), key=len)
    for box, (name, tile) in zip(boxes, tiles, strict=True):
        _tile(look, box, name, tile, (longest, widest))


def grid(box: Box, count: int) -> list[Box]:
    """Places of tiles: as square as they can be; the last row is stretched."""
    across = max(range(1, count + 1), key=lambda n: min(box.width / n, box.height / math.ceil(count / n)))
    down = math.ceil(count / across)
    height = (box.height - GAP * (down - 1)) / down
    places = []
    for row in range(down):
        here = min(across, count - row * across)
        width = (box.width - GAP * (here - 1)) / here
        y = box.y + row * (height + GAP)
        places += [Box(box.x + column * (width + GAP), y, width, height) for column in range(here)]
    return places


def _tile(look: Look, box: Box, name: str, tile: Shown, widest: tuple[str, str]) -> None:
    is_filled = look.panel["options"]["colorMode"] == "background"
    if is_filled:
        look.canvas.box(box, tile.color)
    color = on(tile.color) if is_filled else TEXT
    padding = 12 if box.height > 100 else 8
    inside = box.inner(padding, padding, padding, padding)
    longest, text = widest
    middle = inside.y + inside.height / 2
    if not name:
        size = _fitting(text, inside.width, inside.height)
        look.canvas.text(
            (inside.x + inside.width / 2, middle), tile.text, size=size, color=color, weight=500, anchor="mm"
        )
    elif box.width / box.height > WIDE:
        size = _fitting(text, inside.width * 0.3, inside.height)
        small = min(size * 0.7, LARGEST_NAME, _fitting(longest, inside.width * 0.6, inside.height))
        look.canvas.text((inside.x, middle), name, size=small, color=color, anchor="lm", most=inside.width * 0.65)
        look.canvas.text((inside.x + inside.width, middle), tile.text, size=size, color=color, weight=500, anchor="rm")
    else:
        small = min(LARGEST_NAME, _fitting(longest, inside.width, box.height * 0.15))
        size = _fitting(text, inside.width, inside.height - small * LINE)
        small = min(size * 0.7, small)
        look.canvas.text((inside.x, inside.y), name, size=small, color=color, anchor="la", most=inside.width)
        at = (inside.x, inside.y + small * LINE + (inside.height - small * LINE) / 2)
        look.canvas.text(at, tile.text, size=size, color=color, weight=500, anchor="lm")
        if small < 10:
            look.said.append(f"small name: {name} ({small:.0f} px)")
    if size < 10:
        look.said.append(f"small figure: {tile.text} ({size:.0f} px)")


def _fitting(text: str, width: float, height: float) -> float:
    return min(width / (width_of(text, 14, 500) + 2) * 14, height / LINE)
