"""What a page uses and the drawing does not know, by name: a picture must not differ from Grafana unnoticed."""

from collections.abc import Iterator
from typing import Any

from dashboards.drawing import names, units, values, variables
from dashboards.drawing.kinds import KINDS

TRANSFORMATIONS = {names.RENAMES, "merge", "filterFieldsByName", "organize"}
OVERRIDES = {"mappings", "links", "unit", "decimals", "thresholds", "custom.cellOptions", "custom.width"}
CELLS = {"color-background", "color-text"}
PLACEMENTS = {"bottom", "right"}
SIZINGS = {"manual"}
NAMES = {"auto", "top"}
COLOR_MODES = {"background", "none"}
CALCULATIONS = {("lastNotNull",), ("lastNotNull", "max")}
ROW = "row"


def unknown(page: dict[str, Any]) -> list[str]:
    """Sentences such as ``panel 3: unit 'percent'``; empty if the whole page can be drawn."""
    kinds = [f"variable of type {v['type']!r}" for v in page["templating"]["list"] if v["type"] not in variables.KINDS]
    panels = [f"panel {panel.get('id')}: {each}" for panel in page["panels"] for each in _of_panel(panel)]
    return kinds + panels


def _of_panel(panel: dict[str, Any]) -> Iterator[str]:
    if panel["type"] == ROW:
        return
    if panel["type"] not in KINDS:
        yield f"type {panel['type']!r}"
        return
    for each in panel.get("transformations", []):
        if each["id"] not in TRANSFORMATIONS:
            yield f"transformation {each['id']!r}"
    options = panel.get("options", {})
    if options.get("colorMode", "none") not in COLOR_MODES:
        yield f"colour mode {options['colorMode']!r}"
    for calculations in (options.get("reduceOptions", {}).get("calcs"), options.get("legend", {}).get("calcs")):
        if calculations and tuple(calculations) not in CALCULATIONS:
            yield f"calculations {calculations!r}"
    if options.get("legend", {}).get("placement", "bottom") not in PLACEMENTS:
        yield f"legend {options['legend']['placement']!r}"
    if options.get("sizing", "manual") not in SIZINGS:
        yield f"sizing {options['sizing']!r}"
    if options.get("namePlacement", "top") not in NAMES:
        yield f"names {options['namePlacement']!r}"
    yield from _of_field(panel["fieldConfig"]["defaults"])
    for override in panel["fieldConfig"]["overrides"]:
        if override["matcher"]["id"] != "byName":
            yield f"override by {override['matcher']['id']!r}"
        properties = {each["id"]: each["value"] for each in override["properties"]}
        yield from (f"override of {name!r}" for name in properties if name not in OVERRIDES)
        yield from _of_field(properties)


def _of_field(config: dict[str, Any]) -> Iterator[str]:
    if not units.is_known(config.get("unit", "none")):
        yield f"unit {config['unit']!r}"
    for mapping in config.get("mappings", []):
        if mapping["type"] not in values.MAPPINGS:
            yield f"mapping of type {mapping['type']!r}"
        elif mapping["type"] == "special" and mapping["options"]["match"] != "null":
            yield f"mapping of {mapping['options']['match']!r}"
    for step in config.get("thresholds", {}).get("steps", []):
        if step["color"] not in values.COLORS:
            yield f"colour {step['color']!r}"
    cell = config.get("custom.cellOptions", {}).get("type")
    if cell and cell not in CELLS:
        yield f"cells of type {cell!r}"
