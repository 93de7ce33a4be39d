"""The report's shape is kept: JSON Schema, round trip, and everything a third party needs to decide again."""

import json
from datetime import timedelta
from pathlib import Path

import pytest
from pydantic import TypeAdapter

from mint.tamper import TAMPERS
from validator.pki.crl import Revocation
from validator.report.html import INDICATIONS, INTEGRITY, KINDS, LABELS, NOTES, PARTS, STEPS, page
from validator.report.model import SCHEMA, Report, Verdict

from .conftest import NOW, Court

FILE = Path(__file__).parent.parent.parent / "docs" / "report.schema.json"
SHAPE = TypeAdapter(Report)
CASES = ["right", "refused", "undecided", "malformed", "without trust", "without directory"]


def schema() -> str:
    told = {"$schema": "https://json-schema.org/draft/2020-12/schema", "$id": SCHEMA, **SHAPE.json_schema()}
    return json.dumps(told, ensure_ascii=False, indent=1, sort_keys=True) + "\n"


def _report(court: Court, case: str) -> Report:
    return {
        "right": lambda: court.judge(court.signed),
        "refused": lambda: court.judge(TAMPERS["signature_value_changed"].apply(court.signed)),
        "undecided": lambda: court.judge(court.signed, revocation=Revocation()),
        "malformed": lambda: court.judge(b"x"),
        "without trust": lambda: court.judge(court.signed, trust=None),
        "without directory": lambda: court.judge(court.signed, directory=None),
    }[case]().report


def test_the_schema_in_the_docs_is_the_one_of_the_code() -> None:
    """Changed on purpose? ``python -m tests.validator.test_report`` writes it anew; then tell in docs/report.md."""
    assert FILE.read_text(encoding="utf-8") == schema()


@pytest.mark.parametrize("case", CASES)
def test_reports_have_that_shape(court: Court, case: str) -> None:
    report = _report(court, case)
    assert SHAPE.validate_json(json.dumps(report.as_json())) == report


def test_fields_of_the_first_schema_stay() -> None:
    """Names that other systems read; a field may be added, none of these may go."""
    properties = SHAPE.json_schema()["properties"]
    assert set(properties) >= {
        "document_sha256", "document_bytes", "sender", "declared_copy", "verified_at", "integrity", "trusted",
        "verdict", "label", "reason", "detail", "step", "signatures", "notes", "policy_version", "directory_version",
        "trust_version", "roots", "revocation_version", "pyhanko_version", "checks", "holds_until", "schema",
    }  # fmt: skip


def test_a_third_party_decides_the_same(court: Court) -> None:
    report = _report(court, "right")
    again = court.judge(court.signed, now=report.verified_at).report
    assert again.as_json() == report.as_json()
    assert report.checks == tuple(range(1, 12))
    assert all(each.checks == (4, 5, 6, 7, 8) for each in report.signatures)
    assert all(len(each.statuses) == len(each.chain) - 1 for each in report.signatures)
    assert report.holds_until == NOW + timedelta(days=7)


@pytest.mark.parametrize("case", CASES)
def test_the_page_for_people(court: Court, case: str) -> None:
    report = _report(court, case)
    text = page([("a<b>.pdf", report)])
    assert "a&lt;b&gt;.pdf" in text
    assert {Verdict.VALID: "ợp lệ", Verdict.REFUSED: "KHÔNG HỢP LỆ", Verdict.UNDECIDED: "CHƯA KẾT LUẬN"}[
        report.verdict
    ].casefold() in text.casefold()
    assert report.document_sha256 in text


def test_every_word_has_a_vietnamese_one() -> None:
    for words in (LABELS, INTEGRITY, INDICATIONS, PARTS, KINDS, NOTES):
        kinds = {type(key) for key in words}
        assert set(words) == set(next(iter(kinds)))
    assert set(STEPS) >= set(range(1, 12))


if __name__ == "__main__":
    FILE.write_text(schema(), encoding="utf-8")
