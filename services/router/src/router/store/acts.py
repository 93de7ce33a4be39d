"""Collection ``acts``: acts of issuers, for units that get the document later. Rows are only inserted."""

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
    """The remembered acts. All methods raise ``Outage`` while the database is unavailable."""

    async def save(self, acts: Sequence[Act]) -> None:
        """Save acts. Those that are saved already stay as they are."""

    async def about(self, document_key: str, after: SubmissionOrder) -> list[Act]:
        """The acts upon a document that were submitted after a package. There are none while packages come in order."""


class MongoActs:
    """``Acts`` in MongoDB."""

    def __init__(self, database: Database) -> None:
        self._acts: Collection = database.collection("acts")

    async def save(self, acts: Sequence[Act]) -> None:
        """Save acts."""
        await insert_missing(self._acts, [{"_id": act.id, **ACT.dump_python(act, mode="json")} for act in acts])

    async def about(self, document_key: str, after: SubmissionOrder) -> list[Act]:
        """The acts upon a document that were submitted after a package. Earlier ones are not read."""
        selection = {"document_key": document_key, "event.order.submitted_at": {"$gte": _second(after.submitted_at)}}
        acts = [ACT.validate_python(row) for row in await find_all(self._acts, selection)]
        return [act for act in acts if act.event.order > after]


def _second(at: datetime) -> str:
    """The second that contains a time, as text. It sorts before the text of every time in that second or later, with or
    without a fraction."""
    return at.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%S")
