"""Intake's rows: the decision about each package, and which package holds which DocumentId."""

from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta

from common.clock import Clock, utc_now
from common.database import Collection, Database, Document, compare_and_set, find_by_id, insert_missing, insert_once
from common.domain.names import Lane
from common.facts import ObjectRef
from intake.ends import refused_fields
from intake.open_package import opening
from intake.order import Place, next_place
from intake.record import PackageRecord

CLAIM_LASTS = timedelta(hours=1)
"""After so long another package may claim the DocumentId of one that claimed it and was never decided."""
Claims = Mapping[str, Document]
"""Rows of ``claims`` by document key."""
NOTHING_READ: Claims = {}
DECIDED_WITHIN = CLAIM_LASTS / 2
"""How long after its claim a package may still be decided. The rest of ``CLAIM_LASTS`` allows for clocks that differ by
up to ten minutes, and for the time that saving takes."""


class Packages:
    """Collections ``packages`` and ``claims`` of intake's database."""

    def __init__(self, database: Database, budgets: Mapping[Lane, timedelta], now: Clock = utc_now) -> None:
        """``budgets``: how long a package of a lane may be open before its fact is published again."""
        self._budgets = budgets
        self._now = now
        self._packages: Collection = database.collection("packages")
        self._claims: Collection = database.collection("claims")

    async def find(self, package_id: str) -> PackageRecord | None:
        """The saved decision about a package; None = there is none."""
        row = await find_by_id(self._packages, package_id)
        return PackageRecord.model_validate(row) if row else None

    async def may_be_refused(self, package_id: str) -> bool:
        """Whether a package that was let in may still be refused: it carries files, and is not finished. The validator
        may find a signature invalid, or an operator discard the package."""
        row = await find_by_id(self._packages, package_id)
        return bool(row and row.get("is_open") and row.get("carries_files"))

    async def save(self, record: PackageRecord) -> PackageRecord:
        """Save a decision, and open the package. Returns the decision that was saved first."""
        document: Document = {"_id": record.package_id, **record.model_dump(exclude_none=True)}
        document |= opening(record.lane, self._now(), self._budgets) | refused_fields(record, self._now())
        document |= {"warnings": list(record.warnings), "purge": [ref.model_dump() for ref in record.purge]}
        return PackageRecord.model_validate(await insert_once(self._packages, document))

    async def mark_announced(self, package_id: str) -> bool:
        """Note that the fact is published. False = it was noted before."""
        expected = {"_id": package_id, "announced": False}
        return await compare_and_set(self._packages, expected, {"$set": {"announced": True}})

    async def mark_secret(self, package_id: str, purge: Sequence[ObjectRef]) -> bool:
        """Save which objects of a package must be removed, before any of them is removed. False = all have been
        removed."""
        change = {"$set": {"purge": [ref.model_dump() for ref in purge], "is_purged": False}}
        return await compare_and_set(self._packages, {"_id": package_id, "is_purged": {"$ne": True}}, change)

    async def mark_purged(self, package_id: str) -> None:
        """Save that all objects named by ``mark_secret`` have been removed."""
        await compare_and_set(self._packages, {"_id": package_id}, {"$set": {"is_purged": True}})

    async def claim_first(self, document_key: str, package_id: str) -> Place | None:
        """Claim a DocumentId that was never claimed, for a package that is about no other document. Returns the first
        place in the order of the document; None = the DocumentId was claimed before."""
        at = self._now()
        claim: Document = {"_id": document_key, **self._held(package_id, None), "place": at}
        is_first = not await insert_missing(self._claims, [claim])
        return Place(at, {document_key: package_id}) if is_first else None

    async def claim(self, document_key: str, package_id: str, about: str | None = None) -> str:
        """Claim a DocumentId for a package, taking over a released one. Returns the package that holds it now.

        If the package holds it already, it is being decided again, and the time of its claim is set anew.
        ``about``: key of the document that an update under a DocumentId of its own concerns; both share one order.
        """
        new_claim = self._held(package_id, about)
        first: Document = {"_id": document_key, **new_claim}
        claim = await insert_once(self._claims, first)
        if claim is not first and (claim["package_id"], claim["state"]) == (package_id, "held"):
            own_claim = {"_id": document_key, "package_id": package_id, "state": "held"}
            if not await compare_and_set(self._claims, own_claim, {"$set": {"at": new_claim["at"]}}):
                return await self.claim(document_key, package_id, about)
        if claim["package_id"] == package_id or claim["state"] == "held":
            return str(claim["package_id"])
        expected = {"_id": document_key, "package_id": claim["package_id"], "state": "released"}
        if await compare_and_set(self._claims, expected, {"$set": new_claim}):
            return package_id
        return await self.claim(document_key, package_id, about)

    async def take_over(self, document_key: str, holder: str, package_id: str, about: str | None = None) -> bool:
        """Claim a DocumentId in place of a package whose claim has lasted ``CLAIM_LASTS`` and that was never decided.

        False = the claim is younger, or another process has changed it. A claim of an earlier release has no time, and
        lasts from now on.
        """
        claimed = {"_id": document_key, "package_id": holder, "state": "held"}
        await compare_and_set(self._claims, claimed | {"at": None}, {"$set": {"at": self._now()}})
        expired = claimed | {"at": {"$lte": self._now() - CLAIM_LASTS}}
        return await compare_and_set(self._claims, expired, {"$set": self._held(package_id, about)})

    def _held(self, package_id: str, about: str | None) -> Document:
        return {"package_id": package_id, "state": "held", "about": about, "at": self._now()}

    async def holder(self, document_keys: Sequence[str]) -> str | None:
        """The package that holds the first of these DocumentIds that was ever claimed. None = it was released, or none
        was ever claimed."""
        for key in document_keys:
            if claim := await find_by_id(self._claims, key):
                return _holder(claim)
        return None

    async def release(self, document_key: str, package_id: str, *, is_refused: bool = False) -> None:
        """Free a DocumentId that a package holds, so that a corrected package may bear it. ``is_refused``: the package
        was refused, and can never hold it again."""
        expected = {"_id": document_key, "package_id": package_id}
        refused = {"refused": package_id} if is_refused else {}
        await compare_and_set(self._claims, expected, {"$set": {"state": "released", "at": None, **refused}})

    async def hold_again(self, document_key: str, package_id: str) -> None:
        """Claim a DocumentId again for a package whose discard was undone, unless another package holds it by now.

        A package that has been refused does not get it back: a replay ends in a verdict, and the fact of the verdict
        comes before that of the replay.
        """
        released = {"_id": document_key, "package_id": package_id, "state": "released"}
        expected: Document = {**released, "refused": {"$ne": package_id}}
        await compare_and_set(self._claims, expected, {"$set": {"state": "held"}})

    async def take_place(self, document_keys: Sequence[str], now: datetime, read: Claims = NOTHING_READ) -> Place:
        """Take a place after all places that were taken for these documents. It is saved before it is returned, so no
        place is given twice.

        ``read``: the claims on some of these documents, as ``claims_on`` has just returned them. If one of them has
        changed since, all claims are read again.
        """
        while True:
            claims = [claim for key in dict.fromkeys(document_keys) if (claim := await self._leading(key, read))]
            leading = {claim["_id"]: claim for claim in claims}
            at = next_place(now, [claim["place"] for claim in leading.values() if claim.get("place")])
            if await self._set_places(list(leading.values()), at):
                return Place(at, {key: _holder(leading[key]) for key in document_keys if key in leading})
            read = NOTHING_READ

    async def _set_places(self, claims: Sequence[Document], at: datetime) -> bool:
        for claim in claims:
            as_read = {name: claim.get(name) for name in ("_id", "place", "package_id", "state")}
            if not await compare_and_set(self._claims, as_read, {"$set": {"place": at}}):
                return False
        return True

    async def _leading(self, document_key: str, read: Claims) -> Document | None:
        """The claim that keeps the order of a document: its own, or that of the document which it updates."""
        claim, seen = read.get(document_key) or await find_by_id(self._claims, document_key), {document_key}
        while claim and (about := claim.get("about")) and about not in seen:
            seen.add(about)
            claim = read.get(about) or await find_by_id(self._claims, about) or claim | {"about": None}
        return claim

    async def claims_on(self, document_keys: Sequence[str]) -> Claims:
        """The claims on those DocumentIds that were ever claimed, by document key, in the order given."""
        claims = {key: await find_by_id(self._claims, key) for key in dict.fromkeys(document_keys)}
        return {key: claim for key, claim in claims.items() if claim}


def _holder(claim: Document) -> str | None:
    return str(claim["package_id"]) if claim["state"] == "held" else None
