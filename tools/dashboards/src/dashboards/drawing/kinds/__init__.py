"""Each type of panel that pages use, and what draws it."""

from collections.abc import Callable

from dashboards.drawing.kinds.bars import bars
from dashboards.drawing.kinds.figures import figures
from dashboards.drawing.kinds.graph import graph
from dashboards.drawing.kinds.log_lines import log_lines
from dashboards.drawing.kinds.table import table
from dashboards.drawing.look import Look

KINDS: dict[str, Callable[[Look], None]] = {
    "stat": figures,
    "timeseries": graph,
    "bargauge": bars,
    "table": table,
    "logs": log_lines,
}
