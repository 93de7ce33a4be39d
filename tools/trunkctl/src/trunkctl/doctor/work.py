"""Unfinished work that may be stuck: open packages, messages for inboxes, parked messages, dead letters."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from common.domain.names import Lane
from common.facts.flows import SERVICES
from common.indexes import WAITING
from common.service.records import RecordState
from common.topology import SUBMIT_LENGTH, dead_letters
from intake.open_package import Stage
from trunkctl.doctor.finding import Finding, Level, ok
from trunkctl.doctor.sources import Sources
from trunkctl.park.held import Group, HeldMessages, Selection
from trunkctl.words import local_time, words

TRIED = ("due", "waiting")
"""States of the router's placings that it tries when their time has come."""
WAITING_STATES = ("waiting", "held", "returned")
"""States of the router's placings that are not in their inbox."""
CAUSES: dict[str, tuple[Level, str]] = {
    "full": (Level.WARNING, "Call the unit: it has to read its inbox."),
    "missing": (Level.WARNING, "Run `trunkctl topology apply`: the unit's inbox was never declared."),
    "closed": (Level.WARNING, "Closed by mistake: `trunkctl units import`. Else tell the senders; the messages wait."),
    "silent": (Level.FAILED, "See what is said about nodes and queues: the inbox has no leader."),
    "recall": (Level.OK, "Nothing; remind the unit of the recall if it lasts."),
    "returned": (
        Level.WARNING,
        "Once the unit's system is repaired, decide: `trunkctl park list --service router`.",
    ),
}
"""What a cause of waiting (``router.placing.Cause``) means to an operator."""
MOST_WAITING = 500
"""Packages that wait at intake, from which on TrunkPackagesWaiting is raised."""
MOST_COUNTED = 10_000
OVERDUE_SECONDS = 120.0
"""How long after its time a message for an inbox has not even been tried."""
ALMOST_FULL = 0.8
"""Of the length of a submit queue, from which on TrunkSubmitQueueFilling is raised."""


@dataclass(frozen=True, slots=True)
class OpenSeen:
    """Intake's open packages."""

    overdue: Mapping[Lane, int]
    """Sent, over their time budget, and no service reports where they are; at most ``MOST_COUNTED``."""
    by_stage: Mapping[str, int]
    awaiting: int
    """Not open yet: they wait for a document, or for the end of a package with their DocumentId."""


@dataclass(frozen=True, slots=True)
class PlacingsSeen:
    """Messages that wait for one cause."""

    cause: str
    count: int
    receivers: tuple[str, ...]
    oldest_at: datetime | None


def judge_open(packages: OpenSeen) -> list[Finding]:
    """Packages over their time budget may be lost or only slow; intake publishes their facts again in any case."""
    act = "Are queues deep, services slow or down? Else `trunkctl redrive --all-open --by … --why …`."
    findings = [
        Finding(Level.FAILED, f"{_count(count)} {lane} packages open longer than their budget", act)
        for lane, count in packages.overdue.items()
        if count
    ]
    if packages.awaiting > MOST_WAITING:
        says = f"{packages.awaiting} packages wait at intake: for a document, or for a package with the same DocumentId"
        act = "Whose? `trunkctl track ID` says for what and until when."
        findings.append(Finding(Level.WARNING, says, act, "stuck-document"))
    stages = ", ".join(f"{count} {stage}" for stage, count in sorted(packages.by_stage.items()))
    return findings or ok(f"open packages, none over its budget: {stages or 'none'}")


def judge_placings(causes: Sequence[PlacingsSeen]) -> list[Finding]:
    """One line a cause."""
    findings = []
    for each in causes:
        level, act = CAUSES.get(each.cause, (Level.WARNING, "Look at the router's log."))
        since = f", since {local_time(each.oldest_at)}" if each.oldest_at else ""
        units = ", ".join(each.receivers[:5]) + (" …" if len(each.receivers) > 5 else "")
        says = f"{each.count} messages not in their inbox ({each.cause}{since}): {units}"
        page = {"silent": "broker-down", "returned": "parked-messages"}.get(each.cause, "")
        findings.append(Finding(level, says, act, page))
    return findings or ok("every message is in its inbox")


def judge_overdue(count: int) -> list[Finding]:
    """``count``: messages for inboxes that the router should have tried, and has not."""
    if count:
        says = f"{_count(count)} messages for inboxes are over their time by {OVERDUE_SECONDS:.0f} s and not tried"
        act = "Does the router run, and are its queues consumed and its nodes up?"
        return [Finding(Level.FAILED, says, act)]
    return ok("no message for an inbox is over its time")


def judge_submissions(waiting: Mapping[str, int]) -> list[Finding]:
    """``waiting``: submissions by submit queue. A full queue refuses what more its unit publishes."""
    full = [queue for queue, count in waiting.items() if count >= ALMOST_FULL * SUBMIT_LENGTH]
    if full:
        most = ", ".join(sorted(full, key=lambda queue: -waiting[queue])[:5]) + (" …" if len(full) > 5 else "")
        says = f"{len(full)} submit queues are almost full ({SUBMIT_LENGTH}): {most}"
        act = "One unit: it sends more than its rate, or without end. Many: look at intake."
        return [Finding(Level.WARNING, says, act)]
    return ok(f"{sum(waiting.values())} submissions wait in {sum(map(bool, waiting.values()))} queues of units")


def judge_parked(groups: Sequence[Group]) -> list[Finding]:
    """One finding per cause. A quarantined message came from somebody who was not entitled to publish it."""
    findings = []
    for each in groups:
        since = f", oldest {local_time(each.oldest)}" if each.oldest else ""
        says = f"{each.count} {each.state} at {each.service} for {each.reason}, from {each.source} queues{since}"
        if each.state == RecordState.QUARANTINED:
            findings.append(Finding(Level.FAILED, says, "Find out who sent it before anything else.", "quarantine"))
        else:
            act = f"`trunkctl park list --service {each.service} --reason {each.reason}`, then decide."
            findings.append(Finding(Level.WARNING, says, act))
    return findings or ok("nothing waits for an operator's decision")


def judge_dead_letters(depths: Mapping[str, int]) -> list[Finding]:
    """Messages in these queues wait for their service, which normally consumes them at once; not parked yet."""
    act = "Bring the service up: it parks them under their reason."
    deep = [Finding(Level.WARNING, f"{count} messages in {queue}", act) for queue, count in depths.items() if count]
    return deep or ok("no dead letters wait for their service")


def see_open(sources: Sources) -> OpenSeen:
    """Counts of intake's open packages; by the indexes of its own sweeps."""
    packages, now = sources.collection("intake", "packages"), sources.now
    late = {"is_open": True, "stage": Stage.SENT.value, "overdue_at": {"$lte": now}}
    overdue = {lane: packages.count_documents(late | {"lane": lane.value}, limit=MOST_COUNTED) for lane in Lane}
    stages = {
        stage.value: packages.count_documents({"is_open": True, "stage": stage.value}, limit=MOST_COUNTED)
        for stage in Stage
        if stage is not Stage.DISCARDED
    }
    awaiting = sources.collection("intake", WAITING).count_documents({}, limit=MOST_COUNTED)
    return OpenSeen(overdue, {stage: count for stage, count in stages.items() if count}, awaiting)


def see_placings(sources: Sources) -> list[PlacingsSeen]:
    """The router's placings that are not in their inbox, by cause."""
    group = {
        "_id": "$cause",
        "count": {"$sum": 1},
        "receivers": {"$addToSet": "$receiver"},
        "oldest": {"$min": "$opened_at"},
    }
    waiting = {"$match": {"state": {"$in": list(WAITING_STATES)}}}
    rows = sources.collection("router", "placings").aggregate([waiting, {"$group": group}])
    causes = [_placings(row) for row in rows]
    return sorted(causes, key=lambda each: each.cause)


def see_overdue(sources: Sources) -> int:
    """How many messages for inboxes nobody has tried although it was time; at most ``MOST_COUNTED``."""
    before = sources.now - timedelta(seconds=OVERDUE_SECONDS)
    late = {"state": {"$in": list(TRIED)}, "next_attempt_at": {"$lte": before}}
    return int(sources.collection("router", "placings").count_documents(late, limit=MOST_COUNTED))


def see_submissions(sources: Sources) -> dict[str, int]:
    """Messages by submit queue."""
    queues = sources.broker.queues()
    return {name: int(row.get("messages") or 0) for name, row in queues.items() if name.startswith("submit.")}


def see_parked(sources: Sources) -> list[Group]:
    """As `park list` groups them."""
    return HeldMessages(sources.settings, sources.database_prefix).groups(Selection())


def see_dead_letters(sources: Sources) -> dict[str, int]:
    """Messages by dead-letter queue."""
    queues = sources.broker.queues()
    names = [dead_letters(service) for service in SERVICES]
    return {name: int(queues[name].get("messages") or 0) for name in names if name in queues}


def _placings(row: Mapping[str, object]) -> PlacingsSeen:
    oldest, receivers = row.get("oldest"), row.get("receivers")
    return PlacingsSeen(
        cause=words(row["_id"]) or "cause unknown",
        count=int(str(row["count"])),
        receivers=tuple(sorted(map(str, receivers))) if isinstance(receivers, list) else (),
        oldest_at=oldest.replace(tzinfo=oldest.tzinfo or UTC) if isinstance(oldest, datetime) else None,
    )


def _count(number: int) -> str:
    return f"{number} or more" if number >= MOST_COUNTED else str(number)
