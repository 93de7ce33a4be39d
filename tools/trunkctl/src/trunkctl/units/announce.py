"""Announces entries of the history as security events (R40), published by the operator's user at the broker.

Entries are announced in their order, and the number of the last one is remembered in the bucket: what could not be
announced is announced by the next command that can.
"""

import asyncio
from collections.abc import Iterator

from common.domain.ids import digest_id, event_id
from common.domain.security import SecurityKind
from common.facts import SecurityNoticed, security_event
from common.facts.flows import OPERATOR
from trunkctl.security_events import publish
from trunkctl.settings import ControlSettings
from trunkctl.units.bucket import DirectoryBucket
from trunkctl.units.directory_acts import short
from trunkctl.units.history import Act, Entry

DIRECTORY_ACTS = frozenset({Act.IMPORTED, Act.PROPOSED, Act.CONFIRMED, Act.WITHDRAWN})


def events_of(entry: Entry) -> Iterator[SecurityNoticed]:
    """What an entry is announced as: the act, and each certificate that it registers for more than one unit."""
    about_directory = entry.act in DIRECTORY_ACTS
    kind = SecurityKind.DIRECTORY_CHANGED if about_directory else SecurityKind.UNIT_ACCESS_CHANGED
    yield _event(entry, kind, str(kind), sentence(entry))
    for sha256, codes in entry.shared_certificates.items():
        detail = f"certificate {sha256} is registered for {', '.join(codes)}; {sentence(entry)}"
        yield _event(entry, SecurityKind.CERTIFICATE_SHARED, f"certificate/{sha256}", detail)


def sentence(entry: Entry) -> str:
    """What was done, as one line for people."""
    person = f" (proposed by {entry.proposed_by})" if entry.proposed_by else ""
    what = f"version {short(entry.version)}, {len(entry.changes)} changes" if entry.version else f"unit {entry.unit}"
    return f"{entry.act}: {what}{person}; entry {entry.number} of the history; why: {entry.decision.why}"


def catch_up(settings: ControlSettings, bucket: DirectoryBucket) -> int:
    """Announce every entry that was not announced yet, and return how many. Raises ``CommandError`` when it cannot."""
    first, last = bucket.announced() + 1, bucket.head().number
    entries = [bucket.entry(number) for number in range(first, last + 1)]
    if entries:
        asyncio.run(publish(settings, (event for entry in entries for event in events_of(entry))))
        bucket.mark_announced(last)
    return len(entries)


def _identifier(entry: Entry) -> str:
    """Not the number alone: a history that was lost and began again must not repeat the ids of the former one."""
    return digest_id("units", str(entry.number), entry.previous, entry.decision.at.isoformat(), entry.decision.by)


def _event(entry: Entry, kind: SecurityKind, step: str, detail: str) -> SecurityNoticed:
    decision = entry.decision
    return security_event(
        OPERATOR,
        kind,
        event_id(_identifier(entry), step),
        decision.at,
        actor=decision.by,
        origin=f"trunkctl, {decision.account}",
        detail=detail,
    )
