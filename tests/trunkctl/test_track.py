"""``trunkctl track`` of a package that intake cannot decide about yet, from intake's own rows."""

import secrets
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from types import SimpleNamespace
from typing import Any

import pymongo
import pytest
from pydantic import SecretStr

from common.domain.ids import document_key
from common.indexes import WAITING
from trunkctl import records
from trunkctl.records import Records
from trunkctl.settings import ControlSettings

SENDER = "A.01"
AT = datetime(2026, 11, 29, 10, 0, tzinfo=UTC)


@pytest.fixture
def rows(stack: SimpleNamespace, monkeypatch: pytest.MonkeyPatch) -> Iterator[dict[str, dict[str, Any]]]:
    """Two packages under one DocumentId: the one waits for a document, the other for the end of a third package.

    In databases of their own: another test makes the indexes of the services' at the same time.
    """
    run = secrets.token_hex(4)
    common = {"sender": SENDER, "submitted_at": AT, "since": AT, "deadline": AT + timedelta(hours=1), "detail": "none"}
    own, other = document_key(SENDER, f"own {run}"), document_key(SENDER, f"other {run}")
    made = {
        "for a document": common | {"_id": f"d{run}", "document_id": f"own {run}", "awaited": [other], "holder": ""},
        "for its id": common | {"_id": f"h{run}", "document_id": f"own {run}", "awaited": [own], "holder": "p" * 32},
    }
    with pymongo.MongoClient[dict[str, Any]](stack.mongo_uri) as client:
        monkeypatch.setattr(records, "database_name", lambda service: f"track_test_{run}_{service}")
        client[f"track_test_{run}_intake"][WAITING].insert_many(list(made.values()))
        yield made
        client.drop_database(f"track_test_{run}_intake")


def test_what_waits_is_found_by_whatever_names_it(stack: SimpleNamespace, rows: dict[str, dict[str, Any]]) -> None:
    known = Records(ControlSettings(mongo_uri=SecretStr(stack.mongo_uri)))
    awaiting, contested = rows.values()
    found = {
        row[name]: {wait.package_id for trail in known.trails(row[name]) for wait in trail.waits}
        for row in rows.values()
        for name in ("_id", "document_id")
    }
    assert found[awaiting["document_id"]] == {awaiting["_id"], contested["_id"]}
    assert awaiting["_id"] in found[awaiting["_id"]]
    assert contested["_id"] in found[contested["_id"]]
    (trail,) = known.trails(awaiting["awaited"][0])
    assert [(wait.package_id, wait.since, wait.until) for wait in trail.waits] == [
        (awaiting["_id"], AT, AT + timedelta(hours=1))
    ]
