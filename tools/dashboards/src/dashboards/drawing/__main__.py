"""``python -m dashboards.drawing PROMETHEUS FOLDER``: every page as ``FOLDER/<uid>.png``, and what was noticed."""

import argparse
import json
from collections.abc import Callable
from pathlib import Path

from dashboards.drawing import known, log_files, source, variables
from dashboards.drawing.look import Asking
from dashboards.drawing.picture import draw
from dashboards.main import MONITORING


def main() -> None:
    """Run in the repository's root. Exit 1 if a page uses what cannot be drawn."""
    chosen = _arguments()
    lines: Callable[[str], list[str]] | None = None
    if chosen.logs:
        lines = log_files.Lines.read(chosen.logs, chosen.at - chosen.minutes * 60, chosen.at).selected
    span = source.Span(chosen.at - chosen.minutes * 60, chosen.at)
    prometheus = source.Prometheus(chosen.prometheus)
    chosen.folder.mkdir(parents=True, exist_ok=True)
    for file in sorted((MONITORING / "dashboards").glob("*.json")):
        page = json.loads(file.read_text())
        if missing := known.unknown(page):
            raise SystemExit(f"{file.name}: {missing}")
        values = variables.values(page, dict(pair.split("=", 1) for pair in chosen.var))
        picture = chosen.folder / f"{page['uid']}.png"
        for remark in draw(page, Asking(prometheus, span, values, lines=lines), picture):
            print(f"{page['uid']}: {remark.panel}: {remark.about}")


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("prometheus", help="address, such as http://127.0.0.1:9090")
    parser.add_argument("folder", type=Path)
    parser.add_argument("--minutes", type=float, default=15.0, help="how long a time the pages show")
    parser.add_argument("--at", type=float, default=source.now(), help="end of that time, in seconds since 1970")
    parser.add_argument("--var", action="append", default=[], metavar="NAME=VALUE", help="value of a page's variable")
    parser.add_argument("--logs", type=Path, help="folder with the services' log files, in Loki's place")
    return parser.parse_args()


if __name__ == "__main__":
    main()
