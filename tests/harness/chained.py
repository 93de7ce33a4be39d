"""Ledger entries as earlier releases chained them: what is found in their databases."""

from collections.abc import Iterable
from datetime import datetime
from typing import Any

from common.chained_ledger import GENESIS, linked_hash
from common.facts import BaseFact
from common.ledger import Entry, Link, new_entry


def linked(fact: BaseFact, now: datetime, seq: int = 1, prev: str = GENESIS) -> Entry:
    """The entry of a fact as number ``seq`` of its chain."""
    entry = new_entry(fact, now, b"")
    return relinked(entry, seq, prev)


def relinked(entry: Entry, seq: int, prev: str) -> Entry:
    """The same entry at another place, with the hash that belongs there."""
    fields = {name: getattr(entry, name) for name in ("subject", "event_id", "fact", "recorded_at", "body", "salt")}
    return Entry(**fields, link=Link(seq, prev, linked_hash(entry, seq, prev)))


def chained(facts: Iterable[tuple[BaseFact, datetime]]) -> list[Entry]:
    """A whole chain."""
    entries: list[Entry] = []
    for seq, (fact, now) in enumerate(facts, start=1):
        last = entries[-1].link if entries else None
        entries.append(linked(fact, now, seq, last.hash if last else GENESIS))
    return entries


def chained_row(entry: Entry) -> dict[str, Any]:
    """An entry as earlier releases kept it."""
    assert entry.link
    row = {name: getattr(entry, name) for name in ("subject", "event_id", "fact", "recorded_at", "body")}
    link = {"seq": entry.link.seq, "prev": entry.link.prev, "hash": entry.link.hash}
    return {"_id": entry.key, **row, **link}
