"""A value as a reader sees it: words in its place, or a number in its unit, and the colour of its threshold."""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from dashboards.drawing import units

COLORS = {
    "green": "#73bf69",
    "yellow": "#fade2a",
    "red": "#f2495c",
    "blue": "#5794f2",
    "text": "#ccccdc",
    "transparent": "#181b1f",
}
"""Grafana's named colours that pages use, in its dark theme."""
PALETTE = (
    *("#73bf69", "#f2cc0c", "#8ab8ff", "#ff780a", "#f2495c", "#5794f2", "#b877d9", "#705da0"),
    *("#37872d", "#fade2a", "#447ebc", "#c15c17", "#890f02", "#0a437c", "#6d1f62", "#584477"),
)
"""Of lines, in the order of series."""
MAPPINGS = {"value", "special", "regex"}
"""Types of mappings that are known."""


@dataclass(frozen=True, slots=True)
class Shown:
    """Text, and its colour as ``#rrggbb``."""

    text: str
    color: str


def shown(value: float | str | None, config: Mapping[str, Any]) -> Shown:
    """config: Grafana's settings of a field. None is no value at all."""
    result = _mapped(value, config.get("mappings", []))
    text = result.get("text")
    if text is None:
        text = _plain(value, config)
    color = result.get("color") or reached(value, config.get("thresholds", {}).get("steps", []))
    return Shown(text, COLORS.get(color, color))


def reached(value: float | str | None, steps: Sequence[Mapping[str, Any]]) -> str:
    """Colour of the last step that is not above the value; of the first where there is no number."""
    color = steps[0]["color"] if steps else "text"
    if isinstance(value, str) or value is None:
        value = _number(value)
    for step in steps[1:]:
        if value is not None and value >= step["value"]:
            color = step["color"]
    return str(color)


def _number(value: str | None) -> float | None:
    try:
        return None if value is None else float(value)
    except ValueError:
        return None


def _plain(value: float | str | None, config: Mapping[str, Any]) -> str:
    if value is None:
        return str(config.get("noValue", ""))
    return value if isinstance(value, str) else units.written(value, config.get("unit", "none"), config.get("decimals"))


def _mapped(value: float | str | None, mappings: Sequence[Mapping[str, Any]]) -> Mapping[str, Any]:
    token = units.number(value) if isinstance(value, float) else value
    for mapping in mappings:
        options = mapping["options"]
        if mapping["type"] == "value" and token in options:
            return dict(options[token])
        if mapping["type"] == "special" and options["match"] == "null" and value is None:
            return dict(options["result"])
        if mapping["type"] == "regex" and (matched := re.fullmatch(options["pattern"], str(token))):
            return {"text": matched.expand(re.sub(r"\$(\d)", r"\\\1", options["result"]["text"]))}
    return {}
