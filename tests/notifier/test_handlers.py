"""The notifier's handler on a real database with real mail and HTTP servers: told once, announced always."""

import asyncio
from typing import Any

import pytest

from common.database import Database
from common.domain.directory import Directory
from common.facts import BaseFact, NotificationSent
from common.failure import Transient
from common.metrics import REGISTRY
from notifier.answer import Sent
from notifier.channels import senders
from notifier.compose import Channel, Notification
from notifier.handlers import Notifier
from notifier.settings import NotifierSettings
from notifier.store import FREE, Notifications

from .conftest import RECEIVER, Facts, Post, Remembering, Web, directory

MAIL = "vanthu@example.vn"


LEASE_SECONDS = 60.0


class Scene:
    """A notifier whose mail server, webhook and directory are at hand."""

    def __init__(self, database: Database, post: Post, web: Web, announced: Remembering) -> None:
        self.database, self.post, self.web, self.announced = database, post, web, announced
        self.settings = NotifierSettings(smtp_host="127.0.0.1", smtp_port=post.port, smtp_starttls=False)
        self.directory = directory(MAIL, web.url)

    def notifier(self, **other: Any) -> Notifier:
        chosen = {"senders": senders(self.settings), "announcer": self.announced, **other}
        return Notifier(Notifications(self.database, LEASE_SECONDS), self._current, **chosen)

    def _current(self) -> Directory:
        return self.directory

    async def end_leases(self) -> None:
        """As if their time were over."""
        await self.database.collection("notifications").update_many({}, {"$set": {"lease_until": FREE}})

    async def states(self, event_id: str) -> dict[str, str]:
        noted = await Notifications(self.database, LEASE_SECONDS).about(event_id)
        return {document["channel"]: document["state"] for document in noted}


@pytest.fixture
def scene(database: Database, post: Post, web: Web, announced: Remembering) -> Scene:
    return Scene(database, post, web, announced)


async def test_told_by_both_channels_and_announced(scene: Scene) -> None:
    fact = Facts().placed()
    await scene.notifier().notify(fact)
    assert len(scene.post.mails) == len(scene.web.requests) == 1
    assert await scene.states(fact.event_id) == {"email": "sent", "webhook": "sent"}
    told = [one for one in scene.announced.facts if isinstance(one, NotificationSent)]
    assert [(one.unit, one.channel, one.about_event) for one in told] == [
        (RECEIVER, "email", fact.event_id),
        (RECEIVER, "webhook", fact.event_id),
    ]
    assert told[0].event_id == f"{fact.event_id}/{RECEIVER}/email:notification.sent:1"
    assert (told[0].subject, told[0].package_id, told[0].lane) == (fact.subject, fact.package_id, fact.lane)


async def test_a_fact_that_comes_again_is_announced_again_but_not_told(scene: Scene) -> None:
    fact = Facts().placed()
    for _ in range(3):
        await scene.notifier().notify(fact)
    assert len(scene.post.mails) == len(scene.web.requests) == 1
    assert len(scene.announced.facts) == 6
    assert len(set(scene.announced.facts)) == 2


async def test_a_contact_taken_away_does_not_silence_the_announcement(scene: Scene) -> None:
    fact = Facts().placed()
    await scene.notifier().notify(fact)
    scene.directory = directory()
    await scene.notifier().notify(fact)
    assert len(set(scene.announced.facts)) == 2
    assert len(scene.announced.facts) == 4


async def test_a_fact_many_times_at_once_is_told_once(scene: Scene) -> None:
    """Those who find another worker sending come back later and find it done."""
    fact = Facts().placed()
    scene.web.pause_seconds = 0.2
    results = await asyncio.gather(*(scene.notifier().notify(fact) for _ in range(10)), return_exceptions=True)
    assert all(result is None or isinstance(result, Transient) for result in results)
    await scene.notifier().notify(fact)
    assert len(scene.post.mails) == len(scene.web.requests) == 1
    assert len(set(scene.announced.facts)) == 2


async def test_what_was_sent_is_not_sent_again_when_the_other_channel_is_retried(scene: Scene) -> None:
    fact = Facts().placed()
    scene.web.status = 503
    with pytest.raises(Transient) as caught:
        await scene.notifier().notify(fact)
    assert caught.value.detail == "webhook: webhook: HTTP 503"
    assert await scene.states(fact.event_id) == {"email": "sent", "webhook": "pending"}
    assert [one.channel for one in scene.announced.facts if isinstance(one, NotificationSent)] == ["email"]
    scene.web.status = 200
    await scene.notifier().notify(fact)
    assert len(scene.post.mails) == 1
    assert len(scene.web.requests) == 2
    assert await scene.states(fact.event_id) == {"email": "sent", "webhook": "sent"}


async def test_a_final_no_is_noted_and_the_message_is_done(scene: Scene) -> None:
    fact = Facts().turned_away()
    scene.web.status, scene.post.answers["RCPT"] = 410, "550 gone"
    for _ in range(2):
        await scene.notifier().notify(fact)
    noted = await Notifications(scene.database, 60).about(fact.event_id)
    assert [(one["state"], one["detail"]) for one in noted] == [("failed", "SMTP 550"), ("failed", "HTTP 410")]
    assert len(scene.web.requests) == 1
    assert scene.announced.facts == []


async def test_mail_that_is_not_set_up_is_skipped_and_counted(scene: Scene) -> None:
    fact = Facts().placed()
    labels = {"channel": "email", "outcome": "skipped"}
    before = REGISTRY.get_sample_value("trunk_notifications_total", labels) or 0.0
    for _ in range(2):
        await scene.notifier(senders=senders(NotifierSettings())).notify(fact)
    assert await scene.states(fact.event_id) == {"email": "skipped", "webhook": "sent"}
    assert REGISTRY.get_sample_value("trunk_notifications_total", labels) == before + 1
    assert scene.post.mails == []


async def test_what_was_sent_counts_once_with_the_time_since_its_fact(scene: Scene) -> None:
    fact = Facts().placed()
    before = [_told(channel) for channel in ("email", "webhook")]
    for _ in range(2):
        await scene.notifier().notify(fact)
    after = [_told(channel) for channel in ("email", "webhook")]
    assert [now - then for now, then in zip(after, before, strict=True)] == [1, 1]


def _told(channel: str) -> float:
    labels = {"channel": channel, "outcome": "sent"}
    counted = REGISTRY.get_sample_value("trunk_notifications_total", labels) or 0.0
    assert counted == (REGISTRY.get_sample_value("trunk_notification_seconds_count", labels) or 0.0)
    return counted


async def test_a_corrected_address_helps_at_the_next_attempt(scene: Scene) -> None:
    fact = Facts().placed()
    right, scene.directory = scene.directory, directory(MAIL, "http://127.0.0.1:9/")
    with pytest.raises(Transient):
        await scene.notifier().notify(fact)
    scene.directory = right
    await scene.notifier().notify(fact)
    assert len(scene.web.requests) == 1


class Killed(BaseException):
    """The process is gone."""


async def test_a_crash_between_sending_and_noting_repeats_under_the_same_id(scene: Scene) -> None:
    fact = Facts().placed()
    real = senders(scene.settings)

    class Dying:
        async def send(self, notification: Notification) -> Sent:
            await real[notification.channel].send(notification)
            raise Killed

    with pytest.raises(Killed):
        await scene.notifier(senders={Channel.EMAIL: Dying(), Channel.WEBHOOK: Dying()}).notify(fact)
    with pytest.raises(Transient, match="another worker"):
        await scene.notifier().notify(fact)
    await scene.end_leases()
    await scene.notifier().notify(fact)
    assert len({mail["Message-ID"] for mail in scene.post.mails}) == 1
    assert len(scene.post.mails) == 2
    assert await scene.states(fact.event_id) == {"email": "sent", "webhook": "sent"}


async def test_a_crash_before_the_announcement_is_made_good(scene: Scene) -> None:
    class Dying(Remembering):
        async def announce(self, fact: BaseFact) -> None:
            raise ConnectionError

    fact = Facts().placed()
    with pytest.raises(ConnectionError):
        await scene.notifier(announcer=Dying()).notify(fact)
    await scene.notifier().notify(fact)
    assert len(scene.post.mails) == 1
    assert len(scene.announced.facts) == 2


async def test_nothing_secret_or_written_is_kept(scene: Scene) -> None:
    fact = Facts().placed()
    await scene.notifier().notify(fact)
    kept = str(await Notifications(scene.database, 60).about(fact.event_id))
    assert "shared secret" not in kept
    assert "nghỉ lễ" not in kept


async def test_a_unit_without_contact_is_no_trouble(scene: Scene) -> None:
    scene.directory = directory()
    await scene.notifier().notify(Facts().placed())
    assert scene.announced.facts == []
