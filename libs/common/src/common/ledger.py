"""Entries of the ledger: each fact once, under its event id, and the leaf of the entry in the log. Pure.

``archive.ledger`` saves entries, ``archive.sealer`` adds them to the log, ``trunkctl`` reads and checks them.

A leaf reveals nothing about its entry. It has two commitments, each an HMAC-SHA256 under a salt of the entry: one to
the content of the entry, one to the digest of the package that the fact names. Without a salt, anybody could confirm a
guessed DocumentId, unit code or status by its digest. The salt is saved with the entry. Whoever gets both, and the
place of the leaf in the log, can check them (``Entry.leaf``).
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
"""Fields that are the same in all announcements of one event."""

Row = dict[str, Any]


@dataclass(frozen=True, slots=True)
class Link:
    """The place of an entry in the chain of its document (``common.chained_ledger``)."""

    seq: int
    """1, 2, 3 … without gaps."""
    prev: Sha256
    """Hash of the entry before."""
    hash: Sha256
    """Hash of this entry."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Entry:
    """One entry of the ledger."""

    subject: str
    """Document key, or a fixed word such as ``security``."""
    event_id: str
    fact: str
    """Name of the fact, for queries; it is in the body, too."""
    recorded_at: datetime
    """In UTC and whole milliseconds, the precision of the database."""
    body: str
    """Canonical JSON of the fact, without packed bytes."""
    salt: bytes
    """Secret, because with the salt one can test guesses at the content. Empty = the entry has no leaf yet."""
    link: Link | None = None
    """Set only for an entry of an earlier release, which has chained it."""

    @property
    def key(self) -> str:
        """``_id`` in the database."""
        return chained_key(self.subject, self.link.seq) if self.link else entry_key(self.subject, self.event_id)

    def differs_from(self, fact: BaseFact) -> str:
        """The first identifying field in which a fact with the same event id differs from this entry; empty = they are
        the same event.

        Texts and times may differ between two announcements of one event, and a later release may add fields.
        """
        recorded, new = json.loads(self.body), fact.model_dump(mode="json", exclude_none=True)
        return next((name for name in IDENTIFYING if recorded.get(name) != new.get(name)), "")

    def content(self) -> bytes:
        """Canonical JSON of all fields but the salt. The leaf commits to it."""
        fields: Row = {
            "subject": self.subject,
            "event_id": self.event_id,
            "fact": self.fact,
            "recorded_at": stamp(self.recorded_at),
            "body": self.body,
        }
        if self.link:
            fields |= {"seq": self.link.seq, "prev": self.link.prev, "hash": self.link.hash}
        return canonical_json(fields).encode()

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
    """HMAC-SHA256 in hex digits. Key: the salt; message: ``what`` (``entry`` or ``package``), a zero byte, the data."""
    return hmac.new(salt, what.encode() + b"\0" + data, hashlib.sha256).hexdigest()


def new_salt() -> bytes:
    """A random salt of ``SALT_BYTES``."""
    return secrets.token_bytes(SALT_BYTES)


def new_entry(fact: BaseFact, now: datetime, salt: bytes) -> Entry:
    """The entry of a fact that is recorded at ``now``."""
    return Entry(
        subject=fact.subject,
        event_id=fact.event_id,
        fact=fact.fact,
        recorded_at=whole_milliseconds(now),
        body=canonical_json(fact.recorded()),
        salt=salt,
    )


def entry_key(subject: str, event_id: str) -> str:
    """``<subject>/:<event id>``. It sorts after all keys of a chain, which former releases query by range."""
    return f"{subject}/:{event_id}"


def chained_key(subject: str, seq: int) -> str:
    """``<subject>/<seq>`` with eight digits, so that keys sort like numbers."""
    return f"{subject}/{seq:08d}"


def row_of(entry: Entry) -> Row:
    """The row of an entry that is not in the log yet."""
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
    """The entry in a row. Raises ``KeyError`` for a row that is none."""
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
    """The one JSON text of a value: keys sorted, no spaces, characters beyond ASCII not escaped."""
    return json.dumps(value, sort_keys=True, ensure_ascii=False, separators=(",", ":"))


def stamp(at: datetime) -> str:
    """A time as ISO 8601 text, in UTC with milliseconds."""
    return at.astimezone(UTC).isoformat(timespec="milliseconds")


def whole_milliseconds(at: datetime) -> datetime:
    """The time in UTC, cut to whole milliseconds as in the database."""
    utc = at.astimezone(UTC)
    return utc.replace(microsecond=utc.microsecond // 1000 * 1000)
