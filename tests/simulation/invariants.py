"""What must hold after every schedule, whatever went wrong in it. Each check returns what it found against it."""

import hashlib
import json
from collections import Counter, defaultdict
from collections.abc import Callable, Iterator, Mapping
from itertools import permutations
from math import inf
from typing import Any

from common.domain.names import StatusCode
from common.domain.reason import Reason
from common.facts import DeliveryWaiting, PackageFinished, PackageRouted, name_of
from common.ledger import entry_of
from common.objects import LOG
from common.tlog.audit import audit
from common.tlog.merkle import leaf_hash
from common.tlog.names import CHECKPOINT
from common.tlog.tiles import ENTRIES, entries_in, tiles_of
from common.topology import FACTS, INBOX
from router.delivery_history import position_of
from router.store.delivery_rows import entry_in
from tests.simulation.schedule import Schedule
from tests.simulation.under_lock import what_was_let_in_is_under_lock
from tests.simulation.units import Item, Submitted
from tests.simulation.world import LOG_KEY

REPORTED_BY_UNITS = {code.value for code in StatusCode if code is not StatusCode.TAKE_BACK}
UNRECORDED = {name_of(kind) for kind in (PackageRouted, PackageFinished, DeliveryWaiting)}
"""Facts that tell services of each other's progress, and are no evidence."""
SAVED_SECONDS = 30.0
"""So long the other replica may still be at work when the archive has saved a record."""
LEASE_SECONDS = 60.0
ISOLATED_SECONDS = 8.0
"""What passes between units without a disturbance takes no longer; a message that was returned comes after 10 s."""
Check = Callable[[Schedule], Iterator[str]]


def violations(schedule: Schedule) -> list[str]:
    """Everything that is wrong in the end."""
    return [f"{check.__name__}: {found}" for check in CHECKS for found in check(schedule)]


def nothing_is_left(schedule: Schedule) -> Iterator[str]:
    """After three hours without faults everything is done."""
    if not schedule.is_settled:
        yield from schedule.unfinished()[:5]


def every_package_is_answered(schedule: Schedule) -> Iterator[str]:
    """Accepted => finally answered: delivered or refused at each receiver; or parked, and its sender told."""
    for code, system in schedule.units.items():
        told = defaultdict(list)
        for item in system.inbox:
            told[item.package_id].append(item)
        for entry in system.submitted:
            yield from _unanswered(schedule, code, entry, told[entry.package_id])


def _unanswered(schedule: Schedule, code: str, entry: Submitted, told: list[Item]) -> Iterator[str]:
    world, name = schedule.world, f"{entry.package.name} ({entry.package_id[:8]})"
    record = world.database.rows["intake.packages"].get(entry.package_id)
    rejected = any(event.startswith(entry.package_id) for event in schedule.rejected)
    types = {item.type for item in told}
    if record is None:
        if entry.package_id not in world.database.rows.get("intake.waiting", {}):
            yield f"{name} was confirmed, and intake knows nothing of it"
        elif "receipt" not in types and not rejected:
            yield f"{name} waits, and {code} was not told"
        return
    if record.get("reason") == Reason.E_REFDOC:
        yield f"{name} was refused for want of a document, before its time was over"
    if record.get("reason"):
        if "refusal" not in types and not rejected:
            yield f"{name} was refused, and {code} was not told"
        return
    if "receipt" not in types and not rejected:
        yield f"{name} was accepted, and {code} has no receipt"
    yield from _unfinished(schedule, code, entry, types, name, is_rejected=rejected)


def _unfinished(
    schedule: Schedule, code: str, entry: Submitted, types: set[str], name: str, *, is_rejected: bool
) -> Iterator[str]:
    world = schedule.world
    verdict = world.database.rows["validator.verdicts"].get(entry.package_id)
    if entry.package.kind in ("new", "altered", "update", "replace") and entry.package.name.find(" 9 of") < 0:
        if verdict is None:
            yield f"{name} was accepted, and never judged"
            return
        if verdict.get("reason"):
            if "refusal" not in types and not is_rejected:
                yield f"{name} was found invalid, and {code} was not told"
            return
    decisions = [row for row in world.rows("router.decisions") if row["package_id"] == entry.package_id]
    if not decisions:
        yield f"{name} was let in, and never routed"
    for decision in decisions:
        held = [
            row
            for row in world.rows("router.placings")
            if row["decision"] == decision["_id"] and row["state"] == "held"
        ]
        if not decision.get("carried_out_at") and not held:
            yield f"{name} was decided, and not carried out"
        for order in decision["orders"]:
            if order["order"] in ("deliver", "revise", "inform", "share"):
                yield from _undelivered(schedule, entry, decision, order["receiver"], name)


def _undelivered(schedule: Schedule, entry: Submitted, decision: Any, receiver: str, name: str) -> Iterator[str]:
    rows = schedule.world.rows("router.placings")
    placed = [row for row in rows if row["receiver"] == receiver and row["decision"] == decision["_id"]]
    turned = any(row["_id"].startswith(f"{entry.package_id}/refusal") for row in schedule.world.rows("router.answers"))
    if not placed and not turned:
        yield f"{name} was to be delivered to {receiver}, and there is no placing"
    for row in placed:
        events = {item.event_id for item in schedule.units[receiver].inbox} | schedule.rejected
        if row["state"] == "placed" and row["_id"] not in events:
            yield f"{name} is noted as placed at {receiver}, which never got it"


def delivered_is_archived(schedule: Schedule) -> Iterator[str]:
    """Every delivered document is on record, under lock, with the same bytes."""
    world = schedule.world
    records = world.database.rows.get("archive.records", {})
    for code, system in schedule.units.items():
        for item in system.inbox:
            if item.type != "document":
                continue
            record = records.get(item.package_id)
            if record is None:
                yield f"{item.package_id[:8]} was delivered to {code}, and is not archived"
                continue
            for kept in record["objects"]:
                if kept["role"] == "package" and kept["sha256"] != item.sha256:
                    yield f"{item.package_id[:8]}: {code} got other bytes than were archived"
                versions = world.store.objects.get(_place(kept), [])
                named = [v for v in versions if kept.get("version_id") in (None, v.version_id)]
                if not any(v.retain_until for v in named):
                    yield f"{item.package_id[:8]}: {kept['key']} is not under lock"
                if kept["role"] == "evidence" and len(versions) > 1:
                    yield f"{item.package_id[:8]}: {kept['key']} was put over"


def _place(kept: Mapping[str, Any]) -> tuple[str, str]:
    """Bucket and key of an object on record."""
    return kept.get("bucket") or "archive", kept["key"]


def one_event_one_body(schedule: Schedule) -> Iterator[str]:
    """What bears the same event id is the same, however often it is made."""
    bodies: dict[tuple[str, str, str], bytes] = {}
    for message in schedule.world.published:
        if message.exchange not in (FACTS, INBOX):
            continue
        key = (message.exchange, message.routing_key, str(message.headers.get("x-event-id")))
        if bodies.setdefault(key, message.body) != message.body:
            yield f"{message.properties.get('message_type')} {key[2]}: {_difference(bodies[key], message.body)}"


def _difference(one: bytes, other: bytes) -> str:
    try:
        first, second = json.loads(one), json.loads(other)
    except ValueError:
        return "two bodies"
    return ", ".join(
        f"{k}: {first.get(k)} / {second.get(k)}" for k in first.keys() | second.keys() if first.get(k) != second.get(k)
    )


def nothing_invalid_is_delivered(schedule: Schedule) -> Iterator[str]:
    """Only what passed the validator reaches an inbox as a document, and only those that it is for."""
    packages = {entry.package_id: entry.package for system in schedule.units.values() for entry in system.submitted}
    for code, system in schedule.units.items():
        for item in system.inbox:
            package = packages.get(item.package_id)
            if item.type != "document" or package is None:
                continue
            if package.kind in ("altered", "noise"):
                yield f"{package.name} was delivered to {code}"
            if hashlib.sha256(package.body).hexdigest() != item.sha256:
                yield f"{package.name}: {code} got other bytes"
            if code not in package.receivers:
                yield f"{package.name} was delivered to {code}, for which it is not"


def nothing_after_the_end(schedule: Schedule) -> Iterator[str]:
    """No content is placed at a unit that has agreed to a recall."""
    yield from dict.fromkeys(schedule.world.late_content)


def copies_are_bounded(schedule: Schedule) -> Iterator[str]:
    """A fact has as many copies as there were reasons to make one."""
    bound = 3 + 4 * len(schedule.faults) + schedule.cuts
    sent = Counter[str]()
    for system in schedule.units.values():
        for entry in system.submitted:
            sent[entry.package_id] += entry.copies
    for (queue, event), count in schedule.world.copies.items():
        asked = sent[event.partition(":")[0]]
        if event and count > bound + asked and not queue.startswith("place."):
            yield f"{count} copies of {event} in {queue}, at most {bound + asked} expected"


def ledgers_are_whole(schedule: Schedule) -> Iterator[str]:
    """Every fact that was announced is in the ledger once."""
    recorded = Counter(entry_of(row).event_id for row in schedule.world.rows("archive.ledger"))
    yield from (f"{event} is in the ledger {count} times" for event, count in recorded.items() if count > 1)
    announced = {
        str(each.headers.get("x-event-id"))
        for each in schedule.world.published
        if each.exchange == FACTS and each.properties.get("message_type") not in UNRECORDED
    }
    yield from (f"{event} was announced, and is in no ledger" for event in sorted(announced - recorded.keys()))


def the_log_is_whole(schedule: Schedule) -> Iterator[str]:
    """Whoever sealed, and whatever went wrong meanwhile: one history, nothing put twice, every entry in it once."""
    files: dict[str, bytes] = {}
    for (bucket, key), versions in schedule.world.store.objects.items():
        if bucket == LOG:
            files[key] = versions[-1].data
            if len(versions) > 1 and key != CHECKPOINT:
                yield f"{len(versions)} versions of {key}"
    leaves = []
    for tile in tiles_of(max(size_of_logs(schedule), default=0), ENTRIES):
        leaves += [leaf_hash(entry).hex() for entry in entries_in(tile, files[tile.path])] if tile.path in files else []
    yield from (f"{fault.name}: {fault.what}" for fault in audit(files.get, sorted(files), [LOG_KEY.verifier]))
    entries = Counter(entry_of(row).leaf_hash() for row in schedule.world.rows("archive.ledger"))
    if entries != Counter(leaves):
        yield f"the log holds {len(leaves)} entries, the ledger {entries.total()}, and they differ"


def size_of_logs(schedule: Schedule) -> Iterator[int]:
    """Sizes of the log after each batch."""
    return (row["size"] for row in schedule.world.rows("archive.batches"))


def nothing_is_parked(schedule: Schedule) -> Iterator[str]:
    """No fault of a server, however long, makes a message one that an operator has to look at."""
    world = schedule.world
    for name in world.database.rows:
        if name.endswith(".message_records"):
            for row in world.rows(name):
                if row["state"] in ("parked", "quarantined") and not row["queue"].startswith("inbox."):
                    yield f"{row['queue']}: {row['reason']} {row['detail'][:100]}"


def others_are_not_late(schedule: Schedule) -> Iterator[str]:
    """In a schedule of isolation, what passes between the other units comes in time."""
    if schedule.kind != "isolation":
        return
    for code, system in schedule.units.items():
        for entry in system.submitted:
            if code == schedule.disturbed or entry.package.kind != "new":
                continue
            verdict = schedule.world.database.rows["validator.verdicts"].get(entry.package_id)
            if verdict is None or verdict.get("reason"):
                continue
            for receiver in entry.package.receivers:
                arrived = [
                    i.at
                    for i in schedule.units[receiver].inbox
                    if i.package_id == entry.package_id and i.type == "document"
                ]
                if receiver != schedule.disturbed and arrived and min(arrived) - entry.begun_at > ISOLATED_SECONDS:
                    yield f"{entry.package.name} took {min(arrived) - entry.begun_at:.1f} s to {receiver}"


def intake_hears_of_every_end(schedule: Schedule) -> Iterator[str]:
    """While no server and no process of the trunk fails, no package counts as under way for longer than it is."""
    if schedule.kind == "isolation" or not schedule.faults:
        for lane, count in schedule.world.lapsed.items():
            yield f"{count} {lane} packages counted as under way until their time was over"


def locked_versions_are_bounded(schedule: Schedule) -> Iterator[str]:
    """What lies under lock can never be deleted: a rerun adds some; a copy of a fact none, once the record is saved."""
    bound = 1 + 2 * len(schedule.faults) + schedule.failed_steps["archive"]
    for (bucket, key), versions in schedule.world.store.objects.items():
        if bucket not in ("archive", "packages"):
            continue
        if len(versions) > (1 if bucket == "packages" else bound):
            yield f"{len(versions)} locked versions of {key}, at most {bound} expected"
    for record in schedule.world.rows("archive.records"):
        saved_at = schedule.archived_at[record["_id"]]
        for kept in (*record["objects"], record["evidence_object"]):
            again = [v.made_at for v in schedule.world.store.objects.get(_place(kept), [])]
            if again and max(again) > saved_at + SAVED_SECONDS:
                yield f"{kept['key']} was locked {max(again) - saved_at:.1f} s after its record was saved"


def notifications_are_bounded(schedule: Schedule) -> Iterator[str]:
    """A unit is told once, and again only after something went wrong between sending and noting it.

    A lease holds by the clock of whoever looks: where clocks are minutes apart, both replicas may send.
    """
    clocks = [process.skew_seconds for process in schedule.world.processes if process.name == "notifier"]
    bound = 1 + 2 * len(schedule.faults) + (max(clocks) - min(clocks) > LEASE_SECONDS)
    for key, count in schedule.world.outside.received.items():
        if count > bound:
            yield f"{count} times {key}, at most {bound} expected"


def places_follow_what_a_unit_knew(schedule: Schedule) -> Iterator[str]:
    """What a unit submits about a document after the trunk has let in another package has a later place."""
    rows, let_in_at = schedule.world.database.rows.get("intake.packages", {}), schedule.world.let_in_at
    by_document: defaultdict[tuple[str, int], dict[str, tuple[Submitted, Any]]] = defaultdict(dict)
    for system in schedule.units.values():
        for entry in system.submitted:
            row = rows.get(entry.package_id)
            if row and row.get("place") and entry.package.kind in ("new", "update", "recall"):
                about = entry.package.sender, entry.package.number
                by_document[about].setdefault(entry.package_id, (entry, row["place"]))
    for entries in by_document.values():
        for (earlier, place), (later, its_place) in permutations(entries.values(), 2):
            if let_in_at.get(earlier.package_id, inf) < later.begun_at and place >= its_place:
                yield f"{later.package.name} was submitted after {earlier.package.name} was let in, and comes before it"


def states_follow_the_order(schedule: Schedule) -> Iterator[str]:
    """Where a delivery stands follows from its events in the order of submission, whatever came first."""
    events = defaultdict(list)
    for event in schedule.world.rows("router.delivery_events"):
        events[event["delivery"]].append(entry_in(event, event["number"]))
    for row in schedule.world.rows("router.deliveries"):
        state = position_of(events[row["_id"]]).state
        if state != row["state"]:
            yield f"{row['_id']} is {row['state']}, and {state} by its events in order"


def the_trunk_overrules_no_unit(schedule: Schedule) -> Iterator[str]:
    """The trunk answers a recall for a unit that never got the document, and has said nothing about it."""
    events = defaultdict(list)
    for row in sorted(schedule.world.rows("router.delivery_events"), key=lambda row: row["number"]):
        events[row["delivery"]].append(row)
    for delivery, rows in events.items():
        key, _, unit = delivery.rpartition("/")
        answered = [row["number"] for row in rows if row["event_id"].endswith(f"/{StatusCode.AGREED}")]
        if not answered:
            continue
        said = [row["code"] for row in rows if row["number"] < answered[0] and row["code"] in REPORTED_BY_UNITS]
        got = [item.package_id for item in schedule.units[unit].inbox if _is_content(item, key)]
        if said or got:
            yield f"the trunk agreed to a recall for {unit}, which got {got} and had said {said}"


def _is_content(item: Item, document_key: str) -> bool:
    is_of_it = item.type == "document" and item.headers.get("x-document-key") == document_key
    return is_of_it and item.headers.get("x-kind") in ("new", "update", "replace")


def scenes_end_as_scripted(schedule: Schedule) -> Iterator[str]:
    """A scripted scene has one right end."""
    if schedule.scene:
        yield from schedule.scene.violations()


def no_callback_fails(schedule: Schedule) -> Iterator[str]:
    """Nothing is raised where nobody handles it, and no model is asked for what it cannot do."""
    for error in schedule.world.loop.errors[:3]:
        yield f"{error.get('message')}: {error.get('exception')!r}"
    yield from dict.fromkeys(schedule.world.gaps)
    for main in schedule.world.mains:
        if main.done() and not main.cancelled() and main.exception():
            yield f"{main.get_name()} ended: {main.exception()!r}"


CHECKS: tuple[Check, ...] = (
    nothing_is_left,
    every_package_is_answered,
    delivered_is_archived,
    what_was_let_in_is_under_lock,
    one_event_one_body,
    nothing_invalid_is_delivered,
    nothing_after_the_end,
    copies_are_bounded,
    ledgers_are_whole,
    the_log_is_whole,
    nothing_is_parked,
    others_are_not_late,
    intake_hears_of_every_end,
    locked_versions_are_bounded,
    notifications_are_bounded,
    places_follow_what_a_unit_knew,
    states_follow_the_order,
    the_trunk_overrules_no_unit,
    scenes_end_as_scripted,
    no_callback_fails,
)
