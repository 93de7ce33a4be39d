"""The security events that the archive keeps (R40): one chain of entries in its ledger."""

from collections.abc import Generator, Iterable, Iterator
from contextlib import closing
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from pymongo import MongoClient

from common.domain.security import SecurityKind
from common.facts.security import SECURITY_SUBJECT, SecurityNoticed
from common.indexes import database_name
from common.ledger import Broken, Entry, Head, chain
from trunkctl.databases import asking, connected
from trunkctl.settings import ControlSettings

Row = dict[str, Any]
FIELDS = ("subject", "seq", "event_id", "fact", "recorded_at", "body", "prev", "hash")


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


@dataclass(frozen=True, slots=True)
class Checked:
    """What the whole chain says."""

    head: Head
    """The newest entry; note it elsewhere, and entries cut off at the end will show later."""
    broken: Broken | None
    """The first place that cannot be right."""


def event_of(entry: Entry) -> SecurityNoticed:
    """The event in an entry. Raises ``pydantic.ValidationError``, a ``ValueError``."""
    return SecurityNoticed.model_validate_json(entry.body)


def check(entries: Iterable[Entry]) -> Checked:
    """Recompute the chain, entries in the order of their keys."""
    head = Head()

    def passing() -> Iterator[Entry]:
        nonlocal head
        for entry in entries:
            head = Head(entry.seq, entry.hash)
            yield entry

    broken = chain(SECURITY_SUBJECT, passing())
    return Checked(head, broken)


class SecurityLedger:
    """The archive's entries about security, a few at a time."""

    def __init__(self, settings: ControlSettings) -> None:
        self._client: MongoClient[Row] = connected(settings, "trunkctl")
        self._entries = self._client[database_name("archive")]["ledger"]

    def close(self) -> None:
        """End the connection."""
        self._client.close()

    def oldest_first(self) -> Iterator[Entry]:
        """Every entry. Raises ``Trouble`` when the database does not answer."""
        return self._in_order(1)

    def newest(self, wanted: Wanted, limit: int) -> tuple[list[SecurityNoticed], int]:
        """The newest events that are wanted, the newest first, and how many entries passed were none.

        An entry that is no security event hides none of the others. Raises ``Trouble``.
        """
        found: list[SecurityNoticed] = []
        unreadable = 0
        with closing(self._in_order(-1)) as entries:
            for entry in entries:
                try:
                    event = event_of(entry)
                except ValueError:
                    unreadable += 1
                    continue
                if wanted.matches(event):
                    found.append(event)
                if len(found) == limit:
                    break
        return found, unreadable

    def _in_order(self, direction: int) -> Generator[Entry]:
        below = {"$gte": f"{SECURITY_SUBJECT}/", "$lt": f"{SECURITY_SUBJECT}0"}
        with asking(), closing(self._entries.find({"_id": below}).sort("_id", direction)) as rows:
            for row in rows:
                fields: Row = {name: row.get(name) for name in FIELDS}
                yield Entry(**fields)
