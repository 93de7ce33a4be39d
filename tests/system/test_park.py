"""Parked messages on the running trunk: how they come about, what their senders hear, and what an operator can do.

The poison is real: a package whose stored bytes are gone when the validator asks for them, and a submission that ran
out of time in its queue.
"""

import io
import json
import secrets
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any

import pytest
from minio import Minio

from .conftest import Entry, Stock
from .inboxes import Inboxes
from .park import OPERATOR, park
from .trunk import STATE, Trunk, eventually, package_id

pytestmark = pytest.mark.system

SECOND = "Trần Thị B"


def store() -> Minio:
    """The object store, as its administrator."""
    addresses = json.loads((STATE / "addresses.json").read_text())
    keys = addresses["s3_access_key"], addresses["s3_secret_key"]
    return Minio(addresses["s3_endpoint"], *keys, secure=False, region="us-east-1")


@dataclass
class Desk:
    """The parked messages of a test, as an operator sees them."""

    trunk: Trunk
    inboxes: Inboxes
    stock: Stock
    lost: dict[str, tuple[str, bytes]] = field(default_factory=dict)
    """Package id to key and bytes of the object that is gone."""
    records: dict[str, str] = field(default_factory=dict)
    """Package id to record id."""

    def poison(self, count: int) -> list[tuple[Entry, str]]:
        """Valid letters whose parsed message vanished from the store before the validator took them."""
        letters = [self.stock.take(lambda e: bool(e["receivers"]) and not e["turned"]) for _ in range(count)]
        self.trunk.kill_service("validator")
        packages = [self.trunk.submit(e["sender"], e["bytes"], urgent=e["urgent"]) for e in letters]
        for package in packages:
            self.inboxes.wait_for(package, ["receipt"])
            self._lose(package)
        self.trunk.up()
        for package in packages:
            row = eventually(lambda package=package: self._record(package))
            assert row, "it is parked at the validator"
            self.records[package] = row["_id"]
        return list(zip(letters, packages, strict=True))

    def _lose(self, package: str) -> None:
        record = self.trunk.collection("trunk_intake", "packages").find_one({"_id": package})
        bucket, key = record["envelope"]["bucket"], record["envelope"]["key"]
        self.lost[package] = key, store().get_object(bucket, key).read()
        store().remove_object(bucket, key)

    def mend(self, package: str) -> None:
        """Put the object back."""
        key, data = self.lost[package]
        store().put_object("content", key, io.BytesIO(data), len(data))

    def _record(self, package: str) -> dict[str, Any] | None:
        rows = self.trunk.collection("trunk_validator", "message_records").find({"about.package_id": package})
        return next((row for row in rows if row["state"] == "parked"), None)

    def row(self, package: str) -> dict[str, Any]:
        """The record as it is now."""
        record = self.trunk.collection("trunk_validator", "message_records").find_one({"_id": self.records[package]})
        assert record
        return dict(record)

    def decisions(self, package: str) -> list[dict[str, Any]]:
        """The decisions in the ledger of the document, oldest first: the archive may enter them in another order."""
        rows = self.trunk.collection("trunk_archive", "ledger").find({"fact": "operator.acted"})
        decisions = [json.loads(row["body"]) for row in rows]
        ours = [each for each in decisions if each["record_id"] == self.records[package]]
        return sorted(ours, key=lambda each: datetime.fromisoformat(each["occurred_at"]))

    def events(self, package: str) -> list[dict[str, Any]]:
        """The same as security events."""
        rows = self.trunk.collection("trunk_archive", "ledger").find({"subject": "security"})
        events = [json.loads(row["body"]) for row in rows]
        return [e for e in events if e["kind"] == "OPERATOR_ACTED" and self.records[package] in e["detail"]]

    def held_receipts(self, package: str) -> list[Any]:
        """Receipts that say that the package is held."""
        receipts = self.inboxes.of(package, "receipt")
        return [item for item in receipts if b"held" in item.body]


@pytest.fixture
def desk(trunk: Trunk, inboxes: Inboxes, stock: Stock) -> Iterator[Desk]:
    made = Desk(trunk, inboxes, stock)
    before = {row["_id"] for row in trunk.held()}
    yield made
    trunk.take_parked(lambda row: row["_id"] not in before)
    assert eventually(lambda: not trunk.not_ready()), trunk.not_ready()


def test_a_parked_package_is_told_shown_replayed_and_delivered_once(desk: Desk) -> None:
    ((entry, package),) = desk.poison(1)
    record = desk.records[package]
    assert eventually(lambda: desk.held_receipts(package)), "its sender is told that it is held"
    (held,) = desk.held_receipts(package)
    assert (held.unit, json.loads(held.body)["reason"]) == (entry["sender"], "E_OBJECT")
    shown = park("show", record)
    for text in (record, package, "E_OBJECT", "parked", entry["document_id"]):
        assert text in shown.replace("\n", ""), text
    listed = park("list", "--reason", "E_OBJECT")
    assert "by cause" in listed
    assert record[:8] in listed
    assert "parked again: E_OBJECT" in park("replay", record, code=1), "nothing has changed yet"
    desk.mend(package)
    assert park("replay", package) == "1 of 1: replay done", "chosen by the package"
    desk.inboxes.wait(lambda _: {i.unit for i in desk.inboxes.of(package, "document")} == set(entry["receivers"]))
    assert {i.unit for i in desk.inboxes.of(package, "document")} == set(entry["receivers"])
    assert "Nothing of that kind" in park("replay", record, code=1), "twice changes nothing"
    assert len({(i.unit, i.event_id) for i in desk.inboxes.of(package, "document")}) == len(entry["receivers"])
    assert desk.row(package)["state"] == "replayed"
    assert eventually(lambda: len(desk.decisions(package)) == 2 and len(desk.events(package)) == 2)
    assert [each["outcome"] for each in desk.decisions(package)] == ["parked again: E_OBJECT", "done"]
    assert {(each["actor"], each["purpose"]) for each in desk.decisions(package)} == {(OPERATOR, "đã xem")}
    assert {each["actor"] for each in desk.events(package)} == {OPERATOR}


def test_a_discarded_package_is_refused_to_its_sender_and_can_be_restored(desk: Desk) -> None:
    ((entry, package),) = desk.poison(1)
    record = desk.records[package]
    assert park("discard", record, by=SECOND, why="gửi lại bằng văn bản khác") == "1 of 1: discard done"
    came = desk.inboxes.wait_for(package, ["refusal"])
    (refusal,) = [item for item in came if item.type == "refusal"]
    assert (refusal.unit, refusal.reason) == (entry["sender"], "E_DISCARDED")
    assert b"StatusCode>02<" in refusal.body
    assert "gửi lại bằng văn bản khác" in refusal.body.decode()
    row = desk.row(package)
    assert row["state"] == "discarded"
    assert abs(row["expires_at"] - row["decision"]["at"] - timedelta(days=30)) < timedelta(minutes=1)
    assert "Nothing of that kind" in park("discard", record, code=1)
    assert "Nothing of that kind" in park("replay", record, code=1), "first it has to be restored"
    assert record[:8] not in park("list")
    assert park("restore", record) == "1 of 1: restore done"
    assert "Nothing of that kind" in park("restore", record, code=1)
    assert desk.row(package)["expires_at"] is None
    desk.mend(package)
    assert park("replay", record) == "1 of 1: replay done"
    desk.inboxes.wait_for(package, ["document"])
    assert desk.inboxes.of(package, "document")
    assert eventually(lambda: len(desk.decisions(package)) == 3)
    assert [(e["action"], e["actor"]) for e in desk.decisions(package)] == [
        *(("discard", SECOND), ("restore", OPERATOR), ("replay", OPERATOR))
    ]


def test_the_replay_of_a_group_goes_on_after_a_bad_message(desk: Desk) -> None:
    letters = desk.poison(3)
    for _, package in letters[1:]:
        desk.mend(package)
    output = park("replay", "--service", "validator", "--reason", "E_OBJECT", code=1)
    assert output.splitlines()[0] == "2 of 3: replay done"
    assert f"validator/{desk.records[letters[0][1]]}: parked again: E_OBJECT" in output.replace("\n", "")
    for entry, package in letters[1:]:
        desk.inboxes.wait_for(package, ["document"])
        assert {item.unit for item in desk.inboxes.of(package, "document")} <= set(entry["receivers"])
    assert desk.row(letters[0][1])["state"] == "parked"


def test_the_list_counts_groups_and_turns_pages(desk: Desk) -> None:
    desk.poison(3)
    first = park("list", "--service", "validator", "--page", "2")
    assert "3 parked" in first
    after = next(line.split()[-1] for line in first.splitlines() if line.startswith("more: --after"))
    second = park("list", "--service", "validator", "--page", "2", "--after", after)
    listed = [[r for r in desk.records.values() if r[:8] in page.partition("id")[2]] for page in (first, second)]
    assert sorted(map(len, listed)) == [1, 2]
    assert sorted(listed[0] + listed[1]) == sorted(desk.records.values())


def test_nobody_decides_without_a_name_and_a_reason(desk: Desk) -> None:
    park("replay", "--all", by=" ", code=2)
    park("discard", "--all", why="", code=2)
    park("replay", code=2)


def test_nobody_s_and_forged_messages_are_in_no_group(desk: Desk) -> None:
    """A submission without ``user_id`` cannot be replayed; a forged one is quarantined, and ``--all`` leaves it."""
    body = secrets.token_bytes(40)
    unit = desk.trunk.units[0]
    with desk.trunk.channel(unit) as channel:
        channel.basic_publish("trunk.submit", f"submit.{unit}", body, mandatory=True)
    admin = desk.trunk.config["rabbitmq_admin_user"]
    with desk.trunk.channel(admin) as channel:
        channel.basic_publish("trunk.facts", "document.verified.normal", body, mandatory=True)
    assert eventually(lambda: len([r for r in desk.trunk.held() if r["message"]["size_bytes"] == 40]) == 3)
    nobody_s = next(r for r in desk.trunk.held() if r["message"]["size_bytes"] == 40 and r["service"] == "intake")
    forged = [r for r in desk.trunk.held() if r["message"]["size_bytes"] == 40 and r["state"] == "quarantined"]
    assert {row["service"] for row in forged} == {"archive", "router"}
    output = park("replay", "--all", code=1).replace("\n", "")
    assert f"intake/{nobody_s['_id']}: anonymous" in output
    assert not [row for row in forged if row["_id"] in output]
    for row in forged:
        assert "Nothing of that kind" in park("replay", row["_id"], code=1)
    park("discard", "--service", "router", code=None)
    states = [desk.trunk.collection(f"trunk_{r['service']}", "message_records").find_one(r["_id"]) for r in forged]
    assert {row["state"] for row in states} == {"quarantined"}, "named one by one or not at all"
    assert park("discard", forged[0]["_id"]) == "1 of 1: discard done"
    assert package_id(unit, body) not in {item.package_id for item in desk.inboxes.items}
