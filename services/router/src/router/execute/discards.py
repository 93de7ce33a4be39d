"""Documents of discarded packages: such a document counts as refused.

So packages about it are answered, instead of waiting until their patience ends. When the package is restored, packages
about it wait again. When it is replayed, it takes its DocumentId like a corrected package.
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
"""By the service that parked them, the facts without which the router never decides about their package."""


class Discards:
    """Follows operators' decisions about parked packages. Idempotent."""

    def __init__(self, store: Store, objects: Contents) -> None:
        self._store = store
        self._objects = objects

    async def note(self, fact: OperatorActed) -> None:
        """Note that a package was discarded, restored or replayed."""
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
        """The row of the refused document; None for a package that brings no document of its own."""
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
        """Whether a package brings a document of its own.

        Facts of earlier releases do not say so; then the envelope does. If that is lost, which may be why the package
        was discarded, False: packages about the document wait until their patience ends.
        """
        if package.claims_document_id is not None:
            return package.claims_document_id
        try:
            return claims_document_id(from_json(await self._objects.get(package.envelope)))
        except Permanent as error:
            log.warning("the envelope of a package that was given up cannot be read", detail=str(error))
            return False
