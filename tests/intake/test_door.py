"""When intake takes no more submissions: the decision, with every answer that a broker may give or not give."""

from collections.abc import Iterable
from datetime import timedelta
from typing import Any

import pytest

from common.domain.names import Lane
from common.failure import Outage
from common.metrics import REGISTRY
from intake.door import Door, DoorState, decide, watched_queues

from ..harness.memory import Clock

CLOCK = Clock()
OPEN, CLOSED = DoorState(known_at=CLOCK()), DoorState(is_open=False, known_at=CLOCK(), deepest="facts.archive.normal")


@pytest.mark.parametrize(
    ("state", "depths", "is_open", "deepest"),
    [
        (OPEN, {"a": 0, "b": 99}, True, ""),
        (OPEN, {"a": 100, "b": 0}, False, "a"),
        (OPEN, {"a": 100, "b": 500}, False, "b"),
        (CLOSED, {"a": 99}, False, "a"),
        (CLOSED, {"a": 80, "b": 10}, False, "a"),
        (CLOSED, {"a": 79, "b": 10}, True, ""),
        (OPEN, None, True, ""),
        (CLOSED, None, False, "facts.archive.normal"),
        (DoorState(), {"a": 0}, True, ""),
    ],
)
def test_decide(state: DoorState, depths: dict[str, int] | None, is_open: bool, deepest: str) -> None:
    after = decide(state, depths, CLOCK(), close_at=100, open_at=80)
    assert (after.is_open, after.deepest) == (is_open, deepest)


@pytest.mark.parametrize("state", [OPEN, CLOSED, DoorState()])
def test_what_nobody_tells_for_a_minute_closes(state: DoorState) -> None:
    now = CLOCK()
    for _ in range(60):
        state = decide(state, None, now, 100, 80)
        now += timedelta(seconds=1)
    before = state.is_open
    state = decide(state, None, now, 100, 80)
    assert (before, state.is_open, state.deepest) in {(True, False, "unknown"), (False, False, "unknown")}
    assert decide(state, {"a": 0}, now, 100, 80).is_open


def test_each_lane_watches_its_own_queues_and_all_of_them() -> None:
    for lane in Lane:
        queues = watched_queues(lane)
        assert len(queues) == 6
        assert all(queue.endswith(f".{lane}") for queue in queues)


class Consumer:
    """What the door tells the consumer."""

    def __init__(self) -> None:
        self.paused: list[bool] = []

    def pause(self, *, is_paused: bool) -> None:
        self.paused.append(is_paused)


async def test_the_consumer_and_the_monitoring_hear_of_it() -> None:
    answers: list[Any] = [{"q": 10}, {"q": 100}, Outage("broker", "silent"), {"q": 90}, {"q": 1}]
    consumer: Any = Consumer()

    async def ask(_: Iterable[str]) -> dict[str, int]:
        answer = answers.pop(0)
        if isinstance(answer, Exception):
            raise answer
        return dict(answer)

    door, gauges = Door(Lane.NORMAL, consumer, ask, close_at=100, open_at=80, now=Clock()), []
    while answers:
        await door.watch()
        gauges.append(REGISTRY.get_sample_value("trunk_door_open", {"urgency": "normal"}))
    assert consumer.paused == [False, True, True, True, False]
    assert gauges == [1, 0, 0, 0, 1]


async def test_a_deep_queue_that_shows_nothing_keeps_the_door_closed_until_it_is_seen_again() -> None:
    """The broker shows a queue that does not answer with 0 messages, just when it is overloaded."""
    depths, clock, consumer = {"q": 100}, Clock(), Consumer()
    whoever: Any = consumer

    async def ask(_: Iterable[str]) -> dict[str, int]:
        return dict(depths)

    door = Door(Lane.NORMAL, whoever, ask, close_at=100, open_at=80, now=clock)
    for depth, minutes in ((100, 0), (0, 1), (0, 2), (95, 1), (0, 1), (0, 1), (0, 2), (0, 2)):
        depths["q"] = depth
        clock.move(minutes=minutes)
        await door.watch()
    assert consumer.paused == [*[True] * 7, False]
