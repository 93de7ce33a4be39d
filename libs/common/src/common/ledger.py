"""Entries of the ledger: every fact once, under its event id, and the leaf that stands for it in the log.

Pure: ``archive.ledger`` keeps entries, ``archive.sealer`` orders them into the log, ``trunkctl`` reads and checks them.

A leaf shows nothing of its entry. It holds two commitments, HMAC-SHA256 under a salt of the entry's own: one to the
entry's content, one to the digest of the package that the fact names. Digests without a salt would tell whoever guesses
a DocumentId, a unit code or a status that the guess is right. The salt lies beside the entry; who is given both, and
the leaf's place in the log, can check them (``Entry.leaf``).
"""

import hashlib
import hmac
import json
import secrets
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from common.domain.names import Sha256
from common.facts import BaseFact
from common.tlog.merkle import leaf_hash

FORMAT = "trunk-entry/1"
SALT_BYTES = 32

IDENTIFYING = ("fact", "service", "kind", "actor", "action", "target", "record_id", "package_id", "sender", "receiver")
"""Fields that two announcements of one event have in common."""

Row = dict[str, Any]


@dataclass(frozen=True, slots=True)
class Link:
    """Where an entry stands in its document's chain (``common.chained_ledger``)."""

    seq: int
    """1, 2, 3 … without gaps."""
    prev: Sha256
    hash: Sha256


@dataclass(frozen=True, slots=True, kw_only=True)
class Entry:
    """One line of the ledger."""

    subject: str
    """Document key, or a fixed word such as ``security``."""
    event_id: str
    fact: str
    """Name of the fact, for queries; the body says it again."""
    recorded_at: datetime
    """UTC, whole milliseconds: what the database can keep."""
    body: str
    """Canonical JSON of the fact, without bytes that travelled with its references."""
    salt: bytes
    """Secret: who knows it can try what the content may be. Empty: the entry has no leaf yet."""
    link: Link | None = None
    """Of an entry that an earlier release has chained."""

    @property
    def key(self) -> str:
        """``_id`` in the database."""
        return chained_key(self.subject, self.link.seq) if self.link else entry_key(self.subject, self.event_id)

    def differs_from(self, fact: BaseFact) -> str:
        """The first field in which a fact with the same event id is another event than this one; empty = the same.

        Texts and times may differ between two announcements of one event, and a later release may add fields.
        """
        kept, new = json.loads(self.body), fact.model_dump(mode="json", exclude_none=True)
        return next((name for name in IDENTIFYING if kept.get(name) != new.get(name)), "")

    def content(self) -> bytes:
        """Canonical JSON of everything but the salt: what the leaf commits to."""
        told: Row = {
            "subject": self.subject,
            "event_id": self.event_id,
            "fact": self.fact,
            "recorded_at": stamp(self.recorded_at),
            "body": self.body,
        }
        if self.link:
            told |= {"seq": self.link.seq, "prev": self.link.prev, "hash": self.link.hash}
        return canonical_json(told).encode()

    def package_sha256(self) -> Sha256:
        """Digest of the package that the fact names; empty = it names none."""
        package = json.loads(self.body).get("package") or {}
        return str(package.get("sha256", ""))

    def leaf(self) -> bytes:
        """The leaf of this entry in the log. Raises ``ValueError`` without a salt."""
        return leaf_of(self.content(), self.package_sha256(), self.salt)

    def leaf_hash(self) -> Sha256:
        """Hash of the leaf, in hex digits."""
        return leaf_hash(self.leaf()).hex()


def leaf_of(content: bytes, package_sha256: Sha256, salt: bytes) -> bytes:
    """The leaf of an entry with this content. Raises ``ValueError`` for a salt of another length."""
    if len(salt) != SALT_BYTES:
        raise ValueError("an entry without a salt has no leaf")
    leaf = {
        "entry": commitment(salt, "entry", content),
        "format": FORMAT,
        "package": commitment(salt, "package", package_sha256.encode()),
    }
    return canonical_json(leaf).encode()


def commitment(salt: bytes, what: str, data: bytes) -> Sha256:
    """HMAC-SHA256 under the salt, over the name of what it is about, a zero byte, and the data; in hex digits."""
    return hmac.new(salt, what.encode() + b"\0" + data, hashlib.sha256).hexdigest()


def new_salt() -> bytes:
    """A salt that nobody can guess."""
    return secrets.token_bytes(SALT_BYTES)


def new_entry(fact: BaseFact, now: datetime, salt: bytes) -> Entry:
    """The entry of a fact that is recorded now."""
    return Entry(
        subject=fact.subject,
        event_id=fact.event_id,
        fact=fact.fact,
        recorded_at=whole_milliseconds(now),
        body=canonical_json(fact.recorded()),
        salt=salt,
    )


def entry_key(subject: str, event_id: str) -> str:
    """``<subject>/:<event id>``: behind all keys of a chain, which former releases look through by range."""
    return f"{subject}/:{event_id}"


def chained_key(subject: str, seq: int) -> str:
    """``<subject>/<seq>``: eight digits, so that keys sort like numbers."""
    return f"{subject}/{seq:08d}"


def row_of(entry: Entry) -> Row:
    """An entry that has no place in the log yet, for the database."""
    return {
        "_id": entry.key,
        "subject": entry.subject,
        "event_id": entry.event_id,
        "fact": entry.fact,
        "recorded_at": entry.recorded_at,
        "body": entry.body,
        "salt": entry.salt,
        "is_sealed": False,
    }


def entry_of(row: Row) -> Entry:
    """The entry in a row of the database. Raises ``KeyError``."""
    return Entry(
        subject=row["subject"],
        event_id=row["event_id"],
        fact=row["fact"],
        recorded_at=row["recorded_at"].astimezone(UTC),
        body=row["body"],
        salt=bytes(row.get("salt") or b""),
        link=Link(row["seq"], row["prev"], row["hash"]) if "seq" in row else None,
    )


def canonical_json(value: Any) -> str:
    """One text per value: sorted keys, no spaces, characters unescaped."""
    return json.dumps(value, sort_keys=True, ensure_ascii=False, separators=(",", ":"))


def stamp(at: datetime) -> str:
    """A time as text, in UTC and milliseconds."""
    return at.astimezone(UTC).isoformat(timespec="milliseconds")


def whole_milliseconds(at: datetime) -> datetime:
    """The time in UTC as the database gives it back."""
    utc = at.astimezone(UTC)
    return utc.replace(microsecond=utc.microsecond // 1000 * 1000)
