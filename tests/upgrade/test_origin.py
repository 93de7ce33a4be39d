"""In whose name a message of the former queues goes on, and where to: all shapes that were recorded."""

from datetime import date
from typing import Any

import pytest

from common import topology
from common.domain.directory import Directory, Unit
from common.domain.names import Lane
from common.facts.flows import FLOWS, SERVICES
from tests.upgrade.recorded import MESSAGES, forged, former_message
from trunkctl.takeover.former import PARK, RETRY_SECONDS, WORK
from trunkctl.takeover.origin import FormerMessage, destination, publisher

UNITS = ("000.00.00.H29", "000.00.01.H29", "000.00.14.H29", "H29.901.01", "H29.902.01", "H29.903.01")
DIRECTORY = Directory([Unit(code=code, name=code, valid_from=date(2025, 7, 1)) for code in UNITS])
VICTIM, ATTACKER = "000.00.00.H29", "000.00.01.H29"
FACTS = [message for message in MESSAGES if message["type"] in FLOWS]
LIES = {
    "x-user-id": VICTIM,
    "x-park-queue": "trunk.intake.normal",
    "x-park-service": "intake",
    "x-attempt": 3,
    "x-first-failed-at": "2026-01-01T00:00:00+00:00",
}


@pytest.mark.parametrize("message", FACTS, ids=lambda m: f"{m['queue']} {m['user_id']} {m['type']}")
def test_a_recorded_fact_goes_on_in_its_makers_name(message: dict[str, Any]) -> None:
    goes = destination(former_message(message), DIRECTORY)
    is_forged = message["user_id"] == "notifier" and message["type"] == "document.verified"
    assert goes.user_id in FLOWS[message["type"]].made_by or is_forged
    queue = goes.death.queue if goes.death else goes.queue
    assert queue.startswith("facts.")
    assert not goes.death or message["queue"] == PARK


@pytest.mark.parametrize("message", MESSAGES, ids=lambda m: f"{m['queue']} {m['user_id']} {m['type']}")
def test_no_recorded_message_goes_on_as_the_victim_unless_the_victim_published_it(message: dict[str, Any]) -> None:
    goes = destination(former_message(message), DIRECTORY)
    if message.get("body", "").startswith("<forged"):
        assert goes.user_id != VICTIM
    assert goes.user_id not in UNITS or goes.user_id in (message["user_id"], message["headers"].get("x-user-id"))


@pytest.mark.parametrize(
    ("name", "user"),
    [
        ("own name, lying headers", ATTACKER),
        ("own name, parked by the broker", ATTACKER),
        ("anonymous, replayed", None),
        ("anonymous, parked by the broker", None),
        ("notifier parks a fact", "notifier"),
        ("notifier parks a submission", "notifier"),
        ("notifier forges a death", "notifier"),
        ("nobody parks a submission", None),
        ("to an inbox after a pause", "notifier"),
        ("to intake after a pause", "notifier"),
        ("to the router after a pause", "notifier"),
    ],
)
def test_what_was_forged_goes_on_in_no_other_name(name: str, user: str | None) -> None:
    messages = forged(name)
    assert messages, "not recorded"
    for message in messages:
        assert destination(former_message(message), DIRECTORY).user_id == user


def test_nothing_that_waited_on_the_ladder_reaches_an_inbox() -> None:
    (message,) = forged("to an inbox after a pause")
    goes = destination(former_message(message), DIRECTORY)
    assert goes.address == ("trunk.dead.notifier", "")


@pytest.mark.parametrize("queue", [*WORK, *RETRY_SECONDS, PARK])
@pytest.mark.parametrize("user", [ATTACKER, *SERVICES[1:], "operator", None])
def test_only_the_owners_word_counts(queue: str, user: str | None) -> None:
    """Whoever else writes every header there is speaks in their own name, or in nobody's."""
    key = "trunk.intake.normal" if queue in RETRY_SECONDS else queue
    goes = destination(FormerMessage(queue=queue, routing_key=key, user_id=user, headers=LIES), DIRECTORY)
    owner = WORK[queue].service if queue in WORK else "intake"
    assert goes.user_id == user or (user == owner and goes.user_id == VICTIM)


@pytest.mark.parametrize("service", SERVICES)
@pytest.mark.parametrize("replays", [0, 1, None, "x"])
def test_a_copy_of_what_an_operator_had_replayed_is_nobodys(service: str, replays: object) -> None:
    headers = {"x-user-id": VICTIM, "x-replay": replays}
    assert publisher(service, service, headers) is None
    assert publisher(service, "operator", headers) is None


@pytest.mark.parametrize("claimed", [None, "", "operator", 7, b"x", ["x"], {"a": 1}, "a\nb", "\ud800", "x" * 256])
def test_a_claim_that_is_no_user_is_nobodys(claimed: object) -> None:
    assert publisher("intake", "intake", {"x-user-id": claimed}) is None


def test_the_archives_own_fact_stays_its_own() -> None:
    assert publisher("archive", "archive", {"x-event-id": "1"}) == "archive"


def test_an_operators_own_fact_stays_the_operators() -> None:
    assert publisher("archive", "operator", {}) == "operator"


@pytest.mark.parametrize("lane", list(Lane))
def test_a_submission_goes_to_its_units_queue(lane: Lane) -> None:
    queue = f"trunk.intake.{lane}"
    goes = destination(FormerMessage(queue=queue, routing_key="", user_id=ATTACKER, headers={}), DIRECTORY)
    assert (goes.queue, goes.death) == (topology.submit_queue(ATTACKER, lane), None)


def test_a_submission_of_no_unit_is_parked_by_intake() -> None:
    goes = destination(
        FormerMessage(queue="trunk.intake.normal", routing_key="", user_id="stranger", headers={}), DIRECTORY
    )
    assert goes.address == ("trunk.dead.intake", "")


@pytest.mark.parametrize(
    ("queue", "deaths", "owner"),
    [
        ("trunk.router.urgent", None, "router"),
        ("", [{"queue": "trunk.archive.normal", "reason": "delivery_limit"}], "archive"),
        ("", [{"queue": "inbox.H29.901.01", "reason": "rejected"}], "router"),
        ("", [{"queue": ["no text"]}], "router"),
        ("", ["no table"], "router"),
        ("made.up", None, "router"),
        ("facts.intake.normal", None, "router"),
    ],
)
def test_a_parked_message_goes_to_the_dead_letters_of_the_service_that_had_it(
    queue: str, deaths: list[Any] | None, owner: str
) -> None:
    headers = {"x-park-queue": queue} | ({"x-death": deaths} if deaths else {})
    goes = destination(FormerMessage(queue=PARK, routing_key=queue, user_id=None, headers=headers), DIRECTORY)
    assert goes.address == (f"trunk.dead.{owner}", "")


def test_a_long_reason_is_cut_to_what_the_services_read() -> None:
    headers = {"x-park-queue": "trunk.router.normal", "x-park-reason": "E_X", "x-park-detail": "ệ\n" * 400}
    goes = destination(FormerMessage(queue=PARK, routing_key="", user_id="router", headers=headers), DIRECTORY)
    assert goes.death
    assert len(goes.death.reason.encode()) <= 255
    assert goes.death.reason.isprintable()


def test_of_another_queue_nothing_is_decided() -> None:
    with pytest.raises(KeyError):
        destination(FormerMessage(queue="inbox.H29.901.01", routing_key="", user_id="router", headers={}), DIRECTORY)
