"""Facts lost in queues are published again, and nothing is delivered twice."""

from collections import Counter
from collections.abc import Iterator

import pytest

from .conftest import Entry, Stock
from .inboxes import Inboxes, Item
from .sending import told_once, wanted
from .trunk import BIN, STATE, VHOST, Trunk, eventually, run

pytestmark = pytest.mark.system

WHO = ("--by", "Nguyễn Văn A", "--why", "hàng đợi bị xóa", "--wait", "240", "--state", STATE)
PATIENCE_SECONDS = 240.0
LANES = ("normal", "urgent")


def letters(stock: Stock, count: int) -> list[Entry]:
    return [stock.take(lambda e: bool(e["receivers"]) and not e["turned"]) for _ in range(count)]


def submit(trunk: Trunk, entries: list[Entry]) -> dict[str, Entry]:
    return {trunk.submit(e["sender"], e["bytes"], urgent=e["urgent"]): e for e in entries}


def decided(trunk: Trunk, packages: dict[str, Entry]) -> int:
    """How many of them intake has decided about, and said so."""
    chosen = {"_id": {"$in": list(packages)}, "announced": True}
    return int(trunk.collection("trunk_intake", "packages").count_documents(chosen))


def open_packages(trunk: Trunk, packages: dict[str, Entry]) -> int:
    """How many of them intake still waits for."""
    chosen = {"_id": {"$in": list(packages)}, "is_open": True}
    return int(trunk.collection("trunk_intake", "packages").count_documents(chosen))


def verified(trunk: Trunk) -> set[str]:
    """Packages of which the archive has heard that they are valid: so the router's queue has the same fact."""
    entries = trunk.collection("trunk_archive", "ledger").find({"fact": "document.verified"}, {"event_id": 1})
    return {row["event_id"].partition(":")[0] for row in entries}


def finished(trunk: Trunk, packages: dict[str, Entry]) -> bool:
    return bool(eventually(lambda: not open_packages(trunk, packages), PATIENCE_SECONDS, 1.0))


def check_archive(trunk: Trunk, packages: dict[str, Entry]) -> None:
    """Every package is on record, and every event once in the ledger, each receiver's among them."""
    records = trunk.collection("trunk_archive", "records").find({"_id": {"$in": list(packages)}}, {"_id": 1})
    assert {row["_id"] for row in records} == set(packages)
    entries = trunk.collection("trunk_archive", "ledger").find({}, {"event_id": 1, "fact": 1})
    events = [(row["event_id"], row["fact"]) for row in entries if row["event_id"].partition(":")[0] in packages]
    assert len(events) == len(set(events))
    placed = Counter(event.partition(":")[0] for event, fact in events if fact == "delivery.placed")
    assert placed == {package: len(entry["receivers"]) for package, entry in packages.items()}


@pytest.fixture
def running(trunk: Trunk) -> Iterator[Trunk]:
    """Whatever a test stops runs again afterwards."""
    yield trunk
    Trunk.up()


@pytest.mark.parametrize("victim", ["validator", "router", "archive"])
def test_a_purged_queue_loses_nothing(running: Trunk, inboxes: Inboxes, stock: Stock, victim: str) -> None:
    trunk = running
    trunk.kill_service(victim)
    packages = submit(trunk, letters(stock, 4))
    assert eventually(lambda: decided(trunk, packages) == 4, PATIENCE_SECONDS)
    must = wanted(list(packages.values()))
    last_of_all = {
        "validator": lambda: True,
        "router": lambda: verified(trunk) >= set(packages),
        "archive": lambda: told_once(inboxes.items, set(packages)) >= must,
    }
    assert eventually(last_of_all[victim], PATIENCE_SECONDS), "what came after the purge could finish them"
    names = [f"facts.{victim}.{lane}" for lane in LANES]
    assert eventually(lambda: sum(trunk.depths().get(name, 0) for name in names) >= 4, PATIENCE_SECONDS)
    with trunk.management() as http:
        for name in names:
            http.delete(f"/queues/{VHOST}/{name}/contents").raise_for_status()
    Trunk.up()
    assert open_packages(trunk, packages) == 4, "nobody has said that they are finished"

    output = run(BIN / "trunkctl", "redrive", *packages, *WHO).stdout
    assert output.count(": done") == 4, output
    assert finished(trunk, packages), "they are finished after all"
    inboxes.wait(lambda items: told_once(items, set(packages)) >= must, PATIENCE_SECONDS)
    assert told_once(inboxes.items, set(packages)) == must
    came = [item for item in inboxes.items if item.package_id in packages]
    assert len(came) == len({(item.unit, item.event_id) for item in came}), "no message came twice"
    inboxes.wait(lambda items: receipts(items) >= set(packages), PATIENCE_SECONDS)
    assert receipts(inboxes.items) >= set(packages)
    check_archive(trunk, packages)


def receipts(items: list[Item]) -> set[str]:
    """Packages whose senders got a receipt."""
    return {item.package_id for item in items if item.type == "receipt"}


def bodies(items: list[Item]) -> dict[str, bytes]:
    """What the receivers of each package got."""
    return {item.package_id: item.body for item in items if item.type == "document"}
