"""Announces the security events among the broker's reports."""

from archive.broker_reports import Report, read
from archive.bursts import MOST_GROUPS, Bursts, Ended, Group
from common.clock import Clock, utc_now
from common.domain.ids import digest_id
from common.domain.security import SecurityKind
from common.facts import SecurityNoticed, security_event
from common.service.incoming import Incoming
from common.service.outgoing import Announcer

REPORTER = "archive"
MOST_NAMES = 20
"""User names that one address may try between two rounds of counting; further ones are counted without a name."""
MOST_COUNTED = 1_000_000
"""The largest count that a security event may state."""
COUNTED = frozenset({SecurityKind.LOGIN_FAILED, SecurityKind.ACCESS_REFUSED})
"""Kinds that anybody on the network can cause in any number, and that are therefore counted."""


class BrokerWatch:
    """The handler of the queue of reports, and a timer for the counts."""

    def __init__(self, announcer: Announcer, now: Clock = utc_now) -> None:
        self._announcer = announcer
        self._now = now
        self._bursts = {kind: Bursts() for kind in COUNTED}
        """Each kind has bounds of its own: a flood of failed log-ins hides no user that is refused access."""
        self._names: dict[SecurityKind, dict[str, set[str]]] = {kind: {} for kind in COUNTED}
        """By kind and address."""
        self._ended: list[Ended] = []
        """Counts to be announced."""

    async def take(self, message: Incoming) -> None:
        """Announce the security event in a report, or count it if it repeats one that was announced."""
        report = read(message.report)
        if report is None:
            return
        bursts, group = self._bursts.get(report.kind), self._group(report)
        if bursts and bursts.counts(group, self._now()):
            return
        await self._announcer.announce(
            security_event(
                REPORTER,
                report.kind,
                message.key,
                report.at or message.published_at or self._now(),
                actor=report.actor,
                origin=report.origin,
                detail=report.detail,
            )
        )
        if bursts:
            bursts.begin(group, self._now())

    async def announce_counts(self) -> None:
        """Announce the counts of the minutes that are over. Those that could not be announced follow at the next call.
        Raises ``Outage``."""
        for kind, bursts in self._bursts.items():
            self._names[kind].clear()
            self._ended += bursts.ended(self._now())
        while self._ended:
            await self._announcer.announce(counted_event(self._ended[0]))
            del self._ended[0]

    def _group(self, report: Report) -> Group:
        """The group in which a report is counted. A client that fails to log in can choose any name, but not its
        address."""
        kind, actor, origin = report.group
        by_address = self._names.get(report.kind, {})
        names = by_address.get(origin, set())
        if actor not in names and (len(names) >= MOST_NAMES or len(by_address) >= MOST_GROUPS):
            return Group(kind, "", origin)
        by_address.setdefault(origin, names).add(actor)
        return Group(kind, actor, origin)


def counted_event(ended: Ended) -> SecurityNoticed:
    """The security event of a count. It is the same every time."""
    kind, actor, origin = ended.group
    event = security_event(
        REPORTER,
        SecurityKind(kind),
        digest_id("burst", kind, actor, origin, ended.ended_at.isoformat()),
        ended.ended_at,
        actor=actor,
        origin=origin,
        detail=f"{ended.events} more within a minute",
    )
    return event.model_copy(update={"count": min(ended.events, MOST_COUNTED)})
