"""Where a document is, told from what the services wrote down: a timeline and the state of every delivery. Pure."""

import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from trunkctl.fact_words import fact_words


@dataclass(frozen=True, slots=True, kw_only=True)
class Moment:
    """One line of a timeline."""

    at: datetime
    fact: str
    unit: str
    """The receiver concerned, or the unit that was told; else the sender."""
    what: str
    """The rest of the fact in words, e.g. ``reason E_DUP``."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Standing:
    """Where the document stands at one unit."""

    receiver: str
    state: str
    updated_at: datetime | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Wait:
    """A package that intake cannot decide about yet."""

    package_id: str
    unit: str
    since: datetime
    until: datetime
    what: str
    """In words: for what it waits, and what becomes of it if that does not come."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Trail:
    """All that is known of one document."""

    subject: str
    document_id: str
    sender: str
    moments: tuple[Moment, ...]
    standings: tuple[Standing, ...]
    waits: tuple[Wait, ...] = ()
    """Packages that bear its DocumentId, or are about it."""


def moment(entry: Mapping[str, Any]) -> Moment:
    """From an entry of the archive's ledger."""
    fact: dict[str, Any] = json.loads(entry["body"])
    return Moment(
        at=datetime.fromisoformat(fact["occurred_at"]),
        fact=fact["fact"],
        unit=fact.get("receiver") or fact.get("unit") or fact.get("sender", ""),
        what=fact_words(fact),
    )


def standing(delivery: Mapping[str, Any]) -> Standing:
    """From a delivery of the router."""
    state, updated_at = delivery["state"], delivery.get("updated_at")
    if returned_at := delivery.get("returned_at"):
        state, updated_at = f"{state}, given back by the unit's system", returned_at
    return Standing(receiver=delivery["receiver"], state=state, updated_at=updated_at)


def wait(row: Mapping[str, Any]) -> Wait:
    """From a row of intake's collection ``waiting``."""
    if holder := row.get("holder"):
        what = f"package {holder} bears the same DocumentId and may still be refused; if it is not, E_DUP"
    else:
        what = f"{row['detail'].partition(';')[0]}; if none comes, E_REFDOC"
    return Wait(
        package_id=row["_id"],
        unit=row["sender"],
        since=row.get("since") or row["submitted_at"],
        until=row["deadline"],
        what=what,
    )


def trail(
    subject: str,
    entries: Iterable[Mapping[str, Any]],
    deliveries: Iterable[Mapping[str, Any]],
    waiting: Iterable[Mapping[str, Any]] = (),
) -> Trail:
    """Entries in the order in which they were recorded are sorted by the time at which things happened. ``waiting``:
    rows of packages that bear the document's id, or are about it."""
    kept, rows = list(entries), list(waiting)
    first: Mapping[str, Any] = json.loads(kept[0]["body"]) if kept else next(iter(rows), {})
    return Trail(
        subject=subject,
        document_id=first.get("document_id", ""),
        sender=first.get("sender", ""),
        moments=tuple(sorted(map(moment, kept), key=lambda m: m.at)),
        standings=tuple(sorted(map(standing, deliveries), key=lambda s: s.receiver)),
        waits=tuple(sorted(map(wait, rows), key=lambda w: w.since)),
    )
