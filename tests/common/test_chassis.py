"""A whole service on real servers: what becomes of facts that are handled, fail, are forged, or cannot be read."""

import asyncio
from collections.abc import Awaitable, Callable
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from pamqp.commands import Basic

from common import topology
from common.domain.names import Lane, PackageKind
from common.domain.reason import Reason
from common.facts import FACT_TYPES, BaseFact, OperatorRequested, PackageRepeated
from common.facts.flows import SERVICES
from common.failure import Outage, Permanent, Transient
from common.metrics import REGISTRY
from common.service.record_store import MongoRecords
from common.service.record_transitions import is_taken_before
from common.service.records import MessageRecord, RecordState
from common.service.service import Service

from .conftest import VirtualHost

QUEUE = topology.facts_queue("archive", Lane.NORMAL)
PATIENCE_SECONDS = 120.0


def fact(name: str = "e1", **fields: Any) -> PackageRepeated:
    values = {
        "event_id": name,
        "occurred_at": datetime(2026, 11, 22, tzinfo=UTC),
        "subject": "d" * 32,
        "package_id": "p" * 32,
        "sender": "A.01",
        "document_id": "A.01,2026/11/22,1/TB",
        "kind": PackageKind.NEW,
        "lane": Lane.NORMAL,
        "accepted": True,
        "submitted_at": datetime(2026, 11, 22, tzinfo=UTC),
    }
    return PackageRepeated.model_validate(values | fields)


class RecordingHandler:
    """A handler that keeps what it was given, and fails as planned, run by run."""

    def __init__(self, *failures: Exception | None) -> None:
        self.facts: list[BaseFact] = []
        self._plan = list(failures)

    async def __call__(self, fact: BaseFact) -> None:
        if fact.fact != "package.repeated":
            return
        self.facts.append(fact)
        if self._plan and (failure := self._plan.pop(0)):
            raise failure

    def times(self, event: str) -> int:
        return sum(fact.event_id == event for fact in self.facts)


def archive(vhost: VirtualHost, handler: Callable[[Any], Awaitable[None]], **changes: object) -> Service:
    service = vhost.service("archive", **changes)
    service.on_facts(dict.fromkeys(FACT_TYPES, handler))
    return service


async def announce(vhost: VirtualHost, *facts: BaseFact, user: str = "intake", **properties: Any) -> None:
    """As a service would, with its own account."""
    async with vhost.channel(user) as channel:
        for each in facts:
            await channel.basic_publish(
                each.model_dump_json(exclude_none=True).encode(),
                exchange=topology.FACTS,
                routing_key=each.routing_key,
                properties=Basic.Properties(user_id=user, delivery_mode=2, message_type=each.fact, **properties),
            )


async def raw(vhost: VirtualHost, body: bytes, **properties: Any) -> None:
    """As somebody with an administrator's rights could: straight into the queue."""
    async with vhost.channel() as channel:
        await channel.basic_publish(body, routing_key=QUEUE, properties=Basic.Properties(**properties))


async def until(holds: Callable[[], bool], within_seconds: float = PATIENCE_SECONDS) -> None:
    async with asyncio.timeout(within_seconds):
        while not holds():
            await asyncio.sleep(0.02)


async def held_record(service: Service, state: RecordState, reason: Reason) -> MessageRecord:
    """The record of a message that the service holds."""
    records: Any = service._records
    assert isinstance(records, MongoRecords)
    async with asyncio.timeout(PATIENCE_SECONDS):
        while True:
            row = await records._records.find_one({"state": state.value, "reason": reason.value})
            if row:
                return MessageRecord.model_validate(row)
            await asyncio.sleep(0.05)


async def test_a_fact_is_handled_once(vhost: VirtualHost) -> None:
    handler = RecordingHandler()
    async with archive(vhost, handler).running():
        await announce(vhost, fact("plain"))
        await until(lambda: handler.times("plain") == 1)
        await until(lambda: vhost.depth(QUEUE) == 0)


async def test_an_undecided_fact_comes_back_and_its_record_goes(vhost: VirtualHost) -> None:
    undecided = Transient(Reason.E_SIG_REVOCATION_UNKNOWN, "stale")
    handler, service = RecordingHandler(undecided), archive(vhost, lambda fact: handler(fact))
    async with service.running():
        await announce(vhost, fact("undecided"))
        await until(lambda: handler.times("undecided") == 1)
        records: Any = service._records
        async with asyncio.timeout(PATIENCE_SECONDS):
            while (row := await records._records.find_one({"state": "waiting"})) is None:
                await asyncio.sleep(0.02)
        await records._records.update_one({"_id": row["_id"]}, {"$set": {"next_attempt_at": datetime.now(UTC)}})
        await until(lambda: handler.times("undecided") == 2)
        await until(lambda: vhost.depth(QUEUE) == 0)
        assert await records.find(row["_id"]) is None


async def test_an_outage_is_waited_for_and_counts_nothing(vhost: VirtualHost) -> None:
    handler = RecordingHandler(*[Outage("database", "away")] * 3)
    service = archive(vhost, handler)
    async with service.running():
        await announce(vhost, fact("outage"))
        await until(lambda: handler.times("outage") == 4)
        await until(lambda: vhost.depth(QUEUE) == 0)
        records: Any = service._records
        assert await records._records.count_documents({"state": "waiting"}) == 0


async def test_a_final_failure_is_parked_with_its_reason_and_replayed_where_it_is_kept(vhost: VirtualHost) -> None:
    handler = RecordingHandler(Permanent(Reason.E_REFDOC, "no such document"))
    service = archive(vhost, handler)
    async with service.running():
        await announce(vhost, fact("final"))
        record = await held_record(service, RecordState.PARKED, Reason.E_REFDOC)
        assert (record.queue, record.user_id, record.detail) == (QUEUE, "intake", "no such document")
        assert record.about.document_id == "A.01,2026/11/22,1/TB"
        died_at = record.dead_letters[0]
        await announce(vhost, request(record, "replay"), user="operator")
        await until(lambda: handler.times("final") == 2)
        records: Any = service._records
        async with asyncio.timeout(PATIENCE_SECONDS):
            while (replayed := await records.find(record.record_id)).state is not RecordState.REPLAYED:
                await asyncio.sleep(0.02)
        decided_later = replayed.model_copy(update={"parked_at": replayed.parked_at - timedelta(minutes=1)})
        assert is_taken_before(decided_later, died_at), "if the broker delivers it again"


def request(record: MessageRecord, action: Any) -> OperatorRequested:
    return OperatorRequested(
        event_id=f"{record.record_id}:{action}:1",
        occurred_at=datetime.now(UTC),
        subject=record.record_id,
        lane=Lane.NORMAL,
        target="archive",
        record_id=record.record_id,
        action=action,
        actor="Lan",
        purpose="test",
    )


@pytest.mark.parametrize(
    ("body", "properties"),
    [
        (b"{", {"content_type": "application/json"}),
        (b"\xff\xfe\x00", {}),
        (b"", {}),
        (b'{"fact": "no.such.fact"}', {"content_type": "application/json"}),
        (b'{"fact": "package.repeated"}', {"reply_to": "trunk.facts"}),
        (b"null", {}),
        (b"[1,2", {"headers": {"x-event-id": "forged", "big": "h" * 9000}}),
        (b"[" * 100_000, {}),
    ],
    ids=range(8),
)
async def test_what_nobody_vouches_for_is_quarantined_at_once_and_the_queue_moves_on(
    vhost: VirtualHost, body: bytes, properties: dict[str, Any]
) -> None:
    handler, service = RecordingHandler(), archive(vhost, lambda fact: handler(fact))
    async with service.running():
        await raw(vhost, body, **properties)
        record = await held_record(service, RecordState.QUARANTINED, Reason.E_FORGED)
        assert record.user_id is None
        await announce(vhost, fact("next"))
        await until(lambda: handler.times("next") == 1)
        records: Any = service._records
        await records._records.delete_many({})


@pytest.mark.parametrize("user", ["intake", "validator", "router", "notifier", "operator"])
async def test_what_a_service_writes_badly_is_parked(vhost: VirtualHost, user: str) -> None:
    key = {"operator": "operator.requested"}.get(user, "security.noticed")
    handler, service = RecordingHandler(), archive(vhost, lambda fact: handler(fact))
    async with service.running():
        async with vhost.channel(user) as channel:
            await channel.basic_publish(
                b'{"fact": 5}',
                exchange=topology.FACTS,
                routing_key=f"{key}.normal",
                properties=Basic.Properties(user_id=user),
            )
        await held_record(service, RecordState.PARKED, Reason.E_FACT)
        records: Any = service._records
        await records._records.delete_many({})


async def test_a_fact_of_another_service_is_quarantined_and_a_security_event(vhost: VirtualHost) -> None:
    """The key is the publisher's own; the body claims to be somebody else's fact."""
    security: list[Any] = []

    async def handler(fact: BaseFact) -> None:
        if fact.fact == "security.noticed":
            security.append(fact)

    service = archive(vhost, handler)
    async with service.running():
        async with vhost.channel("notifier") as channel:
            await channel.basic_publish(
                fact("forged").model_dump_json().encode(),
                exchange=topology.FACTS,
                routing_key="notification.sent.normal",
                properties=Basic.Properties(user_id="notifier", message_type="package.repeated"),
            )
        record = await held_record(service, RecordState.QUARANTINED, Reason.E_FORGED)
        await until(lambda: bool(security))
    assert (record.user_id, security[0].kind, security[0].actor) == ("notifier", "FORGED_FACT", "notifier")


async def test_a_bug_is_counted_while_others_succeed_and_parked_at_the_limit(vhost: VirtualHost) -> None:
    async def handler(fact: BaseFact) -> None:
        if fact.event_id == "bug":
            runs.append(fact)
            raise ZeroDivisionError("bug")

    runs: list[BaseFact] = []
    service = archive(vhost, handler)
    async with service.running():
        await announce(vhost, fact("fine"), fact("bug"))
        record = await held_record(service, RecordState.PARKED, Reason.E_ATTEMPTS)
    assert record.detail
    assert topology.DELIVERY_LIMIT < len(runs) <= topology.DELIVERY_LIMIT + 2


def test_a_queue_of_facts_has_no_limit_so_that_none_refuses_what_others_took(vhost: VirtualHost) -> None:
    for queue in vhost.topology.queues:
        if queue.name.startswith(("facts.", "place.")):
            assert not {"x-max-length", "x-max-length-bytes"} & queue.arguments.keys()


def test_every_queue_that_is_consumed_loses_nothing() -> None:
    whole = topology.static_topology()
    dead = {topology.dead_letters(service) for service in SERVICES}
    for queue in whole.queues:
        if queue.name == topology.PROGRESS:  # heard, not consumed
            continue
        assert queue.arguments["x-queue-type"] == "quorum"
        if queue.name == topology.MARK:  # nobody consumes it
            continue
        if queue.name in dead or queue.name == topology.BROKER_EVENTS:
            assert queue.arguments["x-delivery-limit"] == topology.NO_LIMIT
            continue
        assert queue.arguments["x-delivery-limit"] == topology.DELIVERY_LIMIT
        assert queue.arguments["x-overflow"] == "reject-publish"
        assert queue.arguments["x-dead-letter-strategy"] == "at-least-once"
        assert queue.arguments["x-dead-letter-exchange"] in dead


def test_a_service_that_takes_other_facts_than_the_table_says_does_not_start(vhost: VirtualHost) -> None:
    named = r"takes other facts than the table says: delivery\.waiting, document\.refused"
    with pytest.raises(ValueError, match=named):
        vhost.service("intake").on_facts({})
    with pytest.raises(ValueError, match=r"package\.repeated"):
        vhost.service("notifier").on_facts({PackageRepeated: RecordingHandler()})


async def test_readiness_names_what_is_missing(vhost: VirtualHost) -> None:
    service = archive(vhost, RecordingHandler())

    async def away() -> None:
        raise ConnectionError("gone fishing")

    service.needs("something", away)
    report = await service.readiness.report()
    assert report["something"] == "gone fishing"
    assert report["rabbitmq"] == "publisher is not connected"
    async with service.running():
        async with asyncio.timeout(PATIENCE_SECONDS):
            while (report := await service.readiness.report())["rabbitmq"] != "ok":
                await asyncio.sleep(0.05)
    assert {name for name, answer in report.items() if answer == "ok"} == set(report) - {"something"}
    up = {"service": "archive", "dependency": "something"}
    assert REGISTRY.get_sample_value("trunk_dependency_up", up) == 0


def test_what_runs_and_by_which_settings_is_exported(vhost: VirtualHost) -> None:
    vhost.service("archive", version="1.4.0", revision="abc123", budget_urgent_seconds=61.0)
    build = {"service": "archive", "version": "1.4.0", "revision": "abc123"}
    assert REGISTRY.get_sample_value("trunk_build_info", build) == 1
    assert REGISTRY.get_sample_value("trunk_urgency_budget_seconds", {"urgency": "urgent"}) == 61
    assert (REGISTRY.get_sample_value("trunk_schema_version", {"service": "archive"}) or 0) >= 1


@pytest.mark.parametrize("service", SERVICES)
@pytest.mark.parametrize(("lane", "lanes"), [(None, set(Lane)), (Lane.NORMAL, {"normal"}), (Lane.URGENT, {"urgent"})])
def test_a_process_consumes_both_lanes_or_the_one_its_settings_name(
    vhost: VirtualHost, service: str, lane: Lane | None, lanes: set[str]
) -> None:
    assert set(vhost.service(service, lane=lane).lanes) == lanes
