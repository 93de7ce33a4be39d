"""The run itself: submits the acts as their units, watches every inbox, answers as receivers do."""

import asyncio
import hashlib
import time
from collections.abc import Coroutine, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from common.domain import ids
from common.domain.names import Lane, StatusCode, UnitCode
from common.domain.reason import Reason
from common.edxml.dates import VIETNAM
from demo.acts import Act
from demo.cases import Case, Expected, Kind
from demo.desks import Desk
from demo.ledger import Ledger, Report
from demo.screen import Screen
from mint import packages
from trunkctl.inbox_item import Item

PAUSE_SECONDS = 0.05
WHY = {StatusCode.REFUSED: "Không đúng thẩm quyền giải quyết", StatusCode.AGREED: "Đã hủy văn bản"}
"""What receivers write where a reason is asked for."""


@dataclass(slots=True)
class Play:
    """One run over open desks."""

    desks: Mapping[UnitCode, Desk]
    screen: Screen
    patience_seconds: float
    ledger: Ledger = field(default_factory=Ledger)
    of_earlier_runs: int = 0
    """Inbox messages about packages that this run did not send; they were taken out."""
    _made: dict[str, bytes] = field(default_factory=dict)
    _tasks: list["asyncio.Task[None]"] = field(default_factory=list)
    _streamed: asyncio.Event = field(default_factory=asyncio.Event)
    _change: asyncio.Event = field(default_factory=asyncio.Event)
    _moved_at: float = field(default_factory=time.monotonic)

    async def run(self, acts: Iterable[Act]) -> None:
        """Return when everything is answered, or nothing has moved for too long. Raises what a submission raised."""
        script = list(acts)
        for desk in self.desks.values():
            await desk.listen(self._see)
        try:
            self._start(self._stream([act for act in script if act.after is None and not act.burst]))
            self._start(self._burst([act for act in script if act.burst]))
            for act in script:
                if act.after:
                    self._start(self._sequel(act))
            await self._until_through(script)
        finally:
            for task in self._tasks:
                task.cancel()
            await asyncio.gather(*self._tasks, return_exceptions=True)

    def _start(self, work: Coroutine[Any, Any, None]) -> None:
        self._tasks.append(asyncio.create_task(work))

    async def _until_through(self, script: list[Act]) -> None:
        while not all(self.ledger.through(act.name) for act in script):
            for task in self._tasks:
                if task.done():
                    task.result()
            if time.monotonic() - self._moved_at > self.patience_seconds:
                return
            await asyncio.sleep(PAUSE_SECONDS)

    async def _stream(self, acts: Iterable[Act]) -> None:
        for act in acts:
            await self._submit(act)
        self._streamed.set()

    async def _sequel(self, act: Act) -> None:
        await self._streamed.wait()
        while not self.ledger.through(act.after or ""):
            self._change.clear()
            await self._change.wait()
        await self._submit(act)

    async def _burst(self, acts: Sequence[Act]) -> None:
        """All of them made first, then all of them sent."""
        await self._streamed.wait()
        for act in acts:
            await self._make(act)
        for act in acts:
            await self._submit(act)

    async def _make(self, act: Act) -> bytes:
        if act.name not in self._made:
            made = self._made[act.repeats] if act.repeats else await asyncio.to_thread(act.make)
            self._made[act.name] = made
        return self._made[act.name]

    async def _submit(self, act: Act) -> None:
        package = await self._make(act)
        desk = self.desks[act.sender]
        message = await desk.message(package, act.receivers[0] if act.foreign_upload else None)
        case = _case(act, message.body if act.foreign_upload else package)
        self.ledger.enter(act, case)
        await desk.submit(message, Lane.URGENT if act.urgent else Lane.NORMAL)
        self._moved(case)

    async def _report(self, report: Report) -> None:
        act, code = report.act, report.code
        now = datetime.now(VIETNAM)
        package = packages.status(report.receiver, act.sender, act.document_id, code, now, description=WHY.get(code))
        desk = self.desks[report.receiver]
        case = _status_case(report, package)
        self.ledger.enter_report(report, case)
        await desk.submit(await desk.message(package), Lane.NORMAL)
        self._moved(case)

    async def _see(self, unit: UnitCode, item: Item) -> None:
        case = self.ledger.case_of(item.package_id)
        if case is None:
            self.of_earlier_runs += 1
            return
        before, now = case.complete, time.monotonic()
        match item.type:
            case "document" | "status":
                await self._placed(case, unit, item, now)
            case "refusal":
                case.note_refused(Reason(item.reason), item.refused_receiver, now)
                self.ledger.give_up(item.package_id)
        if before and item.type in ("receipt", "refusal") and (repeat := self.ledger.repeat_of(item.package_id)):
            repeat.note_repeated_answer(now)
            self._moved(repeat)
        elif case.complete and not before:
            self._moved(case)

    async def _placed(self, case: Case, unit: UnitCode, item: Item, at: float) -> None:
        known = unit in case.placed
        sha256 = hashlib.sha256(await item.package()).hexdigest()
        case.note_placed(unit, at, intact=ids.package_id(case.sender, sha256) == case.package_id)
        if not known and (report := self.ledger.next_report(case.package_id, unit)):
            self._start(self._report(report))

    def _moved(self, case: Case) -> None:
        self._moved_at = time.monotonic()
        self._change.set()
        self.screen.show(case)


def _case(act: Act, known_by: bytes) -> Case:
    return Case(
        kind=act.kind,
        title=act.title,
        sender=act.sender,
        receivers=act.receivers,
        expected=act.expected,
        package_id=ids.package_id(act.sender, hashlib.sha256(known_by).hexdigest()),
        document_key=ids.document_key(act.sender, act.document_id),
        urgent=act.urgent,
        burst=act.burst,
        sent_at=time.monotonic(),
    )


def _status_case(report: Report, package: bytes) -> Case:
    return Case(
        kind=Kind.STATUS,
        title=f"status {report.code}",
        sender=report.receiver,
        receivers=(report.act.sender,),
        expected=Expected(placed=frozenset({report.act.sender})),
        package_id=ids.package_id(report.receiver, hashlib.sha256(package).hexdigest()),
        document_key=ids.document_key(report.act.sender, report.act.document_id),
        urgent=False,
        sent_at=time.monotonic(),
    )
