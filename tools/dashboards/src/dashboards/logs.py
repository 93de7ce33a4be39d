"""Panels of log lines and traces: what concerns one document or one unit, which no metric may tell."""

from grafana_foundation_sdk.builders import logs, loki, table, tempo
from grafana_foundation_sdk.models.common import LogsDedupStrategy, LogsSortOrder
from grafana_foundation_sdk.models.tempo import SearchTableType, TempoQueryType

from dashboards.panels import NOTHING, Text
from dashboards.sources import LOGS, TRACES

LINE = "| line_format `{{.service}} · {{.type}} · {{.outcome}} · {{.reason}} {{.detail}} · {{.event}}`"
"""What is read of a line at a glance, after ``| json``; a click on it shows all fields."""


def log_lines(text: Text, query: str, size: tuple[int, int] = (12, 8)) -> logs.Panel:
    """Log lines of the services, oldest first as things happened."""
    panel = logs.Panel().show_time(True).wrap_log_message(True).enable_log_details(True)
    panel.sort_order(LogsSortOrder.ASCENDING).dedup_strategy(LogsDedupStrategy.NONE).unit("none")
    panel.title(text.title).description(str(text)).datasource(LOGS.ref).no_value(NOTHING).span(size[0]).height(size[1])
    return panel.with_target(loki.Dataquery().datasource(LOGS.ref).expr(query).query_type("range").ref_id("A"))


def trace_table(text: Text, query: str, size: tuple[int, int] = (24, 8)) -> table.Panel:
    """Traces that TraceQL finds; a click opens one."""
    panel = table.Panel().unit("none").no_value(NOTHING).span(size[0]).height(size[1])
    panel.title(text.title).description(str(text)).datasource(TRACES.ref)
    search = tempo.TempoQuery().datasource(TRACES.ref).query(query).query_type(TempoQueryType.TRACEQL.value)
    return panel.with_target(search.limit(20).table_type(SearchTableType.TRACES).ref_id("A"))
