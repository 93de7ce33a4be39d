"""Gauges cost a bounded share of the database's time, however many rows there are."""

import pytest

from common.service.paced import LARGEST_SHARE, Paced


class Clock:
    """Moves only when the work does."""

    def __init__(self) -> None:
        self.now = 0.0

    def __call__(self) -> float:
        return self.now


@pytest.mark.parametrize(("takes", "pause"), [(0.001, 15.0), (0.1, 15.0), (1.0, 99.0), (60.0, 5940.0)])
async def test_the_pause_grows_with_the_work(takes: float, pause: float) -> None:
    clock = Clock()

    async def count() -> None:
        clock.now += takes

    paced = Paced(count, 15.0, clock)
    assert paced.pause_seconds() == 15.0
    await paced.run()
    assert paced.pause_seconds() == pytest.approx(pause)
    assert takes / (takes + paced.pause_seconds()) <= LARGEST_SHARE + 1e-9


async def test_a_server_that_was_away_does_not_slow_the_gauge_down() -> None:
    clock = Clock()

    async def fails() -> None:
        clock.now += 30.0
        raise ConnectionError

    paced = Paced(fails, 15.0, clock)
    with pytest.raises(ConnectionError):
        await paced.run()
    assert paced.pause_seconds() == 15.0
