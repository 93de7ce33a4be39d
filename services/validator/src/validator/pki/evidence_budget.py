"""How much of the evidence of one place in a document counts: of one signature, or of its DSS.

Where there is more than that, pieces that name no CA we hold do not count, and a piece that is too large takes no other
along: whoever fills the place with other things keeps nothing from being heard.
"""

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from itertools import islice

from validator.pki.evidence import EmbeddedStatement
from validator.policy import RevocationLimits


@dataclass(frozen=True, slots=True)
class EvidenceBudget:
    """The limits of one place."""

    max_items: int
    max_bytes: int
    is_known: Callable[[EmbeddedStatement], bool]
    """Whether a piece names a CA that we hold. Asked only where there is more than the limits allow."""
    limits: RevocationLimits

    def chosen(self, pieces: Iterable[EmbeddedStatement]) -> list[EmbeddedStatement]:
        """The pieces that count, in their order."""
        found = list(self._looked_at(pieces))
        if len(found) <= self.max_items and sum(len(each.data) for each in found) <= self.max_bytes:
            return found
        chosen: list[EmbeddedStatement] = []
        left = self.max_bytes
        for each in found:
            if len(chosen) < self.max_items and len(each.data) <= left and self.is_known(each):
                chosen.append(each)
                left -= len(each.data)
        return chosen

    def _looked_at(self, pieces: Iterable[EmbeddedStatement]) -> Iterator[EmbeddedStatement]:
        left = self.limits.max_embedded_looked_at_bytes
        for each in islice(pieces, self.limits.max_embedded_looked_at):
            left -= len(each.data)
            if left < 0:
                return
            if len(each.data) <= self.max_bytes:
                yield each
