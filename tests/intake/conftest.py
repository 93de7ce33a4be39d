"""Intake's memory without a server, for tests of its handlers."""

import hashlib
from collections import Counter
from collections.abc import Sequence
from datetime import datetime
from typing import Any, BinaryIO

from common.domain.names import PackageKind
from common.facts import ObjectRef
from common.objects import content_ref
from intake.order import next_place
from intake.record import PackageRecord
from intake.waiting import LEASE, WaitingPackage


class MemoryPackages:
    """``intake.packages.Packages``; ``test_packages`` holds both to the same promises."""

    def __init__(self) -> None:
        self.records: dict[str, PackageRecord] = {}
        self.claims: dict[str, dict[str, Any]] = {}

    async def find(self, package_id: str) -> PackageRecord | None:
        return self.records.get(package_id)

    async def save(self, record: PackageRecord) -> PackageRecord:
        return self.records.setdefault(record.package_id, record)

    async def mark_announced(self, package_id: str) -> bool:
        record = self.records[package_id]
        self.records[package_id] = record.model_copy(update={"announced": True})
        return not record.announced

    async def mark_secret(self, package_id: str, purge: Sequence[ObjectRef]) -> None:
        self.records[package_id] = self.records[package_id].model_copy(update={"purge": tuple(purge)})

    async def claim(self, document_key: str, package_id: str, about: str | None = None) -> str:
        held = {"package_id": package_id, "state": "held", "about": about}
        claim = self.claims.setdefault(document_key, dict(held))
        if claim["state"] == "released":
            claim.update(held)
        return str(claim["package_id"])

    async def release(self, document_key: str, package_id: str) -> None:
        claim = self.claims.get(document_key)
        if claim and claim["package_id"] == package_id:
            claim["state"] = "released"

    async def take_place(self, document_keys: Sequence[str], now: datetime) -> datetime:
        leading = [claim for key in document_keys if (claim := self._leading(key)) is not None]
        place = next_place(now, [claim["place"] for claim in leading if "place" in claim])
        for claim in leading:
            claim["place"] = place
        return place

    async def known(self, document_keys: list[str]) -> list[str]:
        return [key for key in document_keys if key in self.claims]

    def _leading(self, key: str) -> dict[str, Any] | None:
        seen = {key}
        while (about := self.claims.get(key, {}).get("about")) and about not in seen:
            key = about
            seen.add(key)
        return self.claims.get(key)


class MemoryWaiting:
    """``intake.waiting_store.WaitingPackages``; ``test_waiting`` holds both to the same promises."""

    def __init__(self) -> None:
        self.rows: dict[str, WaitingPackage] = {}

    async def find(self, package_id: str) -> WaitingPackage | None:
        return self.rows.get(package_id)

    async def save(self, waiting: WaitingPackage) -> WaitingPackage:
        return self.rows.setdefault(waiting.package_id, waiting)

    async def mark_announced(self, package_id: str) -> None:
        self._set(package_id, announced=True)

    async def count(self, sender: str) -> int:
        return sum(row.sender == sender for row in self.rows.values())

    async def by_kind(self) -> dict[PackageKind, int]:
        return Counter(row.kind for row in self.rows.values())

    async def wake(self, document_key: str, at: datetime) -> None:
        for row in list(self.rows.values()):
            if document_key in row.awaited:
                await self.look_again(row.package_id, at)

    async def look_again(self, package_id: str, at: datetime) -> None:
        self._set(package_id, next_look_at=at)

    async def take_due(self, now: datetime, limit: int, passed_over: Sequence[str] = ()) -> list[WaitingPackage]:
        due = [row for row in self.rows.values() if row.next_look_at <= now and row.sender not in passed_over]
        taken = sorted(due, key=lambda row: row.next_look_at)[:limit]
        for row in taken:
            self._set(row.package_id, next_look_at=now + LEASE)
        return taken

    async def postpone(self, waiting: WaitingPackage, taken_at: datetime, at: datetime) -> None:
        row = self.rows.get(waiting.package_id)
        if row and row.next_look_at == taken_at + LEASE:
            await self.look_again(row.package_id, at)

    async def remove(self, package_id: str) -> None:
        self.rows.pop(package_id, None)

    def _set(self, package_id: str, **fields: Any) -> None:
        if row := self.rows.get(package_id):
            self.rows[package_id] = row.model_copy(update=fields)


class MemoryObjects:
    """The object store, as far as intake uses it."""

    def __init__(self) -> None:
        self.held: dict[str, bytes] = {}

    async def put_content(self, data: bytes | BinaryIO) -> ObjectRef:
        body = data if isinstance(data, bytes) else data.read()
        digest = hashlib.sha256(body).hexdigest()
        self.held[digest] = body
        if not isinstance(data, bytes):
            data.seek(0)
        return content_ref(digest, len(body))

    async def fetch(self, ref: ObjectRef, target: BinaryIO) -> None:
        target.write(self.held[ref.sha256])
        target.seek(0)

    async def purge(self, ref: ObjectRef) -> None:
        self.held.pop(ref.sha256, None)
