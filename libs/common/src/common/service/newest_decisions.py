"""The newest fact about each parked message, for services that follow them: facts may come late, and repeatedly.

Collection ``newest_decisions`` of each such service has one row for each message, with the newest decision about it.
The service that keeps the message gives each fact about it a later time than the one before.
"""

from collections.abc import Awaitable, Callable
from typing import Any, Protocol

from common.database import Collection, Database, Document, compare_and_set, find_by_id, insert_once
from common.facts import MessageParked, OperatorActed
from common.indexes import NEWEST_DECISIONS

REVERSIBLE = ("discard", "restore", "replay")
"""Decisions that a later one undoes."""
Word = MessageParked | OperatorActed
"""A fact about a parked message."""


class NewestDecisions(Protocol):
    """The newest decisions. Raises ``Outage`` while the database is unavailable."""

    async def newest(self, word: Word) -> Word:
        """The fact itself, or a later decision about the same message if one is saved. Saves a decision that is the
        newest."""


class MongoNewestDecisions:
    """``NewestDecisions`` in MongoDB."""

    def __init__(self, database: Database) -> None:
        self._decisions: Collection = database.collection(NEWEST_DECISIONS)

    async def newest(self, word: Word) -> Word:
        """As in ``NewestDecisions``."""
        if is_reversible(word):
            decision: Document = {"at": word.occurred_at, "fact": word.model_dump(mode="json", exclude_none=True)}
            first: Document = {"_id": word.record_id, **decision}
            earlier = {"_id": word.record_id, "at": {"$lte": word.occurred_at}}
            if await insert_once(self._decisions, first) is first:
                return word
            if await compare_and_set(self._decisions, earlier, {"$set": decision}):
                return word
        row = await find_by_id(self._decisions, word.record_id)
        is_later = row is not None and row["at"] > word.occurred_at
        return OperatorActed.model_validate(row["fact"]) if row and is_later else word


def is_reversible(word: Word) -> bool:
    """Whether a fact is a decision that was carried out, and that a later one can undo."""
    return isinstance(word, OperatorActed) and word.action in REVERSIBLE and word.outcome == "done"


def following(
    decisions: NewestDecisions,
    note_parked: Callable[[MessageParked], Awaitable[None]],
    note_acted: Callable[[OperatorActed], Awaitable[None]],
) -> Callable[[Any], Awaitable[None]]:
    """A handler of facts about parked messages, after which the newest of them has had its effect.

    Of two facts that are handled at the same time, the older may take effect last, or its process may end in between.
    So the handler asks for the newest one again after it has handled one, and instead of an older fact it handles the
    newest one once more.
    """

    async def take(word: Word) -> None:
        handled: Word | None = None
        newest = await decisions.newest(word)
        while newest != handled:
            await (note_acted(newest) if isinstance(newest, OperatorActed) else note_parked(newest))
            handled, newest = newest, await decisions.newest(newest)

    return take
