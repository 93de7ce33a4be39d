"""What stands in place of a page's variables in its expressions."""

import re
from collections.abc import Mapping
from typing import Any

from dashboards.drawing.source import SCRAPE_SECONDS, Span

KINDS = {"datasource", "query", "textbox"}
"""Types of variables that are known."""
LABEL_VALUES = re.compile(r"label_values\((.+), (\w+)\)")


def values(page: Mapping[str, Any], chosen: Mapping[str, str]) -> dict[str, str]:
    """Values by name. chosen: in place of what the page opens with."""
    opened_with = {variable["name"]: _opened_with(variable) for variable in page["templating"]["list"]}
    return {name: chosen.get(name, value) for name, value in opened_with.items()}


def filled(text: str, variables: Mapping[str, str], span: Span, step: int) -> str:
    """An expression as it is sent."""
    built_in = {
        "__rate_interval": f"{max(step + SCRAPE_SECONDS, 4 * SCRAPE_SECONDS)}s",
        "__range": f"{round(span.end - span.start)}s",
        "__interval": f"{step}s",
    }
    known = {**built_in, **variables}
    return re.sub(r"\$\{?(\w+)\}?", lambda variable: known.get(variable[1], variable[0]), text)


def _opened_with(variable: Mapping[str, Any]) -> str:
    if variable.get("includeAll"):
        return str(variable["allValue"])
    return str(variable.get("current", {}).get("value", variable.get("query", "")))
