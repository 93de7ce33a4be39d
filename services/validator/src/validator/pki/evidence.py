"""Everything that is known about revocation while one document is judged.

Evidence that a document brings along counts only if it is authentic (signed by a CA of the trust folder) and speaks
about the time in question. Nothing is fetched, and no certificate of the document is ever trusted.
"""

import hashlib
import logging
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime
from functools import cached_property
from typing import NamedTuple

from common.containment import contained
from validator.cms.certificate import Certificate
from validator.cms.names import Name
from validator.pki.crl import issuer_of_list, read_crl
from validator.pki.ocsp import OcspAnswer, authorities_named, read_answers
from validator.pki.ocsp_response import in_one_piece, read_response
from validator.pki.revocation_lists import RevocationLists
from validator.pki.statement import Crl
from validator.pki.trust_store import Purpose, TrustStore
from validator.policy import Policy
from validator.report.vocabulary import StatusKind

log = logging.getLogger(__name__)

Proofs = Sequence[tuple[int, datetime]]
"""Trusted document time stamps: revision and time. What they cover existed at that time."""

Statements = tuple[Crl | OcspAnswer, ...]


class EmbeddedStatement(NamedTuple):
    """A revocation list or an OCSP response out of the document, not verified yet."""

    kind: StatusKind
    data: bytes
    """DER."""
    revision: int
    """The first revision that covers it: a document time stamp in this or a later one proves that it existed."""


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
    """Reads the document's statements. May raise anything."""
    proofs: Proofs = ()
    read: dict[str, Statements] = field(default_factory=dict, compare=False, repr=False)
    """The document's authentic statements by SHA-256 of kind and bytes, read once for all of its time stamps."""

    def lists_of(self, issuer: Name) -> tuple[Crl, ...]:
        """Lists of that issuer, those of the trust folder first."""
        embedded = (each for each in self.embedded if isinstance(each, Crl) and each.issuer == issuer)
        return (*self.lists.of(issuer), *embedded)

    def answers_about(self, certificate: Certificate, issuer: Certificate) -> Iterator[OcspAnswer]:
        """OCSP answers about one certificate."""
        for each in self.embedded:
            if isinstance(each, OcspAnswer) and each.is_about(certificate, issuer):
                yield each

    def with_proofs(self, proofs: Proofs) -> "Evidence":
        """The same evidence with these document time stamps."""
        return replace(self, proofs=proofs)

    def may_revoke(self, certificates: Iterable[Certificate]) -> bool:
        """Whether the document itself may bring along that one of the certificates is revoked.

        Nothing is verified: a serial number that stands nowhere is not listed, whatever else the bytes are.
        """
        serials = [_integer_bytes(each.serial_number) for each in certificates]
        with _piece("validation data not readable: %s"):
            return any(self._may_list(each, serials) for each in self.statements())
        return False

    def _may_list(self, statement: EmbeddedStatement, serials: Sequence[bytes]) -> bool:
        data = statement.data
        if statement.kind is StatusKind.OCSP:
            data = in_one_piece(data, self.policy.cms)
        if not any(serial in data for serial in serials):
            return False
        if statement.kind is StatusKind.CRL:
            return True
        with _piece("validation data not used: %s"):
            return any(answer.revoked_at for answer in read_response(statement.data, self.policy).answers)
        return False

    def without_embedded(self) -> "Evidence":
        """The lists of the trust folder alone."""
        return replace(self, statements=_no_statements)

    @cached_property
    def embedded(self) -> Statements:
        """The authentic lists and answers of the document."""
        found: list[Crl | OcspAnswer] = []
        with _piece("validation data not readable: %s"):
            for each in self.statements():
                found += [replace(said, known_at=self._known_at(said, each.revision)) for said in self._authentic(each)]
        return tuple(found)

    def _authentic(self, statement: EmbeddedStatement) -> Statements:
        key = f"{statement.kind} {hashlib.sha256(statement.data).hexdigest()}"
        if key not in self.read:
            self.read[key] = ()
            with _piece("validation data not used: %s"):
                self.read[key] = tuple(self._verified(statement))
        return self.read[key]

    def _verified(self, statement: EmbeddedStatement) -> Iterable[Crl | OcspAnswer]:
        authorities = self.trust.authorities
        if statement.kind is StatusKind.CRL:
            return [read_crl(authorities, statement.data, self.policy, embedded=True)]
        return read_answers(authorities, statement.data, self.policy)

    def _known_at(self, statement: Crl | OcspAnswer, revision: int) -> datetime | None:
        """The earliest proof of its existence; None = now. What is dated later than a proof is not older than that."""
        stated, grace = statement.this_update, self.policy.clock_grace
        proofs = (at for later, at in self.proofs if later >= revision and stated - at <= grace)
        return min(proofs, default=None)


def names_known_issuer(statement: EmbeddedStatement, trust: TrustStore, policy: Policy) -> bool:
    """Whether it names a CA that we hold; any other cannot be authentic. Nothing is verified."""
    with _piece("validation data not used: %s"):
        if statement.kind is StatusKind.CRL:
            return bool(trust.candidates(issuer_of_list(statement.data, policy.cms), Purpose.TIME))
        answers = read_response(statement.data, policy).answers
        named = authorities_named(answers, trust.authorities, policy)
        return any((answer.digest, answer.key_hash) in named for answer in answers)
    return False


def _piece(text: str) -> contained:
    """What one piece of evidence raises ends nothing but itself; but a lack of memory is not the piece's."""
    return contained(lambda cause: log.debug(text, cause), passing=(MemoryError,))


def _integer_bytes(number: int) -> bytes:
    """The bytes that every encoding of the number ends with."""
    bits = (number if number >= 0 else ~number).bit_length()
    return number.to_bytes(bits // 8 + 1, "big", signed=True)
