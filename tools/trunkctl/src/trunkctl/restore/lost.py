"""Packages that lie in the object store, and of which the databases know nothing: accepted after the backup.

Their senders have a receipt. Submitted again, byte for byte, a package gets its former ids, so that whoever has got
something of it recognises it. Until then its DocumentId is free.
"""

import itertools
import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, TypeVar

from minio import Minio
from pydantic import ValidationError
from pymongo import MongoClient

from archive.record import Record
from common.domain import ids
from common.domain.names import Lane
from common.edxml import Unreadable, parse
from common.indexes import WAITING, database_name
from common.objects import ARCHIVE, CONTENT
from intake.record import document_id_of
from trunkctl.backup.copies import Original, Read, answering, originals, read
from trunkctl.backup.inventory import Inventory
from trunkctl.databases import asking

RECORD = re.compile(r"^[^/]+/([0-9a-f]{32})/record\.json$")
PAGE = 500
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
    """Where its bytes are; empty: only that it was secret is on record."""
    known_as: str
    """The verdict on record in the archive; empty = it has none."""


def lost_packages(database: Client, store: Minio, named: Inventory, since: datetime | None) -> list[Lost]:
    """The oldest first. ``named``: objects that rows name; ``since``: when the backup was begun; none = ever."""
    archived = list(_archived(database, store))
    known = {each.package_id for each in archived}
    received = [each for each in _received(database, store, named, since) if each.package_id not in known]
    return sorted([*archived, *received], key=lambda each: (each.at, each.package_id))


def bytes_of(store: Minio, lost: Lost) -> bytes | None:
    """The package; None = it is gone."""
    with answering("The object store"), read(store, lost.bucket, lost.key) as found:
        return found.file.read() if found else None


def _archived(database: Client, store: Minio) -> Iterator[Lost]:
    """Packages that have a record under lock and no row."""
    matches = ((each, RECORD.match(each.key)) for each in originals(store, ARCHIVE))
    for page in _pages((match[1], each) for each, match in matches if match):
        for package_id in _unknown(database, page):
            if lost := _of_record(store, page[package_id]):
                yield lost


def _of_record(store: Minio, place: Original) -> Lost | None:
    with answering("The object store"), read(store, ARCHIVE, place.key, place.version_id) as found:
        try:
            record = Record.model_validate_json(found.file.read()) if found else None
        except ValidationError:
            return None
    if record is None:
        return None
    package = next((kept.key for kept in record.objects if kept.role == "package"), "")
    return Lost(
        package_id=record.record_id,
        sender=record.sender,
        document_id=record.document_id,
        lane=record.lane,
        at=record.submitted_at,
        bucket=ARCHIVE,
        key=package,
        known_as=record.verdict,
    )


def _received(database: Client, store: Minio, named: Inventory, since: datetime | None) -> Iterator[Lost]:
    """Packages in ``content`` that no row names: intake had taken them, the archive has no record yet."""
    candidates = (
        each
        for each in originals(store, CONTENT)
        if (since is None or each.modified_at >= since - BEFORE_ITS_ROW) and not named.has(f"{CONTENT}/{each.key}")
    )
    found = (lost for each in candidates if (lost := _of_content(store, each)))
    for page in _pages((lost.package_id, lost) for lost in found):
        yield from (page[package_id] for package_id in _unknown(database, page))


def _of_content(store: Minio, place: Original) -> Lost | None:
    with answering("The object store"), read(store, CONTENT, place.key, place.version_id) as found:
        return _of_package(place, found) if found else None


def _of_package(place: Original, found: Read) -> Lost | None:
    """None = it is no package, but a part of one."""
    try:
        parsed = parse(found.file)
    except Unreadable:
        return None
    for file in parsed.files:
        file.close()
    message = parsed.message
    other = getattr(message, "other", None)
    return Lost(
        package_id=ids.package_id(message.sender.code, found.sha256),
        sender=message.sender.code,
        document_id=document_id_of(message),
        lane=other.priority.lane if other else Lane.NORMAL,
        at=place.modified_at,
        bucket=CONTENT,
        key=place.key,
        known_as="",
    )


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
