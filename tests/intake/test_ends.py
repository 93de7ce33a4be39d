"""Terms: the shipped table, tables that are refused, and which rows have come to their end."""

from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from pydantic import ValidationError

from common.domain.ids import document_key
from common.domain.names import Lane, PackageKind
from common.domain.reason import Reason
from common.objects import content_ref, package_ref
from common.service.records import KEEP_SETTLED
from intake.ends import (
    LEAST_DAYS,
    OF_PACKAGES,
    Ending,
    Terms,
    believed_time,
    ended,
    ending_fields,
    read_terms,
    refused_fields,
)
from intake.open_package import Stage
from intake.record import PackageRecord
from tests.simulation.database import matches, stored

from ..docs.pages import ROOT

TABLE = read_terms()
NOW = datetime(2026, 11, 22, 8, 0, tzinfo=UTC)
AGO = timedelta(days=121)
PAGE = (ROOT / "docs" / "operations" / "retention.md").read_text(encoding="utf-8")


def row(ending: Ending, **changes: Any) -> dict[str, Any]:
    """A row of a package that may be removed."""
    stage = {"stage": Stage.DISCARDED.value} if ending is Ending.GIVEN_UP else {}
    return {"_id": "p", "is_open": False, "purge": [], **ending_fields(ending, NOW - AGO), **stage} | changes


@pytest.mark.parametrize("ending", OF_PACKAGES)
@pytest.mark.parametrize(
    ("changes", "may_go"),
    [
        ({}, True),
        ({"removing_at": NOW}, True),
        ({"ended_at": NOW - timedelta(days=119)}, False),
        ({"is_open": True}, False),
        ({"is_open": True, "stage": Stage.HELD.value}, False),
        ({"stage": Stage.SENT.value}, False),
        ({"is_removed": True}, False),
        ({"purge": [{"bucket": "packages"}]}, False),
    ],
    ids=str,
)
def test_which_rows_have_come_to_their_end(ending: Ending, changes: dict[str, Any], may_go: bool) -> None:
    before = TABLE.of(ending).began_before(NOW)
    assert matches(stored(row(ending, **changes)), stored(ended(ending, before))) is may_go


def test_a_package_that_was_discarded_once_and_then_finished_stays() -> None:
    finished = {name: value for name, value in row(Ending.GIVEN_UP).items() if name != "stage"}
    for ending in OF_PACKAGES:
        assert not matches(stored(finished), stored(ended(ending, NOW)))


def test_a_refused_package_that_was_discarded_on_its_way_to_the_record_stays() -> None:
    discarded = row(Ending.REFUSED, stage=Stage.DISCARDED.value)
    for ending in OF_PACKAGES:
        assert not matches(stored(discarded), stored(ended(ending, NOW)))


@pytest.mark.parametrize(
    ("reason", "is_one_object", "has_term"),
    [
        (Reason.E_DUP, True, True),
        (Reason.E_REFERENCE, True, True),
        (Reason.E_DUP, False, False),
        (Reason.E_SECRET, True, False),
        (None, True, False),
    ],
)
def test_when_a_term_begins_with_the_decision(reason: Reason | None, is_one_object: bool, has_term: bool) -> None:
    sha256, package_id = "a" * 64, "b" * 32
    record = PackageRecord(
        package_id=package_id,
        subject=document_key("000.00.14.H29", "1"),
        sender="000.00.14.H29",
        document_id="1",
        kind=PackageKind.NEW,
        lane=Lane.NORMAL,
        submitted_at=NOW,
        package=package_ref(sha256, 9, package_id) if is_one_object else content_ref(sha256, 9),
        reason=reason,
    )
    assert bool(refused_fields(record, NOW)) is has_term


@pytest.mark.parametrize(
    ("own", "believed"),
    [(-11, None), (-9, -9), (0, 0), (9, 0), (11, None), (60 * 24 * 365, None)],
)
def test_two_clocks_must_agree_and_the_earlier_one_counts(own: int, believed: int | None) -> None:
    result = believed_time(NOW + timedelta(minutes=own), NOW)
    assert result == (None if believed is None else NOW + timedelta(minutes=believed))


def test_a_discard_cannot_be_taken_back_when_its_term_is_over() -> None:
    assert timedelta(days=LEAST_DAYS[Ending.GIVEN_UP]) > KEEP_SETTLED + timedelta(days=7)


def test_the_page_gives_the_shipped_table() -> None:
    for term in TABLE.terms:
        cells = (term.ending, term.what, term.counts_from, f"{term.days} days", term.legal_basis, term.removed_by)
        assert f"| `{cells[0]}` | {' | '.join(map(str, cells[1:]))} |" in PAGE


def test_another_table_may_take_its_place(tmp_path: Path) -> None:
    own = tmp_path / "ends.toml"
    shipped = (ROOT / "services/intake/src/intake/ends.toml").read_text(encoding="utf-8")
    own.write_text(shipped.replace("days = 120", "days = 365"), encoding="utf-8")
    assert {term.days for term in read_terms(own).terms} == {365, 90}


@pytest.mark.parametrize(
    "change",
    [
        {"days": 29},
        {"days": 0},
        {"ending": "kept"},
        {"ending": "upload"},
        {"legal_basis": ""},
        {"removed": "yes"},
    ],
    ids=str,
)
def test_a_wrong_table_is_refused(change: dict[str, Any]) -> None:
    rows = [term.model_dump() for term in TABLE.terms]
    Terms.model_validate({"version": "x", "terms": rows})
    with pytest.raises(ValidationError):
        Terms.model_validate({"version": "x", "terms": [rows[0] | change, *rows[1:]]})
