"""What must hold after the last fault: every package answered, delivered and archived exactly once."""

import time
from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass, field

from ..inboxes import Inboxes
from ..sending import told_once
from ..trunk import Trunk, eventually, shown
from .load import Load

CALM_SECONDS = 60.0
"""Work that is not done so long after the queues are empty counts as stuck."""
CHUNK = 200


@dataclass
class Balance:
    """Counts, and what is wrong with them."""

    lines: list[tuple[str, object]] = field(default_factory=list)
    wrong: list[str] = field(default_factory=list)

    def must(self, what: str, count: int, wanted: int, detail: str = "") -> None:
        """A count that has to be exactly so."""
        self.lines.append((what, f"{count} of {wanted}" if wanted else count))
        if count != wanted:
            self.wrong.append(f"{what}: {count}, must be {wanted} {detail}")


def wait_until_calm(trunk: Trunk, load: Load, inboxes: Inboxes, patience_seconds: float) -> None:
    """Return when everything that must come has come and no package is open, or nothing has moved for a minute."""
    began, moved, before = time.monotonic(), time.monotonic(), (0, -1)
    while time.monotonic() - began < patience_seconds:
        came = told_once(inboxes.items, set(load.packages))
        open_ = still_open(trunk, load)
        if came >= load.must and not open_ and not trunk.depths():
            break
        now = (came.total(), open_)
        if now != before or trunk.depths():
            moved, before = time.monotonic(), now
        if time.monotonic() - moved > CALM_SECONDS:
            break
        time.sleep(1.0)


def still_open(trunk: Trunk, load: Load) -> int:
    """Packages that intake still waits for."""
    packages = trunk.collection("trunk_intake", "packages")
    return sum(packages.count_documents({"_id": {"$in": part}, "is_open": True}) for part in _parts(load.packages))


def balance(trunk: Trunk, load: Load, inboxes: Inboxes, parked_before: int) -> Balance:
    """Compares the packages sent with the messages received, the records, and the work that still waits."""
    result, packages = Balance(), set(load.packages)
    came = [item for item in inboxes.items if item.package_id in packages]
    received = told_once(came, packages)
    missing, extra = load.must - received, received - load.must
    result.must("messages that came", (load.must & received).total(), load.must.total(), shown(missing.items()))
    result.must("messages too many", extra.total(), 0, shown(extra.items()))
    bodies = Counter(item.body == load.packages[item.package_id] for item in came if item.type == "document")
    result.must("documents with other bytes", bodies[False], 0)
    contents: dict[tuple[str, str], bytes] = {}
    changed = [
        item.event_id for item in came if contents.setdefault((item.unit, item.event_id), item.body) != item.body
    ]
    result.must("events with two bodies", len(changed), 0, shown(changed))
    receipts = {item.package_id for item in came if item.type == "receipt"}
    result.must("receipts for letters", len(receipts & load.letters.keys()), len(load.letters))
    result.must("packages still open", still_open(trunk, load), 0)

    records = records_of(trunk, packages)
    result.must("packages in the archive", len(records), len(packages), shown(packages - records.keys()))
    altered = [package for package in load.letters if records.get(package) != "document.verified"]
    result.must("letters archived as something else", len(altered), 0, shown(altered))
    ledger = ledger_of(trunk, packages)
    result.must("events twice in the ledger", sum(count > 1 for count in ledger.values()), 0)
    result.must("messages parked", trunk.parked() - parked_before, 0, shown(trunk.held()))
    eventually(lambda: not trunk.depths(), CALM_SECONDS)
    left = trunk.depths()
    result.must("messages left in queues", sum(left.values()), 0, str(left))
    distinct = {(item.unit, item.event_id) for item in came}
    result.lines.append(("repeats under the same event id", len(came) - len(distinct)))
    result.lines.append(("times a unit had to send again", load.resent))
    return result


def records_of(trunk: Trunk, packages: Iterable[str]) -> dict[str, str]:
    """Verdict on record by package."""
    kept = trunk.collection("trunk_archive", "records")
    return {
        row["_id"]: row["verdict"]
        for part in _parts(packages)
        for row in kept.find({"_id": {"$in": part}}, {"verdict": 1})
    }


def ledger_of(trunk: Trunk, packages: set[str]) -> Counter[str]:
    """How often each event stands in the ledger."""
    entries = trunk.collection("trunk_archive", "ledger").find({}, {"event_id": 1})
    return Counter(entry["event_id"] for entry in entries if entry["event_id"].partition(":")[0] in packages)


def _parts(packages: Iterable[str]) -> list[list[str]]:
    listed = list(packages)
    return [listed[first : first + CHUNK] for first in range(0, len(listed), CHUNK)]
