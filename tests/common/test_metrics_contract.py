"""docs/operations/metrics.md and ``common.metrics`` say the same: every name, type and label, both ways.

What the canary exports is compared where its package is installed (tests/canary).
"""

import re
from pathlib import Path

import pytest

from common.metrics import REGISTRY

PAGE = (Path(__file__).parents[2] / "docs" / "operations" / "metrics.md").read_text()
PROMISED, _, OTHERS = PAGE.partition("\n## The canary\n")
PLANNED = OTHERS.partition("\n## Planned\n")[2]
ROW = re.compile(r"^\| `(trunk_\w+)` \| (\w+) \|([^|]*)\|", re.MULTILINE)

Declared = dict[str, tuple[str, tuple[str, ...]]]


def table(text: str) -> Declared:
    """Name to (type, labels) of every row."""
    rows = ROW.findall(text)
    assert len({name for name, _, _ in rows}) == len(rows), "a metric stands in the table twice"
    return {name: (kind, tuple(filter(None, labels.strip().split(", ")))) for name, kind, labels in rows}


def declared() -> Declared:
    """The same of what the code exports."""
    declared: Declared = {}
    for collector in REGISTRY._collector_to_names:
        (family,) = collector.describe()  # type: ignore[attr-defined]
        suffix = "_total" if family.type == "counter" else ""
        declared[family.name + suffix] = (family.type, tuple(collector._labelnames))  # type: ignore[attr-defined]
    return declared


def test_the_page_and_the_code_agree() -> None:
    assert table(PROMISED) == declared()


def test_planned_metrics_are_not_exported() -> None:
    assert len(table(PLANNED)) == 3
    assert not set(table(PLANNED)) & set(declared())


@pytest.mark.parametrize("name", declared())
def test_only_deliveries_and_rates_name_a_unit_and_no_histogram_does(name: str) -> None:
    kind, labels = declared()[name]
    assert ("unit" in labels) == (name.startswith(("trunk_deliveries_", "trunk_unit_")) and kind != "histogram")
