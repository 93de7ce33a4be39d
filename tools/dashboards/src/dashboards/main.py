"""``trunk-dashboards write|check``: the pages as files below ``deploy/monitoring/dashboards``."""

import json
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from grafana_foundation_sdk.cog.encoder import JSONEncoder

from dashboards.levels import Rules
from dashboards.pages import PAGES

MONITORING = Path("deploy/monitoring")


def files(monitoring: Path) -> Iterator[tuple[Path, str]]:
    """Each page's file and what it has to hold. monitoring: the folder with ``rules`` and ``dashboards``."""
    rules = Rules(monitoring / "rules")
    for page in PAGES:
        built = json.loads(JSONEncoder(sort_keys=True).encode(page(rules).build()))
        text = json.dumps(_without_nulls(built), ensure_ascii=False, indent=1, sort_keys=True)
        yield monitoring / "dashboards" / f"{built['uid']}.json", f"{text}\n"


def main() -> None:
    """Console entry point, run in the repository's root; exit 1 when a file is not as it should be."""
    verb = sys.argv[1] if len(sys.argv) > 1 else ""
    if verb not in ("write", "check"):
        sys.exit("usage: trunk-dashboards write|check")
    wanted = dict(files(MONITORING))
    strange = set((MONITORING / "dashboards").glob("*.json")) - set(wanted)
    different = [path for path, text in wanted.items() if not path.is_file() or path.read_text() != text]
    if verb == "check":
        sys.exit(f"run trunk-dashboards write: {[*different, *strange]}" if different or strange else 0)
    for path in strange:
        path.unlink()
    for path in different:
        path.parent.mkdir(exist_ok=True)
        path.write_text(wanted[path])
        print(f"written: {path}")


def _without_nulls(value: Any) -> Any:
    """Without what says nothing, except where null has a meaning: the first step of thresholds."""
    if isinstance(value, dict):
        return {name: _without_nulls(each) for name, each in value.items() if each is not None or name == "value"}
    return [_without_nulls(each) for each in value] if isinstance(value, list) else value
