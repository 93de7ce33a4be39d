"""Nothing is lost, and nothing happens twice, while every service and every server is killed once under load."""

import time
from collections import Counter
from typing import Any

import pytest

from .inboxes import Inboxes
from .sending import PATIENCE_SECONDS, sending, told_once, wanted
from .trunk import Trunk, eventually, minted, package_id, shown

pytestmark = pytest.mark.system

VALID, WRONG = 285, 15
SERVER_AWAY_SECONDS = 10.0


def kill_everything_once(trunk: Trunk) -> list[str]:
    """Services one by one, the broker, and database and object store for a while. Returns what was done when."""
    began, told = time.monotonic(), []

    def note(what: str) -> None:
        told.append(f"{time.monotonic() - began:5.1f} s  {what}")

    def restart(*services: str) -> None:
        for service in services:
            trunk.kill_service(service)
            note(f"{service} killed")
            time.sleep(2.0)
        Trunk.up()
        note("all run again")

    restart("intake")
    restart("validator", "router")
    trunk.kill_server("rabbitmq")
    note("rabbitmq killed")
    trunk.revive_server("rabbitmq")
    note("rabbitmq runs again")
    restart("archive", "notifier")
    for server in ("mongo", "s3"):
        trunk.kill_server(server)
        note(f"{server} killed")
    time.sleep(SERVER_AWAY_SECONDS)
    for server in ("mongo", "s3"):
        trunk.revive_server(server)
        note(f"{server} runs again")
    return told


def test_nothing_is_lost_and_nothing_happens_twice(trunk: Trunk, inboxes: Inboxes, tmp_path: Any) -> None:
    entries = minted(trunk, tmp_path, VALID, WRONG, seed=11)
    packages = {package_id(entry["sender"], entry["bytes"]): entry for entry in entries}
    must, parked_before = wanted(entries), trunk.parked()

    began = time.monotonic()
    with sending(trunk, entries) as publishers:
        time.sleep(3.0)
        log = kill_everything_once(trunk)
    sent_after = time.monotonic() - began
    inboxes.wait(lambda items: told_once(items, set(packages)) >= must, PATIENCE_SECONDS)
    told_after = time.monotonic() - began
    quiet = eventually(lambda: not trunk.depths(), PATIENCE_SECONDS, 2.0)
    time.sleep(3.0)

    came = [item for item in inboxes.items if item.package_id in packages]
    distinct = {(item.unit, item.event_id) for item in came}
    records, ledger = archived(trunk, list(packages))
    print("\n" + "\n".join(log))
    print(f"{len(entries)} packages of {len(publishers)} units, {len(must)} answers and deliveries")
    print(f"all sent after {sent_after:.0f} s, all arrived after {told_after:.0f} s")
    print(f"{sum(publisher.resent for publisher in publishers)} times a unit had to send again")
    print(f"{len(came)} messages in inboxes, {len(came) - len(distinct)} of them repeats")
    print(f"{len(records)} records and {sum(ledger.values())} ledger entries in the archive")

    found = told_once(came, set(packages))
    assert found == must, f"missing {shown((must - found).items())}\ntoo many {shown((found - must).items())}"
    bodies = {item.package_id: item.body for item in came if item.type == "document"}
    assert all(body == packages[package]["bytes"] for package, body in bodies.items())
    receipts = {item.package_id for item in came if item.type == "receipt"}
    assert not [p for p, entry in packages.items() if entry["expected"] == "delivered" and p not in receipts]

    assert set(records) == set(packages), shown(set(packages) - set(records))
    verdicts = {package: "document.verified" for package, e in packages.items() if e["expected"] == "delivered"}
    assert {package: records[package] for package in verdicts} == verdicts
    assert not [event for event, count in ledger.items() if count != 1]
    assert quiet, trunk.depths()
    assert trunk.parked() == parked_before
    assert trunk.not_ready() == {}


def archived(trunk: Trunk, packages: list[str]) -> tuple[dict[str, str], Counter[str]]:
    """Verdict on record by package, and how often each event stands in the ledger."""

    def records() -> dict[str, str]:
        found = trunk.collection("trunk_archive", "records").find({"_id": {"$in": packages}}, {"verdict": 1})
        return {record["_id"]: record["verdict"] for record in found}

    kept = eventually(lambda: found if len(found := records()) == len(packages) else None) or records()
    entries = trunk.collection("trunk_archive", "ledger").find({}, {"event_id": 1})
    wanted = set(packages)
    return kept, Counter(entry["event_id"] for entry in entries if entry["event_id"].partition(":")[0] in wanted)
