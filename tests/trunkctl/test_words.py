"""What the command line shows are words: no value of a program as Python writes it."""

import ast
import io
import json
import re
from collections.abc import Callable, Mapping
from datetime import UTC, datetime, timedelta, timezone
from enum import Enum
from pathlib import Path
from typing import Any

import pytest
from pydantic import BaseModel
from rich.console import Console
from rich.table import Table

import trunkctl
from common.domain.reason import Reason
from common.facts import FACT_TYPES
from common.service.records import MessageRecord, OperatorDecision, StoredMessage
from trunkctl.notices import failing_table, unsent_table
from trunkctl.paper_trail import trail
from trunkctl.park.held import Group, ParkedMessage
from trunkctl.park.shown import groups_table, page_table, record_table
from trunkctl.shown import rows, trail_tables
from trunkctl.units.rates import rates_table
from trunkctl.words import local_time, words

AT = datetime(2026, 11, 29, 10, 0, 0, 5000, tzinfo=UTC)
PYTHON = re.compile(r"\b(None|True|False)\b|datetime\(|\{'|\['|\('|<\w+[.:]|b'|set\(|\d\dT\d\d:")
"""How Python writes a value that is no text; the last is a time as a program keeps it."""


class Colour(Enum):
    GREEN = "green"


class Place(BaseModel):
    name: str
    is_far: bool = False
    seen_at: datetime | None = None


VALUES: list[tuple[object, str]] = [
    (None, ""),
    (True, "yes"),
    (False, "no"),
    (0, "0"),
    (AT, local_time(AT)),
    (Colour.GREEN, "green"),
    (Reason.E_DUP, "E_DUP"),
    (b"abc", "3 bytes"),
    (["a", None, Colour.GREEN], "a, , green"),
    (("a", "b"), "a, b"),
    ({"b", "a"}, "a, b"),
    ({}, ""),
    ({"a": 1, "b": None, "c": {"d": True}}, "a 1, c d yes"),
    (Place(name="here"), "name here, is_far no"),
    (Path("folder/file"), "folder/file"),
]


@pytest.mark.parametrize(("value", "expected"), VALUES)
def test_a_value_becomes_words(value: object, expected: str) -> None:
    assert words(value) == expected


def test_a_time_beyond_the_calendar_of_this_machine_is_shown_as_it_is() -> None:
    assert words(datetime(9999, 12, 31, 12, tzinfo=timezone(-timedelta(hours=14)))) == "9999-12-31 12:00:00"


def shown(*tables: Table) -> str:
    console = Console(width=4000, record=True, file=io.StringIO())
    for table in tables:
        console.print(table)
    return console.export_text()


def filled(fact: type[BaseModel], *, full: bool) -> Mapping[str, Any]:
    """An entry of the ledger about such a fact: each field has a value, or only those that have no default."""
    fields = {name: field for name, field in fact.model_fields.items() if full or field.is_required()}
    body = {name: sample(name, str(field.annotation)) for name, field in fields.items()}
    return {"body": json.dumps(body | {"fact": fact.model_fields["fact"].default})}


def sample(name: str, kind: str) -> object:
    """A value of a field, as JSON has it."""
    samples = {
        "bool": False,
        "dict": {"0" * 64: 5},
        "datetime": AT.isoformat(),
        "Aware": AT.isoformat(),
        "int": 7,
        "Object": {"bucket": "content", "version_id": None},
        "Parked": {"fact": "document.verified", "place": None},
    }
    return next((value for word, value in samples.items() if word in kind), name)


@pytest.mark.parametrize("full", [True, False], ids=["every field", "what it needs"])
@pytest.mark.parametrize("fact", FACT_TYPES, ids=lambda each: each.__name__)
def test_track_shows_no_value_as_python_writes_it(fact: type[BaseModel], full: bool) -> None:
    delivery = {"receiver": "B", "state": "SENT", "updated_at": AT, "returned_at": None}
    found = shown(*trail_tables(trail("key", [filled(fact, full=full)], [delivery])))
    assert not PYTHON.search(found), found


RECORD = MessageRecord(
    record_id="r",
    queue="submit.A",
    first_failed_at=AT,
    last_failed_at=AT,
    is_quarantined=True,
    dead_letters=(AT, AT),
    message=StoredMessage(size_bytes=5, sha256="0", published_at=AT, labels={"a": "b"}, body=b"abc"),
    decision=OperatorDecision(event_id="e", action="replay", actor="An", purpose="again", at=AT, reason=Reason.E_DUP),
)
NOTICE = {"_id": "n", "unit": None, "channel": "email", "state": "failed", "attempts": 1, "created_at": AT}
DESTINATION = {"channel": "email", "unit": None, "address": None, "failures": 2, "failing_since": AT, "detail": None}
TABLES: dict[str, Callable[[], Table]] = {
    "park list, by cause": lambda: groups_table(
        [Group(service="router", source="submit", reason=words(None), state="waiting", count=1, oldest=None)]
    ),
    "park list": lambda: page_table([ParkedMessage("router", RECORD)]),
    "park show": lambda: record_table("router", RECORD),
    "notices list": lambda: unsent_table([NOTICE]),
    "notices list, silent": lambda: failing_table([DESTINATION | {"probe_at": None}]),
    "units rates": lambda: rates_table([{"unit": "A", "lane": "normal", "minute": AT, "packages": 1, "bytes": 5}]),
    "any": lambda: rows(Table(*map(str, range(len(VALUES)))), [[value for value, _ in VALUES]]),
}


@pytest.mark.parametrize("table", TABLES)
def test_no_table_shows_a_value_as_python_writes_it(table: str) -> None:
    found = shown(TABLES[table]())
    assert not PYTHON.search(found), found


def test_every_table_gets_its_lines_in_one_place() -> None:
    """So that whatever is shown in a table has become words."""
    home = Path(trunkctl.__file__).parent
    filling = {
        str(path.relative_to(home))
        for path in home.rglob("*.py")
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8")))
        if isinstance(node, ast.Attribute) and node.attr == "add_row"
    }
    assert filling == {"shown.py"}
