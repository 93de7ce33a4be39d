"""The take-over, step by step, on the real broker: nothing is lost, whatever comes early, late, twice or half."""

import asyncio
import secrets
from collections import Counter
from functools import partial

import pytest
from pika.exceptions import ConnectionClosedByBroker, NackError

from common.domain.names import Lane
from common.facts.flows import SERVICES
from common.topology import FACTS, INBOX, SUBMIT
from tests.harness.broker_users import USERS_FILE
from tests.upgrade.conftest import DIRECTORY, OTHER, UNIT, FormerTrunk
from trunkctl.command_error import CommandError
from trunkctl.takeover import former
from trunkctl.takeover.former import PARK, WORK
from trunkctl.takeover.job import TakeOver, remains
from trunkctl.takeover.move import mover
from trunkctl.takeover.one_run import USER, temporary_user
from trunkctl.takeover.origin import Destination, FormerMessage, destination
from trunkctl.takeover.remains import Remains, leftovers
from trunkctl.units.access import BrokerAccess

VERIFIED = "document.verified.normal"


def fill(trunk: FormerTrunk, count: int = 3) -> dict[str, list[str]]:
    """Submissions, facts, copies on the ladder and in the parking lot, as the former release published them."""
    bodies = {kind: [f"{kind} {number}" for number in range(count)] for kind in ("submission", "fact", "retry", "park")}
    for body in bodies["submission"]:
        trunk.publish(UNIT.user, SUBMIT, f"submit.{UNIT.code}", body)
    for body in bodies["fact"]:
        trunk.publish("validator", FACTS, VERIFIED, body)
    for body in bodies["retry"]:
        trunk.publish("router", "trunk.retry.1h", "trunk.router.normal", body, headers={"x-user-id": "validator"})
    for body in bodies["park"]:
        headers = {"x-user-id": UNIT.user, "x-park-queue": "trunk.intake.normal", "x-park-service": "intake"}
        trunk.publish("intake", PARK, "trunk.intake.normal", body, headers=headers)
    return bodies


def read_all(trunk: FormerTrunk) -> None:
    """Every service of this release runs."""
    for service in SERVICES:
        trunk.read(service)


def test_apply_leaves_everything_as_it_is_and_again_changes_nothing(trunk: FormerTrunk) -> None:
    bodies = fill(trunk)
    before = trunk.admin.bindings()
    trunk.apply()
    assert trunk.differences() == []
    trunk.apply()
    assert trunk.differences() == []
    assert before <= trunk.admin.bindings()
    assert len(leftovers(remains(trunk.admin))) == len(former.QUEUES) + len(former.EXCHANGES) + len(DIRECTORY.units)
    trunk.publish("validator", FACTS, VERIFIED, "during")
    assert trunk.bodies("trunk.router.normal") == [*bodies["fact"], "during"]
    assert trunk.bodies("facts.router.normal") == []


def test_a_service_of_the_former_release_goes_on_retrying_and_parking(trunk: FormerTrunk) -> None:
    trunk.apply()
    trunk.publish("router", "trunk.retry.10s", "trunk.router.normal", "retry")
    trunk.publish("router", PARK, "trunk.router.normal", "park")
    trunk.publish("router", INBOX, UNIT.code, "document")
    assert trunk.bodies(f"inbox.{UNIT.code}") == ["document"]
    with pytest.raises(Exception, match="ACCESS_REFUSED"):
        trunk.publish(UNIT.user, PARK, "", "a unit may not")


def test_a_unit_may_be_provisioned_meanwhile(trunk: FormerTrunk) -> None:
    """Its inbox cannot get other arguments, and its keys must not lead to two queues."""
    trunk.apply()
    BrokerAccess(trunk.admin, USERS_FILE, trunk.passwords, DIRECTORY, frozenset()).provision(UNIT)
    assert trunk.differences() == []
    trunk.publish(UNIT.user, SUBMIT, f"submit.{UNIT.code}", "submission")
    assert trunk.bodies("trunk.intake.normal") == ["submission"]
    assert trunk.bodies(f"submit.{UNIT.code}.normal") == []


def test_a_queue_is_not_switched_before_the_new_release_reads_what_follows_it(trunk: FormerTrunk) -> None:
    bodies = fill(trunk)
    trunk.take_over()
    assert trunk.bodies("trunk.router.normal") == bodies["fact"]
    trunk.publish("validator", FACTS, VERIFIED, "still")
    assert trunk.bodies("trunk.router.normal") == [*bodies["fact"], "still"]
    assert "trunk.router.normal: router of this release does not read what follows it yet" in trunk.said


def test_one_service_after_the_other_may_be_switched(trunk: FormerTrunk) -> None:
    fill(trunk)
    trunk.apply()
    trunk.read("router")
    trunk.take_over()
    trunk.publish("validator", FACTS, VERIFIED, "later")
    assert trunk.bodies("trunk.router.normal") == []
    assert trunk.bodies("trunk.archive.normal")[-1] == "later", "the archive of the former release has not been rolled"
    assert remains(trunk.admin).queues == set(former.QUEUES), "the ladder is shared: it stays to the last"


def test_a_queue_that_the_former_release_reads_is_left_to_it(trunk: FormerTrunk) -> None:
    fill(trunk)
    trunk.apply()
    read_all(trunk)
    straggler = trunk.channel("router")
    straggler.basic_consume("trunk.router.normal", lambda *_: None)
    trunk.take_over()
    assert "trunk.router.normal: 1 consumers of the former release still read it; stop them" in trunk.said
    assert remains(trunk.admin).queues == set(former.QUEUES)
    straggler.connection.close()
    trunk.take_over()
    assert remains(trunk.admin).queues == set()


def test_the_sessions_in_other_virtual_hosts_stay_open(trunk: FormerTrunk, other_virtual_host: str) -> None:
    """Users belong to the broker: a service may work in another virtual host under the same name."""
    trunk.apply()
    here, elsewhere = (trunk.channel("router", name).connection for name in (None, other_virtual_host))
    trunk.admin.end_sessions_here(["router"], "a test")
    elsewhere.process_data_events()
    with pytest.raises(ConnectionClosedByBroker, match="a test"):
        here.process_data_events()
    trunk.admin.end_sessions_here(["router"], "nobody is there any more")


def test_everything_arrives_once_in_the_right_name_and_the_former_objects_go(trunk: FormerTrunk) -> None:
    bodies = fill(trunk)
    trunk.apply()
    read_all(trunk)
    left = trunk.take_over()
    trunk.close_sessions()
    assert left.queues == set()
    assert trunk.differences() == []
    facts = trunk.messages("facts.router.normal")
    assert sorted(body for body, _ in facts) == sorted(bodies["fact"] + bodies["retry"])
    assert {properties.user_id for _, properties in facts} == {"validator"}
    submissions = trunk.messages(f"submit.{UNIT.code}.normal")
    assert [body for body, _ in submissions] == bodies["submission"]
    assert {properties.user_id for _, properties in submissions} == {UNIT.user}
    parked = trunk.messages("trunk.dead.intake")
    assert [body for body, _ in parked] == bodies["park"]
    assert {p.user_id for _, p in parked} == {UNIT.user}
    assert {p.headers["x-death"][0]["queue"] for _, p in parked} == {f"submit.{UNIT.code}.normal"}
    assert trunk.bodies("facts.archive.normal") == bodies["fact"]


def users_of_runs(trunk: FormerTrunk) -> set[str]:
    return {user for user in trunk.admin.rights().users if user.startswith(f"{USER}.{trunk.admin.vhost}.")}


def test_the_user_of_the_take_over_is_gone_afterwards(trunk: FormerTrunk) -> None:
    trunk.admin.set_password(f"{USER}.{trunk.admin.vhost}.killed", secrets.token_hex(8), "impersonator")
    trunk.take_over()
    assert users_of_runs(trunk) == set()


def test_a_second_take_over_says_that_one_is_at_work_and_disturbs_nothing(trunk: FormerTrunk) -> None:
    bodies = fill(trunk)
    trunk.apply()
    read_all(trunk)

    async def run(job: TakeOver) -> Remains:
        before = users_of_runs(trunk)
        with pytest.raises(CommandError, match=f"Another take-over is at work in the virtual host {trunk.admin.vhost}"):
            await asyncio.to_thread(trunk.take_over)
        assert users_of_runs(trunk) == before
        return await job.run()

    assert trunk.take_over(run).queues == set()
    trunk.close_sessions()
    facts = [body for body, _ in trunk.messages("facts.router.normal")]
    assert sorted(facts) == sorted(bodies["fact"] + bodies["retry"])
    assert trunk.take_over().queues == set(), "the next run finds the lock free"


def test_take_overs_in_two_virtual_hosts_do_not_disturb_each_other(trunk: FormerTrunk, other_virtual_host: str) -> None:
    there = trunk.admin_of(other_virtual_host)

    async def run(job: TakeOver) -> Remains:
        with temporary_user(there, f"amqp://nobody@{trunk.address}/") as url:
            async with mover(url, there, partial(destination, directory=DIRECTORY)):
                pass
        return await job.run()

    fill(trunk)
    trunk.apply()
    read_all(trunk)
    assert trunk.take_over(run).queues == set()


def test_what_is_published_while_keys_are_switched_is_in_a_queue_of_each_service(trunk: FormerTrunk) -> None:
    trunk.apply()
    read_all(trunk)
    sent: list[str] = []

    class Publishing(list[str]):
        """Publishes a fact whenever the take-over says or does something."""

        def append(self, line: str) -> None:
            super().append(line)
            publish()

    def publish() -> None:
        sent.append(f"fact {len(sent)}")
        trunk.publish("validator", FACTS, VERIFIED, sent[-1])

    declare, unbind = trunk.admin.declare, trunk.admin.unbind
    trunk.said = Publishing()
    trunk.admin.declare = lambda topology: (declare(topology), publish())[0]  # type: ignore[method-assign]
    trunk.admin.unbind = lambda binding: (unbind(binding), publish())[0]  # type: ignore[method-assign]
    trunk.take_over()
    trunk.close_sessions()
    assert len(sent) > 40
    for service in ("router", "archive"):
        counts = Counter(trunk.bodies(f"facts.{service}.normal"))
        assert set(counts) == set(sent)
        assert sum(counts.values()) <= len(sent) + 2, "only what comes between binding and unbinding lies in both"


@pytest.mark.parametrize("after", [1, 4, 9])
def test_a_take_over_that_breaks_off_is_continued(trunk: FormerTrunk, after: int) -> None:
    bodies = fill(trunk)
    trunk.apply()
    read_all(trunk)
    decided = 0

    def decide(message: FormerMessage) -> Destination:
        nonlocal decided
        decided += 1
        if decided > after:
            raise OSError("broken off")
        return destination(message, DIRECTORY)

    with pytest.raises(CommandError):
        trunk.take_over(decide=decide)
    assert trunk.take_over().queues == set()
    trunk.close_sessions()
    arrived = trunk.bodies("facts.router.normal") + trunk.bodies(f"submit.{UNIT.code}.normal")
    assert set(arrived) == {*bodies["fact"], *bodies["retry"], *bodies["submission"]}
    assert set(trunk.bodies("trunk.dead.intake")) == set(bodies["park"])


def test_a_queue_with_a_message_on_its_way_to_dead_letters_is_not_removed(trunk: FormerTrunk) -> None:
    """Nobody can take such a message, and the queue itself does not count it."""
    trunk.apply()
    read_all(trunk)
    short = {"pattern": r"^trunk\.retry\.10s$", "definition": {"message-ttl": 1}, "priority": 1, "apply-to": "all"}
    trunk.admin.put(f"/policies/{trunk.admin.vhost}/short", short)
    trunk.publish("router", "trunk.retry.10s", "a.queue.that.does.not.exist", "stuck")
    left = trunk.take_over()
    assert {"trunk.retry.10s", *WORK} <= left.queues
    assert "trunk.retry.10s: still holds messages; run this again" in trunk.said


def fill_up(trunk: FormerTrunk, queue: str) -> None:
    """Publish until the queue refuses: a limit holds a moment after its policy, and a few messages late."""
    for _ in range(500):
        try:
            trunk.publish("admin", "", queue, "earlier")
        except NackError:
            return
    pytest.fail(f"{queue} takes everything")


def test_a_full_queue_makes_the_rest_wait_where_it_is(trunk: FormerTrunk, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("trunkctl.takeover.move.ROUNDS_WITHOUT_ROOM", 2)
    bodies = fill(trunk, count=8)
    trunk.apply()
    read_all(trunk)
    small = {"pattern": r"^submit\..*", "definition": {"max-length": 1}, "priority": 200, "apply-to": "all"}
    trunk.admin.put(f"/policies/{trunk.admin.vhost}/small", small)
    submitted = f"submit.{UNIT.code}.normal"
    fill_up(trunk, submitted)
    with pytest.raises(CommandError, match="are full"):
        trunk.take_over()
    trunk.close_sessions()
    arrived = [body for body in trunk.bodies(submitted) if body != "earlier"]
    assert sorted(arrived + trunk.bodies("trunk.intake.normal")) == bodies["submission"]


def test_a_former_right_does_not_outlive_the_take_over_in_an_open_session(trunk: FormerTrunk) -> None:
    """The broker remembers the rights of a channel: without closing it, it may publish for ever."""
    trunk.apply()
    read_all(trunk)
    channel = trunk.channel("notifier")
    channel.basic_publish(PARK, "trunk.router.normal", b"before", mandatory=True)
    trunk.publish("router", INBOX, UNIT.code, "keeps the exchange")
    trunk.take_over()
    with pytest.raises(Exception, match=r"Channel is closed|CONNECTION_FORCED|lost"):
        channel.basic_publish(PARK, "", b"after", mandatory=True)
    with pytest.raises(Exception, match="ACCESS_REFUSED"):
        trunk.publish("notifier", PARK, "", "in a new session")


def test_what_a_unit_gives_back_from_a_former_inbox_reaches_the_router(trunk: FormerTrunk) -> None:
    trunk.apply()
    read_all(trunk)
    trunk.publish("router", INBOX, UNIT.code, "document")
    trunk.take_over()
    channel = trunk.channel(UNIT.user)
    method, _, _ = channel.basic_get(f"inbox.{UNIT.code}")
    assert method
    channel.basic_reject(method.delivery_tag, requeue=False)
    trunk.close_sessions()
    returned = wait_for(trunk, "trunk.dead.router")
    assert returned == [("document", f"inbox.{UNIT.code}")]


def wait_for(trunk: FormerTrunk, queue: str) -> list[tuple[str, str]]:
    """Bodies of dead letters, and where they died; the broker moves them in its own time."""
    channel = trunk.channel("admin")
    for method, properties, body in channel.consume(queue, inactivity_timeout=120.0):
        if method is None:
            return []
        return [(body.decode(), properties.headers["x-death"][0]["queue"])]
    return []


def test_inboxes_are_replaced_once_they_are_empty_and_unread(trunk: FormerTrunk) -> None:
    trunk.apply()
    read_all(trunk)
    trunk.publish("router", INBOX, UNIT.code, "unread")
    trunk.take_over()
    left = trunk.take_over(TakeOver.replace_inboxes)
    assert left.inboxes == {f"inbox.{UNIT.code}"}
    assert trunk.bodies(f"inbox.{UNIT.code}") == ["unread"]
    trunk.publish("router", INBOX, OTHER.code, "to the new one")
    assert trunk.bodies(f"inbox.{OTHER.code}") == ["to the new one"]
    channel = trunk.channel(UNIT.user)
    method, _, _ = channel.basic_get(f"inbox.{UNIT.code}")
    assert method
    channel.basic_ack(method.delivery_tag)
    channel.connection.close()
    assert trunk.take_over(TakeOver.replace_inboxes).is_nothing
    assert trunk.admin.differences(trunk.topology) == []


def test_an_inbox_whose_unit_holds_a_message_is_not_replaced(trunk: FormerTrunk) -> None:
    trunk.apply()
    read_all(trunk)
    trunk.publish("router", INBOX, UNIT.code, "held")
    trunk.take_over()
    method, _, _ = trunk.channel(UNIT.user).basic_get(f"inbox.{UNIT.code}")
    assert method, "fetched, not acknowledged: the queue counts nothing ready"
    left = trunk.take_over(TakeOver.replace_inboxes)
    assert left.inboxes == {f"inbox.{UNIT.code}"}
    trunk.close_sessions()
    assert trunk.bodies(f"inbox.{UNIT.code}") == ["held"]


def test_no_inbox_is_replaced_while_there_is_a_way_back(trunk: FormerTrunk) -> None:
    with pytest.raises(CommandError, match="finish the take-over"):
        trunk.take_over(TakeOver.replace_inboxes)
    assert len(remains(trunk.admin).inboxes) == len(DIRECTORY.units)


@pytest.mark.parametrize("is_finished", [False, True])
def test_the_way_back_leads_every_key_to_the_former_queues(trunk: FormerTrunk, is_finished: bool) -> None:
    trunk.apply()
    if is_finished:
        read_all(trunk)
        trunk.take_over()
        trunk.close_sessions()

    trunk.take_over(TakeOver.go_back)
    assert trunk.differences() == []
    trunk.publish("validator", FACTS, VERIFIED, "fact")
    trunk.publish(UNIT.user, SUBMIT, f"submit.{UNIT.code}.urgent", "submission")
    trunk.publish("router", PARK, "trunk.router.normal", "parked")
    assert trunk.bodies("trunk.router.normal") == ["fact"]
    assert trunk.bodies(f"trunk.intake.{Lane.URGENT}") == ["submission"]
    assert trunk.bodies("facts.router.normal") == trunk.bodies(f"submit.{UNIT.code}.urgent") == []
    assert trunk.bodies(PARK) == ["parked"]
    assert trunk.bodies("trunk.dead.router") == [], "the parking lot is a queue again, and no way to the router"
