"""Intake's memory without a server, for tests of its handlers."""

from collections.abc import Sequence
from datetime import datetime
from typing import Any

from common.facts import ObjectRef
from intake.order import next_place
from intake.record import PackageRecord


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
