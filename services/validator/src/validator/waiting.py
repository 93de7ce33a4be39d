"""Lets the sender of a package, and intake, know that its document cannot be judged yet.

A revocation list may be missing for days. From half an hour on the sender gets a receipt ``waiting``, and intake, which
would publish the fact again and again because the package may be lost, knows where it is.
"""

from collections import OrderedDict
from datetime import datetime, timedelta

from common.domain.names import Lane
from common.domain.reason import Reason
from common.facts import PackageAccepted, PackageWaiting

TOLD_FOR = (Reason.E_SIG_REVOCATION_UNKNOWN,)
"""What may last for days. Other reasons to try again are over in minutes."""
TOLD_AFTER = {Lane.NORMAL: timedelta(minutes=30), Lane.URGENT: timedelta(minutes=10)}
"""From submission on."""
TOLD_AGAIN_AFTER = timedelta(hours=12)
"""Less than the day for which intake then leaves the package alone. Its sender gets no second receipt."""
REMEMBERED = 100_000
"""About 27 MB. Packages beyond that are announced at each attempt, which is the same fact each time."""


class WaitingNotices:
    """Of which packages this process has told, and when. Each time it is the same fact."""

    def __init__(self, patience: timedelta) -> None:
        """``patience``: how long a package is tried again before it is parked."""
        self._patience = patience
        self._told: OrderedDict[str, datetime] = OrderedDict()

    def due(self, fact: PackageAccepted, reason: Reason, now: datetime) -> PackageWaiting | None:
        """The fact to announce now, if there is one."""
        if reason not in TOLD_FOR or now < fact.submitted_at + TOLD_AFTER[fact.lane]:
            return None
        notice = notice_of(fact, reason, self._patience)
        told_at = self._told.get(notice.event_id)
        return None if told_at and now < told_at + TOLD_AGAIN_AFTER else notice

    def note(self, notice: PackageWaiting, now: datetime) -> None:
        """Remember that the notice was announced."""
        self._told[notice.event_id] = now
        self._told.move_to_end(notice.event_id)
        if len(self._told) > REMEMBERED:
            self._told.popitem(last=False)


def notice_of(fact: PackageAccepted, reason: Reason, patience: timedelta) -> PackageWaiting:
    """Made of the fact alone, so that it is the same however often, and by whichever process, it is made."""
    return fact.follow(
        PackageWaiting,
        f"verdict/waiting/{reason}/{patience.total_seconds():.0f}",
        fact.submitted_at + TOLD_AFTER[fact.lane],
        reason=reason,
        package=fact.package,
        submitted_at=fact.submitted_at,
        deadline=fact.submitted_at + patience,
    )
