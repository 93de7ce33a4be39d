"""The security events that the archive keeps in its ledger (R40)."""

from collections.abc import Generator
from contextlib import closing
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from pymongo import MongoClient

from common.domain.security import SecurityKind
from common.facts.security import SECURITY_SUBJECT, SecurityNoticed
from common.indexes import database_name
from common.ledger import Entry, entry_of
from trunkctl.databases import asking, connected
from trunkctl.settings import ControlSettings

Row = dict[str, Any]


@dataclass(frozen=True, slots=True, kw_only=True)
class Wanted:
    """Which events are meant; what is empty means any."""

    kinds: tuple[SecurityKind, ...] = ()
    actor: str = ""
    since: datetime | None = None
    until: datetime | None = None

    def matches(self, event: SecurityNoticed) -> bool:
        """Whether an event is one of them; ``until`` is excluded."""
        return (
            (not self.kinds or event.kind in self.kinds)
            and (not self.actor or event.actor == self.actor)
            and (self.since is None or event.occurred_at >= self.since)
            and (self.until is None or event.occurred_at < self.until)
        )


def event_of(entry: Entry) -> SecurityNoticed:
    """The event in an entry. Raises ``pydantic.ValidationError``, a ``ValueError``."""
    return SecurityNoticed.model_validate_json(entry.body)


class SecurityLedger:
    """The archive's entries about security, a few at a time."""

    def __init__(self, settings: ControlSettings) -> None:
        self._client: MongoClient[Row] = connected(settings, "trunkctl")
        self._entries = self._client[database_name("archive")]["ledger"]

    def close(self) -> None:
        """End the connection."""
        self._client.close()

    def newest(self, wanted: Wanted, limit: int) -> tuple[list[SecurityNoticed], int]:
        """The newest events that are wanted, the newest first, and how many entries passed were none.

        An entry that is no security event hides none of the others. Raises ``CommandError``.
        """
        events: list[SecurityNoticed] = []
        unreadable = 0
        with closing(self._newest_first()) as entries:
            for entry in entries:
                try:
                    event = event_of(entry)
                except ValueError:
                    unreadable += 1
                    continue
                if wanted.matches(event):
                    events.append(event)
                if len(events) == limit:
                    break
        return events, unreadable

    def _newest_first(self) -> Generator[Entry]:
        below = {"$gte": f"{SECURITY_SUBJECT}/", "$lt": f"{SECURITY_SUBJECT}0"}
        with asking(), closing(self._entries.find({"_id": below}).sort("recorded_at", -1)) as rows:
            yield from map(entry_of, rows)
