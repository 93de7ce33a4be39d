"""``trunkctl archive reconcile``: every way in which services may disagree is named, and no page is left out."""

import secrets
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from types import SimpleNamespace
from typing import Any

import pymongo
import pytest
from pydantic import SecretStr
from typer.testing import CliRunner, Result

from trunkctl import reconcile
from trunkctl.commands import archive as commands
from trunkctl.main import app
from trunkctl.reconcile import PAGE, Difference, decision_id, differences
from trunkctl.settings import ControlSettings

AT = datetime(2026, 11, 22, 8, 30, tzinfo=UTC)
VERIFIED, NOTICE = "document.verified", "notice.accepted"


@pytest.mark.parametrize(
    ("package", "verdict", "decision", "what"),
    [
        ({}, VERIFIED, {"carried_out_at": AT}, ""),
        ({}, NOTICE, {"carried_out_at": AT}, ""),
        ({}, "document.refused", None, ""),
        ({"reason": "E_DATE"}, "package.refused", None, ""),
        ({}, None, {"carried_out_at": AT}, "no record in the archive"),
        ({"reason": "E_DATE"}, None, None, "no record in the archive"),
        ({}, "package.refused", None, "intake accepted it, the archive has package.refused"),
        ({"reason": "E_DATE"}, VERIFIED, None, "intake refused it, the archive has document.verified"),
        ({}, VERIFIED, None, "document.verified in the archive, no decision of the router"),
        ({}, NOTICE, None, "notice.accepted in the archive, no decision of the router"),
        ({}, VERIFIED, {"carried_out_at": None}, "finished, but the router has not done all of it"),
        ({}, VERIFIED, {}, "finished, but the router has not done all of it"),
    ],
)
def test_each_difference_is_named(
    package: dict[str, Any], verdict: str | None, decision: dict[str, Any] | None, what: str
) -> None:
    verdicts = {"p": verdict} if verdict else {}
    decisions = {decision_id("p", verdict or ""): decision} if decision is not None else {}
    expected = [Difference("p", what)] if what else []
    assert list(differences([{"_id": "p", **package}], verdicts, decisions)) == expected


@pytest.fixture
def services(stack: SimpleNamespace, monkeypatch: pytest.MonkeyPatch) -> Iterator[Any]:
    """Three databases of their own."""
    names = {name: f"reconcile_test_{name}_{secrets.token_hex(4)}" for name in ("intake", "router", "archive")}
    client: Any = pymongo.MongoClient(stack.mongo_uri)
    chosen = ControlSettings(mongo_uri=SecretStr(stack.mongo_uri))
    monkeypatch.setattr(reconcile, "database_name", names.__getitem__)
    monkeypatch.setattr(commands, "settings", lambda _: chosen)
    yield SimpleNamespace(**{name: client[database] for name, database in names.items()})
    for name in names.values():
        client.drop_database(name)


def run(*arguments: str) -> Result:
    return CliRunner().invoke(app, ["archive", "reconcile", *arguments])


def fill(services: Any, count: int) -> None:
    """Finished documents, many of them submitted at the same moment."""
    names = [f"{number:032x}" for number in range(count)]
    times = [datetime.now(UTC) - timedelta(hours=1 + number // 300) for number in range(count)]
    rows = zip(names, times, strict=True)
    services.intake["packages"].insert_many({"_id": name, "submitted_at": at, "is_open": False} for name, at in rows)
    services.archive["records"].insert_many({"_id": name, "verdict": VERIFIED} for name in names)
    decisions = ({"_id": decision_id(name, VERIFIED), "carried_out_at": AT} for name in names)
    services.router["decisions"].insert_many(decisions)


def test_pages_follow_each_other_without_gap_or_repeat(services: Any) -> None:
    fill(services, PAGE * 2 + 7)
    whole = run()
    assert (whole.exit_code, whole.output) == (0, f"{PAGE * 2 + 7} finished packages compared, 0 differences\n")
    lost = [f"{number:032x}" for number in (0, 299, 300, PAGE - 1, PAGE, PAGE * 2 + 6)]
    services.archive["records"].delete_many({"_id": {"$in": lost}})
    found = run()
    assert found.exit_code == 1
    assert sorted(line.split()[0] for line in found.output.splitlines()[:-1]) == lost


def test_open_packages_are_left_to_intake_and_those_of_earlier_releases_are_compared(services: Any) -> None:
    now = datetime.now(UTC)
    services.intake["packages"].insert_many(
        [
            {"_id": "open", "submitted_at": now, "is_open": True},
            {"_id": "former", "submitted_at": now - timedelta(days=1)},
            {"_id": "old", "submitted_at": now - timedelta(days=30)},
        ]
    )
    assert run().output.splitlines() == [
        "former no record in the archive",
        "1 finished packages compared, 1 differences",
    ]
    since = (now - timedelta(days=60)).strftime("%Y-%m-%d")
    assert "old no record in the archive" in run("--since", since).output
