"""The lists and certificates that verdicts rest on, in the object store under their digests (R20)."""

from collections.abc import Iterable
from typing import Protocol

from common.clock import loop_time
from common.domain.names import Sha256
from common.domain.reason import Reason
from common.facts import MAX_EVIDENCE, ObjectRef
from common.failure import Transient
from common.objects import Objects
from validator.report.decision import Decision

REMEMBERED_EVIDENCE = 10_000
REMEMBERED_SECONDS = 600.0


class EvidenceSource(Protocol):
    """Who has the bytes of what is in use."""

    def evidence(self, digests: set[Sha256]) -> dict[Sha256, bytes]:
        """DER by SHA-256, as far as it is there."""


class EvidenceKeeper:
    """Puts the bytes there before the verdict is saved, each of them once."""

    def __init__(self, objects: Objects, source: EvidenceSource) -> None:
        self._objects, self._source = objects, source
        self._kept: dict[Sha256, tuple[ObjectRef, float]] = {}
        """Known to be in the object store until that time on the monotonic clock: a secret package may have brought a
        list along, and is removed with all of its files."""

    async def keep(self, decisions: Iterable[Decision]) -> dict[Sha256, int]:
        """Keep what the decisions rest on besides the documents.

        Returns sizes in bytes by digest, no more than a fact may name: those the archive puts under lock.

        Raises ``Transient`` where the bytes are not there any more: nobody could prove that verdict later, so the
        document is judged again by what is in use now.
        """
        needed = {sha256 for decision in decisions for sha256 in decision.report.evidence}
        now = loop_time()
        kept = {sha256: self._kept[sha256] for sha256 in needed & self._kept.keys() if self._kept[sha256][1] > now}
        if missing := needed - kept.keys():
            found = self._source.evidence(missing)
            if missing - found.keys():
                raise Transient(Reason.E_UNAVAILABLE, "a list was replaced while the document was judged")
            until = now + REMEMBERED_SECONDS
            put = {sha256: (await self._objects.put_content(data), until) for sha256, data in found.items()}
            if len(self._kept) > REMEMBERED_EVIDENCE:
                self._kept.clear()
            self._kept.update(put)
            kept |= put
        return {sha256: kept[sha256][0].size_bytes for sha256 in sorted(kept)[:MAX_EVIDENCE]}
