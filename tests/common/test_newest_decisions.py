"""Of all that is told of a parked message, the newest decision counts, in whatever order it comes and however often."""

from collections.abc import Sequence
from datetime import timedelta
from itertools import permutations
from typing import Any

import pytest

from common.domain.names import Lane
from common.domain.reason import Reason
from common.facts import MessageParked, OperatorActed
from common.service.newest_decisions import MongoNewestDecisions, Word, following

from ..harness.memory import Clock
from ..router.conftest import MemoryNewestDecisions
from ..simulation.database import ModelDatabase, Server
from ..simulation.loop import VirtualLoop

CLOCK = Clock()


def told(word: str, minute: int, record: str = "r", outcome: str = "done") -> Word:
    about: dict[str, Any] = {"event_id": f"{record}/{word}/{minute}", "subject": "d", "lane": Lane.NORMAL}
    about |= {"occurred_at": CLOCK() + timedelta(minutes=minute), "service": "router", "record_id": record}
    if word == "parked":
        return MessageParked(**about, queue="facts.router.normal", reason=Reason.E_ATTEMPTS)
    return OperatorActed(**about, action=word, actor="Lan", purpose="x", outcome=outcome)  # type: ignore[arg-type]


async def counting(decisions: Any, words: Sequence[Word]) -> list[str]:
    """The event ids of those that count."""
    counted: list[str] = []

    async def note(word: Word) -> None:
        counted.append(word.event_id)

    for word in words:
        await following(decisions, note)(word)
    return counted


def ends(words: Sequence[Word]) -> list[list[str]]:
    """What counts by the fake and by the real collection."""
    loop = VirtualLoop()
    real = MongoNewestDecisions(ModelDatabase(Server(loop, lambda: 0.001), "router"))  # type: ignore[arg-type]
    counted = [loop.run_until_complete(counting(each, words)) for each in (MemoryNewestDecisions(), real)]
    loop.close()
    return counted


@pytest.mark.parametrize("order", list(permutations(range(3))))
def test_the_newest_decision_is_the_last_that_counts(order: tuple[int, ...]) -> None:
    words = [told("discard", 1), told("restore", 2), told("discard", 3)]
    for counted in ends([*(words[number] for number in order), *words]):
        assert counted[-1] == words[-1].event_id


@pytest.mark.parametrize(
    ("words", "counted"),
    [
        ([told("discard", 1), told("discard", 1)], 2),
        ([told("discard", 1), told("restore", 2), told("discard", 1)], 2),
        ([told("parked", 1), told("replay", 2), told("parked", 1), told("parked", 3)], 3),
        ([told("discard", 2, outcome="not parked, but replayed"), told("discard", 1)], 2),
        ([told("renew", 2), told("renew", 1)], 2),
        ([told("discard", 2), told("discard", 1, "other")], 2),
    ],
    ids=["again", "again after a restore", "parked", "not carried out", "not reversible", "another message"],
)
def test_which_words_count(words: Sequence[Word], counted: int) -> None:
    assert [len(each) for each in ends(words)] == [counted, counted]
