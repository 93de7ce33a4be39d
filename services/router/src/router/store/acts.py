"""Collection ``acts``: what issuers did to documents, for units that get them later. Rows are inserted only."""

from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Protocol

from pydantic import TypeAdapter

from common.database import Collection, Database, insert_missing
from router.acts import Act
from router.order import SubmissionOrder
from router.store.queries import find_all

ACT = TypeAdapter(Act)


class Acts(Protocol):
    """What the handlers ask. Everything raises ``Outage`` when the database is away."""

    async def save(self, acts: Sequence[Act]) -> None:
        """Remember acts; those that are remembered already stay as they are."""

    async def about(self, document_key: str, after: SubmissionOrder) -> list[Act]:
        """The acts upon a document that were submitted after a package: none, as long as packages come in order."""


class MongoActs:
    """The collection of the running service."""

    def __init__(self, database: Database) -> None:
        self._acts: Collection = database.collection("acts")

    async def save(self, acts: Sequence[Act]) -> None:
        """Remember acts."""
        await insert_missing(self._acts, [{"_id": act.id, **ACT.dump_python(act, mode="json")} for act in acts])

    async def about(self, document_key: str, after: SubmissionOrder) -> list[Act]:
        """The acts upon a document that were submitted after a package, however many there are before it."""
        selection = {"document_key": document_key, "event.order.submitted_at": {"$gte": _second(after.submitted_at)}}
        acts = [ACT.validate_python(row) for row in await find_all(self._acts, selection)]
        return [act for act in acts if act.event.order > after]


def _second(at: datetime) -> str:
    """Not greater than any text of a time in that second or later; fractions are texts of different lengths."""
    return at.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%S")
