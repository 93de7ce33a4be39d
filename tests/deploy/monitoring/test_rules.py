"""Alert rules: valid on every supported Prometheus, each tested for firing, silence and end, and complete."""

import re
from collections.abc import Collection, Iterator
from datetime import date
from functools import cache
from pathlib import Path
from typing import Any

import promql_parser
import pytest

from common import topology
from common.domain.directory import Unit
from common.domain.names import Lane
from common.domain.security import PAGES, SecurityKind
from common.facts.flows import SERVICES
from common.metrics.registry import SECONDS
from common.settings import ServiceSettings
from lab.prometheus import Tools

from . import files, trimming
from .files import MONITORING, RULE_FILES, RUNBOOKS, TEST_FILES

SEVERITIES = {"critical", "warning", "morning", "digest", "none"}
ALWAYS = "TrunkDeadMansSwitch"
RUNBOOK_URL = re.compile(r"\{\{ \$externalLabels\.runbook_base \}\}/([a-z-]+)\.md")
ALERTS = list(files.alerts())

Case = tuple[str, list[dict[str, Any]]]


@cache
def groups() -> list[dict[str, Any]]:
    """Every group of cases."""
    return [group for path in TEST_FILES for group in files.read(path)["tests"]]


def cases(alert: str) -> list[list[Case]]:
    """Of every test group: the moments at which this alert is asked for, and what is expected."""
    by_group = [[test for test in group.get("alert_rule_test", []) if test["alertname"] == alert] for group in groups()]
    return [[(test["eval_time"], test["exp_alerts"]) for test in tests] for tests in by_group if tests]


def expected(alert: str) -> list[dict[str, Any]]:
    """Every alert of that name that a case expects."""
    return [each for group in cases(alert) for _, alerts in group for each in alerts]


def test_rules_are_valid(each: Tools) -> None:
    answer = each.promtool("check", "rules", "--lint=all", "--lint-fatal", *RULE_FILES)
    assert answer.code == 0, answer.printed


@pytest.mark.parametrize("file", TEST_FILES, ids=lambda path: path.stem)
def test_alerts_do_what_their_cases_say(each: Tools, file: Path, tmp_path: Path) -> None:
    answer = each.promtool("test", "rules", *trimming.trimmed(file, tmp_path))
    assert answer.code == 0, answer.printed


@pytest.mark.parametrize("file", TEST_FILES, ids=lambda path: path.stem)
def test_no_rule_fails_on_the_series_of_a_case_of_others(newest: Tools, file: Path, tmp_path: Path) -> None:
    answer = newest.promtool("test", "rules", *trimming.all_rules_at_moments(file, tmp_path))
    assert answer.code == 0, answer.printed


@pytest.mark.parametrize("file", TEST_FILES, ids=lambda path: path.stem)
def test_recorded_series_are_computed_before_they_are_asked_for(file: Path) -> None:
    """Without an order, promtool evaluates groups in another one each time, and cases pass by chance."""
    cases_of_file = files.read(file)
    rules = [files.read(file.parent / path) for path in cases_of_file["rule_files"]]
    assert cases_of_file["group_eval_order"] == [group["name"] for each in rules for group in each["groups"]]


def test_cases_that_tests_write_have_that_order_too() -> None:
    """They are written in few places, which put it in."""
    writers = {path.name for path in Path(__file__).parent.rglob("*.py") if '"rule_files": [' in path.read_text()}
    assert writers == {"files.py", "trimming.py", "test_trimming.py", Path(__file__).name}


@pytest.mark.parametrize("alert", ALERTS)
def test_every_alert_fires_keeps_quiet_and_ends(alert: str) -> None:
    groups_of_moments = cases(alert)
    assert expected(alert), "no case in which it fires"
    if alert == ALWAYS:
        return
    assert [1 for group in groups_of_moments if all(not alerts for _, alerts in group)] or [
        1 for group in groups_of_moments if not group[0][1]
    ], "no case in which it keeps quiet"
    ends = [[bool(alerts) for _, alerts in group] for group in groups_of_moments]
    assert [1 for firing in ends if any(firing) and not firing[-1]], "no case in which it ends"


@pytest.mark.parametrize("alert", ALERTS)
def test_every_alert_is_complete(alert: str) -> None:
    rule = files.alerts()[alert]
    assert re.fullmatch(r"\d+[mh]", str(rule["for"]))
    assert rule["labels"]["severity"] in SEVERITIES
    for name in ("summary", "description"):
        assert files.is_vietnamese(rule["annotations"][name]), name
    page = RUNBOOK_URL.fullmatch(rule["annotations"]["runbook_url"])
    assert page, rule["annotations"]["runbook_url"]
    assert (RUNBOOKS / f"{page[1]}.md").is_file()


@pytest.mark.parametrize("alert", ALERTS)
def test_every_alert_names_its_service_and_its_lane_where_there_is_one(alert: str) -> None:
    known = {*SERVICES, "broker", "trunk", "monitoring"}
    of_a_lane = "$labels.urgency" in files.alerts()[alert]["annotations"]["summary"] + files.alerts()[alert]["expr"]
    for each in expected(alert):
        assert each["exp_labels"]["service"] in known
        assert not of_a_lane or each["exp_labels"]["urgency"] in {"normal", "urgent"}
        assert not any("{{" in text for text in each["exp_annotations"].values())


def test_what_the_desk_did_not_hear_is_remembered_with_all_its_labels() -> None:
    """Or two alerts would be remembered as one, or as one that still fires."""
    (record,) = [
        rule["expr"] for rule in files.rules() if rule.get("record") == "trunk:unheard_alert_timestamp_seconds"
    ]
    alert = files.alerts()["TrunkHappenedWhileClosed"]["expr"]
    recorded_labels, compared = (re.findall(r"\w+", re.search(rf"{word} \(([^)]+)\)", text)[1])  # type: ignore[index]
                      for word, text in (("max by", record), ("unless on", alert)))  # fmt: skip
    of_the_desk = [each["exp_labels"] for name in ALERTS for each in expected(name)
                   if files.alerts()[name]["labels"]["severity"] == "warning"]  # fmt: skip
    assert {label for labels in of_the_desk for label in labels} - {"severity"} == set(recorded_labels) - {"alertname"}
    assert recorded_labels == compared


INSTALLATION = {"environment", "namespace"}
CLOCKS = {"scalar", "year", "month", "day_of_month", "day_of_week", "hour"}
"""Their arguments are the time, which all installations have in common."""


def mixed(node: Any, installation_labels: Collection[str] = ()) -> Iterator[str]:
    """Aggregations, joins and functions of an expression that forget of which installation a series is.

    installation_labels: labels that the installation adds at the end, to series of Kubernetes itself.
    """
    if isinstance(node, promql_parser.AggregateExpr):
        kept_labels = {*node.modifier.labels, *installation_labels} if node.modifier else set()
        if "Without" in str(getattr(node.modifier, "type", "")) or not kept_labels >= INSTALLATION:
            yield f"aggregates by {sorted(kept_labels)}"
    if isinstance(node, promql_parser.BinaryExpr):
        matching = node.modifier.matching if node.modifier else None
        if matching is not None and not {*matching.labels, *installation_labels} >= INSTALLATION:
            yield f"joins on {sorted(matching.labels)}"
    if isinstance(node, promql_parser.Call) and node.func.name in ("absent", "absent_over_time", "vector"):
        yield f"{node.func.name}() knows no installation"
    for part in ("lhs", "rhs", "expr", "param"):
        if (inner := getattr(node, part, None)) is not None:
            yield from mixed(inner, installation_labels)
    if not (isinstance(node, promql_parser.Call) and node.func.name in CLOCKS):
        for argument in getattr(node, "args", None) or []:
            yield from mixed(argument, installation_labels)


@pytest.mark.parametrize("rule", files.rules(), ids=lambda rule: rule.get("alert") or rule["record"])
def test_no_rule_mixes_installations(rule: dict[str, Any]) -> None:
    """Two environments in one Prometheus: every series is kept, joined and compared with those of its own."""
    if rule["expr"].startswith("vector(") and rule["labels"].keys() >= INSTALLATION:
        return
    added = re.search(r"\* on \((?:data_)?namespace\) group_left \(([a-z, ]+)\) trunk:\w+_info\s*\)?\s*$", rule["expr"])
    assert list(mixed(promql_parser.parse(rule["expr"]), set(added[1].split(", ")) if added else set())) == []


@pytest.mark.parametrize("text", [
    "sum(up) > 0", "sum by (namespace) (up)", "a / on (urgency) b", "a and on () b", "absent(up)", "vector(1)",
    "a * on (queue) group_left (service) b", "max without (instance) (up)",
])  # fmt: skip
def test_a_rule_that_mixes_installations_is_found(text: str) -> None:
    assert list(mixed(promql_parser.parse(text)))


@pytest.mark.parametrize("alert", ALERTS)
def test_every_alert_says_of_which_installation_it_is(alert: str) -> None:
    for each in expected(alert):
        assert each["exp_labels"].keys() >= INSTALLATION


def work_queues() -> list[topology.Queue]:
    """Queues that some service empties: nobody reads the mark, and a stream is always as long as it may be."""
    left_out = (topology.MARK, topology.PROGRESS)
    return [queue for queue in topology.static_topology().queues if queue.name not in left_out]


def test_queues_are_told_apart_by_their_names() -> None:
    """Every queue of the topology, but for the mark and the stream, is a work queue, a submit queue or an inbox."""
    patterns = set(re.findall(r'queue=~"([^"]+)"', (MONITORING / "rules" / "recording.yaml").read_text()))
    work, submit, inbox = sorted(patterns, key=lambda pattern: (pattern[0] != "(", pattern[0] != "s"))
    of_a_unit = topology.unit_topology(Unit(code="000.00.14.H29", name="", valid_from=date.min)).queues
    for queue in (*work_queues(), *of_a_unit):
        kinds = [pattern for pattern in (work, submit, inbox) if re.fullmatch(pattern, queue.name)]
        assert kinds == [{"submit": submit, "inbox": inbox}.get(queue.name.partition(".")[0], work)], queue.name


def test_the_cases_of_recorded_series_name_every_work_queue_with_its_service_and_lane() -> None:
    (group,) = files.read(MONITORING / "rules" / "tests" / "recording_test.yaml")["tests"]
    (samples,) = [each["exp_samples"] for each in group["promql_expr_test"] if each["expr"] == "trunk:queue_messages"]
    labels_of = {dict(re.findall(r'(\w+)="([^"]*)"', each["labels"]))["queue"]: each["labels"] for each in samples}
    assert set(labels_of) == {queue.name for queue in work_queues()}
    for name, labels in labels_of.items():
        service = next((each for each in SERVICES if f".{each}" in name), "router" if "place" in name else "archive")
        assert f'service="{service}"' in labels
        assert f'urgency="{topology.lane_of(name)}"' in labels


def test_a_full_submit_queue_is_as_long_as_the_topology_says() -> None:
    (rule,) = [rule for rule in files.rules() if rule.get("record") == "trunk:submit_fullest:ratio"]
    assert re.search(rf"/ {topology.SUBMIT_LENGTH}\b", rule["expr"])


def test_every_kind_of_security_event_has_one_alert_and_the_grave_ones_page() -> None:
    named: dict[str, set[str]] = {}
    for alert, rule in files.alerts().items():
        for pattern in re.findall(r'trunk_security_events_total\{\s*kind=~?"([^"]+)"', rule["expr"]):
            for kind in pattern.split("|"):
                named.setdefault(kind, set()).add(alert)
    assert {kind: len(alerts) for kind, alerts in named.items()} == dict.fromkeys(SecurityKind, 1)
    paging = {kind for kind, (alert,) in named.items() if files.alerts()[alert]["labels"]["severity"] == "critical"}
    assert paging == set(PAGES)


def test_the_objective_is_the_budget_of_the_settings_and_an_edge_of_the_histogram() -> None:
    text = (MONITORING / "rules" / "recording.yaml").read_text()
    settings = ServiceSettings()
    budgets = {lane.value: settings.budget_seconds(lane) for lane in Lane}
    recorded = set(re.findall(r'urgency="(\w+)", le=~"(\d+)\(\[\.\]0\)\?"', text))
    assert recorded == {(lane, f"{seconds:.0f}") for lane, seconds in budgets.items()}
    assert set(budgets.values()) <= set(SECONDS)


def test_group_names_are_distinct() -> None:
    names = [group["name"] for path in RULE_FILES for group in files.read(path)["groups"]]
    assert len(names) == len(set(names))
