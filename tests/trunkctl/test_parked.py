"""The parking lot as values: reading, grouping, choosing, copying."""

from typing import Any

from common import headers
from common.domain.names import Lane
from common.topology import facts_queue, inbox_queue, submit_queue
from trunkctl.parked import chosen, grouped, parked, replay_headers

ROUTER = facts_queue("router", Lane.NORMAL)


def told(**changes: Any) -> dict[str, Any]:
    found = {
        headers.PARK_REASON: "E_FACT",
        headers.PARK_DETAIL: "no such field",
        headers.PARK_QUEUE: ROUTER,
        headers.PARK_SERVICE: "router",
        headers.PARKED_AT: "2026-11-22T12:00:00+00:00",
        headers.DOCUMENT_ID: "A.01,2026/11/22,1/VP",
        headers.PACKAGE_ID: "p1",
        headers.ATTEMPT: 3,
    }
    return found | {getattr(headers, name): value for name, value in changes.items()}


def test_headers_say_who_parked_what_and_why() -> None:
    found = parked(told(), "m1")
    assert (found.reason, found.service, found.queue, found.attempts) == ("E_FACT", "router", ROUTER, 3)
    assert found.document == "A.01,2026/11/22,1/VP"
    assert found.ids == {"A.01,2026/11/22,1/VP", "p1", "m1"}
    assert found.replayable


def test_what_the_broker_parked_itself_is_told_by_its_death() -> None:
    queue = submit_queue(Lane.URGENT)
    found = parked({"x-death": [{"queue": queue, "reason": "delivery_limit", "count": 1}]}, "m1")
    assert (found.reason, found.service, found.queue) == ("E_ATTEMPTS", "intake", queue)
    assert found.detail == "delivery_limit"
    assert found.document == "m1"
    assert found.replayable


def test_an_inbox_message_goes_back_to_its_inbox() -> None:
    found = parked({"x-death": [{"queue": inbox_queue("A.01"), "reason": "delivery_limit"}]})
    assert found.replayable


def test_a_message_without_origin_stays() -> None:
    assert not parked({}).replayable
    assert not parked(told(PARK_QUEUE="somewhere.else")).replayable


def test_groups_are_ordered_by_size_and_members_by_time() -> None:
    late, early = parked(told(PARKED_AT="2026-11-22T13")), parked(told(PARKED_AT="2026-11-22T11"))
    alone = parked(told(PARK_REASON="E_ATTEMPTS"))
    groups = grouped([alone, late, early])
    assert [(group.reason, len(group.members)) for group in groups] == [("E_FACT", 2), ("E_ATTEMPTS", 1)]
    assert groups[0].members == (early, late)


def test_nothing_named_means_nothing() -> None:
    message = parked(told(), "m1")
    assert not chosen(message, (), (), everything=False)
    assert chosen(message, (), (), everything=True)
    assert chosen(message, ("p1",), (), everything=False)
    assert chosen(message, (), ("E_FACT",), everything=False)
    assert not chosen(message, ("p2",), ("E_DUP",), everything=False)


def test_a_copy_starts_anew_and_says_how_often() -> None:
    first = replay_headers(told(), "A.01")
    assert first == {
        headers.DOCUMENT_ID: "A.01,2026/11/22,1/VP",
        headers.PACKAGE_ID: "p1",
        headers.REPLAY: 1,
        headers.USER_ID: "A.01",
    }
    assert replay_headers(first, "operator")[headers.REPLAY] == 2


def test_a_copy_keeps_the_user_who_submitted() -> None:
    kept = replay_headers(told(USER_ID="A.01"), "intake")
    assert kept[headers.USER_ID] == "A.01"


def test_a_copy_carries_nothing_of_the_brokers() -> None:
    kept = replay_headers({"x-death": [{}], "x-delivery-count": 3, "traceparent": "00-1"}, None)
    assert kept == {"traceparent": "00-1", headers.REPLAY: 1}
