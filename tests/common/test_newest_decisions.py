"""Facts about a parked message in any order and repeatedly: the newest decision has its effect last."""

import asyncio
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


def fact_about(action: str, minute: int, record: str = "r", outcome: str = "done") -> Word:
    about: dict[str, Any] = {"event_id": f"{record}/{action}/{minute}", "subject": "d", "lane": Lane.NORMAL}
    about |= {"occurred_at": CLOCK() + timedelta(minutes=minute), "service": "router", "record_id": record}
    if action == "parked":
        return MessageParked(**about, queue="facts.router.normal", reason=Reason.E_ATTEMPTS)
    return OperatorActed(**about, action=action, actor="Lan", purpose="x", outcome=outcome)  # type: ignore[arg-type]


async def handled(decisions: Any, words: Sequence[Word]) -> list[str]:
    """The event ids of those that are handled."""
    noted: list[str] = []

    async def note(word: Word) -> None:
        noted.append(word.event_id)

    for word in words:
        await following(decisions, note, note)(word)
    return noted


def ends(words: Sequence[Word]) -> list[list[str]]:
    """What is handled by the fake and by the real collection."""
    loop = VirtualLoop()
    both = (MemoryNewestDecisions(), real_decisions(loop))
    noted = [loop.run_until_complete(handled(each, words)) for each in both]
    loop.close()
    return noted


def real_decisions(loop: VirtualLoop) -> MongoNewestDecisions:
    return MongoNewestDecisions(ModelDatabase(Server(loop, lambda: 0.001), "router"))  # type: ignore[arg-type]


@pytest.mark.parametrize("order", list(permutations(range(3))))
def test_the_newest_decision_is_the_last_that_is_handled(order: tuple[int, ...]) -> None:
    words = [fact_about("discard", 1), fact_about("restore", 2), fact_about("discard", 3)]
    for noted in ends([*(words[number] for number in order), *words]):
        assert noted[-1] == words[-1].event_id


@pytest.mark.parametrize(
    ("words", "noted"),
    [
        ([("discard", 1), ("discard", 1)], ["discard 1", "discard 1"]),
        ([("discard", 1), ("restore", 2), ("discard", 1)], ["discard 1", "restore 2", "restore 2"]),
        (
            [("parked", 1), ("replay", 2), ("parked", 1), ("parked", 3)],
            ["parked 1", "replay 2", "replay 2", "parked 3"],
        ),
        ([("renew", 2), ("renew", 1)], ["renew 2", "renew 1"]),
    ],
    ids=["again", "again after a restore", "parked", "not reversible"],
)
def test_which_words_are_handled(words: Sequence[tuple[str, int]], noted: list[str]) -> None:
    wanted = ["r/" + each.replace(" ", "/") for each in noted]
    assert ends([fact_about(*each) for each in words]) == [wanted, wanted]


@pytest.mark.parametrize(
    "other",
    [fact_about("discard", 2, outcome="not parked, but replayed"), fact_about("discard", 2, "other")],
    ids=["in vain", "another message"],
)
def test_what_has_no_effect_and_what_is_about_another_message_overtakes_nothing(other: Word) -> None:
    early = fact_about("discard", 1)
    assert ends([other, early]) == [[other.event_id, early.event_id]] * 2


@pytest.mark.parametrize("older", ["discard", "parked"])
def test_of_two_that_are_handled_at_once_the_newer_has_the_last_effect(older: str) -> None:
    """The older one is slow; or its process ends then, and it is delivered again."""

    async def last_effect(decisions: Any, *, is_crashing: bool) -> str:
        effects, goes_on = list[str](), asyncio.Event()

        async def note(word: Word) -> None:
            if word.event_id == old.event_id:
                await goes_on.wait()
            effects.append(word.event_id)
            if word.event_id == old.event_id and is_crashing:
                raise ConnectionError

        follow = following(decisions, note, note)
        slow = asyncio.ensure_future(follow(old))
        await asyncio.sleep(1)
        await follow(new)
        goes_on.set()
        await asyncio.gather(slow, return_exceptions=True)
        if is_crashing:
            await follow(old)
        return effects[-1]

    old, new = fact_about(older, 1), fact_about("restore", 2)
    for is_crashing in (False, True):
        loop = VirtualLoop()
        for decisions in (MemoryNewestDecisions(), real_decisions(loop)):
            assert loop.run_until_complete(last_effect(decisions, is_crashing=is_crashing)) == new.event_id
        loop.close()
