"""(7) Revocation of each certificate of a chain, except the root: a root is pinned, and removed by hand.

RFC 5280 §6.3 over lists and answers that are at hand: all of them are looked at, not only the newest.
"""

import itertools
from collections.abc import Iterable, Iterator, Sequence
from datetime import datetime

from common.containment import Unusable
from validator.cms.certificate import Certificate
from validator.cms.distribution_points import ALL_REASONS
from validator.fault import Fault
from validator.pki.certificates import Chain
from validator.pki.evidence import Evidence
from validator.pki.list_views import may_be_forged, views_of_lists
from validator.pki.ocsp import OcspAnswer
from validator.pki.statement import Crl
from validator.pki.statement_verdict import good_views, revocation
from validator.pki.trust_store import Purpose
from validator.pki.view import View, said_so_far
from validator.policy import Policy
from validator.report.model import StatusUsed


def check_revocation(
    chain: Chain, evidence: Evidence, at: datetime, field: str, purpose: Purpose = Purpose.DOCUMENTS
) -> tuple[StatusUsed, ...]:
    """The statements that said "not revoked" for the time ``at``, nearest to the leaf first. Raises ``Fault``.

    ``at``: the time of verification, or an earlier time at which the signature is proved to have existed. A certificate
    that is revoked outranks one about which nothing is known.
    """
    try:
        pairs = list(itertools.pairwise(chain))
        views = [_views(certificate, issuer, chain, evidence, purpose) for certificate, issuer in pairs]
        for (certificate, _), known in zip(pairs, views, strict=True):
            if revoked := revocation(certificate, known, at, evidence.now):
                name = revoked.statement.number or revoked.statement.sha256
                text = f"certificate {certificate.serial_number:x} revoked, {revoked.statement.kind} {name}"
                raise Fault("7.3", field, text, revoked_by=_status_used(certificate, revoked, chain))
        return tuple(
            used
            for (certificate, _), known in zip(pairs, views, strict=True)
            for used in _statuses_used(certificate, chain, known, at, evidence.policy, field)
        )
    except Unusable as error:
        raise Fault("6.12", field, str(error)) from error


def _views(
    certificate: Certificate, issuer: Certificate, chain: Chain, evidence: Evidence, purpose: Purpose
) -> list[View]:
    """What has been said so far, newest first, without evidence that may have been made up since."""
    lists = views_of_lists(certificate, issuer, chain, evidence, purpose)
    return said_so_far([*lists, *_answers(certificate, issuer, chain, evidence, purpose)], evidence)


def _answers(
    certificate: Certificate, issuer: Certificate, chain: Chain, evidence: Evidence, purpose: Purpose
) -> Iterator[View]:
    for answer in evidence.answers_about(certificate, issuer):
        responder, known_at, above = answer.responder, answer.known_at or evidence.now, chain[chain.index(issuer) :]
        if may_be_forged(answer, above, evidence, purpose):
            continue
        if responder is None:
            yield View(answer, ALL_REASONS, answer.entry(certificate), above)
        elif (good := _may_answer(answer, responder, issuer, chain, evidence, purpose)) is not None:
            is_over, support = known_at > responder.not_valid_after_utc, tuple((responder, view) for view in good)
            yield View(answer, ALL_REASONS, answer.entry(certificate), (responder, *above), is_over, support)


def _may_answer(
    answer: OcspAnswer, responder: Certificate, issuer: Certificate, chain: Chain, evidence: Evidence, purpose: Purpose
) -> list[View] | None:
    """What says that a responder was good when it answered; nothing if its certificate says that nobody need ask.

    None where that is not said, or where it was revoked before the answer is known to exist, since whoever has its key
    can date one back.

    A certificate of which that cannot be read may not answer; it takes nothing else along.
    """
    try:
        views = said_so_far(views_of_lists(responder, issuer, chain, evidence, purpose), evidence)
        if revocation(responder, views, answer.known_at or evidence.now, evidence.now):
            return None
        if not answer.needs_good_responder:
            return []
        good = good_views(responder, views, answer.this_update, evidence.policy)
        return None if isinstance(good, str) else good
    except Unusable:
        return None


def _statuses_used(
    certificate: Certificate, chain: Chain, views: Sequence[View], at: datetime, policy: Policy, field: str
) -> Iterable[StatusUsed]:
    # (7.4) Not revoked: only a statement that was in force at that time, or one that was made later, can say so.
    good = good_views(certificate, views, at, policy)
    if isinstance(good, str):
        raise Fault("7.4", field, f"{good} of {certificate.issuer.rfc4514_string()}")
    # What says so of who made it stands behind it.
    return dict.fromkeys(_status_used(about, view, chain) for view in good for about, view in _used(certificate, view))


def _used(certificate: Certificate, view: View) -> Iterator[tuple[Certificate, View]]:
    yield certificate, view
    for about, below in view.rests_on:
        yield from _used(about, below)


def _status_used(certificate: Certificate, view: View, chain: Chain) -> StatusUsed:
    statement, is_list, maker = view.statement, isinstance(view.statement, Crl), view.maker
    return StatusUsed(
        certificate_sha256=certificate.sha256,
        kind=statement.kind,
        sha256=statement.sha256,
        number=statement.number,
        this_update=statement.this_update if statement.is_dated else None,
        next_update=statement.next_update,
        embedded=statement.embedded,
        signer_sha256=maker[0].sha256,
        signer_chain=tuple(each.sha256 for each in maker) if is_list and maker[0] not in chain else (),
        kept="document" if statement.embedded else f"crls/{statement.source}" if isinstance(statement, Crl) else "",
    )
