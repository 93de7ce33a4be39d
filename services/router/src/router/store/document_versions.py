"""Collection ``document_versions``: one row for each package that brought further content of a document.

The document's own row has the version that it was claimed with, and all versions of earlier releases. The ``_id`` of a
row here begins with the document's key and the place in the order of submission, so that one query by ``_id`` gives the
newest version before a place.
"""

from datetime import UTC

from pydantic import TypeAdapter

from common.database import Collection, Database, Document, database_errors_as_outages, find_by_id, insert_once
from router.order import SubmissionOrder
from router.versions import NumberedVersion, Version

VERSION = TypeAdapter(Version)


class DocumentVersions:
    """The versions of documents. All methods raise ``Outage`` while the database is unavailable."""

    def __init__(self, database: Database) -> None:
        self._versions: Collection = database.collection("document_versions")

    async def find(self, key: str, order: SubmissionOrder) -> NumberedVersion | None:
        """The version that the package with this place brought; None = it is not saved."""
        row = await find_by_id(self._versions, _id(key, order))
        return _numbered(row) if row else None

    async def save(self, key: str, order: SubmissionOrder, numbered: NumberedVersion) -> NumberedVersion:
        """Save a version. Returns the one that was saved first."""
        version = VERSION.dump_python(numbered.version, mode="json")
        row = {"_id": _id(key, order), "number": numbered.number, **version}
        return _numbered(await insert_once(self._versions, row))

    async def newest_before(self, key: str, order: SubmissionOrder) -> NumberedVersion | None:
        """The newest version that was submitted before ``order``; None = there is none."""
        earlier = {"_id": {"$gt": f"{key}/", "$lt": _id(key, order)}}
        with database_errors_as_outages():
            rows = await self._versions.find(earlier).sort("_id", -1).limit(1).to_list(None)
        return _numbered(rows[0]) if rows else None


def _numbered(row: Document) -> NumberedVersion:
    return NumberedVersion(row["number"], VERSION.validate_python(row))


def _id(key: str, order: SubmissionOrder) -> str:
    return f"{key}/{order.submitted_at.astimezone(UTC):%Y-%m-%dT%H:%M:%S.%f}/{order.package_id}"
