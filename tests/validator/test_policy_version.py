"""The version of the policy stands for what decides: a limit, a list or a rule that changes gets a new version.

A report in the archive names the version. If two sets of rules had the same one, nobody could say years later which of
them gave the verdict.
"""

import hashlib
import json
from dataclasses import asdict, replace
from pathlib import Path
from typing import Any

from validator.policy import DEFAULT, Policy
from validator.report.change_rules import CHANGE_RULES
from validator.report.rules import RULES

DECIDES = ("trunk-9", "3ad27739dda7d407")
"""Version and digest of what decides. A change of the second needs a change of the first."""
CHANGELOG = Path(__file__).parents[2] / "CHANGELOG.md"


def digest(policy: Policy) -> str:
    """Of all limits and lists, of reason and sub-indication of each rule, and of the rules about changes."""
    decides = {
        "limits": {name: value for name, value in asdict(policy).items() if name != "version"},
        "rules": {number: [rule.reason, rule.sub_indication, rule.only] for number, rule in RULES.items()},
        "changes": sorted(CHANGE_RULES),
    }
    return hashlib.sha256(json.dumps(decides, sort_keys=True, default=_plain).encode()).hexdigest()[:16]


def _plain(value: Any) -> Any:
    return sorted(value) if isinstance(value, frozenset) else str(value)


def test_what_decides_has_a_version_of_its_own() -> None:
    """Changed on purpose? Increase ``Policy.version``, say in CHANGELOG.md what differs, and enter both."""
    assert (DEFAULT.version, digest(DEFAULT)) == DECIDES


def test_the_changelog_names_the_version() -> None:
    assert f"`{DEFAULT.version}`" in CHANGELOG.read_text(encoding="utf-8")


def test_a_limit_that_changes_is_noticed() -> None:
    wider = replace(DEFAULT, cms=replace(DEFAULT.cms, max_depth=DEFAULT.cms.max_depth + 1))
    assert digest(wider) != digest(DEFAULT)
    assert digest(replace(DEFAULT, version="another")) == digest(DEFAULT)
