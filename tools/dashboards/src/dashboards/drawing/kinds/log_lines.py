"""Log lines (``logs``)."""

from dashboards.drawing.look import DIM, TEXT, Look

ROW = 18
SIZE = 11


def log_lines(look: Look) -> None:
    """As many as fit, in the order in which they were found."""
    if look.asking.lines is None:
        look.said.append("not asked")
        middle = (look.box.x + look.box.width / 2, look.box.y + look.box.height / 2)
        look.canvas.text(middle, "(no log files were given)", color=DIM, anchor="mm")
        return
    found = [
        line for target in look.panel["targets"] for line in look.asking.lines(look.asking.filled(target["expr"], 15))
    ]
    if not found:
        look.nothing()
        return
    fitting = int(look.box.height // ROW)
    for number, line in enumerate(found[:fitting]):
        at = (look.box.x + 4, look.box.y + number * ROW + ROW / 2)
        look.canvas.text(at, line, size=SIZE, color=TEXT, most=look.box.width - 8)
