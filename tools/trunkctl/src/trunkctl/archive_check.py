"""Does the archive hold what a record says? Compares the record with the versions of its objects.

A fault is a value; only a store that does not answer at all raises. How the store is asked: ``archive_store.py``.
"""

import hashlib
import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import partial
from typing import Any, NamedTuple, Protocol

from minio.commonconfig import COMPLIANCE
from pydantic import ValidationError

from archive.kept import PARTS, KeptObject, part_bytes
from archive.record import Record
from trunkctl.store_patience import Unreadable


class Version(NamedTuple):
    """One version of an object, as a listing tells it."""

    version_id: str
    modified_at: datetime
    is_latest: bool
    is_delete_marker: bool
    size_bytes: int
    etag: str
    """Equal for equal bytes that were put in the same way; says nothing else."""


@dataclass(frozen=True, slots=True)
class VersionContent:
    """What one version really is."""

    sha256: str
    size_bytes: int
    mode: str
    """COMPLIANCE, GOVERNANCE, or empty: not locked."""
    locked_until: datetime | None
    data: bytes
    """The bytes, if they were asked for."""
    restored_from: str = ""
    """Of an object that was restored from a backup: the id that its version had before."""


class Store(Protocol):
    """What the check asks of a bucket of the object store. Both raise ``Unreadable``."""

    def versions(self, folder: str) -> Mapping[str, Sequence[Version]]:
        """All versions below a folder, by key."""

    def held(self, key: str, version_id: str, *, with_data: bool = False) -> VersionContent | None:
        """One version, read whole; None = it is gone. ``with_data``: of a small object."""


class Stores(Store, Protocol):
    """The same of a bucket besides which there are others."""

    def of(self, bucket: str) -> "Stores":
        """Another bucket."""

    def versions_of(self, key: str) -> Sequence[Version]:
        """All versions of one object. Raises ``Unreadable``."""


class Fault(NamedTuple):
    """One thing that is not as the record says."""

    record_id: str
    key: str
    what: str


def faults_of(record: Record, store: Stores) -> list[Fault]:
    """Everything that is wrong with a record's objects; empty = all are there, unaltered, in sight and locked."""
    versions: dict[str, Sequence[Version]] = {}
    mine = [each for each in record.objects if each.bucket is None]
    for folder in dict.fromkeys((record.folder, *(each.key.rpartition("/")[0] for each in mine))):
        if folder == record.folder or not folder.startswith(f"{record.folder}/"):
            try:
                versions |= store.versions(folder)
            except Unreadable as error:
                return [Fault(record.record_id, folder, f"cannot be listed: {error}")]
    kept = {each.key: _object_faults(each, record, versions.get(each.key, ()), store) for each in mine}
    for each in record.objects:
        if each.bucket is not None:
            kept[f"{each.bucket}/{each.key}"] = _faults_in_place(each, record, store.of(each.bucket))
    kept[record.evidence_key] = _evidence_faults(record, versions.get(record.evidence_key, ()), store)
    return [Fault(record.record_id, key, what) for key, whats in kept.items() for what in whats]


def _faults_in_place(kept: KeptObject, record: Record, store: Stores) -> list[str]:
    try:
        return _object_faults(kept, record, store.versions_of(kept.key), store)
    except Unreadable as error:
        return [f"cannot be listed: {error}"]


def _object_faults(kept: KeptObject, record: Record, versions: Sequence[Version], store: Store) -> list[str]:
    def wrong(version: Version) -> list[str]:
        held = store.held(kept.key, version.version_id)
        return _altered(kept, held) + _unlocked(record, held) if held else ["missing"]

    def same(version: Version) -> bool:
        held = store.held(kept.key, version.version_id)
        return held is not None and not _altered(kept, held)

    return _faults_or_restored(kept, versions, store, partial(_faults, versions=versions, wrong=wrong, same=same))


def _faults_or_restored(
    kept: KeptObject, versions: Sequence[Version], store: Store, judge: Callable[[str | None], list[str]]
) -> list[str]:
    """What is wrong with the version on record, or, if it is gone or damaged and was restored, with its copy."""
    faults = judge(kept.version_id)
    if not faults or kept.version_id is None:
        return faults
    readable = [version for version in versions if not version.is_delete_marker]
    copies = (version for version in readable if _is_copy(kept, store, version))
    return next((judge(version.version_id) for version in copies), faults)


def _is_copy(kept: KeptObject, store: Store, version: Version) -> bool:
    """Whether a version has the bytes on record, and was put there by a restore of the version on record."""
    try:
        held = store.held(kept.key, version.version_id)
    except Unreadable:
        return False
    return held is not None and held.restored_from == kept.version_id and not _altered(kept, held)


def _evidence_faults(record: Record, versions: Sequence[Version], store: Store) -> list[str]:
    kept, key = record.evidence_object, record.evidence_key

    def wrong(version: Version) -> list[str]:
        held = store.held(key, version.version_id, with_data=True)
        if held is None:
            return ["missing"]
        differs = [] if _parsed(held.data) == _plain(record) else ["differs from the record in the database"]
        return (_altered(kept, held) if kept else []) + differs + _altered_parts(record, held) + _unlocked(record, held)

    def same(version: Version) -> bool:
        """Two replicas may have kept the same package at the same time, and each names its own versions."""
        held = store.held(key, version.version_id, with_data=True)
        return held is not None and _unversioned(_parsed(held.data)) == _unversioned(_plain(record))

    judge = partial(_faults, versions=versions, wrong=wrong, same=same)
    return _faults_or_restored(kept, versions, store, judge) if kept else judge(None)


def _faults(
    version_id: str | None,
    versions: Sequence[Version],
    wrong: Callable[[Version], list[str]],
    same: Callable[[Version], bool],
) -> list[str]:
    """``wrong``: what is wrong with the version on record. ``same``: whether a newer version tells the same.

    A record without a version id means any version that is right; if none is, the newest is judged.
    """
    hidden = ["hidden by a delete marker"] if any(v.is_latest and v.is_delete_marker for v in versions) else []
    newest_first = sorted(versions, key=lambda v: (v.is_latest, v.modified_at), reverse=True)
    readable = [version for version in newest_first if not version.is_delete_marker]
    named = [version for version in readable if version_id in (None, version.version_id)]
    if not named:
        return [f"missing: version {version_id} is gone" if readable else "missing", *hidden]
    try:
        judged = [(version, wrong(version)) for version in named]
        mine, wrongs = next((each for each in judged if not each[1]), judged[0])
        newest = readable[0]
        if (newest.size_bytes, newest.etag) != (mine.size_bytes, mine.etag) and not same(newest):
            hidden.append(f"other bytes lie over it, as version {newest.version_id}")
    except Unreadable as error:
        wrongs = [f"cannot be read: {error}"]
    return wrongs + hidden


def _altered(kept: KeptObject, held: VersionContent) -> list[str]:
    if (held.sha256, held.size_bytes) == (kept.sha256, kept.size_bytes):
        return []
    return [f"other bytes: {held.size_bytes} bytes, SHA-256 {held.sha256}"]


def _altered_parts(record: Record, held: VersionContent) -> list[str]:
    """Header, report and package inside of ``record.json`` that are not those on record."""
    if not record.enclosed:
        return []
    try:
        parts = json.loads(held.data)[PARTS]
        digests = {role: hashlib.sha256(part_bytes(role, text)).hexdigest() for role, text in parts.items()}
    except (ValueError, LookupError, TypeError, AttributeError):
        digests = {}
    return [f"holds another {each.role}" for each in record.enclosed if digests.get(each.role) != each.sha256]


def _unlocked(record: Record, held: VersionContent) -> list[str]:
    until = record.retain_until.astimezone(UTC).replace(microsecond=0)
    if held.mode != COMPLIANCE or held.locked_until is None:
        return [f"not locked, on record until {until.isoformat()}"]
    if held.locked_until < until:
        return [f"locked until {held.locked_until.isoformat()}, on record until {until.isoformat()}"]
    return []


def _parsed(data: bytes) -> dict[str, Any]:
    """What a ``record.json`` says; empty = it is none."""
    try:
        return _plain(Record.model_validate_json(data))
    except ValidationError:
        return {}


def _plain(record: Record) -> dict[str, Any]:
    """For comparison: the database keeps milliseconds."""
    fields = record.model_dump(exclude={"evidence_object"})
    return {name: _milliseconds(value) if isinstance(value, datetime) else value for name, value in fields.items()}


def _milliseconds(at: datetime) -> datetime:
    return at.astimezone(UTC).replace(microsecond=at.microsecond // 1000 * 1000)


def _unversioned(fields: dict[str, Any]) -> dict[str, Any]:
    objects = tuple({**each, "version_id": None} for each in fields.get("objects", ()))
    return {**fields, "objects": objects}
