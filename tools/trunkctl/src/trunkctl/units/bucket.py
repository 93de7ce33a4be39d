"""The bucket of the unit directory: versions, history, and the copies of its newest state that services read.

| key | holds |
|---|---|
| ``versions/<sha256>.json`` | a directory file; never changed |
| ``history/<number>.json`` | one entry of the history; made under the condition that there is none of that number |
| ``current``, ``access`` | directory file in force and disabled units, for services |
| ``announced`` | number of the last entry that was announced as a security event |
"""

import bisect
import hashlib
import json
import re
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from datetime import datetime, timedelta

import urllib3
from minio.error import S3Error
from pydantic import ValidationError

from common.containment import in_thread
from common.directory import ACCESS, CURRENT, read_directory, read_disabled
from common.domain.directory import Directory
from common.domain.names import Sha256, UnitCode
from common.failure import Outage
from common.objects import DIRECTORY, NOT_FOUND, Objects, store_errors_as_outages
from trunkctl.command_error import CommandError
from trunkctl.units.history import Entry, Head, State, head_of, is_linked

HISTORY = "history/"
ENTRY_KEY = re.compile(r"history/(\d{8})\.json")
ANNOUNCED = "announced"
ATTEMPTS = 20
"""How often an entry is made anew because another command was faster."""
CREATED, EXISTS = (200, 201, 204), 412
TIMEOUT_SECONDS = 30.0


class DirectoryBucket:
    """All access to the bucket. Every method raises ``Outage`` while the store is away."""

    def __init__(self, objects: Objects, bucket: str = DIRECTORY) -> None:
        self._client = objects.client
        self._bucket = bucket

    def head(self) -> Head:
        """The end of the history. Before the first entry, the version that services read counts as in force."""
        number = self._newest_number()
        if number:
            with _readable(number):
                return head_of(self.entry_data(number))
        current = self._read(CURRENT)
        return Head(state=State(in_force=self.keep_version(current) if current else ""))

    def disabled(self) -> frozenset[UnitCode] | None:
        """The units that are disabled by the newest entry of the history; None = there is no entry.

        Needs no right to list keys: it reads one entry after the other, from the last that was announced.
        """
        number = self.announced()
        data = self._read(_history_key(number)) if number else None
        while (following := self._read(_history_key(number + 1))) is not None:
            number, data = number + 1, following
        if data is None:
            return None
        with _readable(number):
            return frozenset(Entry.model_validate_json(data).state.disabled)

    def record(self, make: Callable[[Head], Entry]) -> tuple[Entry, list[str]]:
        """Add the entry that ``make`` makes for the end of the history, and copy the newest state for the services.

        ``make`` is called again when another command was faster; what it raises ends this. Returns the entry, and
        what was noticed on the way.
        """
        for _ in range(ATTEMPTS):
            entry = make(self.head())
            if self._create(_history_key(entry.number), entry.data):
                return entry, self.publish_state()
        raise CommandError("Other commands change units at the same time. Nothing was done; run it again.")

    def publish_state(self) -> list[str]:
        """Make what services read equal to the newest state. Returns a sentence for what nobody had written here.

        Looks once more at the end: another command may have gone on meanwhile and published before this one.
        """
        noticed: list[str] = []
        head = self.head()
        while True:
            noticed += self._copy_for_services(head)
            newest = self.head()
            if newest.number == head.number:
                return noticed
            head = newest

    def _copy_for_services(self, head: Head) -> Iterator[str]:
        wanted, current = head.state.in_force, self._read(CURRENT)
        version = hashlib.sha256(current).hexdigest() if current else ""
        if wanted and version != wanted:
            if current and version != head.before:
                yield f"services were given version {version}, which was not the one in force"
                self.keep_version(current)
            self._put(CURRENT, self.version_data(wanted))
        access = json.dumps({"version": 1, "disabled": sorted(head.state.disabled)}).encode()
        if self._read(ACCESS) != access:
            self._put(ACCESS, access)

    def keep_version(self, data: bytes) -> Sha256:
        """Store a directory file under its digest, and return that."""
        version = hashlib.sha256(data).hexdigest()
        self._put(_version_key(version), data)
        return version

    def version_data(self, version: Sha256) -> bytes:
        """A directory file, checked. Raises ``CommandError`` when it is not there or is another."""
        data = self._read(_version_key(version))
        if data is None or hashlib.sha256(data).hexdigest() != version:
            raise CommandError(
                f"Version {version} of the unit directory is {'altered' if data else 'not in the store'}."
            )
        return data

    def find_version(self, digits: str) -> Sha256:
        """The version whose name begins with these digits. Raises ``CommandError`` if there is none, or several."""
        with store_errors_as_outages():
            listed = self._client.list_objects(self._bucket, f"versions/{digits}")
            keys = [each.object_name or "" for each in listed]
        if len(keys) != 1:
            raise CommandError(f"{len(keys) or 'No'} versions of the unit directory begin with {digits}.")
        return keys[0].removeprefix("versions/").removesuffix(".json")

    def directory(self, version: Sha256) -> Directory:
        """A version of the directory; without units for the version before the first."""
        return read_directory(self.version_data(version)) if version else Directory([])

    def entry_data(self, number: int) -> bytes:
        """An entry as it is stored. Raises ``CommandError`` when it is missing."""
        data = self._read(_history_key(number))
        if data is None:
            raise CommandError(f"Entry {number} of the history is missing.")
        return data

    def entry(self, number: int) -> Entry:
        """An entry. Raises ``CommandError`` when it is missing or cannot be read."""
        with _readable(number):
            return Entry.model_validate_json(self.entry_data(number))

    def entries(self, first: int, last: int) -> tuple[list[Entry], list[str]]:
        """Entries by number, and a sentence for each that is missing or was not written after the one before it."""
        entries: list[Entry] = []
        broken: list[str] = []
        before = self._read(_history_key(first - 1)) if first > 1 else None
        for number in range(first, last + 1):
            data = self._read(_history_key(number))
            if data is None:
                broken.append(f"entry {number} is missing")
            else:
                entries.append(self.entry(number))
                if number > 1 and (before is None or not is_linked(before, entries[-1])):
                    broken.append(f"entry {number} was not written after entry {number - 1} as that is now")
            before = data
        return entries, broken

    def in_force_at(self, moment: datetime) -> Entry | None:
        """The last entry up to that moment, whose state says what was in force; None = the history begins later."""
        numbers = range(1, self.head().number + 1)
        place = bisect.bisect_right(numbers, moment, key=lambda number: self.entry(number).decision.at)
        return self.entry(place) if place else None

    def announced(self) -> int:
        """Number of the last entry that was announced."""
        data = self._read(ANNOUNCED)
        return int(json.loads(data)["number"]) if data else 0

    def mark_announced(self, number: int) -> None:
        """Remember that entries up to this one were announced."""
        self._put(ANNOUNCED, json.dumps({"number": number}).encode())

    def _newest_number(self) -> int:
        """Looks from the last announced entry on, since the one before the newest is usually there."""
        near = max(self.announced() - 1, 0)
        return max(self._numbers(near), default=0) or max(self._numbers(0), default=0)

    def _numbers(self, after: int) -> Iterator[int]:
        with store_errors_as_outages():
            listed = self._client.list_objects(self._bucket, HISTORY, start_after=_history_key(after))
            for object_ in listed:
                if number := ENTRY_KEY.fullmatch(object_.object_name or ""):
                    yield int(number[1])

    def _read(self, key: str) -> bytes | None:
        with store_errors_as_outages():
            try:
                with closing(self._client.get_object(self._bucket, key)) as response:
                    return bytes(response.data)
            except S3Error as error:
                if error.code in NOT_FOUND:
                    return None
                raise

    def _put(self, key: str, data: bytes) -> None:
        self._send(key, data, {})

    def _create(self, key: str, data: bytes) -> bool:
        """Store under a key that must not exist yet. Returns False when somebody else's bytes are there."""
        return self._send(key, data, {"If-None-Match": "*"}) != EXISTS or self._read(key) == data

    def _send(self, key: str, data: bytes, condition: dict[str, str]) -> int:
        """By an address of its own, since the store's client library sends no conditions."""
        with store_errors_as_outages():
            address = self._client.presigned_put_object(self._bucket, key, timedelta(minutes=5))
            headers = {"Content-Type": "application/json", **condition}
            answer = urllib3.request("PUT", address, body=data, headers=headers, timeout=TIMEOUT_SECONDS, retries=False)
        if answer.status not in CREATED and not (condition and answer.status == EXISTS):
            raise Outage("object store", f"HTTP {answer.status} for {self._bucket}/{key}")
        return answer.status


async def disabled_units(objects: Objects) -> frozenset[UnitCode]:
    """The units that are disabled now, by the history; before its first entry, by the list that services read.

    The history comes first, because a command may have been broken off before it wrote that list. Raises ``Outage``.
    """
    disabled = await in_thread(DirectoryBucket(objects).disabled)
    return await read_disabled(objects) if disabled is None else disabled


@contextmanager
def _readable(number: int) -> Iterator[None]:
    try:
        yield
    except ValidationError as error:
        raise CommandError(f"Entry {number} of the history cannot be read: {error}") from error


def _history_key(number: int) -> str:
    return f"{HISTORY}{number:08}.json"


def _version_key(version: Sha256) -> str:
    return f"versions/{version}.json"
