"""Handlers and dispatch on a real database with real mail and HTTP servers: told once, nobody waits."""

import asyncio
from collections.abc import Callable
from datetime import date, datetime, timedelta
from typing import Any

import pytest
import pytest_asyncio

from common.clock import utc_now
from common.database import Database
from common.domain.directory import Contact, Directory, Unit
from common.domain.names import Lane
from common.facts import BaseFact, NotificationSent, OperatorActed, OperatorRequested, SecurityNoticed
from common.metrics import REGISTRY
from common.service import row_requests
from notifier.announcements import Announcements
from notifier.answer import Answer, Fault, Sent, Unanswered
from notifier.channels import senders
from notifier.circuits import Circuits
from notifier.compose import Channel, Notification
from notifier.dispatch import Dispatch, Limits
from notifier.handlers import Notifier, Resending
from notifier.leases import FREE
from notifier.policy import Decision, State
from notifier.rows import Row
from notifier.settings import NotifierSettings
from notifier.store import NOT_RESENT, Notifications

from .conftest import RECEIVER, SENDER, Facts, Post, Remembering, Web, directory

MAIL = "vanthu@example.vn"
LEASE_SECONDS = 60.0
HOUR = timedelta(hours=1)
PATIENCE = 72 * HOUR


class Scene:
    """A notifier whose mail server, webhook, directory and clock are at hand."""

    def __init__(self, database: Database, post: Post, web: Web, announced: Remembering) -> None:
        self.database, self.post, self.web, self.announced = database, post, web, announced
        self.settings = NotifierSettings(
            smtp_host="127.0.0.1", smtp_port=post.port, smtp_starttls=False, webhook_refused_networks=()
        )
        self.directory = directory(MAIL, web.url)
        self.time = utc_now()
        self.store = self.memory()
        self.senders: dict[Channel, Any] = dict(senders(self.settings))

    @property
    def current(self) -> Directory:
        """As ``Directories``: it is always the newest."""
        return self.directory

    async def confirm(self) -> None:
        """Nothing is newer."""

    def memory(self) -> Notifications:
        """What a process knows. The seconds that pass are the same for all, whatever time their clocks show."""
        return Notifications(self.database, LEASE_SECONDS, lambda: self.time.timestamp())

    def dispatch(self, skew: timedelta = timedelta(), **most: int) -> Dispatch:
        """A process of its own, whose clock is ahead by ``skew``."""
        limits = Limits(
            at_once={Channel.WEBHOOK: most.get("webhooks", 256), Channel.EMAIL: 8},
            per_destination=2,
            patience=PATIENCE,
            pause_seconds=0.0,
        )
        circuits = Circuits(self.database, timedelta(seconds=LEASE_SECONDS))
        return Dispatch(
            Lane.NORMAL,
            self.memory() if skew else self.store,
            circuits,
            self,
            self.senders,
            limits,
            lambda: self.time + skew,
        )

    async def notify(self, fact: Any, dispatch: Dispatch | None = None) -> None:
        """Handle one fact."""
        dispatches = {Lane.NORMAL: dispatch} if dispatch else {}
        notifier = Notifier(self.store, self, self.senders.keys(), dispatches, lambda: self.time)
        await notifier.notify(fact)

    async def notify_and_send(self, fact: Any) -> None:
        """Handle one fact, and send everything that can be sent."""
        dispatch = self.dispatch()
        await self.notify(fact, dispatch)
        await self.work(dispatch)

    async def work(self, dispatch: Dispatch | None = None) -> None:
        """Everything that can be sent now is sent and announced."""
        dispatch = dispatch or self.dispatch()
        await dispatch.idle()
        while await dispatch.fill():
            await dispatch.idle()
        await Announcements(Lane.NORMAL, self.store, self.announced).make()

    async def pass_time(self, span: timedelta) -> int:
        """Let time pass, from one due attempt to the next. Returns how often the dispatch found something to do."""
        end, rounds = self.time + span, 0
        while self.time < end:
            rounds += 1
            await self.work()
            self.time = min(end, await self._next_change())
        await self.work()
        return rounds

    async def _next_change(self) -> datetime:
        times = [self.time + PATIENCE]
        async for row in self.database.collection("notifications").find({"state": "pending"}):
            times += [row["next_attempt_at"], row["waiting_since"] + PATIENCE]
        async for row in self.database.collection("destinations").find({"failures": {"$gt": 0}}):
            times.append(row["probe_at"])
        return min(at for at in times if at > self.time)

    async def states(self, event_id: str) -> dict[str, str]:
        noted = await self.store.about(event_id)
        return {document["channel"]: document["state"] for document in noted}


class Answering:
    """A channel that answers as told, and remembers."""

    def __init__(self, answer: Callable[[Notification], Answer]) -> None:
        self.answer = answer
        self.sent: list[Notification] = []

    async def send(self, notification: Notification) -> Answer:
        self.sent.append(notification)
        return self.answer(notification)


@pytest.fixture
def scene(database: Database, post: Post, web: Web, announced: Remembering) -> Scene:
    return Scene(database, post, web, announced)


@pytest_asyncio.fixture(autouse=True)
async def empty(database: Database) -> None:
    for name in ("notifications", "destinations"):
        await database.collection(name).delete_many({})


async def test_told_by_both_channels_and_announced(scene: Scene) -> None:
    fact = Facts().placed()
    await scene.notify_and_send(fact)
    assert len(scene.post.mails) == len(scene.web.requests) == 1
    assert await scene.states(fact.event_id) == {"email": "sent", "webhook": "sent"}
    sent_facts = sorted(
        (one for one in scene.announced.facts if isinstance(one, NotificationSent)), key=lambda one: one.channel
    )
    assert [(one.unit, one.channel, one.about_event) for one in sent_facts] == [
        (RECEIVER, "email", fact.event_id),
        (RECEIVER, "webhook", fact.event_id),
    ]
    assert sent_facts[0].event_id == f"{fact.event_id}/{RECEIVER}/email:notification.sent:1"
    assert (sent_facts[0].subject, sent_facts[0].package_id, sent_facts[0].lane) == (
        fact.subject,
        fact.package_id,
        fact.lane,
    )


async def test_a_fact_that_comes_again_is_announced_again_but_not_told(scene: Scene) -> None:
    fact = Facts().placed()
    for _ in range(3):
        await scene.notify_and_send(fact)
    assert len(scene.post.mails) == len(scene.web.requests) == 1
    assert len(scene.announced.facts) == 6
    assert len({one.model_dump_json() for one in scene.announced.facts}) == 2


async def test_a_contact_taken_away_does_not_silence_the_announcement(scene: Scene) -> None:
    fact = Facts().placed()
    await scene.notify_and_send(fact)
    scene.directory = directory()
    await scene.notify_and_send(fact)
    assert len(scene.announced.facts) == 4


async def test_a_fact_many_times_at_many_replicas_is_told_once(scene: Scene) -> None:
    fact = Facts().placed()
    scene.web.pause_seconds = 0.05
    dispatches = [scene.dispatch() for _ in range(10)]
    await asyncio.gather(*(scene.notify(fact, each) for each in dispatches))
    await asyncio.gather(*(each.idle() for each in dispatches))
    await scene.work()
    assert len(scene.post.mails) == len(scene.web.requests) == 1
    assert len(scene.announced.facts) == 2


async def test_a_handler_waits_for_no_destination(scene: Scene) -> None:
    """It returns while the webhook has not answered, and never will before the test ends it."""
    scene.web.pause_seconds = 3600.0
    dispatch = scene.dispatch()
    await asyncio.wait_for(scene.notify(Facts().placed(), dispatch), 30)
    await dispatch.stop(0)


async def test_a_silent_destination_delays_no_other(scene: Scene) -> None:
    """While one webhook holds all attempts it may have, and hundreds more wait for it, another gets its own at once."""
    release = asyncio.Event()
    reached: list[str] = []

    class Hanging:
        async def send(self, notification: Notification) -> Answer:
            if notification.address.endswith("/dead"):
                await release.wait()
                return Unanswered("webhook: no answer")
            reached.append(notification.unit)
            return Sent()

    contacts = {SENDER: "https://x.vn/dead", RECEIVER: "https://x.vn/live"}
    day = date(2025, 7, 1)
    scene.directory = Directory(
        Unit(code=code, name=code, valid_from=day, contact=Contact(webhook_url=url, webhook_secret="s"))
        for code, url in contacts.items()
    )
    scene.senders = {Channel.WEBHOOK: Hanging()}
    dispatch = scene.dispatch()
    for _ in range(300):
        await scene.notify(Facts().turned_away(), dispatch)
    await dispatch.fill()
    await scene.notify(Facts().placed(), dispatch)
    while not reached:
        await asyncio.sleep(0.01)
    await scene.notify(Facts().placed())  # at another process, which could not send it
    await dispatch.fill()
    while len(reached) < 2:
        await asyncio.sleep(0.01)
    release.set()
    await dispatch.idle()
    assert reached == [RECEIVER] * 2


async def test_two_hundred_notices_for_a_dead_webhook_delay_no_other_by_a_second(scene: Scene) -> None:
    """Two minutes of a clock that the test moves: each second a notice to another webhook, sent in that second."""
    live, dead = [], []

    class Silent:
        """Holds each attempt at the dead webhook for ten seconds."""

        async def send(self, notification: Notification) -> Answer:
            if notification.unit == RECEIVER:
                live.append(notification.about_event)
                return Sent()
            dead.append(notification.about_event)
            until = scene.time + timedelta(seconds=10)
            while scene.time < until:
                await asyncio.sleep(0.001)
            return Unanswered("webhook: no answer within 10 s")

    day = date(2025, 7, 1)
    scene.directory = Directory(
        Unit(code=code, name=code, valid_from=day, contact=Contact(webhook_url=url, webhook_secret="s"))
        for code, url in {SENDER: "https://dead.vn", RECEIVER: "https://live.vn"}.items()
    )
    scene.senders = {Channel.WEBHOOK: Silent()}
    dispatch, delays = scene.dispatch(), []
    for _ in range(200):
        await scene.notify(Facts().turned_away(), dispatch)
    for second in range(120):
        fact = Facts().placed()
        await scene.notify(fact, dispatch if second % 2 else None)  # offered, or found in the database
        await dispatch.fill()
        async with asyncio.timeout(60):
            while (await scene.states(fact.event_id))["webhook"] == "pending":
                await asyncio.sleep(0.001)
        (row,) = await scene.store.about(fact.event_id)
        delays.append((row["settled_at"] - row["created_at"]).total_seconds())
        scene.time += timedelta(seconds=1)
    scene.time += HOUR
    await dispatch.idle()
    assert (len(live), max(delays)) == (120, 0.0)
    assert 2 <= len(dead) <= 8
    assert await scene.database.collection("notifications").count_documents({"state": "pending"}) == 200


async def test_a_dead_webhook_is_probed_for_all_and_then_given_up(scene: Scene) -> None:
    """Fifty notifications cost as many attempts as one, apart from the first that went out together."""
    scene.senders = {Channel.WEBHOOK: Answering(lambda _: Unanswered("webhook: ConnectError"))}
    facts = [Facts().placed() for _ in range(50)]
    labels = {"channel": "webhook", "outcome": "given_up"}
    before = REGISTRY.get_sample_value("trunk_notifications_total", labels) or 0.0
    for fact in facts:
        await scene.notify(fact)
    await scene.pass_time(PATIENCE + 3 * HOUR)
    assert 40 <= len(scene.senders[Channel.WEBHOOK].sent) <= 50
    for fact in facts:
        assert (await scene.states(fact.event_id))["webhook"] == "given_up"
    assert REGISTRY.get_sample_value("trunk_notifications_total", labels) == before + 50
    assert scene.announced.facts == []


async def test_one_notification_that_is_never_taken_holds_up_no_other(scene: Scene) -> None:
    bad = Facts().placed()
    channel = Answering(lambda one: Unanswered("HTTP 500") if one.about_event == bad.event_id else Sent())
    scene.senders = {Channel.WEBHOOK: channel}
    await scene.notify(bad)
    await scene.work()
    others = [Facts().placed() for _ in range(5)]
    for fact in others:
        await scene.notify(fact)
    await scene.pass_time(timedelta(minutes=2))
    assert {(await scene.states(fact.event_id))["webhook"] for fact in others} == {"sent"}
    assert (await scene.states(bad.event_id))["webhook"] == "pending"


async def test_one_probe_at_a_time_of_all_replicas(scene: Scene) -> None:
    scene.senders = {Channel.WEBHOOK: Answering(lambda _: Unanswered("x"))}
    await scene.notify_and_send(Facts().placed())
    for _ in range(20):
        await scene.notify(Facts().placed())
    scene.time += timedelta(seconds=11)
    dispatches = [scene.dispatch() for _ in range(5)]
    await asyncio.gather(*(each.fill() for each in dispatches))
    await asyncio.gather(*(each.idle() for each in dispatches))
    assert len(scene.senders[Channel.WEBHOOK].sent) == 2


async def test_what_waited_is_sent_when_the_webhook_is_back(scene: Scene) -> None:
    scene.web.status = 503
    facts = [Facts().placed() for _ in range(5)]
    for fact in facts:
        await scene.notify_and_send(fact)
    assert len(scene.web.requests) == 1
    assert len(scene.post.mails) == 5
    scene.web.status = 200
    await scene.pass_time(timedelta(minutes=1))
    assert [(await scene.states(fact.event_id))["webhook"] for fact in facts] == ["sent"] * 5
    assert len(scene.web.requests) == 6
    assert len(scene.post.mails) == 5


async def test_a_mail_server_that_is_away_is_asked_once_for_all_addresses(scene: Scene) -> None:
    channel = Answering(lambda _: Unanswered("mail server: SMTPConnectError", Fault.MAIL_SERVER))
    scene.senders = {Channel.EMAIL: channel}
    await scene.notify_and_send(Facts().placed())
    scene.directory = directory("other@example.vn")
    later = Facts().placed()
    await scene.notify_and_send(later)
    assert len(channel.sent) == 1
    channel.answer = lambda _: Sent()
    await scene.pass_time(timedelta(minutes=1))
    assert await scene.states(later.event_id) == {"email": "sent"}


async def test_a_greylisted_address_is_tried_again_alone(scene: Scene) -> None:
    scene.post.answers["RCPT"] = "450 greylisted"
    fact = Facts().placed()
    await scene.notify_and_send(fact)
    assert await scene.states(fact.event_id) == {"email": "pending", "webhook": "sent"}
    del scene.post.answers["RCPT"]
    scene.directory = directory("other@example.vn")
    other = Facts().placed()
    await scene.notify_and_send(other)
    assert (await scene.states(other.event_id))["email"] == "sent"


async def test_a_final_no_is_noted(scene: Scene) -> None:
    fact = Facts().turned_away()
    scene.web.status, scene.post.answers["RCPT"] = 410, "550 gone"
    for _ in range(2):
        await scene.notify_and_send(fact)
    noted = await scene.store.about(fact.event_id)
    assert [(one["state"], one["detail"]) for one in noted] == [("failed", "SMTP 550"), ("failed", "HTTP 410")]
    assert len(scene.web.requests) == 1
    assert scene.announced.facts == []


async def test_mail_that_is_not_set_up_is_skipped_and_counted(scene: Scene) -> None:
    fact = Facts().placed()
    labels = {"channel": "email", "outcome": "skipped"}
    before = REGISTRY.get_sample_value("trunk_notifications_total", labels) or 0.0
    del scene.senders[Channel.EMAIL]
    for _ in range(2):
        await scene.notify_and_send(fact)
    assert await scene.states(fact.event_id) == {"email": "skipped", "webhook": "sent"}
    assert REGISTRY.get_sample_value("trunk_notifications_total", labels) == before + 1
    assert scene.post.mails == []


async def test_what_was_sent_counts_once_with_the_time_since_its_fact(scene: Scene) -> None:
    fact = Facts().placed()
    before = [_sent_count(channel) for channel in ("email", "webhook")]
    for _ in range(2):
        await scene.notify_and_send(fact)
    after = [_sent_count(channel) for channel in ("email", "webhook")]
    assert [now - then for now, then in zip(after, before, strict=True)] == [1, 1]


def _sent_count(channel: str) -> float:
    labels = {"channel": channel, "outcome": "sent"}
    counted = REGISTRY.get_sample_value("trunk_notifications_total", labels) or 0.0
    assert counted == (REGISTRY.get_sample_value("trunk_notification_seconds_count", labels) or 0.0)
    return counted


async def test_a_corrected_address_helps_at_once(scene: Scene) -> None:
    """Also those that waited for the wrong one, before its pause is over."""
    right, scene.directory = scene.directory, directory(MAIL, "http://127.0.0.1:9/")
    facts = [Facts().placed() for _ in range(3)]
    for fact in facts:
        await scene.notify_and_send(fact)
    scene.directory = right
    await scene.work()
    await scene.work()
    assert [(await scene.states(fact.event_id))["webhook"] for fact in facts] == ["sent"] * 3


async def test_a_contact_taken_away_ends_the_waiting(scene: Scene) -> None:
    scene.web.status = 503
    fact = Facts().placed()
    await scene.notify_and_send(fact)
    scene.directory = directory(MAIL)
    await scene.work()
    assert await scene.states(fact.event_id) == {"email": "sent", "webhook": "skipped"}


class Killed(BaseException):
    """The process is gone."""


async def test_a_crash_between_sending_and_noting_repeats_under_the_same_id(scene: Scene) -> None:
    fact = Facts().placed()
    real = dict(scene.senders)

    class Dying:
        async def send(self, notification: Notification) -> Sent:
            await real[notification.channel].send(notification)
            raise asyncio.CancelledError

    scene.senders = dict.fromkeys(Channel, Dying())
    await scene.notify_and_send(fact)
    scene.senders = real
    await scene.work()
    assert len(scene.post.mails) == 1
    for _ in range(2):  # it sees that the lease should be over, and sees it so for as long as a lease lasts
        scene.time += timedelta(seconds=LEASE_SECONDS + 1)
        await scene.work()
    assert len({mail["Message-ID"] for mail in scene.post.mails}) == 1
    assert len(scene.post.mails) == 2
    assert await scene.states(fact.event_id) == {"email": "sent", "webhook": "sent"}


@pytest.mark.parametrize("minutes", [-10, -2, 2, 10])
async def test_processes_whose_clocks_differ_send_once(scene: Scene, minutes: int) -> None:
    """The second looks again and again while the first is sending."""
    begun, release = asyncio.Event(), asyncio.Event()
    sent = []

    class Slow:
        async def send(self, notification: Notification) -> Sent:
            sent.append(notification)
            begun.set()
            await release.wait()
            return Sent()

    scene.senders = {Channel.WEBHOOK: Slow()}
    first, second = scene.dispatch(), scene.dispatch(timedelta(minutes=minutes))
    fact = Facts().placed()
    await scene.notify(fact)
    await first.fill()
    await begun.wait()
    for _ in range(int(LEASE_SECONDS)):
        scene.time += timedelta(seconds=1)
        assert await second.fill() == 0
    release.set()
    await first.idle()
    assert len(sent) == 1
    assert (await scene.states(fact.event_id))["webhook"] == "sent"


@pytest.mark.parametrize("minutes", [-10, 10])
async def test_a_process_that_died_with_a_wrong_clock_blocks_nothing_for_good(scene: Scene, minutes: int) -> None:
    class Dying:
        async def send(self, notification: Notification) -> Sent:
            raise asyncio.CancelledError

    real, scene.senders = scene.senders, {Channel.WEBHOOK: Dying()}
    skew = timedelta(minutes=minutes)
    dead = scene.dispatch(skew)
    fact = Facts().placed()
    await scene.notify(fact)
    scene.time += max(-skew, timedelta())  # until it is due by the clock that is behind
    await dead.fill()
    await dead.idle()
    scene.senders = real
    assert (await scene.states(fact.event_id))["webhook"] == "pending"
    for after in (max(skew, timedelta()), timedelta(), timedelta()):
        scene.time += after + timedelta(seconds=LEASE_SECONDS + 1)
        await scene.work()
    assert (await scene.states(fact.event_id))["webhook"] == "sent"


async def test_what_a_dead_process_left_keeps_nothing_new_waiting(
    scene: Scene, monkeypatch: pytest.MonkeyPatch
) -> None:
    """There are as many leases to watch as rows are asked for at a time."""
    monkeypatch.setattr("notifier.dispatch.BATCH", 3)
    for _ in range(4):
        await scene.notify(Facts().placed())
    async for document in scene.database.collection("notifications").find({}):
        assert await scene.store.claim(Row.of(document), scene.time)
    scene.time += timedelta(seconds=LEASE_SECONDS + 1)
    fact, dispatch = Facts().placed(), scene.dispatch()
    await scene.notify(fact)
    for _ in range(4):
        await dispatch.fill()
        await dispatch.idle()
    assert await scene.states(fact.event_id) == {"email": "sent", "webhook": "sent"}
    assert len(scene.post.mails) == 1


async def test_nobody_gives_up_what_another_process_is_sending(scene: Scene) -> None:
    """Its patience is over by a clock that is ahead, and the destination is known to be silent."""
    fact = Facts().placed()
    await scene.notify(fact)
    (row,) = (Row.of(each) for each in await scene.store.about(fact.event_id) if each["channel"] == "webhook")
    lease = await scene.store.claim(row, scene.time)
    assert lease
    saved = Row.of(await scene.store.find(row.key) or {})
    given_up = Decision(state=State.GIVEN_UP)
    assert not await scene.memory().end(saved, given_up, scene.time + timedelta(minutes=10))
    assert await scene.store.settle(row.key, lease, Decision(state=State.SENT), scene.time, "https://x.vn")


async def test_a_channel_that_raises_is_tried_again(scene: Scene) -> None:
    def fail(_: Notification) -> Answer:
        raise RuntimeError("vanthu@example.vn")

    scene.senders = {Channel.WEBHOOK: Answering(fail)}
    fact = Facts().placed()
    await scene.notify_and_send(fact)
    (noted,) = (row for row in await scene.store.about(fact.event_id) if row["channel"] == "webhook")
    assert (noted["state"], noted["detail"]) == ("pending", "channel failed: RuntimeError")


async def test_a_crash_before_the_announcement_is_made_good(scene: Scene) -> None:
    class Dying(Remembering):
        async def announce(self, fact: BaseFact) -> None:
            raise ConnectionError

    right, scene.announced = scene.announced, Dying()
    with pytest.raises(ConnectionError):
        await scene.notify_and_send(Facts().placed())
    scene.announced = right
    await scene.work()
    assert len(scene.post.mails) == 1
    assert len(scene.announced.facts) == 2


async def test_nothing_secret_is_kept_and_nothing_written_once_it_was_sent(scene: Scene) -> None:
    fact = Facts().placed()
    await scene.notify_and_send(fact)
    saved = str(await scene.store.about(fact.event_id))
    assert "shared secret" not in saved
    assert "nghỉ lễ" not in saved


async def test_a_unit_without_contact_is_no_fault(scene: Scene) -> None:
    scene.directory = directory()
    await scene.notify_and_send(Facts().placed())
    assert scene.announced.facts == []


async def test_a_row_of_a_former_release_is_completed_by_its_fact(scene: Scene) -> None:
    """The former release kept the fact in its queue; it comes again, and is told once."""
    fact = Facts().placed()
    for channel in Channel:
        former = {
            "_id": f"{fact.event_id}/{RECEIVER}/{channel}",
            "about_event": fact.event_id,
            "fact": fact.fact,
            "unit": RECEIVER,
            "channel": channel.value,
            "state": "pending",
            "created_at": scene.time,
            "attempts": 3,
            "lease": "x",
            "lease_until": FREE,
        }
        await scene.database.collection("notifications").insert_one(former)
    await scene.work()
    assert scene.post.mails == []
    await scene.notify_and_send(fact)
    assert await scene.states(fact.event_id) == {"email": "sent", "webhook": "sent"}


def request(fact: Any, number: int = 1, **other: str) -> OperatorRequested:
    values = {
        "target": "notifier",
        "record_id": f"{fact.event_id}/{RECEIVER}/webhook",
        "action": "resend",
        "actor": "Lan",
        "purpose": "webhook mended",
        **other,
    }
    return OperatorRequested(event_id=f"r:{number}", occurred_at=utc_now(), subject="x", lane=Lane.NORMAL, **values)


async def test_an_operator_has_it_sent_again(scene: Scene) -> None:
    fact = Facts().placed()
    scene.web.status = 410
    await scene.notify_and_send(fact)
    scene.web.status = 200
    for _ in range(2):
        await Resending(scene.store, scene.announced, lambda: scene.time).act(request(fact))
        await scene.work()
    assert (await scene.states(fact.event_id))["webhook"] == "sent"
    assert len(scene.web.requests) == 2
    first, second = acted(scene)
    assert (first.outcome, first.actor) == ("done", "Lan")
    assert first == second
    assert len({one.event_id for one in scene.announced.facts if isinstance(one, SecurityNoticed)}) == 1


def acted(scene: Scene) -> list[OperatorActed]:
    return [one for one in scene.announced.facts if isinstance(one, OperatorActed)]


async def test_two_requests_for_one_notification_are_answered_each_and_carried_out_once(scene: Scene) -> None:
    """The second comes before anything was sent; then both are delivered again, after the notification has failed once
    more."""
    fact = Facts().placed()
    scene.web.status = 410
    await scene.notify_and_send(fact)
    resending = Resending(scene.store, scene.announced, lambda: scene.time)
    wishes = [request(fact), request(fact, 2, actor="Minh")]
    for wish in wishes:
        await resending.act(wish)
    first, second = acted(scene)
    assert (first.outcome, first.actor, second.outcome, second.actor) == ("done", "Lan", NOT_RESENT, "Minh")
    await scene.work()
    assert ((await scene.states(fact.event_id))["webhook"], len(scene.web.requests)) == ("failed", 2)
    scene.time += timedelta(hours=1)
    for wish in wishes:
        await resending.act(wish)
    await scene.work()
    assert acted(scene) == [first, second] * 2
    assert ((await scene.states(fact.event_id))["webhook"], len(scene.web.requests)) == ("failed", 2)
    await resending.act(request(fact, 3))
    assert acted(scene)[-1].outcome == "done"


@pytest.mark.parametrize("other", [{}, {"actor": "Minh"}], ids=["the same", "another"])
async def test_a_request_that_another_process_carries_out_meanwhile(
    scene: Scene, monkeypatch: pytest.MonkeyPatch, other: dict[str, str]
) -> None:
    """It was delivered to both; or two came at once, and one of them finds nothing to send again."""
    fact = Facts().placed()
    scene.web.status = 410
    await scene.notify_and_send(fact)
    resending = Resending(scene.store, scene.announced, lambda: scene.time)
    save = row_requests.compare_and_set

    async def save_late(*arguments: Any) -> bool:
        monkeypatch.undo()
        await resending.act(request(fact, **other))
        scene.time += timedelta(minutes=1)
        return await save(*arguments)

    monkeypatch.setattr(row_requests, "compare_and_set", save_late)
    await resending.act(request(fact))
    assert [one.outcome for one in acted(scene)] == ["done", NOT_RESENT if other else "done"]
    assert (acted(scene)[0] == acted(scene)[1]) is not bool(other)
    row = await scene.store.find(request(fact).record_id)
    assert row is not None
    assert [each.actor for each in row_requests.kept_in(row)] == [*other.values(), "Lan"]


@pytest.mark.parametrize(
    "other", [{"target": "router"}, {"action": "replay"}, {"record_id": "unknown"}], ids=["target", "action", "record"]
)
async def test_requests_that_are_not_for_it(scene: Scene, other: dict[str, str]) -> None:
    fact = Facts().placed()
    scene.web.status = 410
    await scene.notify_and_send(fact)
    await Resending(scene.store, scene.announced, lambda: scene.time).act(request(fact, **other))
    assert not [one for one in scene.announced.facts if isinstance(one, OperatorActed)]
    assert (await scene.states(fact.event_id))["webhook"] == "failed"


async def test_what_was_sent_is_not_sent_again(scene: Scene) -> None:
    fact = Facts().placed()
    await scene.notify_and_send(fact)
    await Resending(scene.store, scene.announced, lambda: scene.time).act(request(fact))
    await scene.work()
    assert len(scene.web.requests) == 1
    (answer,) = acted(scene)
    assert answer.outcome == NOT_RESENT
