"""Packages that lie in the object store, and of which the databases know nothing: accepted after the backup.

Their senders have a receipt. Submitted again, byte for byte, a package gets its former ids, so that whoever has got
something of it recognises it. Until then its DocumentId is free.

What a package says of its sender proves nothing: units may have submitted packages that named others, and were refused;
a file may be a package of somebody else. So only the unit is believed that the archive's record names, or with which
intake has stored the bytes.
"""

import hashlib
import itertools
import json
import re
from collections.abc import Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Any, BinaryIO, TypeVar

from minio import Minio
from pydantic import ValidationError
from pymongo import MongoClient

from archive.kept import PACKAGE, PARTS, part_bytes
from archive.record import Record
from common.domain import ids
from common.domain.names import Lane, Sha256, UnitCode
from common.domain.reason import Reason
from common.edxml import Unreadable, parse
from common.indexes import WAITING, database_name
from common.objects import ARCHIVE, CONTENT, PACKAGES, digest_in_key, submitter_of
from intake.record import document_id_of
from trunkctl.backup.copies import Original, answering, originals, read
from trunkctl.backup.inventory import Inventory
from trunkctl.databases import asking

RECORD = re.compile(r"^[^/]+/([0-9a-f]{32})/record\.json$")
PAGE = 500
AT_ONCE = 8
BEFORE_ITS_ROW = timedelta(days=1)
"""A package is put into the store before its row is written; between the two, the database may have been away."""

T = TypeVar("T")
Client = MongoClient[dict[str, Any]]


@dataclass(frozen=True, slots=True)
class Lost:
    """A package without a row."""

    package_id: str
    sender: str
    document_id: str
    lane: Lane
    at: datetime
    """When it was put into the store."""
    bucket: str
    key: str
    """Where its bytes are, which of a notice may be its ``record.json``; empty: the record names none."""
    known_as: str
    """The verdict on record in the archive; empty = it has none."""


def lost_packages(database: Client, store: Minio, since: datetime | None) -> list[Lost]:
    """Those whose submitter is known, the oldest first. ``since``: when the backup was begun; none = ever."""
    archived = {each.package_id: each for each in _archived(database, store)}
    received = {
        lost.package_id: lost
        for page in _with_submitters(store, since)
        for lost in _received(database, store, page)
        if lost.package_id not in archived or not archived[lost.package_id].key
    }
    packages = received | {key: _with_bytes(each, received.get(key)) for key, each in archived.items()}
    return sorted(packages.values(), key=lambda each: (each.at, each.package_id))


def unproved_packages(
    database: Client, store: Minio, named: Inventory, lost: Iterable[Lost], since: datetime | None
) -> list[Lost]:
    """Packages that no row names and nobody is known to have submitted. ``named``: objects that rows name."""
    keys = {each.key for each in lost}
    candidates = (
        place
        for page in _with_submitters(store, since)
        for place, submitter in page
        if submitter is None and place.key not in keys and not named.has(f"{place.bucket}/{place.key}")
    )
    packages = (package for place in candidates if (package := _of_object(store, place, None)))
    pages = _pages((each.package_id, each) for each in packages)
    return [page[package_id] for page in pages for package_id in _unknown(database, page)]


def bytes_of(store: Minio, lost: Lost) -> bytes | None:
    """The package; None = it is gone, or not what was submitted."""
    with answering("The object store"), read(store, lost.bucket, lost.key) as content:
        data = content.file.read() if content else b""
    if lost.bucket == ARCHIVE and RECORD.match(lost.key):
        data = _enclosed_package(data)
    is_same = ids.package_id(lost.sender, hashlib.sha256(data).hexdigest()) == lost.package_id
    return data if is_same else None


def _enclosed_package(data: bytes) -> bytes:
    """Out of a ``record.json``; empty = there is none in it."""
    try:
        return part_bytes(PACKAGE, json.loads(data)[PARTS][PACKAGE])
    except (ValueError, LookupError, TypeError):
        return b""


def _archived(database: Client, store: Minio) -> Iterator[Lost]:
    """Packages that have a record under lock and no row."""
    matches = ((each, RECORD.match(each.key)) for each in originals(store, ARCHIVE))
    for page in _pages((match[1], each) for each, match in matches if match):
        for package_id in _unknown(database, page):
            if lost := _of_record(store, page[package_id]):
                yield lost


def _of_record(store: Minio, place: Original) -> Lost | None:
    with answering("The object store"), read(store, ARCHIVE, place.key, place.version_id) as content:
        try:
            record = Record.model_validate_json(content.file.read()) if content else None
        except ValidationError:
            return None
    if record is None or record.reason == Reason.E_SECRET:  # nothing of it is left, and nobody may submit it again
        return None
    kept = [(each.bucket or ARCHIVE, each.key) for each in record.objects if each.role == PACKAGE]
    kept += [(ARCHIVE, place.key) for each in record.enclosed if each.role == PACKAGE]
    bucket, key = next(iter(kept), (ARCHIVE, ""))
    return Lost(
        package_id=record.record_id,
        sender=record.sender,
        document_id=record.document_id,
        lane=record.lane,
        at=record.submitted_at,
        bucket=bucket,
        key=key,
        known_as=record.verdict,
    )


def _with_submitters(store: Minio, since: datetime | None) -> Iterator[list[tuple[Original, UnitCode | None]]]:
    """Everything in ``content`` and ``packages`` that was put there since, with who submitted it."""
    every = (each for bucket in (CONTENT, PACKAGES) for each in originals(store, bucket))
    places = (each for each in every if since is None or each.modified_at >= since - BEFORE_ITS_ROW)
    with ThreadPoolExecutor(AT_ONCE) as pool:
        while page := list(itertools.islice(places, PAGE)):
            yield list(zip(page, pool.map(lambda place: _submitter(store, place), page), strict=True))


def _submitter(store: Minio, place: Original) -> UnitCode | None:
    with answering("The object store"):
        return submitter_of(store.stat_object(place.bucket, place.key, version_id=place.version_id).metadata)


def _with_bytes(archived: Lost, received: Lost | None) -> Lost:
    """What was refused is on record without its package, which lies where intake has put it."""
    if archived.key or received is None:
        return archived
    return replace(archived, bucket=received.bucket, key=received.key)


def _received(database: Client, store: Minio, page: Iterable[tuple[Original, UnitCode | None]]) -> Iterator[Lost]:
    """Packages that intake had taken, and of which the archive has no record yet."""
    submitted = {ids.package_id(unit, _digest(place)): (place, unit) for place, unit in page if unit is not None}
    for package_id in _unknown(database, submitted):
        if lost := _of_object(store, *submitted[package_id]):
            yield lost


def _of_object(store: Minio, place: Original, submitter: UnitCode | None) -> Lost | None:
    with answering("The object store"), read(store, place.bucket, place.key, place.version_id) as content:
        return _of_package(place, content.file, submitter) if content else None


def _of_package(place: Original, file: BinaryIO, submitter: UnitCode | None) -> Lost | None:
    """None = it is no package. What intake could not read was submitted all the same."""
    try:
        parsed = parse(file)
    except Unreadable:
        return _lost(place, submitter, "an unreadable package", Lane.NORMAL) if submitter else None
    for part in parsed.files:
        part.close()
    message = parsed.message
    other = getattr(message, "other", None)
    lane = other.priority.lane if other else Lane.NORMAL
    return _lost(place, submitter or message.sender.code, document_id_of(message), lane)


def _lost(place: Original, sender: UnitCode, document_id: str, lane: Lane) -> Lost:
    return Lost(
        package_id=ids.package_id(sender, _digest(place)),
        sender=sender,
        document_id=document_id,
        lane=lane,
        at=place.modified_at,
        bucket=place.bucket,
        key=place.key,
        known_as="",
    )


def _digest(place: Original) -> Sha256:
    """Of the bytes, by their key."""
    return digest_in_key(place.bucket, place.key) or ""


def _unknown(database: Client, package_ids: Iterable[str]) -> list[str]:
    intake, known = database[database_name("intake")], set[str]()
    with asking():
        for collection in ("packages", WAITING):
            rows = intake[collection].find({"_id": {"$in": list(package_ids)}}, {"_id": 1})
            known |= {row["_id"] for row in rows}
    return [package_id for package_id in package_ids if package_id not in known]


def _pages(items: Iterable[tuple[str, T]]) -> Iterator[dict[str, T]]:
    each = iter(items)
    while page := dict(itertools.islice(each, PAGE)):
        yield page
