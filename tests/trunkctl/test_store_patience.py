"""Every object is asked for at least once, also when a run has no patience left."""

import pytest

from trunkctl import store_patience
from trunkctl.store_patience import PATIENCE_SECONDS, TRIES_AFTER_SECONDS, Patience, Unreadable


@pytest.fixture(autouse=True)
def _no_pause(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(store_patience.time, "sleep", lambda _: None)


@pytest.mark.parametrize(
    ("seconds", "attempts"), [(PATIENCE_SECONDS, len(TRIES_AFTER_SECONDS)), (1.0, 2), (0.0, 1), (-2.5, 1)], ids=str
)
def test_an_object_that_fails_is_asked_for_as_long_as_there_is_patience(seconds: float, attempts: int) -> None:
    """It may be less than none: threads wait at the same time, and each takes off what it has waited."""
    asked: list[str] = []

    def ask() -> None:
        asked.append("a")
        raise ConnectionResetError

    with pytest.raises(Unreadable, match="ConnectionResetError"):
        Patience(seconds).ask("archive/a", ask, list)
    assert len(asked) == attempts


def test_an_object_is_given_without_patience() -> None:
    assert Patience(-2.5).ask("archive/a", lambda: b"a", list) == b"a"
