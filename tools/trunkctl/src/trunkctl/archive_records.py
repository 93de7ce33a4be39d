"""The archive's records, page by page, as the operator's database user reads them."""

from collections.abc import Collection, Iterator
from datetime import datetime
from typing import Any

from pydantic import ValidationError
from pymongo import MongoClient

from archive.record import Record
from common.indexes import CHECKS, database_name
from trunkctl.identifiers import forms_of
from trunkctl.settings import ControlSettings

PAGE = 200
TIMEOUT_MS = 10_000
NAMES = ("_id", "document_key", "document_id")
"""By what a person may name records: package id, document key, DocumentId."""

Row = dict[str, Any]


class ArchiveRecords:
    """Collection ``records`` of the archive's database."""

    def __init__(self, settings: ControlSettings) -> None:
        client: MongoClient[Row] = MongoClient(
            settings.mongo_uri.get_secret_value(),
            tz_aware=True,
            serverSelectionTimeoutMS=TIMEOUT_MS,
            appname="trunkctl-archive",
        )
        self._client = client
        self._records = client[database_name("archive")]["records"]
        self._checks = client[database_name("archive")][CHECKS]

    def close(self) -> None:
        """End the connection."""
        self._client.close()

    def count(self) -> int:
        """About how many there are."""
        return self._records.estimated_document_count()

    def pages(self, after: str = "") -> Iterator[list[Row]]:
        """All records, by package id. Each page is a query of its own, since a check may last for hours."""
        while page := list(self._records.find({"_id": {"$gt": after}}).sort("_id", 1).limit(PAGE)):
            yield page
            after = page[-1]["_id"]

    def named(self, identifier: str) -> list[Row]:
        """Records that bear this id."""
        forms = {"$in": forms_of(identifier)}
        rows = [each for name in NAMES for each in self._records.find({name: forms})]
        return list({each["_id"]: each for each in rows}.values())

    def known(self, package_ids: Collection[str]) -> set[str]:
        """Those of these packages whose record lies under the package's own id."""
        rows = self._records.find({"_id": {"$in": [*package_ids]}}, {"record_id": 1})
        return {row["_id"] for row in rows if row.get("record_id") == row["_id"]}

    def note_check(self, begun_at: datetime, records: int, faults: int) -> None:
        """A check of the whole archive has ended: what it found, for the monitoring."""
        row = {"last_check_at": begun_at, "records": records, "faults": faults}
        clean = {} if faults else {"last_success_at": begun_at}
        self._checks.update_one({"_id": "archive"}, {"$set": row | clean}, upsert=True)


def read(document: Row) -> Record | None:
    """The record of a row; None = the row is no record any more, or that of another package."""
    try:
        record = Record.model_validate(document)
    except ValidationError:
        return None
    return record if record.record_id == document["_id"] else None


def inexact(document: Row, record: Record) -> str:
    """Name of a field of the row whose value has another type than in the record, such as ``"0"`` for 0; empty = none.

    The archive writes none such, and a record is read out of them all the same.
    """
    fields = record.model_dump()
    return next((name for name in fields if name in document and not _is_alike(document[name], fields[name])), "")


def _is_alike(stored: Any, parsed: Any) -> bool:
    if isinstance(parsed, dict):
        names = parsed.keys() & stored.keys() if isinstance(stored, dict) else ()
        return isinstance(stored, dict) and all(_is_alike(stored[name], parsed[name]) for name in names)
    if isinstance(parsed, tuple | list):
        if not isinstance(stored, tuple | list) or len(stored) != len(parsed):
            return False
        return all(map(_is_alike, stored, parsed))
    if isinstance(parsed, bool) or isinstance(stored, bool):
        return type(stored) is type(parsed)
    return isinstance(stored, type(parsed))  # the driver reads a large number as a subclass of int
