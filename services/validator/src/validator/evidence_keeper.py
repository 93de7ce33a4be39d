"""The lists and certificates that verdicts rest on, in the object store under their digests (R20)."""

from collections.abc import Iterable
from typing import Protocol

from common.domain.names import Sha256
from common.domain.reason import Reason
from common.failure import Transient
from common.objects import Objects
from validator.report.decision import Decision

REMEMBERED_EVIDENCE = 10_000


class EvidenceSource(Protocol):
    """Who has the bytes of what is in use."""

    def evidence(self, digests: set[Sha256]) -> dict[Sha256, bytes]:
        """DER by SHA-256, as far as it is there."""


class EvidenceKeeper:
    """Puts the bytes there before the verdict is saved, each of them once."""

    def __init__(self, objects: Objects, source: EvidenceSource) -> None:
        self._objects, self._source = objects, source
        self._kept: set[Sha256] = set()
        """Known to be in the object store."""

    async def keep(self, decisions: Iterable[Decision]) -> None:
        """Keep what the decisions rest on besides the documents.

        Raises ``Transient`` where the bytes are not there any more: nobody could prove that verdict later, so the
        document is judged again by what is in use now.
        """
        needed = {sha256 for decision in decisions for sha256 in decision.report.evidence} - self._kept
        if not needed:
            return
        found = self._source.evidence(needed)
        if needed - found.keys():
            raise Transient(Reason.E_UNAVAILABLE, "a list was replaced while the document was judged")
        for data in found.values():
            await self._objects.put_content(data)
        if len(self._kept) > REMEMBERED_EVIDENCE:
            self._kept.clear()
        self._kept.update(found)
