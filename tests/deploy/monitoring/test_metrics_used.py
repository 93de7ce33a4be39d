"""Every metric that rules and dashboards ask for is exported, with those labels; every exported one is asked for."""

import re
from collections.abc import Iterator
from typing import Any

import promql_parser
import pytest

from . import files
from .files import Asked

PROMISED, PLANNED = (files.ROOT / "docs/operations/metrics.md").read_text().split("\n## Planned\n")
ROW = re.compile(r"^\| `(trunk_\w+)` \| (\w+) \|([^|]*)\|", re.MULTILINE)
CONTRACT = {name: (kind, {*labels.strip().split(", ")}) for name, kind, labels in ROW.findall(PROMISED)}
FOREIGN = re.compile("up|ALERTS|scrape_duration_seconds|rabbitmq_.+|(kube|keda|kubelet|probe)_.+")
"""Of Prometheus itself, RabbitMQ, Kubernetes, KEDA and the prober. That RabbitMQ has them is shown against the real one
(tests/system); the others' names are those of their documentation."""
TARGETS = {"job", "instance", "service", "deployment", "environment", "namespace"}
"""Labels that every scraped series has."""
UNASKED: dict[str, str] = {}
"""Exported metrics that no rule and no dashboard asks for, each with the reason."""

ASKED = [*files.rule_queries(), *files.dashboard_queries()]


def base(name: str) -> str:
    """Without what a histogram adds."""
    stem = re.sub(r"_(bucket|count|sum)$", "", name)
    return stem if stem in CONTRACT else name


@pytest.mark.parametrize("query", ASKED, ids=range(len(ASKED)))
def test_what_is_asked_for_exists(query: Asked) -> None:
    for selector in files.selectors(query.expr):
        known = base(selector.name) in CONTRACT or selector.name in files.recorded()
        assert known or FOREIGN.fullmatch(selector.name), selector.name


@pytest.mark.parametrize("query", ASKED, ids=range(len(ASKED)))
def test_labels_that_are_asked_for_exist(query: Asked) -> None:
    for selector in files.selectors(query.expr):
        if (name := base(selector.name)) in CONTRACT:
            kind, labels = CONTRACT[name]
            more = {"le"} if kind == "histogram" else set()
            assert {matcher.name for matcher in selector.matchers.matchers} <= labels | more | TARGETS, selector.name
    for node, names in _grouped(promql_parser.parse(query.filled)):
        asked_for = {base(selector.name) for selector in files._selectors(node)}
        for name in asked_for & set(CONTRACT):
            kind, labels = CONTRACT[name]
            more = {"le"} if kind == "histogram" else set()
            assert names <= labels | more | TARGETS, f"{name} has no {names - labels}"


@pytest.mark.parametrize("name", CONTRACT)
def test_what_is_exported_is_asked_for(name: str) -> None:
    used = {base(selector.name) for query in ASKED for selector in files.selectors(query.expr)}
    assert (name in used) is not (name in UNASKED)


def test_planned_metrics_are_not_asked_for() -> None:
    planned = {name for name, _, _ in ROW.findall(PLANNED)}
    used = {base(selector.name) for query in ASKED for selector in files.selectors(query.expr)}
    assert planned
    assert not planned & used


@pytest.mark.parametrize("query", ASKED, ids=range(len(ASKED)))
def test_queries_never_group_all_inboxes_by_queue(query: Asked) -> None:
    """A thousand units are a thousand queues: only what names other queues may keep the label."""
    for selector in files.selectors(query.expr):
        if selector.name.startswith("rabbitmq_detailed_queue"):
            assert "queue" in {matcher.name for matcher in selector.matchers.matchers}


def _grouped(node: Any) -> Iterator[tuple[object, set[str]]]:
    """Every aggregation that sums straight over a selector or its rate, with the labels it keeps."""
    straight = isinstance(node, promql_parser.AggregateExpr) and not isinstance(node.expr, promql_parser.AggregateExpr)
    if straight and node.modifier is not None:
        yield node.expr, set(node.modifier.labels)
    for part in ("lhs", "rhs", "expr"):
        if (inner := getattr(node, part, None)) is not None:
            yield from _grouped(inner)
    for argument in getattr(node, "args", None) or []:
        yield from _grouped(argument)
