"""What ``trunkctl restore check`` asks of the object store: is there what rows name, byte for byte?"""

from collections.abc import Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from typing import Any, NamedTuple

from minio import Minio
from pydantic import ValidationError
from pymongo import MongoClient

from common.domain.envelope import Envelope
from common.domain.reason import Reason
from common.envelopes import from_json
from common.facts import ObjectPlace, ObjectRef
from common.indexes import database_name
from common.objects import INSIDE, PACKAGES, content_ref
from trunkctl.archive_check import Stores as ArchiveObjects
from trunkctl.archive_check import faults_of
from trunkctl.archive_records import read as read_record
from trunkctl.archive_store import ArchiveStore
from trunkctl.backup.copies import COPIED, originals, read
from trunkctl.backup.inventory import Inventory
from trunkctl.backup.order import ORDER
from trunkctl.backup.store import PURGED
from trunkctl.command_error import CommandError
from trunkctl.restore.rows import pages
from trunkctl.shared_reads import SharedReads
from trunkctl.store_patience import NoAnswer, Patience, Unreadable

AT_ONCE = 8
ENVELOPE_BYTES = 4 * 1024 * 1024

Row = dict[str, Any]
Client = MongoClient[Row]


class Named(NamedTuple):
    """An object that a row names."""

    ref: ObjectRef
    is_envelope: bool
    """It is the parsed package, which names the attachments."""


class ObjectCheck:
    """Reads every object that rows name, once. ``seen`` then holds all their keys in ``content``."""

    def __init__(self, database: Client, store: Minio, seen: Inventory) -> None:
        self._database = database
        self._store = store
        self._seen = seen
        self._secret: set[str] = set()
        self._removed: set[str] = set()
        self._patience = Patience()
        self.objects = 0

    def faults(self) -> Iterator[str]:
        """Objects that are missing or other ones, and secret ones that are there. Raises ``CommandError``."""
        yield from self._secret_faults()
        yield from self._removed_faults()
        with ThreadPoolExecutor(AT_ONCE) as pool:
            for service in ORDER:
                for collection in ORDER[service]:
                    for page in pages(self._database[database_name(service)][collection], {}, ()):
                        yield from self._page_faults(pool, page)

    def archive_faults(self) -> Iterator[str]:
        """What ``trunkctl archive check`` says of every record."""
        store = SharedReads(ArchiveStore(self._store))
        records = self._database[database_name("archive")]["records"]
        with ThreadPoolExecutor(AT_ONCE) as pool:
            for page in pages(records, {}, ()):
                judged = pool.map(lambda row: _judged(row, store), page)
                yield from (fault for faults in judged for fault in faults)

    def _page_faults(self, pool: ThreadPoolExecutor, page: list[Row]) -> Iterator[str]:
        named = [each for row in page for each in named_in(row)]
        while named:
            fresh = [each for each in named if self._is_fresh(each.ref)]
            self.objects += len(fresh)
            outcomes = list(pool.map(self._judge, fresh))
            yield from (fault for fault, _ in outcomes if fault)
            named = [Named(ref, is_envelope=False) for _, inside in outcomes for ref in inside]

    def _is_fresh(self, ref: ObjectRef) -> bool:
        if ref.bucket not in COPIED or ref.key in self._secret or ref.key in self._removed:
            return False
        return self._seen.add(f"{ref.bucket}/{ref.key}")

    def _judge(self, named: Named) -> tuple[str, list[ObjectRef]]:
        """What is wrong with an object, and the attachments that it names. Raises ``CommandError``."""
        place = f"{named.ref.bucket}/{named.ref.key}"
        try:
            return self._patience.ask(place, partial(self._read, named, place), self._store.list_buckets)
        except Unreadable as error:
            return f"{place}: cannot be read: {error}", []
        except NoAnswer as error:
            raise CommandError(f"The object store does not answer ({error}).") from error

    def _read(self, named: Named, place: str) -> tuple[str, list[ObjectRef]]:
        """See ``_judge``. Raises what the client raises."""
        ref = named.ref
        with read(self._store, ref.bucket, ref.key) as content:
            if content is None:
                return f"{place}: missing", []
            if (content.sha256, content.size_bytes) != (ref.sha256, ref.size_bytes):
                return f"{place}: other bytes, SHA-256 {content.sha256}", []
            inside = _attachments(content.file.read(ENVELOPE_BYTES)) if named.is_envelope else []
        return "", inside

    def _secret_faults(self) -> Iterator[str]:
        """What the validator or intake found secret must not be in the store."""
        secret = {"$or": [{"purge.0": {"$exists": True}}, {"reason": Reason.E_SECRET.value}]}
        for page in pages(self._database[database_name("intake")]["packages"], secret, ()):
            for row in page:
                refs = [row.get("package"), row.get("envelope"), *(row.get("purge") or ())]
                self._secret |= {ref["key"] for ref in refs if ref}
                if (package := row.get("package")) and _is_there(self._store, package):
                    yield f"package {row['_id']} is secret, and in the store: trunkctl redrive {row['_id']}"

    def _removed_faults(self) -> Iterator[str]:
        """What was removed at its end is missing by right. It is back if the second store still had a copy of it."""
        for page in pages(self._database[database_name("intake")]["removals"], {"bucket": PACKAGES}, ()):
            for row in page:
                self._removed.add(row["key"])
                if row["removed_at"] and _is_there(self._store, row):
                    place = f"{row['bucket']}/{row['key']}"
                    yield f"{place}: was removed at its end, and is in the store: delete it"


def named_in(value: Any, field: str = "") -> Iterator[Named]:
    """Every object that a row refers to.

    Packed bytes, and a header that lies in its package, are none; what the archive has put without naming a bucket is
    judged with its record.
    """
    if isinstance(value, dict):
        is_place = ObjectPlace.model_fields.keys() <= value.keys()
        if is_place and value["bucket"] and value.get("packed") is None and value["key"] != INSIDE:
            yield Named(ObjectRef.model_validate(value), field == "envelope")
        for name, inner in value.items():
            yield from named_in(inner, name)
    elif isinstance(value, list):
        for inner in value:
            yield from named_in(inner, field)


def _attachments(data: bytes) -> list[ObjectRef]:
    try:
        message = from_json(data)
    except ValidationError:
        return []
    inside: Iterable[Any] = message.attachments if isinstance(message, Envelope) else ()
    return [content_ref(each.sha256, each.size_bytes) for each in inside]


def _is_there(store: Minio, package: Row) -> bool:
    return package["bucket"] in PURGED and any(
        each.key == package["key"] for each in originals(store, package["bucket"], package["key"])
    )


def _judged(row: Row, store: ArchiveObjects) -> list[str]:
    record = read_record(row)
    if record is None:
        return [f"{row['_id']}: the record in the database cannot be read"]
    try:
        return [" ".join(part for part in fault if part) for fault in faults_of(record, store)]
    except NoAnswer as error:
        raise CommandError(f"The object store does not answer ({error}).") from error
