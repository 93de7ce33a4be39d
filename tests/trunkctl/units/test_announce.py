"""What was done to units is announced as security events by the operator's user, later if not at once."""

import json
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

import pika
import pytest
from pydantic import SecretStr, TypeAdapter

from common.domain.security import SecurityKind
from common.facts import Fact, SecurityNoticed
from common.facts.flows import OPERATOR, is_entitled
from tests.trunkctl.conftest import Declared
from trunkctl.command_error import CommandError
from trunkctl.commands.announcing import announce
from trunkctl.settings import ControlSettings
from trunkctl.units.access_acts import access_entry
from trunkctl.units.announce import catch_up, events_of
from trunkctl.units.bucket import DirectoryBucket
from trunkctl.units.history import Act, Decision, Entry, Head, State, following

NOW = datetime(2026, 11, 28, 8, tzinfo=UTC)
WHO = Decision(by="Nguyễn Văn A", why="lộ mật khẩu", account="root@ops", at=NOW)
VERSION = "0a" * 32


def directory_entry(act: Act = Act.CONFIRMED, **about: Any) -> Entry:
    return following(Head(), act, WHO, State(in_force=VERSION), version=VERSION, changes=("a", "b"), **about)


@pytest.mark.parametrize("act", list(Act))
def test_each_act_is_an_event_that_says_who_what_and_why(act: Act) -> None:
    entry = (
        directory_entry(act)
        if act in "imported proposed confirmed withdrawn"
        else access_entry(Head(), act, "A.01", WHO)
    )
    (event,) = events_of(entry)
    assert event.kind in (SecurityKind.DIRECTORY_CHANGED, SecurityKind.UNIT_ACCESS_CHANGED)
    assert (event.actor, event.occurred_at, event.service) == (WHO.by, NOW, OPERATOR)
    assert act.value in event.detail
    assert WHO.why in event.detail
    assert "entry 1" in event.detail
    assert ("A.01" in event.detail) is (event.kind is SecurityKind.UNIT_ACCESS_CHANGED)
    assert "root@ops" in event.origin
    assert is_entitled(event, OPERATOR)


def test_each_certificate_for_several_units_is_an_event_of_its_own() -> None:
    entry = directory_entry(shared_certificates={"0b" * 32: ("A.01", "B.02"), "0c" * 32: ("A.01", "C.03")})
    kinds = [event.kind for event in events_of(entry)]
    assert kinds == [SecurityKind.DIRECTORY_CHANGED, *[SecurityKind.CERTIFICATE_SHARED] * 2]
    assert len({event.event_id for event in events_of(entry)}) == 3


def test_the_same_entry_has_the_same_ids_and_another_history_has_others() -> None:
    entry = directory_entry()
    assert list(events_of(entry)) == list(events_of(Entry.model_validate_json(entry.data)))
    other = entry.model_copy(update={"decision": WHO.model_copy(update={"at": NOW.replace(year=2027)})})
    assert {e.event_id for e in events_of(entry)}.isdisjoint({e.event_id for e in events_of(other)})


def test_the_longest_texts_fit_into_a_fact() -> None:
    long = WHO.model_copy(update={"by": "Ự" * 300, "why": "Ự" * 300, "account": "a" * 300})
    entry = access_entry(Head(), Act.DISABLED, "A.01", long)
    (event,) = events_of(entry)
    assert len(event.model_dump_json().encode()) < event.MAX_BYTES


@dataclass(frozen=True)
class Archive:
    """Takes what was announced, as the archive's user."""

    declared: Declared
    queue: str = "facts.archive.normal"

    def taken(self) -> list[tuple[str, SecurityNoticed]]:
        """User that the broker vouches for, and the event."""
        host, _, port = self.declared.address.partition(":")
        login = pika.PlainCredentials("archive", self.declared.passwords["archive"])
        session = pika.BlockingConnection(pika.ConnectionParameters(host, int(port), self.declared.vhost, login))
        channel, events = session.channel(), []
        while (message := channel.basic_get(self.queue, auto_ack=True))[0]:
            fact: Any = TypeAdapter(Fact).validate_python(json.loads(message[2]))
            events.append((message[1].user_id, fact))
        session.close()
        return events


@pytest.fixture
def archive(declared: Declared) -> Archive:
    return Archive(declared)


@pytest.fixture
def history(bucket: DirectoryBucket) -> DirectoryBucket:
    """Two acts that nobody has announced."""
    for act in (Act.PROVISIONED, Act.DISABLED):
        bucket.record(lambda head, act=act: access_entry(head, act, "A.01", WHO))
    return bucket


def nowhere() -> ControlSettings:
    """A broker that does not answer."""
    return ControlSettings(amqp_url=SecretStr(f"amqp://{OPERATOR}:x@127.0.0.1:9/trunk"))


def test_what_was_not_announced_yet_is_announced_once(
    declared: Declared, history: DirectoryBucket, archive: Archive
) -> None:
    assert catch_up(declared.settings, history) == 2
    events = archive.taken()
    assert [user for user, _ in events] == [OPERATOR, OPERATOR]
    assert [event.detail.partition(":")[0] for _, event in events] == ["provisioned", "disabled"]
    assert catch_up(declared.settings, history) == 0
    assert archive.taken() == []


def test_a_broker_that_is_away_loses_nothing(
    declared: Declared, history: DirectoryBucket, archive: Archive, capsys: pytest.CaptureFixture[str]
) -> None:
    with pytest.raises(CommandError):
        catch_up(nowhere(), history)
    assert not announce(nowhere(), history)
    assert "trunkctl units announce" in capsys.readouterr().err
    assert history.announced() == 0
    history.record(lambda head: access_entry(head, Act.ENABLED, "A.01", WHO))
    assert announce(declared.settings, history)
    assert [event.detail.partition(":")[0] for _, event in archive.taken()] == ["provisioned", "disabled", "enabled"]


def test_what_no_queue_takes_is_not_announced(declared: Declared, history: DirectoryBucket, archive: Archive) -> None:
    declared.http.delete(f"/queues/{declared.vhost}/{archive.queue}").raise_for_status()
    with pytest.raises(CommandError):
        catch_up(declared.settings, history)
    assert history.announced() == 0


def test_an_operator_without_the_right_is_told(declared: Declared, history: DirectoryBucket) -> None:
    nothing = {"configure": "^$", "write": "^$", "read": "^$"}
    declared.http.put(f"/permissions/{declared.vhost}/{OPERATOR}", json=nothing).raise_for_status()
    with pytest.raises(CommandError):
        catch_up(declared.settings, history)
    assert history.announced() == 0
