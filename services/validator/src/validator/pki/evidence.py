"""Everything that is known about revocation while one document is judged.

Evidence that a document brings along counts only if it is authentic (signed by a CA of the trust folder) and speaks
about the time in question. Nothing is fetched, and no certificate of the document is ever trusted.
"""

import logging
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from functools import cached_property
from typing import NamedTuple

from validator.pki.crl import Crl, read_crl
from validator.pki.ocsp import read_answers
from validator.pki.revocation_lists import RevocationLists
from validator.pki.trust_store import TrustStore
from validator.policy import Policy
from validator.report.vocabulary import StatusKind

log = logging.getLogger(__name__)

Proofs = Sequence[tuple[int, datetime]]
"""Trusted document time stamps: revision and time. What stands in an earlier revision existed at that time."""


class EmbeddedStatement(NamedTuple):
    """A revocation list or an OCSP response out of the document, not verified yet."""

    kind: StatusKind
    data: bytes
    """DER."""
    revision: int
    """Revision of the file that holds it: a document time stamp in this or a later one proves that it existed."""


def _no_statements() -> Iterable[EmbeddedStatement]:
    return ()


@dataclass(frozen=True)
class Evidence:
    """Trust, lists and policy, with what the document brings along."""

    trust: TrustStore
    lists: RevocationLists
    policy: Policy
    now: datetime
    statements: Callable[[], Iterable[EmbeddedStatement]] = _no_statements
    """Reads the document's statements; called only where the lists do not suffice. May raise anything."""
    proofs: Proofs = ()

    def about(self, issuer: str) -> tuple[Crl, ...]:
        """Statements of that CA, those of the trust folder first."""
        return (*self.lists.about(issuer), *(each for each in self.embedded if each.issuer == issuer))

    def with_proofs(self, proofs: Proofs) -> "Evidence":
        """The same evidence with these document time stamps."""
        return replace(self, proofs=proofs)

    def without_embedded(self) -> "Evidence":
        """The lists of the trust folder alone."""
        return replace(self, statements=_no_statements)

    @cached_property
    def embedded(self) -> tuple[Crl, ...]:
        """The authentic lists and answers of the document."""
        try:
            return tuple(self._authentic())
        except Exception as error:
            log.debug("validation data not readable: %s", type(error).__name__)
            return ()

    def _authentic(self) -> Iterator[Crl]:
        authorities = self.trust.authorities
        for kind, data, revision in self.statements():
            known_at = self._known_at(revision)
            try:
                if kind is StatusKind.CRL:
                    yield read_crl(authorities, data, self.policy, embedded=True, known_at=known_at)
                else:
                    yield from read_answers(authorities, data, self.policy, known_at)
            except Exception as error:
                log.debug("validation data not used: %s", type(error).__name__)

    def _known_at(self, revision: int) -> datetime | None:
        """The earliest proof of its existence; None = now."""
        return min((at for later, at in self.proofs if later >= revision), default=None)
