"""Operators' requests about rows: carried out once, answered the same each time, forgotten after a while."""

import secrets
from collections.abc import AsyncIterator
from datetime import timedelta
from types import SimpleNamespace
from typing import Any

import pytest
from pydantic import SecretStr

from common.database import Database
from common.domain.names import Lane
from common.facts import OperatorRequested, SecurityNoticed
from common.service.requests import KEEP, MongoRequestAnswers, RequestAnswer, Requests
from common.settings import ServiceSettings

from ..harness.memory import Clock, RecordingPublisher


class MemoryAnswers:
    """Answers in memory."""

    def __init__(self) -> None:
        self.rows: dict[str, RequestAnswer] = {}

    async def find(self, identifier: str) -> RequestAnswer | None:
        return self.rows.get(identifier)

    async def save(self, answer: RequestAnswer) -> RequestAnswer:
        return self.rows.setdefault(answer.identifier, answer)

    async def remove_before(self, at: Any) -> None:
        self.rows = {key: row for key, row in self.rows.items() if row.at >= at}


class Desk:
    """One service that answers."""

    def __init__(self, answers: Any) -> None:
        self.clock, self.announcer = Clock(), RecordingPublisher()
        self.carried_out: list[str] = []
        self.failure: Exception | None = None
        self.requests = Requests("intake", "redrive", self.carry_out, answers, self.announcer, self.clock)

    async def carry_out(self, request: OperatorRequested) -> str:
        if self.failure:
            raise self.failure
        self.carried_out.append(request.record_id)
        return "done"


@pytest.fixture(params=["memory", "real"])
async def desk(request: pytest.FixtureRequest) -> AsyncIterator[Desk]:
    if request.param == "memory":
        yield Desk(MemoryAnswers())
        return
    stack: SimpleNamespace = request.getfixturevalue("stack")
    settings = ServiceSettings(
        mongo_uri=SecretStr(stack.mongo_uri),
        s3_endpoint=stack.s3_endpoint,
        s3_access_key=SecretStr(stack.s3_access_key),
        s3_secret_key=SecretStr(stack.s3_secret_key),
    )
    name = f"requests_test_{secrets.token_hex(4)}"
    database = Database(settings, name)
    yield Desk(MongoRequestAnswers(database))
    await database.client.drop_database(f"trunk_{name}")
    database.client.close()


def wish(**changes: Any) -> OperatorRequested:
    values: dict[str, Any] = {
        "event_id": "e",
        "occurred_at": Clock().now,
        "subject": "s",
        "lane": Lane.NORMAL,
        "target": "intake",
        "record_id": "p",
        "action": "redrive",
        "actor": "Bình",
        "purpose": "mất hàng đợi",
    }
    return OperatorRequested(**values | changes)


async def test_a_request_is_carried_out_once_and_answered_as_often_as_it_comes(desk: Desk) -> None:
    for _ in range(3):
        await desk.requests.act(wish())
        desk.clock.move(hours=1)
    assert desk.carried_out == ["p"]
    acted, security = desk.announcer.facts[:2]
    assert (acted.outcome, acted.service, acted.actor) == ("done", "intake", "Bình")  # type: ignore[attr-defined]
    assert isinstance(security, SecurityNoticed)
    assert len({fact.model_dump_json() for fact in desk.announcer.facts}) == 2


@pytest.mark.parametrize("changes", [{"target": "router"}, {"action": "replay"}, {"action": "rebuild"}])
async def test_requests_that_are_not_meant_change_nothing(desk: Desk, changes: dict[str, str]) -> None:
    await desk.requests.act(wish(**changes))
    assert (desk.carried_out, desk.announcer.facts) == ([], [])


@pytest.mark.parametrize("changes", [{"purpose": "vẫn mất"}, {"actor": "Lan"}, {"record_id": "q"}])
async def test_another_request_under_the_same_event_id_is_another_request(desk: Desk, changes: dict[str, str]) -> None:
    await desk.requests.act(wish())
    await desk.requests.act(wish(**changes))
    assert len(desk.carried_out) == 2
    assert len({fact.event_id for fact in desk.announcer.facts}) == 4


async def test_what_fails_is_not_answered_and_tried_again(desk: Desk) -> None:
    desk.failure = ConnectionError()
    with pytest.raises(ConnectionError):
        await desk.requests.act(wish())
    assert desk.announcer.facts == []
    desk.failure = None
    await desk.requests.act(wish())
    assert desk.carried_out == ["p"]


async def test_old_answers_are_removed(desk: Desk) -> None:
    await desk.requests.act(wish())
    desk.clock.move(days=KEEP / timedelta(days=1) - 1)
    await desk.requests.forget()
    await desk.requests.act(wish())
    assert desk.carried_out == ["p"]
    desk.clock.move(days=2)
    await desk.requests.forget()
    await desk.requests.act(wish())
    assert desk.carried_out == ["p", "p"]
