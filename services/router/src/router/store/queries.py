"""Queries that several collections share."""

from collections.abc import Iterable

from common.database import Collection, Document, database_errors_as_outages


def below(key: str) -> Document:
    """A query for all rows whose ``_id`` begins with the key and a slash."""
    return {"_id": {"$gte": f"{key}/", "$lt": f"{key}0"}}


async def find_all(collection: Collection, selection: Document, fields: Iterable[str] | None = None) -> list[Document]:
    """All rows that a query selects, with all fields or only ``fields``. Raises ``Outage``."""
    projection = dict.fromkeys(fields, 1) if fields else None
    with database_errors_as_outages():
        return await collection.find(selection, projection).to_list(None)
