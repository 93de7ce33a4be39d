"""``trunkctl notices``: hostile names, no rows, many pages; and a request on the real broker."""

import asyncio
import re
import secrets
from collections.abc import Iterator
from datetime import UTC, datetime
from types import SimpleNamespace
from typing import Any

import aio_pika
import pymongo
import pytest
from pydantic import SecretStr
from typer.testing import CliRunner, Result

from common import topology
from common.domain.names import Lane
from common.facts import OperatorRequested
from common.service.row_requests import answered
from trunkctl import notices
from trunkctl.commands import notices as commands
from trunkctl.main import app
from trunkctl.settings import ControlSettings

from .conftest import Declared

AT = datetime(2026, 11, 22, 8, 30, tzinfo=UTC)
HOSTILE = "[red]x\x1b[2J\u202e\x07[/]"


def row(number: int, state: str = "failed", unit: str = "A.01", **other: Any) -> dict[str, Any]:
    return {
        "_id": f"event{number:04d}/{unit}/webhook",
        "unit": unit,
        "channel": "webhook",
        "state": state,
        "attempts": 3,
        "created_at": AT,
        "settled_at": AT,
        "body": {"subject_text": "not for operators"},
        "detail": "HTTP 410",
        **other,
    }


@pytest.fixture
def rows(stack: SimpleNamespace, monkeypatch: pytest.MonkeyPatch) -> Iterator[Any]:
    """A notifier's database of its own; the commands read it."""
    name = f"notices_test_{secrets.token_hex(4)}"
    client: Any = pymongo.MongoClient(stack.mongo_uri)
    chosen = ControlSettings(mongo_uri=SecretStr(stack.mongo_uri))
    monkeypatch.setattr(notices, "database_name", lambda _: name)
    monkeypatch.setattr(commands, "settings", lambda _: chosen)
    yield client[name]
    client.drop_database(name)


def run(*arguments: str) -> Result:
    return CliRunner().invoke(app, ["notices", *arguments], env={"TRUNK_ACTOR": ""})


def test_nothing_was_left_unsent(rows: Any) -> None:
    listed = run("list")
    assert (listed.exit_code, listed.output.strip()) == (0, "nothing waits, has failed or was given up")
    rows["notifications"].insert_many([row(1, "sent"), row(2, "skipped"), row(3, "expired")])
    assert run("list").output == listed.output
    resent = run("resend", "--all", "--by", "Lan", "--why", "mended")
    assert resent.exit_code == 1
    assert "No such notification" in str(resent.exception)


def test_hostile_names_are_shown_as_they_are(rows: Any) -> None:
    rows["notifications"].insert_one(row(1, unit=HOSTILE, detail=HOSTILE))
    rows["destinations"].insert_one(
        {
            "_id": "webhook:1",
            "channel": "webhook",
            "unit": HOSTILE,
            "address": f"https://{HOSTILE}",
            "failures": 2,
            "failing_since": AT,
            "probe_at": AT,
            "detail": HOSTILE,
        }
    )
    listed = run("list", "--page", "1")
    resent = run("resend", HOSTILE, "--by", "Lan", "--why", "mended")
    for output in (listed.output, resent.output):
        assert not re.search("[\x1b\x07\u202e]", output)
        assert "[red]" in output
    assert (listed.exit_code, resent.exit_code) == (0, 1)
    assert "more: --after 'event0001/" in listed.output
    assert "not for operators" not in listed.output


def test_pages_follow_each_other_without_gap_or_repeat(rows: Any) -> None:
    states = ("failed", "given_up", "pending")
    rows["notifications"].insert_many(row(number, states[number % 3]) for number in range(123))
    seen: list[str] = []
    after = ""
    while True:
        output = run("list", "--page", "50", *(["--after", after] if after else [])).output
        seen += re.findall(r"event\d{4}/A\.01/webhook(?=\s+│)", output)
        more = re.search(r"more: --after (\S+)", output)
        if more is None:
            break
        after = more.group(1)
    assert seen == [row(number)["_id"] for number in range(123)]


def test_all_unsent_comes_page_by_page(rows: Any) -> None:
    rows["notifications"].insert_many(row(number) for number in range(notices.PAGE_SIZE * 2 + 5))
    rows["notifications"].insert_one(row(9999, unit="B.02"))
    kept = notices.Notices(commands.settings(None))  # type: ignore[arg-type] - the fixture's
    pages = [len(page) for page in kept.all_unsent(notices.ENDED, "A.01")]
    assert pages == [notices.PAGE_SIZE, notices.PAGE_SIZE, 5]


@pytest.mark.parametrize("arguments", [("--all",), ("--all", "--by", " ", "--why", "x"), ("--by", "Lan", "--why", "x")])
def test_who_why_and_which_are_asked_for(rows: Any, arguments: tuple[str, ...]) -> None:
    assert run("resend", *arguments).exit_code == 2


def test_a_repeated_wish_is_the_same_request_until_something_changed() -> None:
    wish = notices.Wish("Lan", "mended")
    first = notices.request_of(row(1), wish, AT)
    assert notices.request_of(row(1), wish, datetime.now(UTC)).event_id == first.event_id
    assert notices.request_of(row(1, settled_at=datetime.now(UTC)), wish, AT).event_id != first.event_id
    assert notices.request_of(row(1), notices.Wish("Minh", "mended"), AT).event_id != first.event_id


def test_a_request_reaches_the_notifier_and_its_answer_the_operator(
    rows: Any, declared: Declared, monkeypatch: pytest.MonkeyPatch
) -> None:
    """One is answered, one is not, one is not kept; a notification that waits is not asked for."""
    rows["notifications"].insert_many([row(1), row(2, "given_up"), row(3, "pending")])
    mongo = commands.settings(None).mongo_uri  # type: ignore[arg-type] - the fixture's
    chosen = declared.settings.model_copy(update={"mongo_uri": mongo})
    monkeypatch.setattr(commands, "settings", lambda _: chosen)
    wish = notices.Wish("Lan", "mended")
    mine, other = answered(notices.request_of(row(1), wish, AT), AT, "done"), notices.Wish("Minh", "mended")
    later = answered(notices.request_of(row(1), other, AT), AT, "nothing to send again")
    kept = [mine.model_dump(), later.model_dump()]
    rows["notifications"].update_one({"_id": row(1)["_id"]}, {"$set": {"requests": kept}})
    keys = [row(number)["_id"] for number in (1, 2, 3, 4)]
    resent = run("resend", *keys, "--by", "Lan", "--why", "mended", "--wait", "0")
    assert resent.exit_code == 1, resent.exception
    assert resent.output.splitlines() == [
        "1 of 4: sending again",
        f"{keys[1]}: not answered yet: it is carried out when the notifier gets to it",
        f"{keys[2]}: no such notification has failed or was given up",
        f"{keys[3]}: no such notification has failed or was given up",
    ]
    published = asyncio.run(requests(declared))
    assert [(each.record_id, each.target, each.action) for each in published] == [
        (key, "notifier", "resend") for key in keys[:2]
    ]


async def requests(declared: Declared) -> list[OperatorRequested]:
    """What lies in the notifier's queue."""
    url = f"amqp://notifier:{declared.passwords['notifier']}@{declared.address}/{declared.vhost}"
    async with await aio_pika.connect(url) as connection:
        channel = await connection.channel()
        queue = await channel.get_queue(topology.facts_queue("notifier", Lane.NORMAL))
        taken = []
        while message := await queue.get(fail=False, no_ack=True):
            taken.append(OperatorRequested.model_validate_json(message.body))
        return taken
