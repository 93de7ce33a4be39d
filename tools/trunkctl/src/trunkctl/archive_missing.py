"""Packages that the archive must have a record of, and has none: by the ledger, and by what lies under lock.

``archive_check.py`` goes from each record to its objects and its entry. This goes the other way, so that a row that was
taken out of the collection ``records`` is missed. A fault is a value.
"""

import itertools
import json
from collections.abc import Callable, Collection, Iterable, Iterator
from datetime import datetime, timedelta
from typing import Any, NamedTuple, get_args

from archive.kept import EVIDENCE, Kept
from trunkctl.archive_check import Fault

KEPT_FACTS = tuple(str(each.model_fields["fact"].default) for each in get_args(Kept))
"""Names of the facts that end in a record."""
LATE = timedelta(hours=1)
"""The archive makes the record after the entry and the objects, and tries again where a store does not answer."""
PAGE = 500

Row = dict[str, Any]
OnRecord = Callable[[Collection[str]], set[str]]
"""Those of some package ids that there is a record of."""


class Put(NamedTuple):
    """One version of an object in the archive's bucket."""

    key: str
    modified_at: datetime


def by_ledger(entries: Iterable[Row], on_record: OnRecord, now: datetime) -> Iterator[Fault]:
    """Entries of ``KEPT_FACTS`` whose package has no record."""
    late = (row for row in entries if _is_late(row.get("recorded_at"), now))
    named = ((_package_id(row), str(row["_id"])) for row in late)
    for package_id, key in _unknown(named, on_record):
        yield Fault(package_id, key, "is in the ledger, and the record of the package is missing")


def by_store(versions: Iterable[Put], on_record: OnRecord, now: datetime) -> Iterator[Fault]:
    """Folders of the archive's bucket whose package has no record. ``versions`` come in the order of their keys."""
    for package_id, folder in _unknown(_folders(versions, now), on_record):
        yield Fault(package_id, folder, "is in the object store, and the record of the package is missing")


def or_lost(on_record: OnRecord, lost: Iterable[str]) -> OnRecord:
    """Those on record, and those whose record a restore has lost for good: nobody submits a secret package again."""
    confirmed = set(lost)
    return lambda package_ids: on_record(package_ids) | confirmed.intersection(package_ids)


def _folders(versions: Iterable[Put], now: datetime) -> Iterator[tuple[str, str]]:
    """Package id and name of each folder of a package; what records share lies elsewhere."""
    for folder, group in itertools.groupby(versions, key=lambda each: "/".join(each.key.split("/")[:2])):
        subject, _, package_id = folder.partition("/")
        put_at = [each.modified_at for each in group if each.key.startswith(f"{folder}/")]
        if subject != EVIDENCE and put_at and now - min(put_at) > LATE:
            yield package_id, folder


def _unknown(named: Iterable[tuple[str, str]], on_record: OnRecord) -> Iterator[tuple[str, str]]:
    each = iter(named)
    while page := list(itertools.islice(each, PAGE)):
        known = on_record({package_id for package_id, _ in page})
        yield from (one for one in page if one[0] and one[0] not in known)


def _is_late(recorded_at: object, now: datetime) -> bool:
    """What is no time is late."""
    return not isinstance(recorded_at, datetime) or now - recorded_at > LATE


def _package_id(row: Row) -> str:
    """Empty: the entry cannot be read, which the comparison with the log says."""
    try:
        return str(json.loads(row["body"])["package_id"])
    except (ValueError, KeyError, TypeError):
        return ""
