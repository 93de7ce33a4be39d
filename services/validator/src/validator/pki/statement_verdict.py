"""What statements together say about one certificate: revoked, not revoked, or nothing that can be relied on."""

from collections.abc import Sequence
from datetime import datetime

from validator.cms.certificate import Certificate
from validator.cms.distribution_points import ALL_REASONS, check_points
from validator.pki.ocsp import OcspAnswer
from validator.pki.statement import Crl, RevokedEntry
from validator.pki.view import View
from validator.policy import Policy

HOLD = "certificate_hold"


def revocation(certificate: Certificate, views: Sequence[View], at: datetime, now: datetime) -> View | None:
    """(7.3) The view that names it, whatever its age. A hold counts until a newer statement ends it.

    What is said after the certificate's end still counts for what it names; but a list may leave out what has expired.
    """
    end = certificate.not_valid_after_utc
    views = [view for view in views if not view.is_only_for_the_past]
    are_all_late = all(view.statement.this_update > end for view in views)
    newer: list[View] = []
    for view in views:
        is_lifted = view.entry and view.entry.on_hold and any(_ends_hold(each, view, certificate, at) for each in newer)
        if view.entry and not is_lifted and _counts(view.entry, at, now):
            return view
        if are_all_late or view.statement.this_update <= end:
            newer.append(view)
    return None


def _ends_hold(newer: View, holding: View, certificate: Certificate, at: datetime) -> bool:
    """Whether a newer statement ends the hold that an older one names.

    An authority that was given a new key may go on with lists of the old key for what that key issued. So silence on a
    list of another key says nothing while the list that names the hold is in force; nor does silence on any list where
    the one that names the hold has no date that can be read, and may be the newer one.
    """
    if newer.lifts(certificate):
        return True
    if not _is_silent_about_hold(newer):
        return False
    ends = holding.statement.next_update
    if ends is None or at >= ends:
        return True
    is_newer = holding.statement.is_dated
    return is_newer and (isinstance(newer.statement, OcspAnswer) or _are_of_one_key(newer, holding))


def _are_of_one_key(one: View, other: View) -> bool:
    keys = {signer.key_info for signer in one.statement.signers}
    return any(signer.key_info in keys for signer in other.statement.signers)


def _is_silent_about_hold(view: View) -> bool:
    """Whether it would name a hold, and does not."""
    if view.entry is not None or view.is_delta or HOLD not in view.covers:
        return False
    return not (isinstance(view.statement, Crl) and view.statement.obstacle)


def _counts(entry: RevokedEntry, at: datetime, now: datetime) -> bool:
    """Without proof of an earlier time every revocation counts, even one that is dated ahead."""
    return at >= now or entry.since <= at


def good_views(certificate: Certificate, views: Sequence[View], at: datetime, policy: Policy) -> list[View] | str:
    """The newest statements that together cover all reasons and do not name it; or why there are none.

    Raises ``Unusable`` where the certificate's critical distribution points cannot be read.
    """
    check_points(certificate)
    missing, good = ALL_REASONS, []
    for view in (*(view for view in views if _may_be_newest(view, at)), *views):
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


def _may_be_newest(view: View, at: datetime) -> bool:
    """Whether nothing shows that another one is newer: it is in force, and has no date that can be read."""
    statement = view.statement
    return not statement.is_dated and statement.next_update is not None and at < statement.next_update


def _base_of(delta: View, views: Sequence[View]) -> View | None:
    """The newest full list that the delta adds to (§5.2.4, §6.3.3 c): each key of an issuer may number its own."""
    changes = delta.statement
    for view in views:
        full = view.statement
        if (
            isinstance(changes, Crl) and isinstance(full, Crl) and full.base is None
            and full.is_relied_on
            and full.issuer == changes.issuer and full.point == changes.point and view.covers
            and _are_of_one_key(view, delta)
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
        return at < _end_of(view, policy)
    return statement.this_update <= certificate.not_valid_after_utc or entry is not None


def _end_of(view: View, policy: Policy) -> datetime:
    """Until when it is in force: no longer than the certificate of a responder. A list that does not say so is in force
    at no later time."""
    statement = view.statement
    if not isinstance(statement, OcspAnswer):
        return statement.next_update or statement.this_update
    end = statement.next_update or statement.this_update + policy.revocation.ocsp_answer_age
    return end if statement.responder is None else min(end, statement.responder.not_valid_after_utc)
