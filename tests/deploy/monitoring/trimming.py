"""What promtool is given in place of a file of cases: the cases with no rules but those that they depend on, and all
rules with a few moments of each case.

promtool evaluates every rule of a file at every step of every group of cases. Most groups ask for one alert, and some
last days, so that nearly all of this is never looked at, except that no rule may fail: for that, a few moments are
enough.
"""

import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from . import files

ALERT_SERIES = frozenset({"ALERTS", "ALERTS_FOR_STATE"})
"""Written by Prometheus for every alert, whatever its name."""
MOMENTS = 10
"""At how many moments of a case all rules are evaluated."""
SECONDS = {"s": 1, "m": 60, "h": 3600, "d": 86400}


@dataclass(frozen=True)
class Needed:
    """The rules that a case depends on, by what they are called."""

    alerts: frozenset[str]
    records: frozenset[str]

    def holds(self, rule: dict[str, Any]) -> bool:
        return rule.get("alert") in self.alerts or rule.get("record") in self.records


def trimmed(file: Path, folder: Path) -> list[Path]:
    """Files that together have the cases of ``file``, written into ``folder``: those that depend on the same rules are
    in one of them, in their order, and beside it are these rules, in theirs."""
    content = files.read(file)
    rule_files = [files.read(file.parent / path) for path in content["rule_files"]]
    rules = [rule for rule_file in rule_files for group in rule_file["groups"] for rule in group["rules"]]
    together: dict[Needed, list[dict[str, Any]]] = {}
    for case in content["tests"]:
        together.setdefault(needed(case, rules), []).append(case)
    written = []
    for number, (needs, cases) in enumerate(together.items()):
        groups = [
            {**group, "rules": needed_rules}
            for rule_file in rule_files
            for group in rule_file["groups"]
            if (needed_rules := [rule for rule in group["rules"] if needs.holds(rule)])
        ]
        rule_file = _write(folder / f"{file.stem}-{number}-rules.yaml", {"groups": groups})
        order = [name for name in content["group_eval_order"] if name in {group["name"] for group in groups}]
        changed = {"tests": cases, "rule_files": [rule_file.name], "group_eval_order": order}
        written.append(_write(folder / f"{file.stem}-{number}.yaml", {**content, **changed}))
    return written


def all_rules_at_moments(file: Path, folder: Path) -> list[Path]:
    """Files that evaluate all rules of ``file`` on the series of each of its cases, at ``MOMENTS``, and expect nothing
    but that no rule fails; written into ``folder``."""
    content = files.read(file)
    rule_files = [str((file.parent / path).resolve()) for path in content["rule_files"]]
    by_step: dict[int, list[dict[str, Any]]] = {}
    for case in content["tests"]:
        moments = [*case.get("alert_rule_test", ()), *case.get("promql_expr_test", ())]
        last = max((each["eval_time"] for each in moments), key=seconds)
        only_evaluated = {"promql_expr_test": [{"expr": "vector(0) > 0", "eval_time": last, "exp_samples": []}]}
        rest = {name: value for name, value in case.items() if name not in ("alert_rule_test", "promql_expr_test")}
        by_step.setdefault(max(seconds(last) // MOMENTS, 1), []).append({**rest, **only_evaluated})
    return [
        _write(
            folder / f"{file.stem}-every-{step}s.yaml",
            {**content, "rule_files": rule_files, "evaluation_interval": f"{step}s", "tests": cases},
        )
        for step, cases in by_step.items()
    ]


def seconds(duration: str) -> int:
    """Of a duration as Prometheus writes it, such as ``1d12h``."""
    return sum(int(number) * SECONDS[unit] for number, unit in re.findall(r"(\d+)([smhd])", duration))


def _write(path: Path, content: dict[str, Any]) -> Path:
    path.write_text(files.yaml_of(content), encoding="utf-8")
    return path


def needed(case: dict[str, Any], rules: Iterable[dict[str, Any]]) -> Needed:
    """The alerts for which a group of cases asks, all series that its expressions read, and what records these."""
    listed = [*rules]
    alerts = frozenset(test["alertname"] for test in case.get("alert_rule_test", ()))
    read = {name for test in case.get("promql_expr_test", ()) for name in names(test["expr"])}
    needs = Needed(alerts, frozenset())
    while True:
        read |= {name for rule in listed if needs.holds(rule) for name in names(rule["expr"])}
        if None in read or not ALERT_SERIES.isdisjoint(read):
            alerts = frozenset(rule["alert"] for rule in listed if "alert" in rule)
        records = frozenset(
            rule["record"] for rule in listed if "record" in rule and (None in read or rule["record"] in read)
        )
        if needs == (needs := Needed(alerts, records)):
            return needs


def names(expr: str) -> Iterator[str | None]:
    """The metrics that an expression reads; None for a selector that names none, or several by a pattern."""
    for selector in files.selectors(expr):
        yield selector.name
