"""A process consumes both lanes, or the one that its settings name."""

import pytest

from common import topology
from common.domain.names import Lane
from common.service import Service
from common.settings import ServiceSettings


async def ignore(_message: object) -> None:
    """Nothing is consumed here."""


@pytest.mark.parametrize("service", topology.SERVICES)
@pytest.mark.parametrize(("told", "lanes"), [(None, set(Lane)), ("normal", {Lane.NORMAL}), ("urgent", {Lane.URGENT})])
def test_queues_of_the_lane(monkeypatch: pytest.MonkeyPatch, service: str, told: str | None, lanes: set[Lane]) -> None:
    if told:
        monkeypatch.setenv("TRUNK_LANE", told)
    chassis = Service(service, ServiceSettings())
    chassis.on_facts(ignore)
    if service == "intake":
        chassis.on_submissions(ignore)
    consumed = {subscriber.queue.name for subscriber in chassis.consume_broker.subscribers}
    assert consumed == {queue for lane in lanes for queue in topology.consumed_queues(service, lane)}
