"""The drawing of the pages: that it knows all they use, and follows Grafana in what a reader sees."""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import httpx
import pytest

from dashboards.drawing import known, log_files, names, tables, units, values, variables
from dashboards.drawing.look import Asking
from dashboards.drawing.picture import draw
from dashboards.drawing.source import Prometheus, Series, Span

from . import files

Page = dict[str, Any]
SPAN = Span(1_700_000_000.0, 1_700_000_900.0)


@pytest.mark.parametrize("uid", list(files.dashboards()))
def test_everything_that_a_page_uses_is_known(uid: str) -> None:
    assert known.unknown(files.dashboards()[uid]) == []


def _panel(**more: Any) -> Page:
    field = {"defaults": {"unit": "short"}, "overrides": []}
    panel = {"id": 1, "type": "stat", "fieldConfig": field, "options": {}, **more}
    return {"templating": {"list": []}, "panels": [panel]}


def _field(**defaults: Any) -> Page:
    return _panel(fieldConfig={"defaults": defaults, "overrides": []})


def _override(name: str, value: object, matcher: str = "byName") -> Page:
    override = {"matcher": {"id": matcher, "options": "x"}, "properties": [{"id": name, "value": value}]}
    return _panel(fieldConfig={"defaults": {"unit": "short"}, "overrides": [override]})


@pytest.mark.parametrize(
    ("page", "named"),
    [
        (_panel(type="piechart"), "type 'piechart'"),
        (_panel(transformations=[{"id": "reduce"}]), "transformation 'reduce'"),
        (_panel(options={"colorMode": "value"}), "colour mode 'value'"),
        (_panel(options={"reduceOptions": {"calcs": ["mean"]}}), "calculations ['mean']"),
        (_panel(options={"legend": {"calcs": ["sum"]}}), "calculations ['sum']"),
        (_field(unit="celsius"), "unit 'celsius'"),
        (_field(mappings=[{"type": "range"}]), "mapping of type 'range'"),
        (_field(mappings=[{"type": "special", "options": {"match": "nan"}}]), "mapping of 'nan'"),
        (_field(thresholds={"steps": [{"color": "orange", "value": None}]}), "colour 'orange'"),
        (_override("custom.hidden", True), "override of 'custom.hidden'"),
        (_override("unit", "celsius"), "unit 'celsius'"),
        (_override("unit", "s", matcher="byRegexp"), "override by 'byRegexp'"),
        (_override("custom.cellOptions", {"type": "gauge"}), "cells of type 'gauge'"),
        (_panel(options={"legend": {"placement": "left"}}), "legend 'left'"),
        (_panel(options={"sizing": "auto"}), "sizing 'auto'"),
        (_panel(options={"namePlacement": "left"}), "names 'left'"),
    ],
)
def test_what_is_not_known_is_named(page: Page, named: str) -> None:
    assert known.unknown(page) == [f"panel 1: {named}"]


def test_a_variable_that_is_not_known_is_named() -> None:
    page = {"templating": {"list": [{"type": "interval"}]}, "panels": []}
    assert known.unknown(page) == ["variable of type 'interval'"]


@pytest.mark.parametrize(
    ("value", "unit", "text"),
    [
        (0.0, "short", "0"),
        (12.0, "short", "12"),
        (1234.0, "short", "1.23 K"),
        (0.993, "percentunit", "99.3%"),
        (0.0123, "s", "12.3 ms"),
        (5_400.0, "s", "1.5 hour"),
        (5_400.0, "dtdhms", "01:30:00"),
        (180_000.0, "dtdhms", "2 d 02:00:00"),
        (-90.0, "dtdhms", "00:01:30 ago"),
        (0.5, "suffix:/giây", "0.5 /giây"),
        (3 * 1024.0**3, "bytes", "3 GiB"),
    ],
)
def test_numbers_are_written_in_their_unit(value: float, unit: str, text: str) -> None:
    assert units.written(value, unit) == text


STEPS = [{"color": "green", "value": None}, {"color": "yellow", "value": 5}, {"color": "red", "value": 10}]
NULL = {"type": "special", "options": {"match": "null", "result": {"text": "Không có", "color": "#6e7180"}}}
PATTERN = {"type": "regex", "options": {"pattern": "[ac]rl/(.*)", "result": {"text": "$1"}}}
WORD = {"type": "value", "options": {"1": {"text": "Tốt"}}}


@pytest.mark.parametrize(
    ("value", "config", "expected"),
    [
        (1836.4, {"unit": "locale", "decimals": 0}, ("1,836", "#ccccdc")),
        ("crl/CA một", {"mappings": [PATTERN]}, ("CA một", "#ccccdc")),
        (4.9, {"unit": "short", "thresholds": {"steps": STEPS}}, ("4.9", "#73bf69")),
        (5.0, {"unit": "short", "thresholds": {"steps": STEPS}}, ("5", "#fade2a")),
        (99.0, {"unit": "short", "thresholds": {"steps": STEPS}}, ("99", "#f2495c")),
        (1.0, {"unit": "short", "mappings": [WORD]}, ("Tốt", "#ccccdc")),
        (None, {"noValue": "Không có", "thresholds": {"steps": STEPS}}, ("Không có", "#73bf69")),
        (None, {"noValue": "-", "thresholds": {"steps": STEPS}, "mappings": [NULL]}, ("Không có", "#6e7180")),
    ],
)
def test_values_get_words_and_the_colour_of_their_threshold(
    value: float | None, config: Page, expected: tuple[str, str]
) -> None:
    value_shown = values.shown(value, config)
    assert (value_shown.text, value_shown.color) == expected


def test_legends_are_renamed_as_the_panel_says() -> None:
    panel = next(p for p in files.panels(files.dashboards()["trunk-pipeline"]) if len(p["targets"]) == 1)
    token = names.legend({"service": "intake", "outcome": "acked"}, panel["targets"][0]["legendFormat"])
    assert names.renamed(token, panel["transformations"]) == "Tiếp nhận · Xong"


def _series(value: float, **labels: str) -> Series:
    return Series(labels, ((0.0, value),))


def test_tables_are_joined_by_the_labels_that_all_queries_have() -> None:
    answers = {
        "A": [_series(3, unit="H29.1"), _series(0, unit="H29.2")],
        "B": [_series(7, unit="H29.2"), _series(9, unit="H29.3")],
    }
    assert tables.rows(answers) == [
        {"unit": "H29.1", "Value #A": 3},
        {"unit": "H29.2", "Value #A": 0, "Value #B": 7},
        {"unit": "H29.3", "Value #B": 9},
    ]


def test_variables_stand_in_expressions() -> None:
    page = files.dashboards()["trunk-unit"]
    chosen = variables.values(page, {"unit": "H29.901.01"})
    text = variables.filled('x{unit=~"$unit"}[$__range]', chosen, SPAN, 15)
    assert text == 'x{unit=~"H29.901.01"}[900s]'
    assert variables.values(page, {})["unit"] == ".*"


LINES = log_files.Lines(
    [
        ('{"document_id": "a", "level": "info"}', {"document_id": "a", "level": "info"}),
        ('{"document_id": "a", "level": "error"}', {"document_id": "a", "level": "error"}),
        ('{"document_id": "b", "level": "error"}', {"document_id": "b", "level": "error"}),
    ]
)
LOGS = [
    (panel["title"], target["expr"].replace("$document_id", "a").replace("$unit", "b"))
    for dashboard in files.dashboards().values()
    for panel in files.panels(dashboard)
    if panel["datasource"]["type"] == "loki"
    for target in panel["targets"]
]


@pytest.mark.parametrize(("title", "expr"), LOGS, ids=[title for title, _ in LOGS])
def test_expressions_for_logs_are_read(title: str, expr: str) -> None:
    lines = LINES.selected(expr)
    assert 0 < len(lines) < len(LINES.lines)


def test_an_empty_box_finds_no_lines() -> None:
    for expr in (
        t["expr"] for p in files.panels(files.dashboards()["trunk-document"]) for t in p["targets"] if "expr" in t
    ):
        assert LINES.selected(expr.replace("$document_id", "")) == []


@pytest.mark.parametrize("identifier", ["12(a/UBND", "[", "*", "+", "a|", ".", "\\d"])
def test_an_id_is_found_whatever_a_unit_has_made_up(identifier: str) -> None:
    record = {"document_id": identifier, "level": "error"}
    lines = log_files.Lines([(json.dumps(record), record)])
    page = files.dashboards()["trunk-document"]
    exprs = [target["expr"] for panel in files.panels(page) for target in panel["targets"] if "expr" in target]
    assert all(len(lines.selected(expr.replace("$document_id", identifier))) == 1 for expr in exprs)


def test_an_expression_for_logs_of_another_form_is_not_guessed() -> None:
    with pytest.raises(log_files.Unread):
        LINES.selected('{service_name=~"trunk-.+"} | json | unwrap=`seconds`  or __error__')


Answer = Callable[[httpx.Request], httpx.Response]


def _asking(answer: Answer) -> Asking:
    client = httpx.Client(transport=httpx.MockTransport(answer))
    page = files.dashboards()["trunk-notify"]
    return Asking(Prometheus("http://prometheus", client), SPAN, variables.values(page, {}))


def _empty(_: httpx.Request) -> httpx.Response:
    return httpx.Response(200, json={"status": "success", "data": {"result": []}})


def _rejected(request: httpx.Request) -> httpx.Response:
    if "notifications_waiting" in str(request.url):
        return httpx.Response(400, json={"status": "error", "error": "parse error"})
    return _empty(request)


def _one(_: httpx.Request) -> httpx.Response:
    points = [[SPAN.start + 15 * number, str(number)] for number in range(60)]
    series = {"metric": {"channel": "email"}, "values": points, "value": points[-1]}
    return httpx.Response(200, json={"status": "success", "data": {"result": [series]}})


def test_a_page_is_drawn_and_says_which_panels_have_no_data(tmp_path: Path) -> None:
    page = files.dashboards()["trunk-notify"]
    titles = {panel["title"] for panel in files.panels(page)}
    remarks = draw(page, _asking(_empty), tmp_path / "page.png")
    assert {remark.panel for remark in remarks if remark.about == "no data"} == titles
    assert (tmp_path / "page.png").read_bytes().startswith(b"\x89PNG")
    assert [remark for remark in draw(page, _asking(_one), tmp_path / "page.png") if remark.about == "no data"] == []


def test_a_rejected_expression_is_said(tmp_path: Path) -> None:
    remarks = draw(files.dashboards()["trunk-notify"], _asking(_rejected), tmp_path / "page.png")
    assert [remark.panel for remark in remarks if remark.about == "FAILED: parse error"] == ["Thông báo đang chờ"]


def test_the_pages_that_are_drawn_are_all_there_are() -> None:
    pictures = {path.stem for path in (files.ROOT / "docs/operations/pages").glob("*.png")}
    assert pictures == set(files.dashboards())
