"""What a receiver does with its own inbox harms nobody else: rejects, lets go again and again, lets time pass."""

import json
import subprocess
from collections.abc import Callable, Iterator
from typing import Any

import pytest

from ..conftest import Entry, Stock
from ..inboxes import Inboxes
from ..park import park
from ..trunk import BIN, PATIENCE_SECONDS, ROOT, STATE, Trunk, eventually, package_id, run

pytestmark = pytest.mark.system

RECEIVER = "H29.903.01"
LIMIT = 20


@pytest.fixture(scope="module")
def others(trunk: Trunk) -> Iterator[Inboxes]:
    """All inboxes but the receiver's."""
    with Inboxes(trunk, [unit for unit in trunk.units if unit != RECEIVER]) as reading:
        yield reading


def reject(channel: Any, tag: int, attempt: int) -> None:
    channel.basic_reject(tag, requeue=False)


def let_go(channel: Any, tag: int, attempt: int) -> None:
    channel.basic_reject(tag, requeue=True)


def acknowledge(channel: Any, tag: int, attempt: int) -> None:
    channel.basic_ack(tag)


def track(package: str) -> str:
    """What an operator sees of a document."""
    return run(BIN / "trunkctl", "track", package, "--state", STATE).stdout


def handled(trunk: Trunk, package: str, settle: Callable[[Any, int, int], None], most: int) -> int:
    """Take messages of the receiver until this package has been settled ``most`` times; others are acknowledged."""
    times = 0
    with trunk.channel(RECEIVER) as channel:
        for method, properties, _ in channel.consume(f"inbox.{RECEIVER}", inactivity_timeout=PATIENCE_SECONDS):
            if method is None:
                break
            if properties.headers.get("x-package-id") != package:
                channel.basic_ack(method.delivery_tag)
                continue
            times += 1
            settle(channel, method.delivery_tag, times)
            if times == most:
                break
        channel.cancel()
    return times


@pytest.mark.parametrize(("settle", "times", "reason"), [(reject, 1, "E_RETURNED"), (let_go, LIMIT + 1, "E_ATTEMPTS")])
def test_what_a_receiver_gives_back_is_parked_told_to_the_sender_and_placed_again(
    trunk: Trunk, others: Inboxes, stock: Stock, settle: Callable[[Any, int, int], None], times: int, reason: str
) -> None:
    entry: Entry = stock.take(lambda e: RECEIVER in e["receivers"] and not e["turned"])
    rest = set(entry["receivers"]) - {RECEIVER}
    package = trunk.submit(entry["sender"], entry["bytes"], urgent=entry["urgent"])
    assert handled(trunk, package, settle, times) == times

    def parked() -> list[dict[str, Any]]:
        rows = [row for row in trunk.held() if row["queue"] == f"inbox.{RECEIVER}"]
        return [row for row in rows if row["message"]["labels"].get("x-package-id") == package]

    def receipts() -> list[dict[str, Any]]:
        mine = [item for item in others.of(package, "receipt") if item.unit == entry["sender"]]
        return [json.loads(item.body) for item in mine]

    rows = eventually(parked)
    assert [(row["service"], row["reason"], row["state"], row["user_id"]) for row in rows] == [
        ("router", reason, "parked", "router")
    ]
    returned = eventually(lambda: [each for each in receipts() if each["receipt"] == "returned"])
    assert [(each["receiver"], each["reason"]) for each in returned] == [(RECEIVER, "E_RETURNED")]
    assert "given back" in track(package)
    park("replay", rows[0]["_id"])
    assert handled(trunk, package, acknowledge, 1) == 1
    assert eventually(lambda: "given back" not in track(package)), "the router notes it once the broker has the message"
    others.wait(lambda _: {item.unit for item in others.of(package, "document")} == rest)
    assert {item.unit for item in others.of(package, "document")} == rest
    assert eventually(lambda: not trunk.not_ready()), trunk.not_ready()
    assert package == package_id(entry["sender"], entry["bytes"])


def test_an_operator_asks_for_an_address_where_there_is_none(trunk: Trunk, others: Inboxes, stock: Stock) -> None:
    """The command, the broker's permissions, the router and its answer; small packages travel in their messages."""
    entry: Entry = stock.take(lambda e: bool(e["receivers"]) and RECEIVER not in e["receivers"] and not e["turned"])
    package = trunk.submit(entry["sender"], entry["bytes"], urgent=entry["urgent"])
    assert others.wait_for(package, ["document"])
    who = ("--by", "Nguyễn Văn A", "--why", "đơn vị nghỉ dài", "--state", str(STATE))
    command = [str(BIN / "trunkctl"), "references", "renew", package, "--unit", entry["receivers"][0], *who]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)
    assert (done.returncode, done.stdout.strip()) == (
        1,
        f"{entry['receivers'][0]}: the package is in the message itself",
    )
