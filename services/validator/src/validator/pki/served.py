"""Until when the lists of a CA say "not revoked" of a certificate that it issued.

Asked of the lists as verdicts ask (7.4): a delta list counts with the full list that it adds to, lists of some reasons
count together, and one with a critical part that is not understood takes the place of the older ones. Without a
certificate at hand every distribution point that a list names is taken for one that some certificate names.
"""

from collections.abc import Iterable
from datetime import datetime

from validator.cms.certificate import Certificate
from validator.pki.scope import NOTHING
from validator.pki.statement import Crl
from validator.pki.statement_verdict import good_views
from validator.pki.view import View
from validator.policy import DEFAULT, Policy


def lists_about(lists: Iterable[Crl], now: datetime, *, authorities: bool) -> list[Crl]:
    """The lists that cover certificates of users, or of ``authorities``, and are not dated ahead; the newest first."""
    covering = [crl for crl in lists if crl.this_update <= now and _covers(crl, authorities=authorities)]
    return sorted(covering, key=lambda crl: (crl.this_update, crl.number or 0, crl.sha256), reverse=True)


def served_until(
    ca: Certificate, lists: Iterable[Crl], now: datetime, *, authorities: bool, policy: Policy = DEFAULT
) -> datetime | None:
    """Until when certificates of the CA can be judged by its lists; a time in the past: they cannot be any more.

    ``authorities``: asked of CA certificates (of a root), not of those of users. None = no list says until when.
    """
    covering = lists_about(lists, now, authorities=authorities)
    names = list(dict.fromkeys(crl.point.name for crl in covering))
    ends = [_end(ca, [crl for crl in covering if crl.point.name in (None, name)], now, policy) for name in names]
    known = [end for end in ends if end is not None]
    return min(known) if known and len(known) == len(ends) else None


def _end(ca: Certificate, lists: list[Crl], now: datetime, policy: Policy) -> datetime | None:
    """Of the lists of one distribution point."""
    views = [View(crl, crl.point.reasons, None, crl.signers[:1] or (ca,)) for crl in lists]
    ends = sorted({crl.next_update for crl in lists if crl.next_update})
    for at in (now, *(end for end in ends if end > now)):
        if isinstance(good_views(ca, views, at, policy), str):
            return at if at > now else max((end for end in ends if end <= now), default=now if ends else None)
    return None


def _covers(crl: Crl, *, authorities: bool) -> bool:
    point = crl.point
    if point.only_attributes or (crl.is_malformed and not crl.obstacle) or point.reasons == NOTHING:
        return False
    return not (point.only_leaves if authorities else point.only_authorities)
