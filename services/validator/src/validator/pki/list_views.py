"""Which lists speak about a certificate, and what each of them says (RFC 5280 §6.3.3 a-f).

A list belongs to the name of its issuer under the trust anchor of the chain, whichever key signed it.
"""

from collections.abc import Iterator
from dataclasses import dataclass

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

    @property
    def is_delta(self) -> bool:
        """Whether it only lists changes."""
        return isinstance(self.statement, Crl) and self.statement.base is not None

    def lifts(self, certificate: Certificate) -> bool:
        """Whether it says that a hold has ended."""
        named = certificate.issuer.key, certificate.serial_number
        return isinstance(self.statement, Crl) and named in self.statement.lifted


def views_of_lists(
    certificate: Certificate, issuer: Certificate, chain: Chain, evidence: Evidence, purpose: Purpose
) -> Iterator[View]:
    for name in list_issuers(certificate):
        for crl in evidence.lists_of(name):
            if crl.point.only_attributes:
                continue  # attribute certificates have serial numbers of their own
            covers = covered_reasons(crl, certificate)
            if not covers and crl.issuer != certificate.issuer:
                continue
            signer = _entitled_signer(crl, issuer, chain, evidence, purpose)
            if signer is None or is_too_late(crl, signer, evidence):
                continue
            yield View(crl, NOTHING if crl.is_malformed else covers, crl.entry(certificate))


def is_too_late(statement: Statement, signer: Certificate, evidence: Evidence) -> bool:
    """(7.6) A key proves nothing after its end, unless a time stamp shows that the statement is older."""
    return statement.embedded and (statement.known_at or evidence.now) > signer.not_valid_after_utc


def _entitled_signer(
    crl: Crl, issuer: Certificate, chain: Chain, evidence: Evidence, purpose: Purpose
) -> Certificate | None:
    """Who signed the list, if that is the issuer itself, or somebody of its name, or of the name that the certificate
    gives, under the same trust anchor (§6.3.3 f). None = the list is nobody's who may speak."""
    if issuer in crl.signers:
        return issuer
    for signer in crl.signers:
        if signer.entity == chain[-1].entity:
            return signer
        for path in _ways(signer, evidence, purpose):
            if path[-1].subject == chain[-1].subject and _was_valid(path, crl, evidence, purpose):
                return signer
    return None


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
    for certificate in path[:-1]:
        for other in evidence.lists_of(certificate.issuer):
            entry = other.entry(certificate)
            if entry and entry.since <= crl.this_update and _is_below(other, path[-1], evidence, purpose):
                return False
    return True


def _is_below(crl: Crl, root: Certificate, evidence: Evidence, purpose: Purpose) -> bool:
    """Whether a list is signed by any key of its issuer below a root of that name: whatever it lists is revoked."""
    return any(
        signer.subject == root.subject
        or any(path[-1].subject == root.subject for path in _ways(signer, evidence, purpose))
        for signer in crl.signers
    )
