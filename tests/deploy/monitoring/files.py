"""What stands in deploy/monitoring, read as data, and what its expressions name."""

import json
import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

import promql_parser
import yaml

ROOT = Path(__file__).parents[3]
MONITORING = ROOT / "deploy" / "monitoring"
RUNBOOKS = ROOT / "docs" / "runbooks"
RULE_FILES = sorted((MONITORING / "rules").glob("*.yaml"))
TEST_FILES = sorted((MONITORING / "rules" / "tests").glob("*_test.yaml"))
"""Written by hand; `case_file` writes others."""
DIACRITICS = re.compile("[ăâđêôơưàáảãạằắẳẵặầấẩẫậèéẻẽẹềếểễệìíỉĩịòóỏõọồốổỗộờớởỡợùúủũụừứửữựỳýỷỹỵ]", re.IGNORECASE)
STANDING_FOR = {
    "$__rate_interval": "2m",
    "$__range": "1h",
    "$__interval": "15s",
    "$service": ".*",
    "$unit": ".*",
    "$document_id": "x",
}
"""Values that Grafana's variables may take."""


def is_vietnamese(text: str) -> bool:
    """Whether there are Vietnamese letters in it."""
    return DIACRITICS.search(text) is not None


class Loader(yaml.CSafeLoader):
    """Parses in C, since rules and cases are long. ``0x20`` is a text, as for promtool: zero, and twenty times more."""


Loader.yaml_implicit_resolvers = {
    first: [(tag, pattern) for tag, pattern in resolvers if tag != "tag:yaml.org,2002:int"]
    for first, resolvers in yaml.CSafeLoader.yaml_implicit_resolvers.items()
}
Loader.add_implicit_resolver("tag:yaml.org,2002:int", re.compile(r"[-+]?[0-9]+$"), [*"-+0123456789"])


def read(path: Path) -> Any:
    """A YAML file of rules or cases."""
    return yaml.load(path.read_text(encoding="utf-8"), Loader)


def yaml_of(content: Any) -> str:
    """As YAML, in the order of the content."""
    return str(yaml.dump(content, Dumper=yaml.CSafeDumper, sort_keys=False, allow_unicode=True, width=10_000))


@cache
def rules() -> tuple[dict[str, Any], ...]:
    """Every recording and alerting rule."""
    return tuple(rule for path in RULE_FILES for group in read(path)["groups"] for rule in group["rules"])


def case_file(folder: Path, rule_files: Iterable[Path], interval: str, case: dict[str, Any]) -> Path:
    """A file of one test group for ``promtool test rules``, written into ``folder``.

    interval: of evaluation and of the input series, such as ``1m``. Groups of rules are evaluated in the order in which
    they stand: without it promtool takes them in another order each time.
    """
    listed = [*rule_files]
    order = [group["name"] for path in listed for group in read(path)["groups"]]
    written = folder / "written_test.yaml"
    tests = [{"interval": interval, **case}]
    content = {
        "rule_files": [*map(str, listed)],
        "evaluation_interval": interval,
        "group_eval_order": order,
        "tests": tests,
    }
    written.write_text(yaml_of(content))
    return written


@cache
def alerts() -> dict[str, dict[str, Any]]:
    """Alerting rules by name."""
    return {rule["alert"]: rule for rule in rules() if "alert" in rule}


@cache
def recorded() -> frozenset[str]:
    """Names of recorded series."""
    return frozenset(rule["record"] for rule in rules() if "record" in rule)


@cache
def dashboards() -> dict[str, dict[str, Any]]:
    """Committed dashboards by uid."""
    files = sorted((MONITORING / "dashboards").glob("*.json"))
    return {path.stem: json.loads(path.read_text()) for path in files}


@dataclass(frozen=True)
class Asked:
    """A PromQL expression and where it stands."""

    where: str
    expr: str

    @property
    def filled(self) -> str:
        """With values in place of Grafana's variables."""
        return filled(self.expr)


def filled(text: str) -> str:
    """With values in place of Grafana's variables."""
    for variable, value in STANDING_FOR.items():
        text = text.replace(variable, value)
    return text


def panels(dashboard: dict[str, Any]) -> list[dict[str, Any]]:
    """All but headings."""
    return [panel for panel in dashboard["panels"] if panel["type"] != "row"]


def is_metrics(panel_or_target: dict[str, Any]) -> bool:
    """Whether it asks Prometheus."""
    return bool(panel_or_target["datasource"]["type"] == "prometheus")


def dashboard_queries() -> Iterator[Asked]:
    """Every PromQL of panels and annotations."""
    for uid, dashboard in dashboards().items():
        for panel in filter(is_metrics, panels(dashboard)):
            for target in panel["targets"]:
                yield Asked(f"{uid} / {panel['title']} / {target['refId']}", target["expr"])
        for annotation in dashboard["annotations"]["list"]:
            yield Asked(f"{uid} / {annotation['name']}", annotation["expr"])


def variable_queries() -> Iterator[tuple[str, str, str]]:
    """Where, selector and label of every variable that is read from metrics."""
    for uid, dashboard in dashboards().items():
        for variable in dashboard["templating"]["list"]:
            if variable["type"] == "query":
                selector, label = re.fullmatch(r"label_values\((.+), (\w+)\)", variable["query"]).groups()  # type: ignore[union-attr]
                yield f"{uid} / {variable['name']}", selector, label


def rule_queries() -> Iterator[Asked]:
    """Every PromQL of rules."""
    for rule in rules():
        yield Asked(rule.get("alert") or rule["record"], rule["expr"])


def selectors(expr: str) -> Iterator[promql_parser.VectorSelector]:
    """Every selector of an expression."""
    yield from _selectors(promql_parser.parse(filled(expr)))


def _selectors(node: Any) -> Iterator[promql_parser.VectorSelector]:
    if isinstance(node, promql_parser.VectorSelector):
        yield node
    for part in ("lhs", "rhs", "expr", "param", "vector_selector"):
        if (inner := getattr(node, part, None)) is not None:
            yield from _selectors(inner)
    for argument in getattr(node, "args", None) or []:
        yield from _selectors(argument)


def calls(expr: str) -> Iterator[tuple[str, list[promql_parser.VectorSelector]]]:
    """Every function of an expression with the selectors inside."""
    yield from _calls(promql_parser.parse(filled(expr)))


def _calls(node: Any) -> Iterator[tuple[str, list[promql_parser.VectorSelector]]]:
    if isinstance(node, promql_parser.Call):
        yield node.func.name, list(_selectors(node))
    for part in ("lhs", "rhs", "expr", "param"):
        if (inner := getattr(node, part, None)) is not None:
            yield from _calls(inner)
    for argument in getattr(node, "args", None) or []:
        yield from _calls(argument)
