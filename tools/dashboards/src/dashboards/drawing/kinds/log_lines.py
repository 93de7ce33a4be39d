"""Log lines (``logs``)."""

import textwrap

from dashboards.drawing.canvas import width_of
from dashboards.drawing.look import DIM, TEXT, Look

ROW = 18
SIZE = 11


def log_lines(look: Look) -> None:
    """As many as fit, in the order of time."""
    if look.asking.lines is None:
        look.said.append("not asked")
        middle = (look.box.x + look.box.width / 2, look.box.y + look.box.height / 2)
        look.canvas.text(middle, "(no log files were given)", color=DIM, anchor="mm")
        return
    lines = [
        line for target in look.panel["targets"] for line in look.asking.lines(look.asking.filled(target["expr"], 15))
    ]
    if not lines:
        look.nothing()
        return
    fitting = int(look.box.height // ROW)
    across = int((look.box.width - 8) / width_of("x", SIZE))
    rows = [
        (part, number)
        for number, line in enumerate(lines[:fitting])
        for part in textwrap.wrap(line, across, subsequent_indent="      ")
    ]
    if len(lines) > fitting or len(rows) > fitting:
        look.said.append(f"{len(lines)} lines, {rows[fitting - 1][1]} to be seen")
    for number, (part, of) in enumerate(rows[:fitting]):
        at = (look.box.x + 4, look.box.y + number * ROW + ROW / 2)
        look.canvas.text(at, part, size=SIZE, color=DIM if of % 2 else TEXT)
