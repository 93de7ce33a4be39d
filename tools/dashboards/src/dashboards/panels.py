"""Kinds of panels, each with what every panel must have: text in three parts, unit, source, a word for no data."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TypeVar

from grafana_foundation_sdk.builders import bargauge, common, prometheus, stat, table, timeseries
from grafana_foundation_sdk.cog.builder import Builder
from grafana_foundation_sdk.models import dashboard as model
from grafana_foundation_sdk.models.common import (
    BarGaugeNamePlacement,
    BarGaugeSizing,
    BigValueColorMode,
    BigValueGraphMode,
    BigValueTextMode,
    GraphThresholdsStyleMode,
    LegendDisplayMode,
    LegendPlacement,
    TooltipDisplayMode,
    VizOrientation,
)
from grafana_foundation_sdk.models.prometheus import PromQueryFormat

from dashboards.levels import Levels
from dashboards.sources import METRICS
from dashboards.values import RED, mapped, no_data, pattern, steps
from dashboards.words import Words

NOTHING = "Không có số liệu"
COUNT, PER_SECOND, PER_MINUTE = "locale", "suffix:/giây", "suffix:/phút"
AGE, DAYS, HOURS = "dtdhms", "suffix:ngày", "suffix:giờ"
"""Units in which Grafana writes no English word; an age is written ``2 d 03:04:05``."""
BAR_HEIGHT = 44
"""Pixels, with the name above the bar: beside it, Grafana cuts a name after 200."""


@dataclass(frozen=True, slots=True)
class Text:
    """What a panel is called, and what a reader at night has to know about it."""

    title: str
    means: str
    worry: str
    act: str

    def __str__(self) -> str:
        return f"**Ý nghĩa:** {self.means}\n\n**Khi nào lo:** {self.worry}\n\n**Làm gì:** {self.act}"


@dataclass(frozen=True, slots=True)
class Query:
    """PromQL and how its series are called."""

    expr: str
    legend: str = ""


@dataclass(frozen=True, slots=True)
class Column:
    """A column of a table. words: in place of its tokens; link: where a click on a cell leads; width: pixels."""

    name: str
    title: str
    words: Words | None = None
    link: str = ""
    unit: str = ""
    levels: Levels | None = None
    colors: Words | None = None
    """Of tokens; their words stand in that colour."""
    patterns: Words | None = None
    """Regular expressions of tokens, and what is shown in their place."""
    width: int | None = None


Panel = Builder[model.Panel]
"""What all builders of panels have in common."""
Any = TypeVar("Any", stat.Panel, timeseries.Panel, bargauge.Panel, table.Panel)
Series = TypeVar("Series", stat.Panel, timeseries.Panel, bargauge.Panel)


def figure(
    text: Text,
    *queries: Query,
    unit: str,
    levels: Levels | None = None,
    words: Words | None = None,
    alarms: Words | None = None,
    nothing: str = NOTHING,
    size: tuple[int, int] = (6, 5),
) -> stat.Panel:
    """Big figures, one a series, as they are now. alarms: words in place of values that are bad in themselves."""
    panel = stat.Panel().color_mode(BigValueColorMode.BACKGROUND if levels else BigValueColorMode.NONE)
    panel.graph_mode(BigValueGraphMode.NONE).text_mode(BigValueTextMode.AUTO).orientation(VizOrientation.AUTO)
    panel.reduce_options(common.ReduceDataOptions().calcs(["lastNotNull"]).fields("").values(False))
    panel.mappings([*mapped(alarms or {}, dict.fromkeys(alarms or {}, RED)), no_data(nothing)])
    return _series(panel, text, queries, unit, levels, words, size, nothing=nothing, instant=True)


def lines(
    text: Text,
    *queries: Query,
    unit: str,
    levels: Levels | None = None,
    words: Words | None = None,
    nothing: str = NOTHING,
    size: tuple[int, int] = (12, 8),
    step: str | None = None,
    many: bool = False,
) -> timeseries.Panel:
    """Lines over time; where the alert begins there is a dashed one, and the axis reaches above it.

    step: of what is scraped less often. many: more series than a legend below the lines can name.
    """
    legend = common.VizLegendOptions().show_legend(True).calcs(["lastNotNull", "max"]).sort_by("Max").sort_desc(True)
    legend.placement(LegendPlacement.RIGHT if many else LegendPlacement.BOTTOM)
    panel = timeseries.Panel().line_width(1).fill_opacity(8).span_nulls(False)
    panel.legend(legend.display_mode(LegendDisplayMode.TABLE))
    panel.tooltip(common.VizTooltipOptions().mode(TooltipDisplayMode.MULTI)).min(0)
    if levels:
        panel.thresholds_style(common.GraphThresholdsStyleConfig().mode(GraphThresholdsStyleMode.DASHED))
        panel.axis_soft_max(levels.red * 1.1)
    if step:
        panel.interval(step)
    return _series(panel, text, queries, unit, levels, words, size, nothing=nothing, instant=False)


def bars(
    text: Text,
    query: Query,
    *,
    unit: str,
    levels: Levels | None = None,
    words: Words | None = None,
    nothing: str = NOTHING,
    size: tuple[int, int] = (12, 8),
) -> bargauge.Panel:
    """One bar a series, the longest first, each with its name above."""
    panel = bargauge.Panel().orientation(VizOrientation.HORIZONTAL).mappings([no_data(nothing)])
    panel.sizing(BarGaugeSizing.MANUAL).min_viz_height(BAR_HEIGHT).max_viz_height(BAR_HEIGHT)
    panel.name_placement(BarGaugeNamePlacement.TOP)
    panel.reduce_options(common.ReduceDataOptions().calcs(["lastNotNull"]).fields("").values(False)).min(0)
    sorted_query = Query(f"sort_desc({query.expr})", query.legend)
    return _series(panel, text, [sorted_query], unit, levels, words, size, nothing=nothing, instant=True)


def rows(
    text: Text,
    queries: Sequence[Query],
    columns: Sequence[Column],
    *,
    worst: str,
    low_is_worst: bool = False,
    then: str = "",
    nothing: str = NOTHING,
    size: tuple[int, int] = (12, 8),
) -> table.Panel:
    """A table joined over all queries, worst first. worst: title of the column that says it; then: of the next.

    The value of the n-th query is the column ``Value #A``, ``Value #B`` …; of a single query ``Value``.
    """
    panel = _dressed(table.Panel(), text, "none", size, nothing)
    for ref, query in zip("ABCDEFG", queries, strict=False):
        panel.with_target(_target(query, ref, instant=True).format(PromQueryFormat.TABLE))
    names = [column.name for column in columns]
    titles = {column.name: column.title for column in columns}
    if len(queries) > 1:
        panel.with_transformation(model.DataTransformerConfig("merge", options={}))
    panel.with_transformation(model.DataTransformerConfig("filterFieldsByName", options={"include": {"names": names}}))
    order = {name: index for index, name in enumerate(names)}
    panel.with_transformation(
        model.DataTransformerConfig(
            "organize", options={"indexByName": order, "renameByName": titles, "excludeByName": {}}
        )
    )
    for column in columns:
        panel.override_by_name(column.title, _of(column))
    titles_by_rank = [title for title in (worst, then) if title]
    panel.sort_by(
        [common.TableSortByFieldState().display_name(title).desc(not low_is_worst) for title in titles_by_rank]
    )
    return panel.thresholds(steps(None)).filterable(True)


def _series(
    panel: Series,
    text: Text,
    queries: Sequence[Query],
    unit: str,
    levels: Levels | None,
    words: Words | None,
    size: tuple[int, int],
    *,
    nothing: str,
    instant: bool,
) -> Series:
    _dressed(panel, text, unit, size, nothing)
    for ref, query in zip("ABCDEFG", queries, strict=False):
        panel.with_target(_target(query, ref, instant=instant))
    if unit == COUNT:
        panel.decimals(0)
    for token, word in (words or {}).items():
        pattern = {"regex": rf"(^|.*[^\w.-]){token}($|[^\w.-].*)", "renamePattern": f"$1{word}$2"}
        panel.with_transformation(model.DataTransformerConfig("renameByRegex", options=pattern))
    return panel.thresholds(steps(levels))


def _dressed(panel: Any, text: Text, unit: str, size: tuple[int, int], nothing: str) -> Any:
    panel.title(text.title).description(str(text)).datasource(METRICS.ref)
    return panel.unit(unit).no_value(nothing).span(size[0]).height(size[1])


def _target(query: Query, ref: str, *, instant: bool) -> prometheus.Dataquery:
    target = prometheus.Dataquery().datasource(METRICS.ref).expr(query.expr).ref_id(ref)
    if query.legend:
        target.legend_format(query.legend)
    return target.instant() if instant else target.range()


def _of(column: Column) -> list[model.DynamicConfigValue]:
    properties: dict[str, object] = {}
    if column.words:
        properties["mappings"] = mapped(column.words, column.colors)
    if column.patterns:
        properties["mappings"] = mapped(column.words or {}) + [pattern(*each) for each in column.patterns.items()]
    if column.unit:
        properties["unit"] = column.unit
    if column.unit == COUNT:
        properties["decimals"] = 0
    if column.link:
        properties["links"] = [{"title": "Xem riêng", "url": column.link, "targetBlank": False}]
    if column.levels:
        properties["thresholds"] = steps(column.levels).build()
        properties["custom.cellOptions"] = {"type": "color-background"}
    if column.colors:
        properties["custom.cellOptions"] = {"type": "color-text"}
    if column.width:
        properties["custom.width"] = column.width
    return [model.DynamicConfigValue(name, value) for name, value in properties.items()]
