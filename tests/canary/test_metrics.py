"""docs/operations/metrics.md and the canary's own registry say the same."""

import re
from pathlib import Path

from canary.metrics import REGISTRY
from canary.names import Outcome, Step
from canary.signing import ROLES

PAGE = (Path(__file__).parents[2] / "docs" / "operations" / "metrics.md").read_text()
SECTION = PAGE.partition("\n## The canary\n")[2].partition("\n## ")[0]


def test_the_page_and_the_registry_agree() -> None:
    rows = re.findall(r"^\| `(trunk_\w+)` \| (\w+) \|([^|]*)\|", SECTION, re.MULTILINE)
    promised = {name: (kind, tuple(filter(None, labels.strip().split(", ")))) for name, kind, labels in rows}
    declared = {}
    for collector in REGISTRY._collector_to_names:
        (family,) = collector.describe()
        name = family.name + ("_total" if family.type == "counter" else "")
        declared[name] = (family.type, tuple(collector._labelnames))
    assert promised == declared


def test_every_value_of_a_label_is_explained() -> None:
    for label, values in (("outcome", Outcome), ("step", Step), ("role", ROLES)):
        (row,) = re.findall(rf"^\| `{label}` \| (.+) \|$", SECTION, re.MULTILINE)
        assert set(re.findall(r"`(\w+)`", row)) == {str(value) for value in values}
