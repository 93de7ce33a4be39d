"""Collection ``acts``: what issuers did to documents, for units that get them later. Rows are inserted only."""

from collections.abc import Sequence
from typing import Protocol

from pydantic import TypeAdapter

from common.database import Collection, Database, insert_missing
from common.domain.names import UnitCode
from router.acts import Act
from router.store.queries import find_all

ACT = TypeAdapter(Act)


class Acts(Protocol):
    """What the handlers ask. Everything raises ``Outage`` when the database is away."""

    async def save(self, acts: Sequence[Act]) -> None:
        """Remember acts; those that are remembered already stay as they are."""

    async def about(self, document_key: str, receiver: UnitCode | None = None) -> list[Act]:
        """All acts upon a document; with ``receiver``, those that concern this unit."""


class MongoActs:
    """The collection of the running service."""

    def __init__(self, database: Database) -> None:
        self._acts: Collection = database.collection("acts")

    async def save(self, acts: Sequence[Act]) -> None:
        """Remember acts."""
        await insert_missing(self._acts, [{"_id": act.id, **ACT.dump_python(act, mode="json")} for act in acts])

    async def about(self, document_key: str, receiver: UnitCode | None = None) -> list[Act]:
        """All acts upon a document."""
        concerned = {"receiver": {"$in": [receiver, None]}} if receiver else {}
        rows = await find_all(self._acts, {"document_key": document_key, **concerned})
        return [ACT.validate_python(row) for row in rows]
