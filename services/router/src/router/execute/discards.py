"""What becomes of the document of a package that an operator gave up: it is as refused.

What others submitted about the document is answered then, instead of waiting until its patience is used up. A package
that is restored is awaited again; one that is replayed takes its DocumentId like any corrected package.
"""

import structlog

from common.domain.ids import claims_document_id, document_key
from common.domain.reason import Reason
from common.envelopes import from_json
from common.facts import OperatorActed, ParkedPackage
from common.failure import Permanent
from router.inbox import Contents
from router.route import DocumentState
from router.store import Store
from router.store.rows import DocumentRecord

log = structlog.get_logger("trunk.router")

ENDED_BY = {
    "validator": ("package.accepted",),
    "router": ("document.verified", "document.refused", "notice.accepted"),
}
"""Facts without which the router never decides about their package, by the service that had parked them."""


class Discards:
    """Follows operators' decisions about parked packages. May be repeated."""

    def __init__(self, store: Store, objects: Contents) -> None:
        self._store = store
        self._objects = objects

    async def note(self, fact: OperatorActed) -> None:
        """A package was given up, or that was taken back."""
        package = fact.package
        if package is None or fact.outcome != "done" or package.fact not in ENDED_BY.get(fact.service, ()):
            return
        if (record := await self._refused(fact, package)) is None:
            return
        if fact.action == "discard":
            await self._store.documents.settle(record.key, record.package_id)  # some units may have it already
            await self._store.documents.note(record)
        elif fact.action in ("restore", "replay"):
            await self._store.documents.forget_discard(record.key, record.package_id)

    async def _refused(self, fact: OperatorActed, package: ParkedPackage) -> DocumentRecord | None:
        """The document as refused; None for a package that brings none of its own."""
        if not await self._claims_document_id(package):
            return None
        return DocumentRecord(
            key=document_key(fact.sender, fact.document_id),
            sender=fact.sender,
            document_id=fact.document_id,
            state=DocumentState.REFUSED,
            package_id=fact.package_id,
            kind=package.kind,
            submitted_at=package.submitted_at,
            place=package.place,
            reason=Reason.E_DISCARDED,
        )

    async def _claims_document_id(self, package: ParkedPackage) -> bool:
        """As intake says; of a fact of an earlier release, as its envelope says, and False if that is lost.

        An operator gives packages up for that very reason; acts that wait for such a document wait until their end.
        """
        if package.claims_document_id is not None:
            return package.claims_document_id
        try:
            return claims_document_id(from_json(await self._objects.get(package.envelope)))
        except Permanent as error:
            log.warning("the envelope of a package that was given up cannot be read", trouble=str(error))
            return False
