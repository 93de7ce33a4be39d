"""Which lists speak about a certificate, and what each of them says (RFC 5280 §6.3.3 a-f).

A list belongs to the name of its issuer under the trust anchor of the chain, whichever key signed it.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime

from validator.cms.certificate import Certificate
from validator.fault import Fault
from validator.pki.certificates import Chain
from validator.pki.evidence import Evidence
from validator.pki.ocsp import OcspAnswer
from validator.pki.path import check_path, paths
from validator.pki.scope import NOTHING, covered_reasons, list_issuers
from validator.pki.statement import Crl, RevokedEntry, Statement
from validator.pki.trust_store import Purpose


@dataclass(frozen=True, slots=True)
class View:
    """What one statement says about one certificate."""

    statement: Crl | OcspAnswer
    covers: frozenset[str]
    """Reasons for which it would name the certificate; empty = it only counts for what it lists."""
    entry: RevokedEntry | None
    signer: Certificate
    is_only_for_the_past: bool = False
    """The certificate of the responder has ended, and nothing proves that the answer is older: it can say "not revoked"
    for the time before, and nothing else."""

    @property
    def is_delta(self) -> bool:
        """Whether it only lists changes."""
        return isinstance(self.statement, Crl) and self.statement.base is not None

    def lifts(self, certificate: Certificate) -> bool:
        """Whether it says that a hold has ended; a list that cannot be relied on does not."""
        named, crl = (certificate.issuer.key, certificate.serial_number), self.statement
        return isinstance(crl, Crl) and named in crl.lifted and crl.is_relied_on


def views_of_lists(
    certificate: Certificate, issuer: Certificate, chain: Chain, evidence: Evidence, purpose: Purpose
) -> Iterator[View]:
    for name in list_issuers(certificate):
        for crl in evidence.lists_of(name):
            if crl.point.only_attributes:
                continue  # attribute certificates have serial numbers of their own
            covers, entry = covered_reasons(crl, certificate), crl.entry(certificate)
            if not covers and entry is None and crl.issuer != certificate.issuer:
                continue
            said = None
            for path in _entitled(crl, issuer, chain, evidence, purpose):
                if may_be_forged(crl, path, evidence, purpose):
                    continue
                # What it covers but cannot be relied on for counts against, whatever else is wrong with it.
                is_heard = crl.obstacle or not (crl.is_malformed or _is_lost(path, crl, chain, evidence, purpose))
                said = View(crl, covers if is_heard else NOTHING, entry, path[0])
                if is_heard:
                    break
            if said:
                yield said


def _is_lost(path: Chain, crl: Crl, chain: Chain, evidence: Evidence, purpose: Purpose) -> bool:
    """Whether the key of another authority than those of the chain, which signed a list, is revoked by now: whoever has
    it may have dated the list back before anybody knew. What it names counts."""
    if path[0] in chain:
        return False  # the chain itself is judged
    return _is_revoked(path, crl.known_at or evidence.now, evidence, purpose)


def may_be_forged(statement: Statement, path: Chain, evidence: Evidence, purpose: Purpose) -> bool:
    """(7.6) Whether whoever holds the key of an authority by now may have made a statement of the document.

    A key proves nothing after its end or its revocation, unless a time stamp shows that the statement is older: it can
    date anything back. ``path``: the authority's chain.
    """
    if not statement.embedded:
        return False
    known_at = statement.known_at or evidence.now
    return known_at > path[0].not_valid_after_utc or _is_revoked(path, known_at, evidence, purpose)


def is_by_revoked_key(crl: Crl, evidence: Evidence) -> bool:
    """Whether every certificate of the key that signed a list is revoked by now, or stands below one that is.

    Whoever holds such a key can date a list back to the time when it was good.
    """
    ways = [
        (path, purpose) for purpose in Purpose for signer in crl.signers for path in _ways(signer, evidence, purpose)
    ]
    return bool(ways) and all(_is_revoked(path, evidence.now, evidence, purpose) for path, purpose in ways)


def distance_from_root(crl: Crl, evidence: Evidence) -> int:
    """Certificates of the shortest chain of those who signed a list; more than any chain where there is none."""
    ways = (path for purpose in Purpose for signer in crl.signers for path in _ways(signer, evidence, purpose))
    return min(map(len, ways), default=evidence.policy.max_chain + 1)


def _entitled(crl: Crl, issuer: Certificate, chain: Chain, evidence: Evidence, purpose: Purpose) -> Iterator[Chain]:
    """Chains of those who signed the list and may speak: the issuer itself, and whoever has its name, or the name that
    the certificate gives, under the same trust anchor (§6.3.3 f)."""
    if issuer in crl.signers:
        yield chain[chain.index(issuer) :]
    for signer in crl.signers:
        if signer.entity == chain[-1].entity:
            yield (signer,)
            continue
        for path in _ways(signer, evidence, purpose):
            if path[-1].subject == chain[-1].subject and _was_valid(path, crl, evidence, purpose):
                yield path


def _ways(signer: Certificate, evidence: Evidence, purpose: Purpose) -> Iterator[Chain]:
    """Chains of a list's signer. A root that was given a new key stands for itself."""
    if evidence.trust.is_anchor(signer, purpose):
        yield (signer,)
    else:
        yield from paths(signer, evidence.trust, evidence.policy, purpose)


def _was_valid(path: Chain, crl: Crl, evidence: Evidence, purpose: Purpose) -> bool:
    """Whether the chain of a list's signer held when it signed; what is known of its revocation counts."""
    try:
        check_path(path, evidence.trust, crl.this_update, evidence.policy, "")
    except Fault:
        return False
    return not _is_revoked(path, crl.this_update, evidence, purpose)


def _is_revoked(path: Chain, at: datetime, evidence: Evidence, purpose: Purpose) -> bool:
    """Whether any list names a certificate of the chain as revoked at that time; for now, whatever its date."""
    for certificate in path[:-1]:
        for crl in (crl for name in list_issuers(certificate) for crl in evidence.lists_of(name)):
            entry = None if crl.point.only_attributes else crl.entry(certificate)
            if entry and (at >= evidence.now or entry.since <= at) and _is_below(crl, path[-1], evidence, purpose):
                return True
    return False


def _is_below(crl: Crl, root: Certificate, evidence: Evidence, purpose: Purpose) -> bool:
    """Whether a list is signed by any key of its issuer below a root of that name: whatever it lists is revoked. One
    that the document brings along counts unless our own lists say that its key is lost."""
    ours = evidence.without_embedded()
    for signer in crl.signers:
        ways = [(signer,)] if signer.entity == root.entity else _ways(signer, evidence, purpose)
        for path in ways:
            if path[-1].subject == root.subject and not may_be_forged(crl, path, ours, purpose):
                return True
    return False
