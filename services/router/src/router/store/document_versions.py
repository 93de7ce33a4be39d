"""Collection ``document_versions``: the packages that brought further content of a document, one row each.

The document's row holds the version that it was claimed with, and all versions that an earlier release knew. A row's
``_id`` begins with the document and the place in the order of submission, so that the newest before a place is found by
it, however many there are.
"""

from datetime import UTC

from pydantic import TypeAdapter

from common.database import Collection, Database, Document, database_trouble, find_by_id, insert_once
from router.order import SubmissionOrder
from router.versions import NumberedVersion, Version

VERSION = TypeAdapter(Version)


class DocumentVersions:
    """The collection of the running service."""

    def __init__(self, database: Database) -> None:
        self._versions: Collection = database.collection("document_versions")

    async def find(self, key: str, order: SubmissionOrder) -> NumberedVersion | None:
        """The version that a package brought, if it is known."""
        row = await find_by_id(self._versions, _id(key, order))
        return _numbered(row) if row else None

    async def save(self, key: str, order: SubmissionOrder, numbered: NumberedVersion) -> NumberedVersion:
        """Keep a version; returns the one that was there first."""
        version = VERSION.dump_python(numbered.version, mode="json")
        row = {"_id": _id(key, order), "number": numbered.number, **version}
        return _numbered(await insert_once(self._versions, row))

    async def newest_before(self, key: str, order: SubmissionOrder) -> NumberedVersion | None:
        """The newest of the versions that were submitted before a package."""
        earlier = {"_id": {"$gt": f"{key}/", "$lt": _id(key, order)}}
        with database_trouble():
            rows = await self._versions.find(earlier).sort("_id", -1).limit(1).to_list(None)
        return _numbered(rows[0]) if rows else None


def _numbered(row: Document) -> NumberedVersion:
    return NumberedVersion(row["number"], VERSION.validate_python(row))


def _id(key: str, order: SubmissionOrder) -> str:
    return f"{key}/{order.submitted_at.astimezone(UTC):%Y-%m-%dT%H:%M:%S.%f}/{order.package_id}"
