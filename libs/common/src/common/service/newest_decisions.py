"""Which word about a parked message counts, for services that hear of it: the newest, whatever comes again, or late.

Collection ``newest_decisions`` of each service that follows parked messages: one row a message, with the newest
decision about it. The service that keeps the message gives each word a later time than the one before.
"""

from collections.abc import Awaitable, Callable
from typing import Any, Protocol

from common.database import Collection, Database, Document, compare_and_set, find_by_id, insert_once
from common.facts import MessageParked, OperatorActed
from common.indexes import NEWEST_DECISIONS

REVERSIBLE = ("discard", "restore", "replay")
"""Decisions that a later one takes back."""
Word = MessageParked | OperatorActed


class NewestDecisions(Protocol):
    """What is asked. Raises ``Outage`` when the database is away."""

    async def newest(self, word: Word) -> Word:
        """The word, or the decision about the same message that is later and known already. A decision is known from
        then on."""


class MongoNewestDecisions:
    """The collection of the running service."""

    def __init__(self, database: Database) -> None:
        self._decisions: Collection = database.collection(NEWEST_DECISIONS)

    async def newest(self, word: Word) -> Word:
        """See ``NewestDecisions``."""
        if is_reversible(word):
            told: Document = {"at": word.occurred_at, "fact": word.model_dump(mode="json", exclude_none=True)}
            first: Document = {"_id": word.record_id, **told}
            earlier = {"_id": word.record_id, "at": {"$lte": word.occurred_at}}
            if await insert_once(self._decisions, first) is first:
                return word
            if await compare_and_set(self._decisions, earlier, {"$set": told}):
                return word
        row = await find_by_id(self._decisions, word.record_id)
        is_later = row is not None and row["at"] > word.occurred_at
        return OperatorActed.model_validate(row["fact"]) if row and is_later else word


def is_reversible(word: Word) -> bool:
    """Whether it is a decision that took effect, and that a later one takes back."""
    return isinstance(word, OperatorActed) and word.action in REVERSIBLE and word.outcome == "done"


def following(
    decisions: NewestDecisions,
    note_parked: Callable[[MessageParked], Awaitable[None]],
    note_acted: Callable[[OperatorActed], Awaitable[None]],
) -> Callable[[Any], Awaitable[None]]:
    """A handler of words about parked messages after which the newest of them has had its effect.

    Of two that are handled at the same time, the effect of the older may come last, or its process end in between. So
    whoever has handled a word looks again, and a word that does not count has the newest handled once more.
    """

    async def take(word: Word) -> None:
        handled: Word | None = None
        newest = await decisions.newest(word)
        while newest != handled:
            await (note_acted(newest) if isinstance(newest, OperatorActed) else note_parked(newest))
            handled, newest = newest, await decisions.newest(newest)

    return take
