"""The ledger of a document: every fact about it, each entry sealed by a hash that covers the entry before.

Pure: entries are made and checked here. ``archive.store`` keeps them, ``trunkctl`` reads them. Whoever changes,
drops, adds or swaps entries in the database breaks the chain at that place. Entries cut off at the end leave a
shorter, whole chain: against that stands the entry named in each ``record.json`` under object lock.
"""

import hashlib
import json
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from common.domain.names import Sha256
from common.facts import BaseFact

GENESIS: Sha256 = "0" * 64
"""``prev`` of a document's first entry."""


IDENTIFYING = ("fact", "service", "kind", "actor", "action", "target", "record_id", "package_id", "sender", "receiver")
"""Fields that two announcements of one event have in common."""


@dataclass(frozen=True, slots=True)
class Head:
    """The newest entry of a document, as far as the next one has to know it."""

    seq: int = 0
    hash: Sha256 = GENESIS


@dataclass(frozen=True, slots=True, kw_only=True)
class Entry:
    """One line of the ledger."""

    subject: str
    """Document key: whose ledger this is."""
    seq: int
    """1, 2, 3 … without gaps."""
    event_id: str
    fact: str
    """Name of the fact, for queries; the body says it again under the hash."""
    recorded_at: datetime
    """UTC, whole milliseconds: what the database can keep."""
    body: str
    """Canonical JSON of the fact."""
    prev: Sha256
    hash: Sha256

    @property
    def key(self) -> str:
        """``_id`` in the database."""
        return entry_key(self.subject, self.seq)

    def differs_from(self, fact: BaseFact) -> str:
        """The first field in which a fact with the same event id is another event than this one; empty = the same.

        Texts and times may differ between two announcements of one event, and a later release may add fields.
        """
        kept, new = json.loads(self.body), fact.model_dump(mode="json", exclude_none=True)
        return next((name for name in IDENTIFYING if kept.get(name) != new.get(name)), "")

    def sealed_hash(self) -> Sha256:
        """The hash that the content calls for."""
        return entry_hash(
            subject=self.subject,
            seq=self.seq,
            event_id=self.event_id,
            recorded_at=self.recorded_at,
            body=self.body,
            prev=self.prev,
        )


@dataclass(frozen=True, slots=True)
class Broken:
    """The first place at which a ledger cannot be right, and why."""

    seq: int
    """The number that should stand at that place."""
    trouble: str


def entry_key(subject: str, seq: int) -> str:
    """``<subject>/<seq>``: eight digits, so that keys sort like numbers."""
    return f"{subject}/{seq:08d}"


def canonical_json(value: Any) -> str:
    """One text per value: sorted keys, no spaces, characters unescaped."""
    return json.dumps(value, sort_keys=True, ensure_ascii=False, separators=(",", ":"))


def entry_hash(**sealed: Any) -> Sha256:
    """SHA-256 over the canonical JSON of subject, seq, event_id, recorded_at, body and prev."""
    stamp = sealed["recorded_at"].astimezone(UTC).isoformat(timespec="milliseconds")
    return hashlib.sha256(canonical_json(sealed | {"recorded_at": stamp}).encode()).hexdigest()


def next_entry(head: Head, fact: BaseFact, now: datetime) -> Entry:
    """The entry for ``fact`` that follows ``head``."""
    sealed: dict[str, Any] = {
        "subject": fact.subject,
        "seq": head.seq + 1,
        "event_id": fact.event_id,
        "recorded_at": whole_milliseconds(now),
        "body": canonical_json(fact.model_dump(mode="json", exclude_none=True)),
        "prev": head.hash,
    }
    return Entry(**sealed, fact=fact.fact, hash=entry_hash(**sealed))


def whole_milliseconds(at: datetime) -> datetime:
    """The time in UTC as the database gives it back."""
    utc = at.astimezone(UTC)
    return utc.replace(microsecond=utc.microsecond // 1000 * 1000)


def chain(subject: str, entries: Iterable[Entry]) -> Broken | None:
    """Recompute a document's whole ledger, entries in the order of their keys; None = every entry holds."""
    head, seen = Head(), set[str]()
    for entry in entries:
        trouble = _trouble(subject, head, seen, entry)
        if trouble:
            return Broken(head.seq + 1, trouble)
        head = Head(entry.seq, entry.hash)
        seen.add(entry.event_id)
    return None


def _trouble(subject: str, head: Head, seen: set[str], entry: Entry) -> str:
    if entry.subject != subject:
        return "entry of another document"
    if entry.seq != head.seq + 1:
        return f"number {entry.seq} out of sequence"
    if entry.prev != head.hash:
        return "does not follow the entry before"
    if entry.hash != entry.sealed_hash():
        return "content does not give its hash"
    if entry.event_id in seen:
        return "event recorded twice"
    return _mislabelled(entry)


def _mislabelled(entry: Entry) -> str:
    told = json.loads(entry.body)
    named = {"fact": entry.fact, "event_id": entry.event_id, "subject": entry.subject}
    return next((f"{name} differs from the body" for name, value in named.items() if told.get(name) != value), "")
