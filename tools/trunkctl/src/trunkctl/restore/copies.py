"""Copies at the second store, object by object: which of them are sound, and in which order their originals came."""

import itertools
from collections.abc import Iterator
from datetime import UTC, datetime
from functools import partial
from typing import NamedTuple

from minio import Minio

from common.objects import ARCHIVE, CONTENT, LOG, PACKAGES, digest_in_key
from trunkctl.backup.copies import ORDER_META, UNLOCKED, Read, answering, read, said
from trunkctl.backup.second_store import OBJECTS
from trunkctl.store_patience import Patience, Unreadable

VERSIONED = (CONTENT, PACKAGES, ARCHIVE, LOG)
GONE = "is gone at the second store"
LONG_AGO = datetime.min.replace(tzinfo=UTC)


class Group(NamedTuple):
    """All copies of one object: by name, the ids of each one's versions, the newest first."""

    bucket: str
    key: str
    copies: dict[str, list[str | None]]


class Copies:
    """The second store. What the store does not give is asked for patiently."""

    def __init__(self, client: Minio, bucket: str, patience: Patience) -> None:
        self._client = client
        self._bucket = bucket
        self._patience = patience

    def expect_answer(self) -> None:
        """Raises what the client raises, if the store does not answer."""
        next(iter(self._client.list_objects(self._bucket, prefix=OBJECTS)), None)

    def groups(self, prefix: str = "") -> Iterator[Group]:
        """All copies of one object after the other. ``prefix``: of bucket and key. Raises ``CommandError``."""
        with answering("The second store"):
            listed = self._client.list_objects(
                self._bucket, prefix=f"{OBJECTS}{prefix}", recursive=True, include_version=True
            )
            named = ((each.object_name or "", each.version_id) for each in listed if not each.is_delete_marker)
            for place, group in itertools.groupby(named, key=lambda copy: copy[0].rpartition("/")[0]):
                bucket, _, key = place.removeprefix(OBJECTS).partition("/")
                versions = itertools.groupby(group, key=lambda copy: copy[0])
                copies = {name: [version for _, version in each] for name, each in versions}
                yield Group(bucket, key, without_early(copies))

    def in_order(self, group: Group, faults: list[str]) -> list[tuple[str, str | None]]:
        """Names and versions of copies, oldest first; of a bucket without versions, the newest alone. Those that the
        second store does not give are left out, and noted in ``faults``. Raises ``NoAnswer``."""
        chosen = [(name, self._chosen(group, name)) for name in group.copies]
        if len(chosen) == 1:
            return chosen
        place, orders = f"{group.bucket}/{group.key}", dict[tuple[str, str | None], tuple[str, datetime, str]]()
        for copy in chosen:
            try:
                orders[copy] = self._patience.ask(place, partial(self._order, *copy), self.expect_answer)
            except Unreadable as error:
                faults.append(unreadable(place, error))
        by_time = sorted(orders, key=lambda copy: orders[copy])
        return by_time if group.bucket in VERSIONED else by_time[-1:]

    def _chosen(self, group: Group, name: str) -> str | None:
        """The oldest version of a copy that is sound; the newest, if none is."""
        versions = group.copies[name]
        sound = (each for each in reversed(versions) if self._is_sound(group, name, each))
        return versions[0] if len(versions) == 1 else next(sound, versions[0])

    def _is_sound(self, group: Group, name: str, version_id: str | None) -> bool:
        def ask() -> bool:
            with read(self._client, self._bucket, name, version_id, with_bytes=False) as copy:
                return not fault_of(group.bucket, group.key, copy)

        try:
            return self._patience.ask(f"{group.bucket}/{group.key}", ask, self.expect_answer)
        except Unreadable:
            return False

    def _order(self, name: str, version_id: str | None) -> tuple[str, datetime, str]:
        """As the originals came one after the other; by when they were copied where that does not say."""
        copy = self._client.stat_object(self._bucket, name, version_id=version_id)
        return said(copy, ORDER_META), copy.last_modified or LONG_AGO, name


def without_early(copies: dict[str, list[str | None]]) -> dict[str, list[str | None]]:
    """Copies by name, without those that were made before the original was locked where there is one under lock."""
    return {
        name: versions
        for name, versions in copies.items()
        if not name.endswith(UNLOCKED) or name.removesuffix(UNLOCKED) not in copies
    }


def fault_of(bucket: str, key: str, copy: Read | None) -> str:
    """What is wrong with a copy; empty = nothing."""
    if copy is None:
        return GONE
    if copy.sha256 != copy.said_sha256:
        return "is damaged at the second store"
    is_other = digest_in_key(bucket, key) not in (None, copy.sha256)
    return "is another object's bytes at the second store" if is_other else ""


def unreadable(place: str, error: Unreadable) -> str:
    """The fault of an object that a store does not give."""
    return f"{place} cannot be restored: {error}"
