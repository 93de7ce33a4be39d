"""Scripted scenes: what chance brings about too rarely. Each has one right end, whatever latencies and clocks are."""

import asyncio
from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING, Any

from common.domain.names import Lane, StatusCode
from common.topology import FACTS, inbox_queue
from tests.simulation import packages
from tests.simulation.make_city import MEMBERS
from tests.simulation.units import Item, UnitSystem

if TYPE_CHECKING:
    from tests.simulation.schedule import Schedule

SENDER, RECEIVER = MEMBERS[0], MEMBERS[1]
NUMBER = 1
"""Of the document."""
REFUSED_NUMBER = 3
"""Of a document whose first package bears no valid signature."""
LATE_SECONDS = 25.0
AGAIN_SECONDS = 35.0
"""So late that no attempt to save a record can still go on."""
LOOK_SECONDS = 0.2
FAILED_ENTRIES = 6
ENTER = "insert archive.ledger"
SEALED = "update archive.batches"
AT_ONCE_SECONDS = 0.0005
"""Below the time that any request takes."""
ENDS = {StatusCode.AGREED: "RECALLED", StatusCode.DECLINED: "SENT"}
"""The state of the delivery, by what the unit answers."""
CORRECTED = "corrected_before_its_refusal"
RECALLING = ("placed_without_an_answer", "overtaken_by_its_recall")
REPORTED = "accepted_after_it_was_refused"
NAMES = (*RECALLING, CORRECTED, "verified_again_after_its_record", "intake_ends_when_it_has_announced",
         "entries_fail_to_be_saved", "archive_ends_when_it_has_sealed", REPORTED)  # fmt: skip


class Scene:
    """A document, and what overtakes it, comes twice, or ends in between."""

    def __init__(self, schedule: "Schedule", name: str, answer: StatusCode) -> None:
        self._schedule = schedule
        self._world = schedule.world
        self._inbox = schedule.world.broker.queues[inbox_queue(RECEIVER)]
        self.name = name
        self.answer = answer

    def begin(self) -> None:
        """Play it."""
        scenes = (
            self._placed_without_an_answer,
            self._overtaken_by_its_recall,
            self._corrected_before_its_refusal,
            self._verified_again_after_its_record,
            self._intake_ends_when_it_has_announced,
            self._entries_fail_to_be_saved,
            self._archive_ends_when_it_has_sealed,
            self._accepted_after_it_was_refused,
        )
        self._world.spawn("scene", dict(zip(NAMES, scenes, strict=True))[self.name]())

    def react(self, system: UnitSystem, item: Item) -> None:
        """The receiver answers the recall, and reports nothing."""
        if system.unit.code == RECEIVER and item.type == "document" and item.headers.get("x-kind") == "recall":
            identifier = packages.document_id(SENDER, NUMBER)
            system.submit(packages.report(RECEIVER, SENDER, identifier, self.answer), 0.5)

    def violations(self) -> Iterator[str]:
        """What is wrong in the end."""
        states = [row["state"] for row in self._world.rows("router.deliveries") if row["receiver"] == RECEIVER]
        end = ENDS[self.answer] if self.name in RECALLING else "REFUSED" if self.name == REPORTED else "SENT"
        if states != [end]:
            yield f"{self.name}, answered by {self.answer}, ended in {states}"

    async def _placed_without_an_answer(self) -> None:
        """The inbox takes the document, and its confirm comes only after the recall."""
        self._world.broker.lead(self._inbox, is_silent=True)
        self._submit(packages.new(SENDER, (RECEIVER,), NUMBER, Lane.NORMAL))
        await self._until(lambda: "waiting" in self._states())
        self._submit(packages.recall(SENDER, (RECEIVER,), NUMBER))
        await self._until(lambda: self._has_happened("recall"))
        await asyncio.sleep(2.0)
        self._world.broker.lead(self._inbox, is_silent=False)

    async def _overtaken_by_its_recall(self) -> None:
        """The order to place the document is late; the unit answers the recall, and then its inbox is full while the
        recall comes again."""
        broker = self._world.broker
        broker.lateness = lambda queue: LATE_SECONDS if queue.name.startswith("place.") else 0.0
        self._submit(packages.new(SENDER, (RECEIVER,), NUMBER, Lane.NORMAL))
        await self._until(self._states)
        await asyncio.sleep(1.0)
        broker.lateness = lambda queue: 0.0
        self._submit(packages.recall(SENDER, (RECEIVER,), NUMBER))
        await self._until(lambda: self._has_happened(self.answer))
        self._inbox.filler = 10**6
        await self._until(lambda: {"waiting", "withdrawn"} & self._states())
        self._repeat_recall()
        await asyncio.sleep(4.0)
        self._inbox.filler = 0

    async def _corrected_before_its_refusal(self) -> None:
        """The validator refuses the document, and intake hears of it only after the corrected package has come."""
        self._world.broker.lateness = lambda queue: LATE_SECONDS if queue.name.startswith("facts.intake.") else 0.0
        self._submit(packages.new(SENDER, (RECEIVER,), REFUSED_NUMBER, Lane.NORMAL, is_altered=True))
        await self._until(lambda: self._world.rows("validator.verdicts"))
        await asyncio.sleep(1.0)
        self._submit(packages.new(SENDER, (RECEIVER,), REFUSED_NUMBER, Lane.NORMAL))

    async def _verified_again_after_its_record(self) -> None:
        """The archive has saved its record for long when the verdict comes once more."""
        self._submit(packages.new(SENDER, (RECEIVER,), NUMBER, Lane.NORMAL))
        await self._until(lambda: self._world.rows("archive.records"))
        await asyncio.sleep(AGAIN_SECONDS)
        self._repeat(lambda message: message.properties.get("message_type") == "document.verified")

    async def _intake_ends_when_it_has_announced(self) -> None:
        """Its processes end in the moment in which the record says that the package was announced."""
        self._submit(packages.new(SENDER, (RECEIVER,), NUMBER, Lane.NORMAL))
        await self._until(lambda: any(row["announced"] for row in self._world.rows("intake.packages")), AT_ONCE_SECONDS)
        for process in [each for each in self._world.alive if each.name == "intake"]:
            self._schedule.crash(process)

    async def _entries_fail_to_be_saved(self) -> None:
        """The database drops the first requests by which the archive enters facts into the ledger."""
        database, remaining = self._world.database, FAILED_ENTRIES
        otherwise = database.before_step

        def before(process: Any, what: str) -> str:
            nonlocal remaining
            if what == ENTER and remaining:
                remaining -= 1
                return "before"
            return otherwise(process, what)

        database.before_step = before
        self._submit(packages.new(SENDER, (RECEIVER,), NUMBER, Lane.NORMAL))
        await self._until(lambda: not remaining)

    async def _archive_ends_when_it_has_sealed(self) -> None:
        """Its processes end in the moment in which a batch is noted as one that the store has."""
        self._submit(packages.new(SENDER, (RECEIVER,), NUMBER, Lane.NORMAL))
        for process in [each for each in self._world.alive if each.name == "archive"]:
            process.crash_on = f"~{SEALED}"

    async def _accepted_after_it_was_refused(self) -> None:
        """The unit refuses the document and then accepts it, and the router hears of that first."""
        broker = self._world.broker
        self._submit(packages.new(SENDER, (RECEIVER,), NUMBER, Lane.NORMAL))
        await self._until(lambda: "placed" in self._states())
        broker.lateness = lambda queue: LATE_SECONDS if queue.name.startswith("facts.router.") else 0.0
        self._report(StatusCode.REFUSED)
        await self._until(self._has_announced_a_status)
        broker.lateness = lambda queue: 0.0
        self._report(StatusCode.ACCEPTED)

    def _report(self, code: StatusCode) -> None:
        identifier = packages.document_id(SENDER, NUMBER)
        self._schedule.units[RECEIVER].submit(packages.report(RECEIVER, SENDER, identifier, code))

    def _has_announced_a_status(self) -> bool:
        return any(row["kind"] == "status" and row["announced"] for row in self._world.rows("intake.packages"))

    def _submit(self, package: packages.Package) -> None:
        self._schedule.units[SENDER].submit(package)

    def _repeat_recall(self) -> None:
        self._repeat(
            lambda message: (
                message.properties.get("message_type") == "notice.accepted" and b'"kind":"recall"' in message.body
            )
        )

    def _repeat(self, is_meant: Callable[[Any], bool]) -> None:
        """Publish the first such fact once more."""
        for message in [each for each in self._world.published if each.exchange == FACTS]:
            if is_meant(message):
                self._world.broker.publish(message.user, message.exchange, message.routing_key, message.body,
                                           message.properties, message.headers)  # fmt: skip
                return

    def _states(self) -> set[str]:
        """Where the document is on its way to the unit."""
        rows = self._world.rows("router.placings")
        return {row["state"] for row in rows if row["receiver"] == RECEIVER and row["headers"].get("x-kind") == "new"}

    def _has_happened(self, code: str) -> bool:
        return any(row["code"] == code for row in self._world.rows("router.delivery_events"))

    async def _until(self, holds: Callable[[], Any], pause_seconds: float = LOOK_SECONDS) -> None:
        while not holds():
            await asyncio.sleep(pause_seconds)
