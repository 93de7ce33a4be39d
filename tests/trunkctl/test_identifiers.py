"""Commands find what a DocumentId names, however its letters are composed: macOS types other bytes than Windows."""

import unicodedata
from types import SimpleNamespace
from typing import Any

import pytest

from common.domain.ids import comparable
from trunkctl import archive_records, requests
from trunkctl.archive_records import ArchiveRecords
from trunkctl.command_error import CommandError
from trunkctl.identifiers import forms_of
from trunkctl.park.held import Selection
from trunkctl.records import _named

ID = "12/QĐ-Sở Nội vụ"
FORMS = [unicodedata.normalize(form, ID) for form in ("NFC", "NFD")]


@pytest.fixture(params=[(0, 1), (1, 0), (0, 0), (1, 1)], ids=["NFC of NFD", "NFD of NFC", "NFC of NFC", "NFD of NFD"])
def typed_and_stored(request: pytest.FixtureRequest) -> tuple[str, str]:
    assert FORMS[0] != FORMS[1]
    typed, stored = request.param
    return FORMS[typed], FORMS[stored]


class Rows:
    """A collection with one row."""

    def __init__(self, **row: str) -> None:
        self._row = {"_id": "p1", **row}

    def find(self, query: dict[str, Any], *_: Any) -> list[dict[str, Any]]:
        return [self._row] if matches(self._row, query) else []


def matches(row: dict[str, Any], query: dict[str, Any]) -> bool:
    """Whether a row is what a query asks for, as far as these commands ask."""
    for name, wanted in query.items():
        if name == "$or":
            if not any(matches(row, each) for each in wanted):
                return False
        elif row.get(name) not in (wanted["$in"] if isinstance(wanted, dict) else [wanted]):
            return False
    return True


def test_the_archives_records(typed_and_stored: tuple[str, str], monkeypatch: pytest.MonkeyPatch) -> None:
    """``archive check`` and ``package extract``."""
    typed, stored = typed_and_stored
    database = {"records": Rows(document_id=stored, document_key="k"), archive_records.CHECKS: None}
    monkeypatch.setattr(archive_records, "MongoClient", lambda *_, **__: {"trunk_archive": database})
    settings: Any = SimpleNamespace(mongo_uri=SimpleNamespace(get_secret_value=str))
    records = ArchiveRecords(settings)
    assert [row["_id"] for row in records.named(typed)] == ["p1"]
    assert [row["_id"] for row in records.named("k")] == ["p1"]
    assert records.named("13/QĐ") == []


def test_packages_to_redrive(typed_and_stored: tuple[str, str], monkeypatch: pytest.MonkeyPatch) -> None:
    typed, stored = typed_and_stored
    database = {"trunk_intake": {"packages": Rows(document_id=stored)}}
    monkeypatch.setattr(requests, "connected", lambda *_: database)
    settings: Any = None
    assert requests.packages_of(settings, [typed, "other", "p1"]) == {typed: ["p1"], "other": [], "p1": ["p1"]}


def test_parked_messages(typed_and_stored: tuple[str, str]) -> None:
    typed, stored = typed_and_stored
    row = {"_id": "r1", "state": "parked", "about.document_id": stored}
    assert matches(row, Selection(identifiers=(typed,)).query())
    assert not matches(row, Selection(identifiers=("other",)).query())
    assert matches(row, Selection(identifiers=("r1",)).query())


def test_the_trail_of_a_document(typed_and_stored: tuple[str, str]) -> None:
    typed, stored = typed_and_stored
    assert matches({"_id": "p1", "document_id": stored}, _named(typed))


@pytest.mark.parametrize("typed", ["", " ", "\u200b", " \ufeff "], ids=["nothing", "blank", "invisible", "both"])
def test_what_shows_nothing_does_not_name_what_has_no_document(typed: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """Intake keeps packages whose DocumentId nobody could read; a script may pass a variable that is not set."""
    database = {"trunk_intake": {"packages": Rows(document_id="")}}
    monkeypatch.setattr(requests, "connected", lambda *_: database)
    settings: Any = None
    assert requests.packages_of(settings, [typed]) == {typed: []}
    assert "" not in forms_of(typed)
    assert not matches({"document_id": ""}, _named(typed))
    if typed:
        assert not matches({"state": "parked", "about.document_id": ""}, Selection(identifiers=(typed,)).query())


def test_parked_messages_are_not_selected_by_an_empty_id() -> None:
    with pytest.raises(CommandError, match=r"^An empty ID names no message\. Name it by"):
        Selection(identifiers=("r1", ""))


def test_all_forms_are_of_the_same_identifier() -> None:
    assert {comparable(form) for form in forms_of(f" {ID}\u200b")} == {comparable(ID)}
    assert forms_of("12/TB") == ["12/TB"]
