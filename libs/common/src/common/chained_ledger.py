"""The ledger of earlier releases: one chain for each document, in which each entry's hash covers the entry before.

No entry is chained any more. Existing chains are carried into the log unchanged, with their links, and are checked
here. An entry that is changed, removed, added or swapped breaks the chain at its place.
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
    """The first place at which a chain is broken, and why."""

    seq: int
    """The sequence number expected at that place."""
    fault: str
    """The fault, for people."""


def linked_hash(entry: Entry, seq: int, prev: Sha256) -> Sha256:
    """The hash of a chained entry: SHA-256 over the canonical JSON of subject, seq, event_id, recorded_at, body and
    prev."""
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
    """Check the whole chain of a document. Returns the first break; None = there is none.

    ``entries``: in the order of their keys; those without a link are not part of the chain.
    """
    seq, head, event_ids = 0, GENESIS, set[str]()
    for entry in entries:
        if entry.link is None:
            continue
        seq += 1
        if fault := _fault(subject, seq, head, event_ids, entry, entry.link):
            return Broken(seq, fault)
        head = entry.link.hash
        event_ids.add(entry.event_id)
    return None


def _fault(subject: str, seq: int, head: Sha256, event_ids: set[str], entry: Entry, link: Link) -> str:
    """Why an entry cannot follow in the chain; empty = it can. ``event_ids``: of the entries before."""
    if entry.subject != subject:
        return "entry of another document"
    if link.seq != seq:
        return f"number {link.seq} out of sequence"
    if link.prev != head:
        return "does not follow the entry before"
    if link.hash != linked_hash(entry, seq, head):
        return "content does not give its hash"
    if entry.event_id in event_ids:
        return "event recorded twice"
    return mislabelled(entry)


def mislabelled(entry: Entry) -> str:
    """The first column of an entry that differs from its body, as a sentence; empty = none does."""
    body = json.loads(entry.body)
    columns = {"fact": entry.fact, "event_id": entry.event_id, "subject": entry.subject}
    return next((f"{name} differs from the body" for name, value in columns.items() if body.get(name) != value), "")
