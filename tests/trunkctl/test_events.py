"""``trunkctl events``: which events are shown, and that a missing or changed one shows."""

import json
import secrets
from collections.abc import Iterator
from dataclasses import asdict, replace
from datetime import UTC, datetime, timedelta
from types import SimpleNamespace
from typing import Any

import pytest
from pymongo import MongoClient
from typer.testing import CliRunner

from common.domain.names import Lane
from common.domain.security import SecurityKind
from common.facts.security import SECURITY_SUBJECT, SecurityNoticed
from common.ledger import Entry, Head, next_entry
from trunkctl import events
from trunkctl.events import Wanted
from trunkctl.main import app

AT = datetime(2026, 11, 22, 8, 30, tzinfo=UTC)


def event(number: int, **changes: Any) -> SecurityNoticed:
    told = {"kind": SecurityKind.LOGIN_FAILED, "service": "archive", "actor": "A.01", "origin": "127.0.0.1"} | changes
    at = AT + timedelta(hours=number)
    return SecurityNoticed(event_id=f"e:{number}", occurred_at=at, subject=SECURITY_SUBJECT, lane=Lane.NORMAL, **told)


def entries(count: int) -> list[Entry]:
    head, kept = Head(), []
    for number in range(count):
        kept.append(next_entry(head, event(number), AT))
        head = Head(kept[-1].seq, kept[-1].hash)
    return kept


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


def test_a_whole_chain_tells_its_head() -> None:
    whole = entries(5)
    checked = events.check(whole)
    assert (checked.broken, checked.head) == (None, Head(5, whole[-1].hash))
    assert events.check([]).head == Head()


@pytest.mark.parametrize("damage", ["missing", "swapped", "changed"])
def test_a_damaged_chain_tells_where(damage: str) -> None:
    whole = entries(5)
    match damage:
        case "missing":
            del whole[2]
        case "swapped":
            whole[2], whole[3] = whole[3], whole[2]
        case "changed":
            whole[2] = replace(whole[2], body=whole[2].body.replace("A.01", "B.02"))
    broken = events.check(whole).broken
    assert broken
    assert broken.seq == 3


@pytest.fixture
def kept(stack: SimpleNamespace, monkeypatch: pytest.MonkeyPatch) -> Iterator[Any]:
    """The collection that the command reads, on the real database and with 5 entries in it."""
    name = f"test_events_{secrets.token_hex(4)}"
    client: MongoClient[dict[str, Any]] = MongoClient(stack.mongo_uri)
    monkeypatch.setattr(events, "database_name", lambda _: name)
    monkeypatch.setenv("TRUNK_MONGO_URI", stack.mongo_uri)
    collection = client[name]["ledger"]
    collection.insert_many([{"_id": entry.key, **asdict(entry)} for entry in entries(5)])
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


def test_the_chain_is_checked_in_the_database(kept: Any) -> None:
    code, lines = ran("--check")
    assert (code, lines[0].split(" entries")[0]) == (0, "5")
    kept.delete_one({"seq": 3})
    code, lines = ran("--check")
    assert (code, lines[0].partition(":")[0]) == (1, "broken at entry 3")


def test_nothing_that_somebody_wrote_hides_the_events(kept: Any) -> None:
    """Whoever fails to log in chooses the name that is shown."""
    head = Head(5, kept.find_one({"seq": 5})["hash"])
    names = ("[/red]", "[link=http://evil]A[/link]", "\x9b2J\x1b]0;x\x07", "\u202eB.02")
    for number, name in enumerate(names, 5):
        entry = next_entry(head, event(number, actor=name), AT)
        kept.insert_one({"_id": entry.key, **asdict(entry)})
        head = Head(entry.seq, entry.hash)
    other = replace(entry, seq=99, fact="notification.sent", body='{"fact": "notification.sent"}')
    kept.insert_one({"_id": other.key, **asdict(other)})
    code, lines = ran()
    assert code == 0
    shown = "\n".join(lines)
    assert "[/red]" in shown
    assert not set("\x9b\x1b\x07\u202e") & set(shown)
    assert "1 entries of the ledger are no security events" in shown
    assert shown.count("LOGIN_FAILED") == 9
