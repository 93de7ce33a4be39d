"""promtool is given as few rules as a case depends on, and no fewer."""

from pathlib import Path
from typing import Any

import pytest

from lab.prometheus import Tools

from . import files, trimming
from .trimming import Needed

RULES: list[dict[str, Any]] = [
    {"record": "info", "expr": "vector(1)"},
    {"record": "rate", "expr": "rate(total[5m]) * on (a) info"},
    {"record": "ratio", "expr": "rate / max_over_time((rate > 0)[1h:1m])"},
    {"alert": "High", "expr": "ratio > 1"},
    {"alert": "Low", "expr": "total < 1"},
    {"alert": "Meta", "expr": 'timestamp(ALERTS{alertstate="firing"})'},
    {"alert": "Any", "expr": 'count({__name__=~"trunk_.+"})'},
]


def asks(*alerts: str) -> dict[str, Any]:
    return {"alert_rule_test": [{"alertname": alert, "eval_time": "1m"} for alert in alerts]}


EVERY_ALERT = {"High", "Low", "Meta", "Any"}
EVERY_RECORD = {"info", "rate", "ratio"}


@pytest.mark.parametrize(("case", "alerts", "records"), [
    (asks("Low"), {"Low"}, set()),
    (asks("High"), {"High"}, EVERY_RECORD),
    (asks("Low", "High"), {"Low", "High"}, EVERY_RECORD),
    (asks("Meta"), EVERY_ALERT, EVERY_RECORD),
    (asks("Any"), EVERY_ALERT, EVERY_RECORD),
    (asks("Unknown"), {"Unknown"}, set()),
    ({"promql_expr_test": [{"expr": "sum(rate)", "eval_time": "1m"}]}, set(), {"rate", "info"}),
    ({"promql_expr_test": [{"expr": "ALERTS_FOR_STATE", "eval_time": "1m"}]}, EVERY_ALERT, EVERY_RECORD),
],
    ids=["one", "through others", "two", "of alerts", "pattern", "of no rule", "expression",
         "of all alerts"])  # fmt: skip
def test_a_case_keeps_what_it_depends_on(case: dict[str, Any], alerts: set[str], records: set[str]) -> None:
    assert trimming.needed(case, RULES) == Needed(frozenset(alerts), frozenset(records))


@pytest.mark.parametrize("file", files.TEST_FILES, ids=lambda path: path.stem)
def test_every_case_is_in_one_of_the_files_and_stays_as_it_is(file: Path, tmp_path: Path) -> None:
    whole = files.read(file)
    parts = [files.read(part) for part in trimming.trimmed(file, tmp_path)]
    by_name = {case["name"]: case for part in parts for case in part["tests"]}
    assert sum(len(part["tests"]) for part in parts) == len(whole["tests"])
    assert [by_name[case["name"]] for case in whole["tests"]] == whole["tests"]
    assert {part["evaluation_interval"] for part in parts} == {whole["evaluation_interval"]}


@pytest.mark.parametrize("stem", ["meta_test", "recording_test"])
def test_a_rule_that_does_something_else_is_still_found(
    each: Tools, stem: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (file,) = [path for path in files.TEST_FILES if path.stem == stem]
    read = files.read
    monkeypatch.setattr(files, "read", lambda path: _other(read(path)))
    answer = each.promtool("test", "rules", *trimming.trimmed(file, tmp_path))
    assert answer.code == 1, answer.printed
    assert "FAILED" in answer.printed


def _other(content: dict[str, Any]) -> dict[str, Any]:
    for group in content.get("groups", ()):
        for rule in group["rules"]:
            rule["expr"] = f"({rule['expr']}) * 2 > 1e9"
    return content


def test_a_rule_that_fails_on_the_series_of_another_s_case_is_found(newest: Tools, tmp_path: Path) -> None:
    rules = [{"alert": "Asked", "expr": "up == 0"}, {"alert": "Fails", "expr": "up * on (job) up"}]
    (tmp_path / "rules.yaml").write_text(files.yaml_of({"groups": [{"name": "all", "rules": rules}]}))
    series = [{"series": f'up{{job="a", instance="{instance}"}}', "values": "0x40"} for instance in "ab"]
    case = {"name": "two of one job", "interval": "1m", "input_series": series, **asks("Asked")}
    case["alert_rule_test"][0]["eval_time"] = "30m"
    content = {"rule_files": ["rules.yaml"], "evaluation_interval": "1m", "group_eval_order": ["all"], "tests": [case]}
    (tmp_path / "a_test.yaml").write_text(files.yaml_of(content))
    answer = newest.promtool("test", "rules", *trimming.all_rules_at_moments(tmp_path / "a_test.yaml", tmp_path))
    assert answer.code == 1, answer.printed
    assert "many-to-many" in answer.printed


@pytest.mark.parametrize(("duration", "seconds"), [("30s", 30), ("1h10m", 4200), ("10d12h", 907_200)])
def test_durations_are_read(duration: str, seconds: int) -> None:
    assert trimming.seconds(duration) == seconds
