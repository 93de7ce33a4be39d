"""``trunkctl redrive`` and ``trunkctl inboxes rebuild``: what is asked for, of whom, and what is said about it."""

import asyncio
import secrets
from collections.abc import Iterator
from datetime import UTC, datetime
from types import SimpleNamespace
from typing import Any

import aio_pika
import pymongo
import pytest
from typer.testing import CliRunner, Result

from common import topology
from common.domain.names import Lane
from common.facts import OperatorRequested
from common.service.requests import request_id
from trunkctl import requests
from trunkctl.commands import redrive as commands
from trunkctl.main import app

from .conftest import UNIT, Declared

AT = datetime(2026, 11, 22, 8, 30, tzinfo=UTC)
WHO = ("--by", "Lan", "--why", "mất hàng đợi", "--wait", "0")


@pytest.fixture
def rows(stack: SimpleNamespace, declared: Declared, monkeypatch: pytest.MonkeyPatch) -> Iterator[Any]:
    """Databases of their own of intake and the router, and a broker of its own."""
    names = {service: f"redrive_test_{service}_{secrets.token_hex(4)}" for service in ("intake", "router")}
    client: Any = pymongo.MongoClient(stack.mongo_uri)
    chosen = declared.settings.model_copy(update={"mongo_uri": declared.settings.mongo_uri.__class__(stack.mongo_uri)})
    monkeypatch.setattr(requests, "database_name", names.__getitem__)
    monkeypatch.setattr(commands, "settings", lambda _: chosen)
    yield SimpleNamespace(intake=client[names["intake"]], router=client[names["router"]])
    for name in names.values():
        client.drop_database(name)


def run(*arguments: str) -> Result:
    return CliRunner().invoke(app, list(arguments), env={"TRUNK_ACTOR": ""})


def taken(declared: Declared, service: str) -> list[OperatorRequested]:
    """What lies in a service's queue."""

    async def take() -> list[OperatorRequested]:
        url = f"amqp://{service}:{declared.passwords[service]}@{declared.address}/{declared.vhost}"
        async with await aio_pika.connect(url) as connection:
            channel = await connection.channel()
            queue = await channel.get_queue(topology.facts_queue(service, Lane.NORMAL))
            found = []
            while message := await queue.get(fail=False, no_ack=True):
                found.append(OperatorRequested.model_validate_json(message.body))
            return found

    return asyncio.run(take())


def test_packages_are_named_by_their_id_or_their_document(rows: Any, declared: Declared) -> None:
    rows.intake["packages"].insert_many([{"_id": "p1", "document_id": "d"}, {"_id": "p2", "document_id": "d"}])
    done = run("redrive", "d", "p1", "unknown", *WHO)
    assert done.exit_code == 1
    assert done.output.splitlines() == [
        f"p1: {requests.NOT_ANSWERED}",
        f"p2: {requests.NOT_ANSWERED}",
        "unknown: intake has decided nothing about such a package",
    ]
    asked = taken(declared, "intake")
    assert [(each.record_id, each.target, each.action, each.actor) for each in asked] == [
        ("p1", "intake", "redrive", "Lan"),
        ("p2", "intake", "redrive", "Lan"),
    ]


def test_all_that_is_open_is_one_request(rows: Any, declared: Declared) -> None:
    assert run("redrive", "--all-open", *WHO).exit_code == 1
    (asked,) = taken(declared, "intake")
    assert (asked.record_id, asked.action) == ("*", "redrive")


def test_inboxes_are_asked_of_the_router_with_or_without_a_time(rows: Any, declared: Declared) -> None:
    run("inboxes", "rebuild", UNIT.code, *WHO)
    run("inboxes", "rebuild", "--all", "--since", "2026-11-22T08:30:00", *WHO)
    one, everything = taken(declared, "router")
    assert (one.record_id, one.action, one.target) == (UNIT.code, "rebuild", "router")
    what, _, time = everything.record_id.partition("/")
    assert what == "*"
    assert datetime.fromisoformat(time) == datetime(2026, 11, 22, 8, 30).astimezone()


def test_the_answer_of_the_service_is_shown(rows: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    made = requests.request_of

    def answered(wish: requests.Wish, record_id: str, now: datetime) -> OperatorRequested:
        request = made(wish, record_id, now)
        database = rows.intake if wish.service == "intake" else rows.router
        database["operator_requests"].insert_one({"_id": request_id(request), "at": now, "outcome": "done: 7 packages"})
        return request

    monkeypatch.setattr(requests, "request_of", answered)
    done = run("redrive", "--all-open", "--by", "Lan", "--why", "x", "--wait", "10")
    assert (done.exit_code, done.output.splitlines()) == (0, ["all: done: 7 packages"])


@pytest.mark.parametrize(
    "arguments",
    [
        ("redrive", "p1"),
        ("redrive", "--all-open", "--by", "Lan"),
        ("redrive", *WHO),
        ("redrive", "p1", "--all-open", *WHO),
        ("inboxes", "rebuild", *WHO),
        ("inboxes", "rebuild", "--all"),
        ("inboxes", "rebuild", "T.77", "--all", *WHO),
    ],
)
def test_who_why_and_which_are_asked_for(rows: Any, declared: Declared, arguments: tuple[str, ...]) -> None:
    assert run(*arguments).exit_code == 2
    assert taken(declared, "intake") == taken(declared, "router") == []


def test_wishing_the_same_again_is_another_request() -> None:
    wish = requests.Wish("intake", "redrive", "Lan", "x")
    first, second = (requests.request_of(wish, "p", at) for at in (AT, datetime.now(UTC)))
    assert request_id(first) != request_id(second)
