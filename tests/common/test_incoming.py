"""What of a message is believed: an allow-list, whatever a publisher writes beside it."""

from datetime import UTC, datetime
from types import SimpleNamespace
from typing import Any

import pytest

from common.service.incoming import incoming, message_key

AT = datetime(2026, 11, 22, tzinfo=UTC)
OLD_HEADERS = {"x-user-id": "victim", "x-park-queue": "inbox.victim", "x-attempt": 9, "x-event-id": "forged"}
DEATHS = [
    {
        "queue": "submit.A.01.normal",
        "reason": "rejected",
        "exchange": "trunk.submit",
        "routing-keys": ["submit.A.01"],
        "time": AT,
    },
    {"queue": "inbox.victim", "reason": "expired", "exchange": "", "routing-keys": ["x"]},
]


def delivered(body: bytes = b"x", redelivered: bool = False, headers: Any = None, **properties: Any) -> Any:
    """A delivery of the client library."""
    names = ("user_id", "message_type", "content_type", "message_id", "correlation_id", "timestamp")
    values = dict.fromkeys(names) | properties | {"headers": headers}
    return SimpleNamespace(
        body=body,
        redelivered=redelivered,
        exchange="trunk.facts",
        routing_key="package.accepted.normal",
        header=SimpleNamespace(properties=SimpleNamespace(**values)),
    )


def test_headers_of_a_sender_say_nothing() -> None:
    message = incoming("submit.A.01.normal", delivered(headers=OLD_HEADERS | {"x-death": DEATHS}, user_id="A.01"))
    assert (message.labels, message.trace, message.death, message.failures) == ({}, {}, None, 0)
    assert message.user_id == "A.01"


@pytest.mark.parametrize("user", ["A.01", "operator", "guest", None])
def test_our_own_labels_count_only_from_our_services(user: str | None) -> None:
    assert incoming("inbox.A.01", delivered(headers={"x-package-id": "p"}, user_id=user)).labels == {}


def test_labels_of_a_service_are_read() -> None:
    message = incoming("facts.archive.normal", delivered(headers={"x-package-id": "p", "y": "z"}, user_id="router"))
    assert message.labels == {"x-package-id": "p"}


def test_a_death_counts_only_in_a_queue_of_dead_letters() -> None:
    message = incoming("trunk.dead.intake", delivered(headers={"x-death": DEATHS}, user_id="A.01"))
    assert message.death is not None
    assert message.death.at == AT
    before = message.before_death
    assert (before.queue, before.exchange, before.routing_key) == ("submit.A.01.normal", "trunk.submit", "submit.A.01")
    assert before.key == incoming("submit.A.01.normal", delivered(user_id="A.01")).key != message.key


@pytest.mark.parametrize(
    "deaths", [None, [], "x", [5], [{"queue": 5, "routing-keys": "no list", "time": "now"}], {"queue": "q"}]
)
def test_an_odd_death_names_no_queue(deaths: Any) -> None:
    message = incoming("trunk.dead.intake", delivered(headers={"x-death": deaths}))
    assert message.before_death.queue == ""
    assert message.death is not None
    assert message.death.at is None


@pytest.mark.parametrize(
    ("redelivered", "count", "failures"),
    [(False, 19, 0), (True, 19, 19), (True, "19", 0), (True, -5, 0), (True, None, 0), (True, True, 0)],
)
def test_the_broker_s_count_is_believed_of_redelivered_messages(redelivered: bool, count: Any, failures: int) -> None:
    headers = {"x-delivery-count": count}
    assert incoming("facts.router.normal", delivered(redelivered=redelivered, headers=headers)).failures == failures


@pytest.mark.parametrize(
    "odd",
    [b"bytes", 5, 1e300, "x" * 256, "new\nline", "zero\0", "\ud800", ["list"], {"table": 1}, None, True],
    ids=repr,
)
def test_what_is_no_short_printable_text_reads_as_absent(odd: Any) -> None:
    names = ("user_id", "message_type", "content_type", "message_id", "correlation_id")
    message = incoming("facts.router.normal", delivered(headers={"traceparent": odd}, **dict.fromkeys(names, odd)))
    read = (message.user_id, message.type, message.content_type, message.message_id, message.correlation_id)
    assert read == (None, "", "", "", "")
    assert message.trace == {}


@pytest.mark.parametrize("odd", [5, "yesterday", None, 1e300])
def test_an_odd_timestamp_reads_as_absent(odd: Any) -> None:
    assert incoming("facts.router.normal", delivered(timestamp=odd)).published_at is None


def test_a_message_is_known_by_publisher_queue_and_bytes_alone() -> None:
    keys = {
        message_key(queue, user, body)
        for queue in ("submit.A.normal", "submit.B.normal")
        for user in ("A", "B", None)
        for body in (b"x", b"y")
    }
    assert len(keys) == 12
    one, two = delivered(message_id="1", user_id="A"), delivered(message_id="2", user_id="A", headers=OLD_HEADERS)
    assert incoming("submit.A.normal", one).key == incoming("submit.A.normal", two).key


def test_reports_of_the_broker_are_told_apart_although_their_bodies_are_empty() -> None:
    reports = [
        incoming("broker.events", delivered(b"", headers={"name": name, "timestamp_in_ms": 1_795_845_856_329}))
        for name in ("A.01", "B.02")
    ]
    assert reports[0].key != reports[1].key
    assert reports[0].report["name"] == "A.01"
    assert incoming("facts.archive.normal", delivered(headers={"name": "x"})).report == {}
