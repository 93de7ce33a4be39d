"""Security events are counted once each, also if the database's answer about their entry is lost."""

from datetime import UTC, datetime
from typing import Any

import pytest

from archive.handlers import Archive
from archive.ledger import Ledger
from archive.retention import read_table
from archive.store import Progress, Records
from common.domain.security import SecurityKind
from common.facts import SecurityNoticed, security_event
from common.failure import Outage
from common.ledger import entry_key

from ..counted import Since
from ..simulation.database import ModelDatabase, Server
from ..simulation.loop import Process, VirtualLoop
from .conftest import Remembering

AT = datetime(2026, 11, 22, 8, 30, tzinfo=UTC)
COUNTER = "trunk_security_events_total"
FORGED = ("security_events_total", "FORGED_FACT")
INSERT, NOTE = "insert archive.ledger", "update archive.ledger"


def event(identifier: str = "e1", count: int = 1) -> SecurityNoticed:
    noticed = security_event("intake", SecurityKind.FORGED_FACT, identifier, AT, actor="A.01")
    return noticed.model_copy(update={"count": count})


class Trunk:
    """Processes of the archive on one database, whose answers can be lost."""

    def __init__(self) -> None:
        self.loop = VirtualLoop()
        self.server = Server(self.loop, lambda: 0.001)
        self.failures: list[tuple[str, str]] = []
        """Requests that fail once each, in this order: name, and whether before or after they take effect."""
        self.server.before_step = self._failure
        self.archive = self.another()

    def another(self) -> Archive:
        database: Any = ModelDatabase(self.server, "archive")
        objects: Any = None
        return Archive(Ledger(database), Records(database), Progress(database), objects, Remembering(), read_table())

    def take(self, fact: SecurityNoticed, by: Archive | None = None) -> bool:
        """Whether the handler returned; otherwise the message comes again."""
        try:
            self.loop.run_until_complete((by or self.archive).take(fact))
        except Outage:
            return False
        return True

    def _failure(self, _: Process | None, what: str) -> str:
        if self.failures and self.failures[0][0] == what:
            return self.failures.pop(0)[1]
        return ""


@pytest.fixture
def trunk() -> Trunk:
    return Trunk()


def test_an_event_that_comes_again_is_counted_once(trunk: Trunk) -> None:
    since = Since(COUNTER)
    assert trunk.take(event(count=7))
    assert trunk.take(event(count=7))
    assert trunk.take(event(count=7), by=trunk.another())
    assert since.counted == {FORGED: 7}


@pytest.mark.parametrize("by_another", [False, True])
def test_an_event_whose_insert_was_not_answered_is_counted_when_it_comes_again(trunk: Trunk, by_another: bool) -> None:
    since = Since(COUNTER)
    trunk.failures = [(INSERT, "after")]
    assert not trunk.take(event())
    assert trunk.take(event(), by=trunk.another() if by_another else None)
    assert since.counted == {FORGED: 1}


@pytest.mark.parametrize("failure", ["before", "after"])
def test_one_process_counts_an_event_once_however_often_its_note_fails(trunk: Trunk, failure: str) -> None:
    since = Since(COUNTER)
    trunk.failures = [(NOTE, failure), (NOTE, "before")]
    trunk.take(event())
    trunk.take(event())
    assert trunk.take(event())
    assert since.counted == {FORGED: 1}


def test_an_event_is_counted_twice_at_most_if_another_process_goes_on(trunk: Trunk) -> None:
    since, other = Since(COUNTER), trunk.another()
    trunk.failures = [(NOTE, "before")]
    assert not trunk.take(event())
    assert trunk.take(event(), by=other)
    assert trunk.take(event(), by=other)
    assert since.counted == {FORGED: 2}


def test_an_entry_of_an_earlier_release_counts_as_counted(trunk: Trunk) -> None:
    assert trunk.take(event())
    rows, key = trunk.server.rows["archive.ledger"], entry_key("security", "e1")
    rows[key] = {name: value for name, value in rows[key].items() if name != "is_counted"}
    since = Since(COUNTER)
    assert trunk.take(event(), by=trunk.another())
    assert since.counted == {}
