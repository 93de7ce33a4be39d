"""``trunkctl events``: which events are shown."""

import json
import secrets
from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from types import SimpleNamespace
from typing import Any

import pytest
from pydantic import SecretStr
from pymongo import MongoClient
from typer.testing import CliRunner

from common.domain.names import Lane
from common.domain.security import SecurityKind
from common.facts.security import SECURITY_SUBJECT, SecurityNoticed
from common.ledger import Entry, new_entry, new_salt, row_of
from tests.harness.chained import chained_row, linked
from trunkctl import events
from trunkctl.commands import events as commands
from trunkctl.events import Wanted
from trunkctl.main import app
from trunkctl.settings import ControlSettings

AT = datetime(2026, 11, 22, 8, 30, tzinfo=UTC)


def event(number: int, **changes: Any) -> SecurityNoticed:
    told = {"kind": SecurityKind.LOGIN_FAILED, "service": "archive", "actor": "A.01", "origin": "127.0.0.1"} | changes
    at = AT + timedelta(hours=number)
    return SecurityNoticed(event_id=f"e:{number}", occurred_at=at, subject=SECURITY_SUBJECT, lane=Lane.NORMAL, **told)


def entries(count: int) -> list[Entry]:
    return [new_entry(event(number), AT + timedelta(hours=number), new_salt()) for number in range(count)]


@pytest.mark.parametrize(
    ("wanted", "matches"),
    [
        (Wanted(), True),
        (Wanted(kinds=(SecurityKind.LOGIN_FAILED, SecurityKind.FORGED_FACT)), True),
        (Wanted(kinds=(SecurityKind.FORGED_FACT,)), False),
        (Wanted(actor="A.01"), True),
        (Wanted(actor="A.0"), False),
        (Wanted(since=AT), True),
        (Wanted(since=AT + timedelta(seconds=1)), False),
        (Wanted(until=AT), False),
        (Wanted(until=AT + timedelta(seconds=1)), True),
    ],
)
def test_filters(wanted: Wanted, matches: bool) -> None:
    assert wanted.matches(event(0)) is matches


@pytest.fixture
def kept(stack: SimpleNamespace, monkeypatch: pytest.MonkeyPatch) -> Iterator[Any]:
    """The collection that the command reads, on the real database and with 5 entries in it."""
    name = f"test_events_{secrets.token_hex(4)}"
    client: MongoClient[dict[str, Any]] = MongoClient(stack.mongo_uri)
    monkeypatch.setattr(events, "database_name", lambda _: name)
    monkeypatch.setattr(commands, "settings", lambda _: ControlSettings(mongo_uri=SecretStr(stack.mongo_uri)))
    collection = client[name]["ledger"]
    collection.insert_many(map(row_of, entries(5)))
    yield collection
    client.drop_database(name)


def ran(*arguments: str) -> tuple[int, list[str]]:
    result = CliRunner().invoke(app, ["events", *arguments])
    return result.exit_code, result.output.splitlines()


@pytest.mark.usefixtures("kept")
def test_the_newest_come_first() -> None:
    code, lines = ran("--json", "--limit", "2")
    assert code == 0
    assert [json.loads(line)["event_id"] for line in lines] == ["e:4", "e:3"]
    code, lines = ran("--json", "--until", "2026-11-22T10:00:00")
    assert [json.loads(line)["event_id"] for line in lines] == ["e:1", "e:0"]


def test_what_an_earlier_release_has_entered_is_shown_too(kept: Any) -> None:
    kept.insert_one(chained_row(linked(event(-1), AT - timedelta(hours=1))))
    _, lines = ran("--json")
    assert [json.loads(line)["event_id"] for line in lines] == ["e:4", "e:3", "e:2", "e:1", "e:0", "e:-1"]


def test_nothing_that_somebody_wrote_hides_the_events(kept: Any) -> None:
    """Whoever fails to log in chooses the name that is shown."""
    names = ("[/red]", "[link=http://evil]A[/link]", "\x9b2J\x1b]0;x\x07", "\u202eB.02")
    for number, name in enumerate(names, 5):
        entry = new_entry(event(number, actor=name), AT, new_salt())
        kept.insert_one(row_of(entry))
    other = replace(entry, event_id="other", fact="notification.sent", body='{"fact": "notification.sent"}')
    kept.insert_one(row_of(other))
    code, lines = ran()
    assert code == 0
    shown = "\n".join(lines)
    assert "[/red]" in shown
    assert not set("\x9b\x1b\x07\u202e") & set(shown)
    assert "1 entries of the ledger are no security events" in shown
    assert shown.count("LOGIN_FAILED") == 9
