"""Which lists speak about a certificate, and what each of them says (RFC 5280 §6.3.3 a-f).

A list belongs to the name of its issuer under the trust anchor of the chain, whichever key signed it.
"""

import itertools
from collections.abc import Iterator
from dataclasses import dataclass, replace
from datetime import datetime

from validator.cms.certificate import Certificate
from validator.fault import Fault
from validator.pki.certificates import Chain
from validator.pki.evidence import Evidence
from validator.pki.path import check_path, paths
from validator.pki.scope import NOTHING, covered_reasons, list_issuers
from validator.pki.statement import Crl, Statement
from validator.pki.statement_verdict import good_views, revocation
from validator.pki.trust_store import Purpose
from validator.pki.view import View, newest_first, said_so_far


@dataclass(frozen=True, slots=True)
class _Question:
    """What is asked of lists, and for whom."""

    evidence: Evidence
    purpose: Purpose
    asked: tuple[Certificate, ...] = ()
    """Makers of lists who are judged just now: their lists end no hold, but may say that the maker is good."""

    def about(self, maker: Certificate) -> "_Question":
        """The same, while the revocation of that maker is asked for."""
        return replace(self, asked=(*self.asked, maker))

    def is_about(self, statement: Statement) -> bool:
        """Whether a statement is by a key whose own revocation is asked for."""
        keys = {maker.key_info for maker in self.asked}
        return any(signer.key_info in keys for signer in statement.signers)


def views_of_lists(
    certificate: Certificate, issuer: Certificate, chain: Chain, evidence: Evidence, purpose: Purpose
) -> Iterator[View]:
    """What lists say about a certificate of the chain."""
    return _views(certificate, issuer, chain, _Question(evidence, purpose))


def _views(certificate: Certificate, issuer: Certificate, chain: Chain, question: _Question) -> Iterator[View]:
    for name in list_issuers(certificate):
        for crl in question.evidence.lists_of(name):
            if crl.point.only_attributes:
                continue  # attribute certificates have serial numbers of their own
            covers, entry = covered_reasons(crl, certificate), crl.entry(certificate)
            if not covers and entry is None and crl.issuer != certificate.issuer:
                continue
            said = None
            for path in _entitled(crl, issuer, chain, question):
                if _may_be_forged(crl, path, question):
                    continue
                # What it covers but cannot be relied on for counts against, whatever else is wrong with it.
                support = None if crl.is_malformed and not crl.obstacle else _support(path, crl, chain, question)
                is_heard = crl.obstacle or support is not None
                said = View(crl, covers if is_heard else NOTHING, entry, path, rests_on=support or ())
                if is_heard:
                    break
            if said:
                yield said


def _support(maker: Chain, crl: Crl, chain: Chain, question: _Question) -> tuple[tuple[Certificate, View], ...] | None:
    """What lets the maker of a list say "not revoked"; None = it may not.

    Nothing where it is one of the chain, which is judged itself; else what says that each certificate of its own chain
    was good when it signed, if none of them is revoked by now: whoever has a key that was revoked since may have dated
    the list back before anybody knew. A list may say that its own maker was good (NIST PKITS 4.5): whatever is said
    against the maker is heard all the same.
    """
    if maker[0] in chain or maker[0] in question.asked:
        return ()
    evidence, inner = question.evidence, question.about(maker[0])
    if len(inner.asked) > evidence.policy.max_chain or _is_revoked(maker, crl.known_at or evidence.now, question):
        return None
    support: list[tuple[Certificate, View]] = []
    for certificate, issuer in itertools.pairwise(maker):
        said = said_so_far(_views(certificate, issuer, maker, inner), evidence)
        good = good_views(certificate, said, crl.this_update, evidence.policy)
        if isinstance(good, str):
            return None
        support += ((certificate, view) for view in good)
    return tuple(support)


def may_be_forged(statement: Statement, path: Chain, evidence: Evidence, purpose: Purpose) -> bool:
    """(7.6) Whether whoever holds the key of an authority by now may have made a statement of the document.

    A key proves nothing after its end or its revocation, unless a time stamp shows that the statement is older: it can
    date anything back. ``path``: the authority's chain.
    """
    return _may_be_forged(statement, path, _Question(evidence, purpose))


def _may_be_forged(statement: Statement, path: Chain, question: _Question) -> bool:
    if not statement.embedded:
        return False
    known_at = statement.known_at or question.evidence.now
    return known_at > path[0].not_valid_after_utc or _is_revoked(path, known_at, question)


def is_by_revoked_key(crl: Crl, evidence: Evidence) -> bool:
    """Whether every certificate of the key that signed a list is revoked by now, or stands below one that is.

    Whoever holds such a key can date a list back to the time when it was good.
    """
    questions = [_Question(evidence, purpose) for purpose in Purpose]
    ways = [(path, question) for question in questions for signer in crl.signers for path in _ways(signer, question)]
    return bool(ways) and all(_is_revoked(path, evidence.now, question) for path, question in ways)


def distance_from_root(crl: Crl, evidence: Evidence) -> int:
    """Certificates of the shortest chain of those who signed a list; more than any chain where there is none."""
    questions = [_Question(evidence, purpose) for purpose in Purpose]
    ways = (path for question in questions for signer in crl.signers for path in _ways(signer, question))
    return min(map(len, ways), default=evidence.policy.max_chain + 1)


def _entitled(crl: Crl, issuer: Certificate, chain: Chain, question: _Question) -> Iterator[Chain]:
    """Chains of those who signed the list and may speak: the issuer itself, and whoever has its name, or the name that
    the certificate gives, under the same trust anchor (§6.3.3 f)."""
    if issuer in crl.signers:
        yield chain[chain.index(issuer) :]
    for signer in crl.signers:
        if signer.entity == chain[-1].entity:
            yield (signer,)
            continue
        if signer in question.asked:
            yield (signer,)
            continue
        for path in _ways(signer, question):
            if path[-1].subject == chain[-1].subject and _was_valid(path, crl, question):
                yield path


def _ways(signer: Certificate, question: _Question) -> Iterator[Chain]:
    """Chains of a list's signer. A root that was given a new key stands for itself."""
    trust, purpose = question.evidence.trust, question.purpose
    if trust.is_anchor(signer, purpose):
        yield (signer,)
    else:
        yield from paths(signer, trust, question.evidence.policy, purpose)


def _was_valid(path: Chain, crl: Crl, question: _Question) -> bool:
    """Whether the chain of a list's signer held when it signed; what is known of its revocation counts."""
    evidence = question.evidence
    try:
        check_path(path, evidence.trust, crl.this_update, evidence.policy, "")
    except Fault:
        return False
    return not _is_revoked(path, crl.this_update, question)


def _is_revoked(path: Chain, at: datetime, question: _Question) -> bool:
    """Whether any list names a certificate of the chain as revoked at that time; for now, whatever its date. A hold
    ends as it does for any certificate."""
    evidence = question.evidence
    for certificate, issuer in itertools.pairwise(path):
        naming = _naming(certificate, path[-1], question)
        if not naming:
            continue
        others: list[View] = []
        if all(view.entry and view.entry.on_hold for view in naming) and path[0] not in question.asked:
            inner = question.about(path[0])
            said = _views(certificate, issuer, path, inner)
            others = said_so_far(
                (view for view in said if not (view.entry or inner.is_about(view.statement))), evidence
            )
        if revocation(certificate, newest_first([*naming, *others]), at, evidence.now):
            return True
    return False


def _naming(certificate: Certificate, root: Certificate, question: _Question) -> list[View]:
    """Lists that name a certificate, signed by any key of their issuer below a root of that name: whatever they list is
    revoked."""
    named = []
    for crl in (crl for name in list_issuers(certificate) for crl in question.evidence.lists_of(name)):
        entry = None if crl.point.only_attributes else crl.entry(certificate)
        if entry and _is_below(crl, root, question):
            named.append(View(crl, covered_reasons(crl, certificate), entry, crl.signers[:1]))
    return named


def _is_below(crl: Crl, root: Certificate, question: _Question) -> bool:
    """Whether a list is signed by any key of its issuer below a root of that name. One that the document brings along
    counts unless our own lists say that its key is lost."""
    ours = replace(question, evidence=question.evidence.without_embedded())
    for signer in crl.signers:
        ways = [(signer,)] if signer.entity == root.entity else _ways(signer, question)
        for path in ways:
            if path[-1].subject == root.subject and not _may_be_forged(crl, path, ours):
                return True
    return False
