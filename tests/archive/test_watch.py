"""Failed log-ins under ever new names are counted, and do not fill the ledger."""

from datetime import UTC, datetime, timedelta

from archive.watch import MOST_NAMES, BrokerWatch
from common.facts import BaseFact, SecurityNoticed
from common.service.incoming import Incoming
from common.topology import BROKER_EVENTS


class Ledger:
    def __init__(self) -> None:
        self.events: list[SecurityNoticed] = []

    async def announce(self, fact: BaseFact) -> None:
        assert isinstance(fact, SecurityNoticed)
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
