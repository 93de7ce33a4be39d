"""Intake's memory without a server, for tests of its handlers."""

import hashlib
from collections import Counter
from collections.abc import Callable, Sequence
from datetime import datetime, timedelta
from typing import Any, BinaryIO

from common.clock import utc_now
from common.domain.canary import is_canary
from common.domain.names import Lane, PackageKind
from common.facts import ObjectRef, PackageFinished
from common.fair_rounds import in_turn, shares
from common.objects import content_ref
from intake.open_package import ASKED, OpenPackage, Stage, opening, taken
from intake.order import Place, next_place
from intake.packages import CLAIM_LASTS, NOTHING_READ, Claims
from intake.record import PackageRecord
from intake.waiting import LEASE, WOKEN, WaitingPackage
from intake.waiting_store import OF_HOLDER

BUDGETS = {Lane.NORMAL: timedelta(minutes=30), Lane.URGENT: timedelta(minutes=10)}


class MemoryPackages:
    """``intake.packages.Packages``; ``test_packages`` holds both to the same promises."""

    def __init__(self, clock: Callable[[], datetime] = utc_now) -> None:
        self.records: dict[str, PackageRecord] = {}
        self.opened: dict[str, dict[str, Any]] = {}
        """Fields of rows that were open once, by package."""
        self.clock = clock
        self.claims: dict[str, dict[str, Any]] = {}

    async def find(self, package_id: str) -> PackageRecord | None:
        return self.records.get(package_id)

    async def may_be_refused(self, package_id: str) -> bool:
        record = self.records.get(package_id)
        is_open = self.opened.get(package_id, {}).get("is_open")
        return bool(record and is_open and record.carries_files)

    async def save(self, record: PackageRecord) -> PackageRecord:
        if record.package_id not in self.records:
            self.opened[record.package_id] = opening(record.lane, self.clock(), BUDGETS)
        return self.records.setdefault(record.package_id, record)

    async def mark_announced(self, package_id: str) -> bool:
        record = self.records[package_id]
        self.records[package_id] = record.model_copy(update={"announced": True})
        return not record.announced

    async def mark_secret(self, package_id: str, purge: Sequence[ObjectRef]) -> bool:
        record = self.records[package_id]
        if not record.is_purged:
            self.records[package_id] = record.model_copy(update={"purge": tuple(purge), "is_purged": False})
        return not record.is_purged

    async def mark_purged(self, package_id: str) -> None:
        self.records[package_id] = self.records[package_id].model_copy(update={"is_purged": True})

    async def claim_first(self, document_key: str, package_id: str) -> Place | None:
        if document_key in self.claims:
            return None
        await self.claim(document_key, package_id)
        self.claims[document_key]["place"] = at = self.clock()
        return Place(at, {document_key: package_id})

    async def claim(self, document_key: str, package_id: str, about: str | None = None) -> str:
        held = {"package_id": package_id, "state": "held", "about": about, "at": self.clock()}
        claim = self.claims.setdefault(document_key, dict(held))
        if claim["state"] == "released":
            claim.update(held)
        elif claim["package_id"] == package_id:
            claim["at"] = self.clock()
        return str(claim["package_id"])

    async def take_over(self, document_key: str, holder: str, package_id: str, about: str | None = None) -> bool:
        claim = self.claims[document_key]
        is_theirs = (claim["package_id"], claim["state"]) == (holder, "held")
        if is_theirs and claim["at"] is None:
            claim["at"] = self.clock()
        if is_expired := is_theirs and claim["at"] <= self.clock() - CLAIM_LASTS:
            claim.update(package_id=package_id, about=about, at=self.clock())
        return is_expired

    async def holder(self, document_keys: Sequence[str]) -> str | None:
        first = next((self.claims[key] for key in document_keys if key in self.claims), None)
        return first["package_id"] if first and first["state"] == "held" else None

    async def release(self, document_key: str, package_id: str, *, is_refused: bool = False) -> None:
        claim = self.claims.get(document_key)
        if claim and claim["package_id"] == package_id:
            claim.update(state="released", at=None)
            claim.update({"refused": package_id} if is_refused else {})

    async def hold_again(self, document_key: str, package_id: str) -> None:
        claim = self.claims.get(document_key)
        if claim and claim["package_id"] == package_id and claim.get("refused") != package_id:
            claim["state"] = "held"

    async def take_place(self, document_keys: Sequence[str], now: datetime, read: Claims = NOTHING_READ) -> Place:
        """``read`` saves requests alone."""
        leading = [claim for key in document_keys if (claim := self._leading(key)) is not None]
        at = next_place(now, [claim["place"] for claim in leading if "place" in claim])
        for claim in leading:
            claim["place"] = at
        own = [key for key in document_keys if key in self.claims and self._leading(key) is self.claims[key]]
        return Place(at, {key: await self.holder([key]) for key in own})

    async def claims_on(self, document_keys: Sequence[str]) -> Claims:
        return {key: {"_id": key, **self.claims[key]} for key in document_keys if key in self.claims}

    def _leading(self, key: str) -> dict[str, Any] | None:
        seen = {key}
        while (about := self.claims.get(key, {}).get("about")) and about not in seen:
            key = about
            seen.add(key)
        return self.claims.get(key)


class MemoryOpenPackages:
    """``intake.open_packages.OpenPackages``; ``test_open_packages`` holds both to the same promises.

    It notes no terms: whoever asks for them (``test_removal``) works on a model of the database.
    """

    def __init__(self, packages: MemoryPackages) -> None:
        self.packages = packages
        self.next_round: datetime | None = None

    async def finish(self, fact: PackageFinished) -> None:
        package_id = fact.package_id
        if record := self.packages.records.get(package_id):
            self.packages.opened[package_id] = {"is_open": False}
            self.packages.records[package_id] = record.model_copy(update={"fact_body": None})

    async def wait(self, package_id: str, until: datetime) -> None:
        if self.packages.opened.get(package_id, {}).get("redrive_at") != ASKED:
            self._change(package_id, (Stage.SENT, Stage.WAITING), stage=Stage.WAITING.value, redrive_at=until)

    async def hold(self, package_id: str) -> None:
        self._change(package_id, (Stage.SENT, Stage.WAITING, Stage.HELD), stage=Stage.HELD.value)

    async def release(self, package_id: str, redrive_at: datetime) -> None:
        row = self.packages.opened.get(package_id, {})
        if row.get("stage") in (Stage.HELD, Stage.DISCARDED):
            row.update(stage=Stage.SENT.value, redrive_at=redrive_at, is_open=True)

    async def discard(self, package_id: str, at: datetime, *, is_undecided: bool) -> None:
        stages = (Stage.SENT, Stage.WAITING, Stage.HELD)
        self._change(package_id, stages, stage=Stage.DISCARDED.value, is_open=False)

    async def restore(self, package_id: str) -> None:
        row = self.packages.opened.get(package_id, {})
        if row.get("stage") == Stage.DISCARDED:
            row.update(stage=Stage.HELD.value, is_open=True)

    async def take_due(self, lane: Lane, now: datetime, limit: int, *, requested: bool) -> list[OpenPackage]:
        due = []
        for package_id, row in self.packages.opened.items():
            record = self.packages.records[package_id]
            if row["is_open"] and row["stage"] != Stage.HELD and record.lane is lane:
                at = row["redrive_at"]
                if at == ASKED if requested else ASKED < at <= now:
                    due.append(OpenPackage(record=record, **row))
        packages = sorted(due, key=lambda package: package.redrive_at)[:limit]
        for package in packages:
            self.packages.opened[package.record.package_id].update(taken(package, now, BUDGETS))
        return packages

    async def postpone(self, package: OpenPackage, taken_at: datetime, at: datetime) -> None:
        row = self.packages.opened[package.record.package_id]
        left_at = {"stage": package.stage} | taken(package, taken_at, BUDGETS)
        if row["is_open"] and (row["redrive_at"], row["stage"]) == (left_at["redrive_at"], left_at["stage"]):
            redrive_at = ASKED if package.is_asked_for else at
            row.update(redrive_at=redrive_at, redrives=package.redrives, stage=package.stage.value)

    async def ask(self, package_id: str, now: datetime) -> str:
        record, row = self.packages.records.get(package_id), self.packages.opened.get(package_id, {})
        if record is None:
            return "intake has decided nothing about such a package"
        if row.get("stage") in (Stage.HELD, Stage.DISCARDED):
            return f"{row['stage']}: decide about its message with trunkctl park"
        fresh = row if row.get("is_open") else opening(record.lane, now, BUDGETS)
        self.packages.opened[package_id] = fresh | {"redrive_at": ASKED}
        if record.is_purged:
            self.packages.records[package_id] = record.model_copy(update={"is_purged": False})
        return "done"

    async def ask_all(self) -> int:
        rows = [row for row in self.packages.opened.values() if row["is_open"] and row["stage"] != Stage.HELD]
        for row in rows:
            row["redrive_at"] = ASKED
        return len(rows)

    async def suspects(self, now: datetime) -> dict[Lane, int]:
        counts = dict.fromkeys(Lane, 0)
        for package_id, row in self.packages.opened.items():
            package = self.packages.records[package_id]
            late = row["is_open"] and row["stage"] == Stage.SENT and row["overdue_at"] <= now
            counts[package.lane] += late and not is_canary(package.sender)
        return counts

    async def begin_round(self, now: datetime, length: timedelta) -> bool:
        if self.next_round is not None and self.next_round > now:
            return False
        self.next_round = now + length
        return True

    def _change(self, package_id: str, stages: Sequence[Stage], **fields: Any) -> None:
        row = self.packages.opened.get(package_id)
        if row and row["is_open"] and row["stage"] in stages:
            row.update(fields)


class MemoryWaiting:
    """``intake.waiting_store.WaitingPackages``; ``test_waiting`` holds both to the same promises."""

    def __init__(self) -> None:
        self.rows: dict[str, WaitingPackage] = {}

    async def find(self, package_id: str) -> WaitingPackage | None:
        return self.rows.get(package_id)

    async def save(self, waiting: WaitingPackage) -> WaitingPackage:
        return self.rows.setdefault(waiting.package_id, waiting)

    async def await_holder(self, waiting: WaitingPackage) -> None:
        if (row := self.rows.get(waiting.package_id)) and not row.holder:
            self._set(row.package_id, **{name: getattr(waiting, name) for name in OF_HOLDER})

    async def mark_announced(self, package_id: str) -> None:
        self._set(package_id, announced=True)

    async def count(self, sender: str) -> int:
        return sum(row.sender == sender for row in self.rows.values())

    async def by_kind(self) -> dict[PackageKind, int]:
        return Counter(row.kind for row in self.rows.values() if not is_canary(row.sender))

    async def wake(self, document_key: str) -> None:
        for row in list(self.rows.values()):
            if document_key in row.awaited:
                await self.look_again(row.package_id)

    async def look_again(self, package_id: str) -> None:
        self._set(package_id, next_look_at=WOKEN)

    async def take_due(self, now: datetime, limit: int, passed_over: Sequence[str] = ()) -> list[WaitingPackage]:
        due = [row for row in self.rows.values() if row.next_look_at <= now and row.sender not in passed_over]
        oldest = sorted(due, key=lambda row: row.next_look_at)
        most = shares(sorted({row.sender for row in due}), limit)
        rows = [[row for row in oldest if row.sender == each][: most[each]] for each in most]
        taken = in_turn(rows)[:limit]
        for row in taken:
            self._set(row.package_id, next_look_at=now + LEASE)
        return taken

    async def postpone(self, waiting: WaitingPackage, taken_at: datetime, at: datetime) -> None:
        row = self.rows.get(waiting.package_id)
        if row and row.next_look_at == taken_at + LEASE:
            self._set(row.package_id, next_look_at=at)

    async def remove(self, package_id: str) -> None:
        self.rows.pop(package_id, None)

    def _set(self, package_id: str, **fields: Any) -> None:
        if row := self.rows.get(package_id):
            self.rows[package_id] = row.model_copy(update=fields)


class MemoryObjects:
    """The object store, as far as intake uses it."""

    def __init__(self) -> None:
        self.held: dict[str, bytes] = {}
        self.submitters: dict[str, list[str]] = {}

    async def put_content(self, data: bytes | BinaryIO, submitter: str | None = None) -> ObjectRef:
        body = data if isinstance(data, bytes) else data.read()
        digest = hashlib.sha256(body).hexdigest()
        self.held[digest] = body
        if submitter:
            self.submitters.setdefault(digest, []).append(submitter)
        if not isinstance(data, bytes):
            data.seek(0)
        return content_ref(digest, len(body))

    async def get(self, ref: ObjectRef) -> bytes:
        return self.held[ref.sha256]

    async def fetch(self, ref: ObjectRef, target: BinaryIO) -> None:
        target.write(self.held[ref.sha256])
        target.seek(0)

    async def purge(self, ref: ObjectRef) -> None:
        self.held.pop(ref.sha256, None)
