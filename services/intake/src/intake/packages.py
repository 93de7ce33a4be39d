"""Intake's memory: what was decided about each package, and which package holds which DocumentId."""

from collections.abc import Sequence

from common.database import Collection, Database, Document, compare_and_set, find_by_id, insert_once
from common.facts import ObjectRef
from intake.record import PackageRecord


class Packages:
    """Collections ``packages`` and ``claims`` of intake's database."""

    def __init__(self, database: Database) -> None:
        self._packages: Collection = database.collection("packages")
        self._claims: Collection = database.collection("claims")

    async def find(self, package_id: str) -> PackageRecord | None:
        """What was decided about these bytes of this sender earlier."""
        found = await find_by_id(self._packages, package_id)
        return PackageRecord.model_validate(found) if found else None

    async def save(self, record: PackageRecord) -> PackageRecord:
        """Keep the decision; returns the one that was there first."""
        document: Document = {"_id": record.package_id, **record.model_dump(exclude_none=True)}
        document |= {"warnings": list(record.warnings), "purge": [ref.model_dump() for ref in record.purge]}
        return PackageRecord.model_validate(await insert_once(self._packages, document))

    async def mark_announced(self, package_id: str) -> bool:
        """The fact is out. False = another run said so already."""
        expected = {"_id": package_id, "announced": False}
        return await compare_and_set(self._packages, expected, {"$set": {"announced": True}})

    async def mark_secret(self, package_id: str, purge: Sequence[ObjectRef]) -> None:
        """Keep which objects of a package must be gone, before the first of them goes."""
        change = {"$set": {"purge": [ref.model_dump() for ref in purge]}}
        await compare_and_set(self._packages, {"_id": package_id}, change)

    async def claim(self, document_key: str, package_id: str) -> str:
        """Claim a DocumentId for a package, taking over a released one. Returns the package that holds it now."""
        claim = await insert_once(self._claims, {"_id": document_key, "package_id": package_id, "state": "held"})
        if claim["package_id"] == package_id or claim["state"] == "held":
            return str(claim["package_id"])
        expected = {"_id": document_key, "package_id": claim["package_id"], "state": "released"}
        taken = {"$set": {"package_id": package_id, "state": "held"}}
        if await compare_and_set(self._claims, expected, taken):
            return package_id
        return await self.claim(document_key, package_id)

    async def release(self, document_key: str, package_id: str) -> None:
        """The document was refused after intake: a corrected package may bear the same DocumentId."""
        expected = {"_id": document_key, "package_id": package_id}
        await compare_and_set(self._claims, expected, {"$set": {"state": "released"}})

    async def known(self, document_keys: list[str]) -> list[str]:
        """Those of the document keys that some accepted package holds, in the order given."""
        claims = [await find_by_id(self._claims, key) for key in document_keys]
        return [key for key, claim in zip(document_keys, claims, strict=True) if claim]
