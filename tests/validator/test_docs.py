"""docs/validity.md and the code name the same rules; ``python -m tests.validator.test_docs`` writes its tables."""

import ast
import re
from itertools import groupby
from pathlib import Path

from common.domain.reason import Reason
from validator.diff.analysis import RULES as RULES_OF_CHANGES
from validator.report.change_rules import CHANGE_RULES, ChangeRule
from validator.report.rules import RULES, Rule
from validator.report.vietnamese import STEPS

from .modules import SOURCE, trees

PAGE = Path(__file__).parent.parent.parent / "docs" / "validity.md"
BEGIN, END = "<!-- rules -->\n", "<!-- end of rules -->\n"
CHANGES_BEGIN, CHANGES_END = "<!-- changes -->\n", "<!-- end of changes -->\n"
ABOUT_PACKAGES = {"12.1", "12.2a", "12.2b", "12.2c"}
"""Rules whose refusal is no ``Fault``: ``validator.handlers`` and ``validator.secrecy`` see to them."""


def tables() -> str:
    """All rules, a table a step."""
    lines: list[str] = []
    for step, rules in groupby(RULES.values(), key=lambda rule: rule.step):
        lines += [f"### ({step.value}) {step.name.capitalize()} · *{STEPS[step]}*", ""]
        lines += ["| rule | must hold | otherwise |", "|---|---|---|", *map(_row, rules), ""]
    return "\n".join(lines)


def _row(rule: Rule) -> str:
    otherwise = f"`{rule.reason}` {rule.sub_indication or ''}".strip() if rule.reason else rule.failure
    return f"| {rule.number} | {rule.statement} | {otherwise} |"


def change_table() -> str:
    """The rules of (4.1)."""
    rows = [f"| `{rule}` | {text.allows} | {text.source} |" for rule, text in CHANGE_RULES.items()]
    return "\n".join(["| rule | allows | source |", "|---|---|---|", *rows])


def page_with(rules: str, changes: str) -> str:
    text = _between(PAGE.read_text(encoding="utf-8"), BEGIN, END, rules)
    return _between(text, CHANGES_BEGIN, CHANGES_END, changes)


def _between(text: str, begin: str, end: str, new: str) -> str:
    return text[: text.index(begin) + len(begin)] + "\n" + new + "\n" + text[text.index(end) :]


def numbers_in_code() -> set[str]:
    """Rule numbers that stand in the code as strings, the table aside."""
    constants = (
        node.value
        for name, tree in trees().items()
        if name != "report.rules"
        for node in ast.walk(tree)
        if isinstance(node, ast.Constant) and isinstance(node.value, str)
    )
    return {text for text in constants if re.fullmatch(r"\d{1,2}\.\d{1,2}[a-z]?", text)}


def test_the_page_has_the_tables_of_the_code() -> None:
    """Changed on purpose? ``python -m tests.validator.test_docs`` writes them."""
    assert PAGE.read_text(encoding="utf-8") == page_with(tables(), change_table())


def test_every_rule_about_changes_is_in_the_table() -> None:
    assert set(CHANGE_RULES) == set(ChangeRule)
    documented = {rule for rule, _ in RULES_OF_CHANGES}
    assert documented | {ChangeRule.REWRITTEN} == set(ChangeRule)


def test_every_number_that_is_raised_is_a_rule() -> None:
    assert numbers_in_code() <= set(RULES)


def test_every_rule_that_refuses_is_raised() -> None:
    assert {number for number, rule in RULES.items() if rule.reason} - ABOUT_PACKAGES <= numbers_in_code()


def test_every_number_in_a_comment_is_a_rule() -> None:
    text = "".join(path.read_text(encoding="utf-8") for path in SOURCE.rglob("*.py"))
    known = set(RULES) | {number.rstrip("abc") for number in RULES}
    assert set(re.findall(r"\((\d+\.\d+[a-c]?)\)", text)) <= known


def test_every_reason_on_the_page_exists() -> None:
    text = PAGE.read_text(encoding="utf-8")
    assert all(token in Reason.__members__ for token in re.findall(r"`(E_\w+)`", text))


if __name__ == "__main__":
    PAGE.write_text(page_with(tables(), change_table()), encoding="utf-8")
