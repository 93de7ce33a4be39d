"""Collection ``documents``: every DocumentId of every issuer, and how many versions its document has.

Every write is one insert under ``_id`` or one compare-and-set. A process that loses a race reads and decides again.
"""

from typing import Protocol

from pydantic import TypeAdapter

from common.database import Collection, Database, Document, compare_and_set, find_by_id, insert_once
from common.domain.reason import Reason
from common.failure import Transient
from router.order import SubmissionOrder
from router.route import DocumentState
from router.store.document_versions import DocumentVersions
from router.store.rows import DocumentRecord
from router.versions import NumberedVersion, Version, current_version, newest

DOCUMENT = TypeAdapter(DocumentRecord)


class Documents(Protocol):
    """The documents that the router knows. All methods raise ``Outage`` while the database is unavailable."""

    async def find(self, key: str) -> DocumentRecord | None:
        """The document with a key; of an alias, the document that it stands for. None = there is none."""

    async def claim(self, record: DocumentRecord) -> bool:
        """Open the document for routing. False = another package holds its DocumentId."""

    async def settle(self, key: str, package_id: str) -> None:
        """Note that all deliveries of a claimed document are open, so that statuses can be recorded."""

    async def note(self, record: DocumentRecord) -> None:
        """Record the DocumentId of a package as refused or as an alias, unless a document has it, or a package that was
        submitted later has recorded it."""

    async def forget_discard(self, key: str, package_id: str) -> None:
        """Undo the discard of a package: its DocumentId is still refused, but no longer held by this package, which may
        come after all."""

    async def add_version(self, key: str, version: Version, order: SubmissionOrder) -> int:
        """Add a version of a document. Returns its number. Idempotent. Raises ``Transient`` if there is no document."""

    async def current_version(self, key: str, order: SubmissionOrder) -> NumberedVersion | None:
        """The newest version of the document that was submitted before ``order``; None = there is none."""


class MongoDocuments:
    """``Documents`` in MongoDB."""

    def __init__(self, database: Database) -> None:
        self._documents: Collection = database.collection("documents")
        self._versions = DocumentVersions(database)

    async def find(self, key: str) -> DocumentRecord | None:
        """The document with a key; of an alias, the document that it stands for. None = there is none."""
        row = await find_by_id(self._documents, key)
        if row and row["alias_of"]:
            row = await find_by_id(self._documents, row["alias_of"])
        return DOCUMENT.validate_python(row) if row else None

    async def claim(self, record: DocumentRecord) -> bool:
        """Open the document for routing. False = another package holds its DocumentId."""
        while True:
            row = await insert_once(self._documents, _of_document(record))
            if row["state"] not in (DocumentState.REFUSED, DocumentState.ALIAS):
                return bool(row["package_id"] == record.package_id)
            if await self._take_over(row, record):
                return True

    async def settle(self, key: str, package_id: str) -> None:
        """Note that all deliveries of a claimed document are open."""
        expected = {"_id": key, "package_id": package_id, "state": DocumentState.ROUTING.value}
        change = {"$set": {"state": DocumentState.DELIVERED.value}, "$inc": {"revision": 1}}
        await compare_and_set(self._documents, expected, change)

    async def note(self, record: DocumentRecord) -> None:
        """Record the DocumentId of a package as refused or as an alias."""
        while True:
            row = await insert_once(self._documents, _of_document(record))
            saved = DOCUMENT.validate_python(row)
            if not saved.gives_way_to(record) or await self._take_over(row, record):
                return

    async def forget_discard(self, key: str, package_id: str) -> None:
        """Undo the discard of a package."""
        discarded = {"_id": key, "package_id": package_id, "state": DocumentState.REFUSED.value}
        discarded |= {"reason": Reason.E_DISCARDED.value}
        change = {"$set": {"package_id": "", "reason": None}, "$inc": {"revision": 1}}
        await compare_and_set(self._documents, discarded, change)

    async def add_version(self, key: str, version: Version, order: SubmissionOrder) -> int:
        """Add a version of a document. A process that ends in between leaves a gap in the numbers."""
        while True:
            row = await find_by_id(self._documents, key)
            if row is None:
                raise Transient(Reason.E_REFDOC, "the document concerned vanished")
            packages = [earlier["package_id"] for earlier in row["versions"]]
            if version.package_id in packages:
                return packages.index(version.package_id) + 1
            if known := await self._versions.find(key, order):
                return known.number
            last = row.get("last_version")
            number = (last or len(packages)) + 1
            change = {"$set": {"last_version": number}, "$inc": {"revision": 1}}
            if await compare_and_set(self._documents, {"_id": key, "last_version": last}, change):
                return (await self._versions.save(key, order, NumberedVersion(number, version))).number

    async def current_version(self, key: str, order: SubmissionOrder) -> NumberedVersion | None:
        """The newest version that was submitted before ``order``."""
        record = await self.find(key)
        if record is None:
            return None
        later = await self._versions.newest_before(record.key, order)
        return newest((current_version(record.versions, order), later))

    async def _take_over(self, row: Document, record: DocumentRecord) -> bool:
        fields = _of_document(record)
        fields.pop("_id")
        expected = {"_id": record.key, "state": row["state"], "revision": row["revision"]}
        return await compare_and_set(self._documents, expected, {"$set": fields | {"revision": row["revision"] + 1}})


def _of_document(record: DocumentRecord) -> Document:
    fields: Document = DOCUMENT.dump_python(record, mode="json")
    return {"_id": record.key, **fields, "submitted_at": record.submitted_at}
