"""The report's shape is kept: JSON Schema, round trip, and everything a third party needs to decide again."""

import json
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from pydantic import TypeAdapter

from common.domain.reason import Reason
from mint.tamper import TAMPERS
from validator.pki.revocation_lists import RevocationLists
from validator.report.html import page
from validator.report.model import SCHEMA, Report
from validator.report.rules import RULES
from validator.report.vietnamese import INDICATIONS, INTEGRITY, KINDS, LABELS, NOTES, ROLES, STEPS
from validator.report.vocabulary import SubIndication, Verdict

from .conftest import NOW, Harness

FILE = Path(__file__).parent.parent.parent / "docs" / "report.schema.json"
SHAPE = TypeAdapter(Report)
FORMAT = SubIndication.FORMAT_FAILURE
CASES = ["right", "refused", "undecided", "malformed", "without trust", "without directory"]


def schema() -> str:
    shape = {"$schema": "https://json-schema.org/draft/2020-12/schema", "$id": SCHEMA, **SHAPE.json_schema()}
    return json.dumps(shape, ensure_ascii=False, indent=1, sort_keys=True) + "\n"


def _report(harness: Harness, case: str) -> Report:
    return {
        "right": lambda: harness.judge(harness.signed),
        "refused": lambda: harness.judge(TAMPERS["signature_value_changed"].apply(harness.signed)),
        "undecided": lambda: harness.judge(harness.signed, revocation=RevocationLists()),
        "malformed": lambda: harness.judge(b"x"),
        "without trust": lambda: harness.judge(harness.signed, trust=None),
        "without directory": lambda: harness.judge(harness.signed, directory=None),
    }[case]().report


def test_the_schema_in_the_docs_is_the_one_of_the_code() -> None:
    """Changed on purpose? ``python -m tests.validator.test_report`` writes it; then describe it in docs/report.md."""
    assert FILE.read_text(encoding="utf-8") == schema()


@pytest.mark.parametrize("case", CASES)
def test_reports_have_that_shape(harness: Harness, case: str) -> None:
    report = _report(harness, case)
    assert SHAPE.validate_json(json.dumps(report.as_json())) == report


def test_fields_of_the_first_schema_stay() -> None:
    """Names that other systems read; a field may be added, none of these may go."""
    properties = SHAPE.json_schema()["properties"]
    assert set(properties) >= {
        "document_sha256", "document_bytes", "sender", "declared_copy", "verified_at", "integrity", "trusted",
        "verdict", "label", "reason", "detail", "step", "signatures", "notes", "policy_version", "directory_version",
        "trust_version", "roots", "revocation_version", "pyhanko_version", "checks", "holds_until", "schema",
    }  # fmt: skip


def _without_rules(report: Any) -> Any:
    """As releases before ``rule`` wrote it."""
    if isinstance(report, dict):
        return {key: _without_rules(value) for key, value in report.items() if key != "rule"}
    return [_without_rules(each) for each in report] if isinstance(report, list) else report


@pytest.mark.parametrize("case", CASES)
def test_older_reports_are_still_read(harness: Harness, case: str) -> None:
    report = _report(harness, case)
    older = SHAPE.validate_json(json.dumps(_without_rules(report.as_json())))
    assert older.rule is None
    assert page([("a.pdf", older)])
    assert _without_rules(older.as_json()) == _without_rules(report.as_json())


@pytest.mark.parametrize("name", TAMPERS)
def test_the_rule_gives_step_reason_and_sub_indication(harness: Harness, name: str) -> None:
    report = harness.judge(TAMPERS[name].apply(harness.signed)).report
    failed = [each for each in report.signatures if each.rule]
    for each in (report, *failed):
        rule = RULES[each.rule or ""]
        assert rule.step == each.step
        assert each.reason in (rule.reason, Reason.E_PDF_LIMIT)
    assert all(each.sub_indication in (RULES[each.rule or ""].sub_indication, FORMAT) for each in failed)


def test_a_third_party_decides_the_same(harness: Harness) -> None:
    report = _report(harness, "right")
    again = harness.judge(harness.signed, now=report.verified_at).report
    assert again.as_json() == report.as_json()
    assert report.checks == tuple(range(1, 12))
    assert all(each.checks == (4, 5, 6, 7, 8) for each in report.signatures)
    assert all(len(each.statuses) == len(each.chain) - 1 for each in report.signatures)
    assert report.holds_until == NOW + timedelta(days=7)


@pytest.mark.parametrize("case", CASES)
def test_the_page_for_people(harness: Harness, case: str) -> None:
    report = _report(harness, case)
    text = page([("a<b>.pdf", report)])
    assert "a&lt;b&gt;.pdf" in text
    assert {Verdict.VALID: "ợp lệ", Verdict.REFUSED: "KHÔNG HỢP LỆ", Verdict.UNDECIDED: "CHƯA KẾT LUẬN"}[
        report.verdict
    ].casefold() in text.casefold()
    assert report.document_sha256 in text


def test_every_word_has_a_vietnamese_one() -> None:
    for words in (LABELS, INTEGRITY, INDICATIONS, ROLES, KINDS, NOTES):
        kinds = {type(key) for key in words}
        assert set(words) == set(next(iter(kinds)))
    assert set(STEPS) >= set(range(1, 12))


if __name__ == "__main__":
    FILE.write_text(schema(), encoding="utf-8")
