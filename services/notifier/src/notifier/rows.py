"""One row of collection ``notifications`` as a value."""

from dataclasses import dataclass
from datetime import datetime
from typing import Annotated, Any, Self

from pydantic import Field, TypeAdapter

from common.database import Document
from common.domain.names import Lane, UnitCode
from notifier.compose import Channel, Notified
from notifier.leases import Lease
from notifier.policy import State

NOTIFIED_FACT: TypeAdapter[Notified] = TypeAdapter(Annotated[Notified, Field(discriminator="fact")])


@dataclass(frozen=True, slots=True, kw_only=True)
class Row:
    """The fields of a saved notification that the dispatch needs."""

    key: str
    unit: UnitCode
    channel: Channel
    state: State
    lane: Lane
    destination: str
    attempts: int
    waiting_since: datetime
    fact: dict[str, Any] | None
    trace: dict[str, str]
    lease: Lease

    @classmethod
    def of(cls, document: Document) -> Self:
        """The row in a document of the database. Raises ``KeyError`` or ``ValueError`` if the document is not a row."""
        return cls(
            key=document["_id"],
            unit=document["unit"],
            channel=Channel(document["channel"]),
            state=State(document["state"]),
            lane=Lane(document["lane"]),
            destination=document["destination"],
            attempts=document["attempts"],
            waiting_since=document["waiting_since"],
            fact=document.get("body"),
            trace=document.get("trace") or {},
            lease=Lease(document["lease"], document["lease_until"]),
        )

    @property
    def occurred_at(self) -> datetime:
        """When the event occurred that the notification is about."""
        return datetime.fromisoformat(self.fact["occurred_at"]) if self.fact else self.waiting_since

    def notified_fact(self) -> Notified:
        """The fact that the notification is about. Raises ``ValueError`` if this release does not know such a fact."""
        return NOTIFIED_FACT.validate_python(self.fact)
