"""The ledger of earlier releases: a chain a document, each entry sealed by a hash that covers the entry before.

Nothing is chained any more. The chains that exist are carried into the log as they are, links included, and are checked
here. Whoever changes, drops, adds or swaps entries breaks the chain at that place.
"""

import hashlib
import json
from collections.abc import Iterable
from dataclasses import dataclass

from common.domain.names import Sha256
from common.ledger import Entry, Link, canonical_json, stamp

GENESIS: Sha256 = "0" * 64
"""``prev`` of a document's first entry."""


@dataclass(frozen=True, slots=True)
class Broken:
    """The first place at which a chain cannot be right, and why."""

    seq: int
    """The number that should stand at that place."""
    trouble: str


def linked_hash(entry: Entry, seq: int, prev: Sha256) -> Sha256:
    """SHA-256 over the canonical JSON of subject, seq, event_id, recorded_at, body and prev."""
    sealed = {
        "subject": entry.subject,
        "seq": seq,
        "event_id": entry.event_id,
        "recorded_at": stamp(entry.recorded_at),
        "body": entry.body,
        "prev": prev,
    }
    return hashlib.sha256(canonical_json(sealed).encode()).hexdigest()


def chain(subject: str, entries: Iterable[Entry]) -> Broken | None:
    """Recompute a document's whole chain, entries in the order of their keys; None = every entry holds.

    Entries without a link are not part of it.
    """
    seq, head, seen = 0, GENESIS, set[str]()
    for entry in entries:
        if entry.link is None:
            continue
        seq += 1
        if trouble := _trouble(subject, seq, head, seen, entry, entry.link):
            return Broken(seq, trouble)
        head = entry.link.hash
        seen.add(entry.event_id)
    return None


def _trouble(subject: str, seq: int, head: Sha256, seen: set[str], entry: Entry, link: Link) -> str:
    if entry.subject != subject:
        return "entry of another document"
    if link.seq != seq:
        return f"number {link.seq} out of sequence"
    if link.prev != head:
        return "does not follow the entry before"
    if link.hash != linked_hash(entry, seq, head):
        return "content does not give its hash"
    if entry.event_id in seen:
        return "event recorded twice"
    return mislabelled(entry)


def mislabelled(entry: Entry) -> str:
    """What the columns of an entry say otherwise than its body; empty = nothing."""
    told = json.loads(entry.body)
    named = {"fact": entry.fact, "event_id": entry.event_id, "subject": entry.subject}
    return next((f"{name} differs from the body" for name, value in named.items() if told.get(name) != value), "")
