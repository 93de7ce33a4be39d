"""(7) Revocation of each certificate of a chain, except the root: a root is pinned, and removed by hand.

RFC 5280 §6.3 over lists and answers that are at hand: all of them are looked at, not only the newest.
"""

import itertools
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime

from common.containment import Unusable
from validator.cms.certificate import Certificate
from validator.cms.distribution_points import ALL_REASONS
from validator.fault import Fault
from validator.pki.certificates import Chain
from validator.pki.evidence import Evidence
from validator.pki.ocsp import OcspAnswer
from validator.pki.path import check_path, paths
from validator.pki.scope import NOTHING, covered_reasons, list_issuers
from validator.pki.statement import Crl, RevokedEntry, Statement
from validator.pki.trust_store import Purpose
from validator.policy import Policy
from validator.report.model import StatusUsed

HOLD = "certificate_hold"


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
        return isinstance(self.statement, Crl) and certificate.serial_number in self.statement.lifted


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
            if revoked := _revocation(certificate, known, at, evidence.now):
                name = revoked.statement.number or revoked.statement.sha256
                text = f"certificate {certificate.serial_number:x} revoked, {revoked.statement.kind} {name}"
                raise Fault("7.3", field, text)
        return tuple(
            used
            for (certificate, _), known in zip(pairs, views, strict=True)
            for used in _statuses_used(certificate, known, at, evidence.policy, field)
        )
    except Unusable as error:
        raise Fault("6.12", field, str(error)) from error


def _views(
    certificate: Certificate, issuer: Certificate, chain: Chain, evidence: Evidence, purpose: Purpose
) -> list[View]:
    """What has been said so far, newest first, without evidence that may have been made up since."""
    latest = evidence.now + evidence.policy.clock_grace
    views = [
        view
        for view in (
            *_views_of_lists(certificate, issuer, chain, evidence, purpose),
            *(View(each, ALL_REASONS, each.entry(certificate)) for each in _answers(certificate, issuer, evidence)),
        )
        if view.statement.this_update <= latest
    ]
    return sorted(views, key=lambda view: (view.statement.this_update, view.statement.number or 0), reverse=True)


def _views_of_lists(
    certificate: Certificate, issuer: Certificate, chain: Chain, evidence: Evidence, purpose: Purpose
) -> Iterator[View]:
    for name in list_issuers(certificate):
        for crl in evidence.lists_of(name):
            covers = covered_reasons(crl, certificate)
            if not covers and crl.issuer != certificate.issuer:
                continue
            signer = _entitled_signer(crl, issuer, chain, evidence, purpose)
            if signer is None or _is_too_late(crl, signer, evidence):
                continue
            yield View(crl, NOTHING if crl.is_malformed else covers, crl.entry(certificate))


def _answers(certificate: Certificate, issuer: Certificate, evidence: Evidence) -> Iterator[OcspAnswer]:
    for answer in evidence.answers_about(certificate, issuer):
        if _is_too_late(answer, issuer, evidence):
            continue
        if answer.responder is None or _is_good_by_lists(answer.responder, issuer, evidence, answer.this_update):
            yield answer


def _is_too_late(statement: Statement, signer: Certificate, evidence: Evidence) -> bool:
    """(7.6) A key proves nothing after its end, unless a time stamp shows that the statement is older."""
    return statement.embedded and (statement.known_at or evidence.now) > signer.not_valid_after_utc


def _is_good_by_lists(certificate: Certificate, issuer: Certificate, evidence: Evidence, at: datetime) -> bool:
    """Whether the issuer's own lists say that a responder was not revoked."""
    views = [
        View(crl, covered_reasons(crl, certificate), crl.entry(certificate))
        for crl in evidence.lists_of(issuer.subject)
        if issuer in crl.signers
    ]
    views.sort(key=lambda view: (view.statement.this_update, view.statement.number or 0), reverse=True)
    if _revocation(certificate, views, at, evidence.now):
        return False
    return not isinstance(_good_views(certificate, views, at, evidence.policy), str)


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
        for path in paths(signer, evidence.trust, evidence.policy, purpose):
            if path[-1].subject == chain[-1].subject and _was_valid(path, crl, evidence):
                return signer
    return None


def _was_valid(path: Chain, crl: Crl, evidence: Evidence) -> bool:
    """Whether the chain of a list's signer held when it signed; what is known of its revocation counts."""
    try:
        check_path(path, evidence.trust, crl.this_update, evidence.policy, "")
    except Fault:
        return False
    for certificate, issuer in itertools.pairwise(path):
        for other in evidence.lists_of(certificate.issuer):
            entry = other.entry(certificate)
            if entry and entry.since <= crl.this_update and any(each.entity == issuer.entity for each in other.signers):
                return False
    return True


def _revocation(certificate: Certificate, views: Sequence[View], at: datetime, now: datetime) -> View | None:
    """(7.3) The view that names it, whatever its age. A hold counts as long as the newest statement names it."""
    timely = [view for view in views if view.statement.this_update <= certificate.not_valid_after_utc] or views
    is_lifted = False
    for view in timely:
        if view.entry and not (view.entry.on_hold and is_lifted) and _counts(view.entry, at, now):
            return view
        is_lifted = is_lifted or view.lifts(certificate) or _is_silent_about_hold(view)
    return None


def _is_silent_about_hold(view: View) -> bool:
    """Whether it would name a hold, and does not."""
    if view.entry is not None or view.is_delta or HOLD not in view.covers:
        return False
    return not (isinstance(view.statement, Crl) and view.statement.obstacle)


def _counts(entry: RevokedEntry, at: datetime, now: datetime) -> bool:
    """Without proof of an earlier time every revocation counts, even one that is dated ahead."""
    return at >= now or entry.since <= at


def _statuses_used(
    certificate: Certificate, views: Sequence[View], at: datetime, policy: Policy, field: str
) -> list[StatusUsed]:
    # (7.4) Not revoked: only a statement that was in force at that time, or one that was made later, can say so.
    good = _good_views(certificate, views, at, policy)
    if isinstance(good, str):
        raise Fault("7.4", field, f"{good} of {certificate.issuer.rfc4514_string()}")
    return [_status_used(certificate, view.statement) for view in good]


def _good_views(certificate: Certificate, views: Sequence[View], at: datetime, policy: Policy) -> list[View] | str:
    """The newest statements that together cover all reasons and do not name it; or why there are none."""
    missing, good = ALL_REASONS, []
    for view in views:
        if isinstance(view.statement, Crl) and view.statement.obstacle and view.covers:
            return f"{_named(view)} cannot be relied on ({view.statement.obstacle})"
        if not view.covers & missing:
            continue
        base = _base_of(view, views) if view.is_delta else view
        if base is None or not _says_good(view, base, certificate, at, policy):
            continue
        good += [view] if base is view else [view, base]
        missing -= view.covers
        if not missing:
            return good
    newest = next((view for view in views if view.covers), None)
    if newest is None:
        return "no CRL"
    return f"{_named(newest)} covers not all reasons" if good else f"{_named(newest)} out of date"


def _base_of(delta: View, views: Sequence[View]) -> View | None:
    """The newest full list that the delta adds to (§5.2.4)."""
    changes = delta.statement
    for view in views:
        full = view.statement
        if (
            isinstance(changes, Crl) and isinstance(full, Crl) and full.base is None and not full.is_malformed
            and full.issuer == changes.issuer and full.point == changes.point and view.covers
            and full.number is not None and changes.base is not None and changes.number is not None
            and changes.base <= full.number < changes.number
        ):  # fmt: skip
            return view
    return None


def _named(view: View) -> str:
    return f"{view.statement.kind} {view.statement.number or ''}".strip()


def _says_good(view: View, base: View, certificate: Certificate, at: datetime, policy: Policy) -> bool:
    entry = view.entry or (None if view.lifts(certificate) else base.entry)
    if entry is not None and entry.since <= at:
        return False
    statement = view.statement
    if statement.this_update <= at + policy.clock_grace:
        return at < _end_of(statement, policy)
    return statement.this_update <= certificate.not_valid_after_utc or entry is not None


def _end_of(statement: Statement, policy: Policy) -> datetime:
    """Until when it is in force; a list that does not say so is in force at no later time."""
    if statement.next_update is not None:
        return statement.next_update
    if isinstance(statement, OcspAnswer):
        return statement.this_update + policy.revocation.ocsp_answer_age
    return statement.this_update


def _status_used(certificate: Certificate, statement: Statement) -> StatusUsed:
    return StatusUsed(
        certificate_sha256=certificate.sha256,
        kind=statement.kind,
        sha256=statement.sha256,
        number=statement.number,
        this_update=statement.this_update,
        next_update=statement.next_update,
        embedded=statement.embedded,
        kept="document" if statement.embedded else f"crls/{statement.source}" if isinstance(statement, Crl) else "",
    )
