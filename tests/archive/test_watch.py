"""Failed log-ins under ever new names are counted, and do not fill the ledger."""

from datetime import UTC, datetime, timedelta

import pytest

from archive.bursts import MOST_GROUPS, MOST_NAMED, OTHERS
from archive.watch import MOST_NAMES, BrokerWatch
from common.domain.security import SecurityKind
from common.facts import BaseFact, SecurityNoticed
from common.failure import Outage
from common.service.incoming import Incoming
from common.topology import BROKER_EVENTS

NOW = datetime(2026, 11, 28, 10, tzinfo=UTC)


UNIT = "000.00.09.H29"
REFUSED = (
    f"Channel error on connection <0.1.0> (10.0.0.9:39100 -> 10.0.0.1:5672, vhost: 't', user: '{UNIT}'), channel 1:\n"
    "operation basic.publish caused a channel exception access_refused: "
    f"write access to exchange 'trunk.facts' in vhost 'trunk' refused for user '{UNIT}'"
)
"""As the broker logs it."""


class Ledger:
    def __init__(self) -> None:
        self.events: list[SecurityNoticed] = []
        self.failures = 0
        """How many of the next announcements fail."""

    async def announce(self, fact: BaseFact) -> None:
        assert isinstance(fact, SecurityNoticed)
        if self.failures:
            self.failures -= 1
            raise Outage("broker", "away")
        self.events.append(fact)


def failure(name: str, host: str, number: int) -> Incoming:
    report = {
        "exchange": "amq.rabbitmq.event",
        "event": "user.authentication.failure",
        "name": name,
        "peer_host": host,
        "peer_port": str(number),
    }
    return Incoming(queue=BROKER_EVENTS, body=b"", report=report)


async def test_a_thousand_names_from_one_address_are_counted() -> None:
    now = datetime(2026, 11, 28, 10, tzinfo=UTC)
    clock = [now]
    ledger = Ledger()
    watch = BrokerWatch(ledger, lambda: clock[0])
    for number in range(1_000):
        await watch.take(failure(f"user{number}", "{10,0,0,1}", number))
    await watch.take(failure("H29.901.02", "{10,0,0,2}", 1))
    assert len(ledger.events) == MOST_NAMES + 2, "one without a name of its own, and the other address is not hidden"
    clock[0] = now + timedelta(minutes=2)
    await watch.announce_counts()
    assert sum(event.count for event in ledger.events) == 1_001
    assert len(ledger.events) == MOST_NAMES + 3


def address(number: int) -> str:
    return f"{{10,{number >> 16},{number >> 8 & 255},{number & 255}}}"


async def test_names_from_ever_new_addresses_fill_neither_memory_nor_ledger_and_are_counted_all() -> None:
    clock, ledger = [NOW], Ledger()
    watch = BrokerWatch(ledger, lambda: clock[0])
    for number in range(5 * MOST_GROUPS):
        await watch.take(failure(f"user{number}", address(number), number))
        if number % 100 == 0:
            await watch.take(failure("H29.901.02", "{192,168,0,1}", number))
    assert len(ledger.events) == MOST_NAMED, "announced at once"
    assert len(watch._names[SecurityKind.LOGIN_FAILED]) <= MOST_GROUPS
    assert len(watch._bursts[SecurityKind.LOGIN_FAILED]._windows) <= MOST_GROUPS
    clock[0] += timedelta(minutes=2)
    await watch.announce_counts()
    assert len(ledger.events) <= 2 * MOST_NAMED + 1
    assert sum(event.count for event in ledger.events) == 5 * MOST_GROUPS + 50
    [others] = [event for event in ledger.events if event.origin == OTHERS]
    assert others.count > 3 * MOST_GROUPS
    assert others.actor == ""


async def test_a_user_that_is_refused_access_is_not_hidden_by_failed_log_ins() -> None:
    ledger = Ledger()
    watch = BrokerWatch(ledger, lambda: NOW)
    for number in range(5 * MOST_GROUPS):
        await watch.take(failure(f"user{number}", address(number), number))
    await watch.take(Incoming(queue=BROKER_EVENTS, body=b"", report={"exchange": "amq.rabbitmq.log", "text": REFUSED}))
    assert [(event.kind, event.actor) for event in ledger.events[MOST_NAMED:]] == [(SecurityKind.ACCESS_REFUSED, UNIT)]


async def test_a_frequent_name_is_not_hidden_by_many_that_come_once() -> None:
    clock, ledger = [NOW], Ledger()
    watch = BrokerWatch(ledger, lambda: clock[0])
    for number in range(2 * MOST_GROUPS):
        await watch.take(failure(f"user{number}", address(number), number))
    for number in range(1_000):
        await watch.take(failure("H29.901.02", "{192,168,0,1}", number))
        await watch.take(failure(f"other{number}", address(number + 5 * MOST_GROUPS), number))
    clock[0] += timedelta(minutes=2)
    await watch.announce_counts()
    assert [event.count for event in ledger.events if event.origin == "192.168.0.1"] == [1_000]


@pytest.mark.parametrize("failures", [1, 2])
async def test_counts_that_could_not_be_announced_are_announced_later(failures: int) -> None:
    clock, ledger = [NOW], Ledger()
    watch = BrokerWatch(ledger, lambda: clock[0])
    for number in range(10):
        await watch.take(failure("a", "{10,0,0,1}", number))
        await watch.take(failure("b", "{10,0,0,2}", number))
    clock[0] += timedelta(minutes=2)
    ledger.failures = failures
    for _ in range(failures):
        with pytest.raises(Outage):
            await watch.announce_counts()
    await watch.announce_counts()
    assert sum(event.count for event in ledger.events) == 20
