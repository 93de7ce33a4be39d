"""Which word about a parked message counts, for services that hear of it: the newest, whatever comes again, or late.

Collection ``newest_decisions`` of each service that follows parked messages: one row a message. The service that keeps
the message gives each word a later time than the one before.
"""

from collections.abc import Awaitable, Callable
from typing import Protocol

from common.database import Collection, Database, Document, compare_and_set, find_by_id, insert_once
from common.facts import MessageParked, OperatorActed
from common.indexes import NEWEST_DECISIONS

REVERSIBLE = ("discard", "restore", "replay")
"""Decisions that a later one takes back."""
Word = MessageParked | OperatorActed


class NewestDecisions(Protocol):
    """What is asked. Raises ``Outage`` when the database is away."""

    async def counts(self, word: Word) -> bool:
        """Whether no later decision about the same message is known; the same word again counts again."""


class MongoNewestDecisions:
    """The collection of the running service."""

    def __init__(self, database: Database) -> None:
        self._decisions: Collection = database.collection(NEWEST_DECISIONS)

    async def counts(self, word: Word) -> bool:
        """Whether no later decision about the same message is known."""
        if not is_reversible(word):
            row = await find_by_id(self._decisions, word.record_id)
            return row is None or bool(row["at"] <= word.occurred_at)
        first: Document = {"_id": word.record_id, "at": word.occurred_at}
        if await insert_once(self._decisions, first) is first:
            return True
        earlier = {"_id": word.record_id, "at": {"$lte": word.occurred_at}}
        return await compare_and_set(self._decisions, earlier, {"$set": {"at": word.occurred_at}})


def is_reversible(word: Word) -> bool:
    """Whether it is a decision that took effect, and that a later one takes back."""
    return isinstance(word, OperatorActed) and word.action in REVERSIBLE and word.outcome == "done"


def following(
    decisions: NewestDecisions, *handlers: Callable[..., Awaitable[None]]
) -> Callable[[Word], Awaitable[None]]:
    """A handler of words about parked messages that has those handled which count."""

    async def take(word: Word) -> None:
        if await decisions.counts(word):
            for handler in handlers:
                await handler(word)

    return take
