"""Faults that the simulation must find: each is a change of the product, made in memory before a schedule runs.

Most of them were in the trunk once, or in systems like it. A fault that no schedule of the first 500 finds means that
the simulation is blind in that place.
"""

import asyncio
import contextlib
import inspect
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, replace
from datetime import timedelta
from typing import Any
from unittest.mock import patch

from pymongo.errors import DuplicateKeyError

import archive.ledger
import intake.announce
import intake.handlers
import intake.packages
import router.delivery_history
import router.execute.early_acts
import router.execute.recalling
import router.store.deliveries
from archive.batches import Batches
from archive.handlers import Archive
from archive.ledger import Ledger
from common.clock import utc_now
from common.database import insert_once
from common.domain.outcome import Refused
from common.domain.reason import Reason
from common.failure import Outage, Permanent
from common.ledger import new_entry, new_salt
from common.objects import Objects
from common.service import consumer
from common.service.consumer import Consumer
from common.service.outgoing import QueueFull
from common.service.parking import Parking
from common.service.process import Processor
from common.service.publisher import AmqpPublisher
from common.service.settle import Disposition, Settlement
from intake.handlers import Intake
from intake.order import Place
from intake.packages import Packages
from intake.redrive import Redrive
from intake.under_way import Turn, UnderWay
from intake.waiting_sweep import WaitingSweep
from notifier.dispatch import Dispatch
from notifier.store import Notifications
from router.execute.executor import Executor
from router.execute.held_content import HeldContent
from router.execute.placing import Placer
from router.placing import Cause, Failure, Placing
from router.store.placings import MongoPlacings
from tests.simulation.world import WorldClock
from validator.handlers import Validator

BY_PLACE = (inspect.Parameter.POSITIONAL_ONLY, inspect.Parameter.POSITIONAL_OR_KEYWORD)


@dataclass(frozen=True, slots=True)
class Mutation:
    """One fault; the docstring of ``make`` says what the product does wrong then."""

    make: Callable[[], None]
    in_the_running_trunk: bool = False
    """It changes what the broker holds, so the trunk must run already."""


MUTATIONS: dict[str, Mutation] = {}


def mutation(make: Callable[[], None]) -> Callable[[], None]:
    """Register a fault of the code."""
    MUTATIONS[make.__name__] = Mutation(make)
    return make


def mutation_of_the_broker(make: Callable[[], None]) -> Callable[[], None]:
    """Register a fault of what was declared at the broker."""
    MUTATIONS[make.__name__] = Mutation(make, in_the_running_trunk=True)
    return make


def _without_redrive() -> None:
    """Open packages are not published again, so that a fault is not mended half an hour later."""

    async def publish(self: Any, *_: Any, **__: Any) -> int:
        return 0

    _changed(Redrive, "_publish", publish)


def _changed(owner: Any, name: str, value: Any) -> None:
    """Raises ``TypeError`` when the callers of a function could not call ``value``: that would be another fault."""
    if inspect.isroutine(original := getattr(owner, name)):
        parameters = inspect.signature(original).parameters.values()
        by_place = [each for each in parameters if each.kind in BY_PLACE]
        by_name = {each.name: None for each in parameters if each.kind is inspect.Parameter.KEYWORD_ONLY}
        inspect.signature(value).bind(*by_place, **by_name)
    patch.object(owner, name, value).start()


# the chassis


@mutation
def ack_before_save() -> None:
    """A message is acknowledged before it is handled."""

    async def handle(self: Any, channel: Any, queue: str, delivered: Any) -> None:
        async with self._slots:
            await channel.basic_ack(delivered.delivery_tag)
            await self._settlement(queue, delivered)

    _changed(Consumer, "_handle", handle)


@mutation
def failures_are_not_returned() -> None:
    """A message whose handler failed is neither acknowledged nor returned."""
    original = consumer._tell_broker

    async def tell(channel: Any, tag: int, disposition: Disposition) -> None:
        if disposition is Disposition.ACK:
            await original(channel, tag, disposition)

    _changed(consumer, "_tell_broker", tell)


@mutation
def failures_are_acknowledged() -> None:
    """A message whose handler failed is acknowledged all the same."""

    async def tell(channel: Any, tag: int, disposition: Disposition) -> None:
        await channel.basic_ack(tag)

    _changed(consumer, "_tell_broker", tell)


@mutation
def outages_are_poison() -> None:
    """While a server is away, messages are dead-lettered."""

    def unavailable(self: Any, message: Any, error: Outage) -> Settlement:
        return Settlement(Disposition.DEAD, "parked", Reason.E_UNAVAILABLE, error.detail)

    _changed(Processor, "_unavailable", unavailable)


@mutation
def confirms_are_not_awaited() -> None:
    """A publish counts as done when it is begun."""
    original, running = AmqpPublisher.publish, list[Any]()

    async def publish(self: Any, message: Any) -> None:
        running.append(asyncio.create_task(original(self, message)))

    _changed(AmqpPublisher, "publish", publish)


@mutation
def unknown_counts_as_confirmed() -> None:
    """A publish whose confirm was lost with its connection counts as done."""
    original = AmqpPublisher._attempt

    async def attempt(self: Any, message: Any, *, alone: bool) -> str:
        await original(self, message, alone=alone)
        return "confirmed"

    _changed(AmqpPublisher, "_attempt", attempt)


@mutation
def publishes_time_out_and_repeat() -> None:
    """A publish without a confirm after a moment is made again, and again, during an alarm as well."""
    original = AmqpPublisher._attempt

    async def attempt(self: Any, message: Any, *, alone: bool) -> str:
        running = asyncio.create_task(original(self, message, alone=alone))
        running.add_done_callback(lambda done: done.cancelled() or done.exception())
        done, _ = await asyncio.wait({running}, timeout=0.1)
        return running.result() if done else "unknown"

    async def ready(self: Any) -> None:
        return None

    _changed(AmqpPublisher, "_attempt", attempt)
    from tests.simulation.broker_client import Connection

    _changed(Connection, "ready", ready)


@mutation_of_the_broker
def facts_queues_refuse() -> None:
    """Queues of facts have a length limit, and a refused fact is published again each second, at the others as well."""
    original = AmqpPublisher.publish

    async def publish(self: Any, message: Any) -> None:
        while True:
            try:
                return await original(self, message)
            except QueueFull:
                await asyncio.sleep(1.0)

    _changed(AmqpPublisher, "publish", publish)
    for name, queue in WorldClock.world.broker.queues.items():
        if name.startswith("facts.notifier"):
            queue.arguments = queue.arguments | {"x-max-length": 1}
            queue.filler = 1
            WorldClock.world.loop.call_later(60.0, setattr, queue, "filler", 0)


@mutation
def decisions_are_made_anew() -> None:
    """What an earlier attempt has saved is neither looked for nor kept."""

    async def find(self: Any, package_id: str) -> None:
        return None

    async def save(collection: Any, document: Any) -> Any:
        try:
            await collection.insert_one(document)
        except DuplicateKeyError:
            await collection.update_one({"_id": document["_id"]}, {"$set": document})
        return document

    _changed(Packages, "find", find)
    _changed(intake.packages, "insert_once", save)


# intake


@mutation
def announce_skipped_on_duplicate() -> None:
    """A package that was decided in an earlier attempt is not announced any more."""
    original = Intake.receive

    async def receive(self: Any, message: Any) -> None:
        if message.is_redelivered:
            import io

            from common.domain import ids
            from common.objects import content_ref, digest_of

            unit = self.directory.current.unit_of_user(message.user_id)
            ref = content_ref(*digest_of(io.BytesIO(message.body)))
            if await self.packages.find(ids.package_id(unit.code, ref.sha256)):
                return
        await original(self, message)

    _changed(Intake, "receive", receive)


@mutation
def marker_before_work() -> None:
    """A package is marked as announced before it is, and not published again when it stays open."""
    _without_redrive()
    original = Intake._answer

    async def answer(self: Any, record: Any) -> None:
        await self.packages.mark_announced(record.package_id)
        await original(self, record)

    _changed(Intake, "_answer", answer)


@mutation
def early_packages_are_refused() -> None:
    """A package that overtakes the document it is about is refused for good."""

    def refused(awaits: Any, *_: Any) -> Refused:
        return Refused(Reason.E_REFDOC, awaits.detail)

    _changed(intake.handlers, "refused_wait", refused)


@mutation
def corrected_packages_are_duplicates() -> None:
    """Other bytes under a DocumentId are refused for good while the package that holds it may still be refused."""

    async def may_be_refused(self: Any, package_id: str) -> bool:
        return False

    _changed(Packages, "may_be_refused", may_be_refused)


@mutation
def facts_bear_the_time_of_their_announcement() -> None:
    """The same decision announced again says another time."""
    original = intake.announce._common

    def common(record: Any, step: str) -> dict[str, Any]:
        return original(record, step) | {"occurred_at": utc_now()}

    _changed(intake.announce, "_common", common)


@mutation
def waiting_packages_are_forgotten() -> None:
    """Nobody looks at packages that wait for a document."""

    async def run(self: Any) -> None:
        return None

    _changed(WaitingSweep, "run", run)


@mutation
def places_are_times() -> None:
    """The order of packages about one document follows the clocks of the replicas."""

    async def take_place(self: Any, document_keys: Any, now: Any, read: Any = None) -> Any:
        return Place(now)

    _changed(Packages, "take_place", take_place)


@mutation
def refused_packages_keep_their_turn() -> None:
    """A package that intake refuses counts as under way, and nothing is ever heard of its end."""
    original = UnderWay.forget

    def forget(self: Any, turn: Turn) -> None:
        if turn.package_id or not turn.counts:
            original(self, turn)

    _changed(UnderWay, "forget", forget)


@mutation
def full_inboxes_keep_the_window() -> None:
    """A package that waits for room in an inbox counts as under way like any other."""
    _changed(UnderWay, "_longest_routing_seconds", 3600.0)


# validator


@mutation
def invalid_documents_pass() -> None:
    """A refused document is announced as verified."""
    import validator.handlers
    import validator.store

    original = validator.store.fact_of

    def fact_of(record: Any, about: Any) -> Any:
        return original(record.model_copy(update={"label": record.label or "ORIGINAL", "reason": None}), about)

    _changed(validator.handlers, "fact_of", fact_of)


@mutation
def verdicts_are_announced_once() -> None:
    """A verdict that was saved in an earlier attempt is not announced any more."""
    original = Validator.verify_document

    async def verify(self: Any, fact: Any) -> None:
        if await self.verdicts.find(fact.package_id) is None:
            await original(self, fact)

    _changed(Validator, "verify_document", verify)


# router


@mutation
def orders_before_rows() -> None:
    """A placing is ordered before it is saved."""

    async def place(self: Any, placings: list[Placing], *_: Any) -> None:
        await asyncio.gather(*(self._placer.order(placing) for placing in placings))
        await self._store.placings.open(placings)

    _changed(Executor, "_place", place)


@mutation
def placed_before_published() -> None:
    """A placing is noted as placed before the inbox has it."""
    original = Placer._attempt

    async def attempt(self: Any, placing: Placing, message: Any) -> Failure | None:
        await self._store.placings.placed(placing.id, self._now())
        return await original(self, placing, message)

    _changed(Placer, "_attempt", attempt)


@mutation
def full_inboxes_hold_slots() -> None:
    """A message for a full inbox waits in its handler until there is room."""
    original = Placer._attempt

    async def attempt(self: Any, placing: Placing, message: Any) -> Failure | None:
        for _ in range(600):
            failure = await original(self, placing, message)
            if failure is None or failure.cause is not Cause.FULL:
                break
            await asyncio.sleep(1.0)
        return failure

    _changed(Placer, "_attempt", attempt)


@mutation
def waiting_placings_are_forgotten() -> None:
    """Nobody tries again what an inbox did not take, nor publishes the package again."""
    _without_redrive()

    async def sweep(self: Any) -> None:
        return None

    _changed(Placer, "sweep", sweep)


@mutation
def units_are_overruled() -> None:
    """A recall that comes again is answered by the trunk, whatever the unit has said meanwhile."""
    _changed(router.execute.recalling, "may_answer_for", lambda history, unit, answer: True)
    _changed(router.execute.early_acts, "may_answer_for", lambda history, unit, answer: True)


@mutation
def what_may_be_read_is_withdrawn() -> None:
    """A message that an attempt without an answer may have placed is withdrawn like one that was never placed."""
    original = MongoPlacings.failed

    async def failed(self: Any, placing: Placing, failure: Failure, at: Any) -> None:
        cause = Cause.FULL if failure.cause is Cause.SILENT else failure.cause
        await original(self, placing, Failure(cause), at)

    _changed(MongoPlacings, "failed", failed)


@mutation
def agreements_withdraw_nothing() -> None:
    """What is on its way to a unit comes there though the unit has agreed to the recall meanwhile."""

    async def withdraw(self: Any, execution: Any, placing: Any) -> None:
        return None

    _changed(HeldContent, "_withdraw_unplaced", withdraw)


@mutation
def events_count_as_they_arrive() -> None:
    """What happened to a delivery counts in the order of arrival."""
    original = router.delivery_history.entry_of

    def entry_of(history: Any, event: Any) -> Any:
        latest = max((entry.event.order.submitted_at for entry in history), default=event.order.submitted_at)
        order = replace(event.order, submitted_at=latest + timedelta(milliseconds=1))
        entry = original(history, replace(event, order=order))
        return replace(entry, event=event)

    _changed(router.store.deliveries, "entry_of", entry_of)


@mutation
def decisions_are_not_carried_out_again() -> None:
    """A decision that was saved in an earlier attempt is taken for done."""
    from router.handlers import Router

    original = Router.route

    async def route(self: Any, fact: Any) -> None:
        if await self._store.decisions.find(fact.event_id) is None:
            await original(self, fact)

    _changed(Router, "route", route)


# archive


@mutation_of_the_broker
def archive_misses_verdicts() -> None:
    """The archive's queue is not bound to verified documents."""
    bound = WorldClock.world.broker._bindings["trunk.facts"]
    bound[:] = [each for each in bound if not (each[1].startswith("facts.archive") and "document.verified" in each[0])]
    bound[:] = [each for each in bound if not (each[1].startswith("facts.archive") and each[0].startswith("#"))] + [
        (f"{name}.{lane}", f"facts.archive.{lane}")
        for name in ("package.accepted", "delivery.placed") for lane in ("normal", "urgent")
    ]  # fmt: skip


@mutation
def ledger_does_not_look_for_copies() -> None:
    """A fact that comes again is entered again."""
    original = archive.ledger.row_of

    def row(entry: Any) -> Any:
        return original(entry) | {"_id": f"{entry.key}/{entry.salt.hex()}"}

    _changed(archive.ledger, "row_of", row)


@mutation
def ledger_forgets() -> None:
    """A fact is taken for entered although the insert failed."""

    async def append(self: Any, fact: Any, now: Any) -> Any:
        entry = new_entry(fact, now, new_salt())
        with contextlib.suppress(Outage):
            await insert_once(self._entries, archive.ledger.row_of(entry))
        return entry, True

    _changed(Ledger, "append", append)


@mutation
def the_log_is_put_over() -> None:
    """Of two checkpoints or tiles under one name the later one stays."""

    async def put_once(self: Any, bucket: str, key: str, data: bytes, retain_until: Any) -> bool:
        await self.put_over(bucket, key, data, retain_until)
        return True

    _changed(Objects, "put_once", put_once)


@mutation
def entries_are_sealed_before_the_store_has_them() -> None:
    """A crash between the two leaves entries that no checkpoint covers."""
    original = Batches.open

    async def opened(self: Any, batch: Any) -> bool:
        is_first = await original(self, batch)
        if is_first:
            await self.close(batch, "00" * 32)
        return is_first

    _changed(Batches, "open", opened)


@mutation
def archive_locks_again() -> None:
    """Each copy of a verdict puts all objects under lock once more."""

    async def kept(self: Any, fact: Any, entry: Any, *, is_first: bool) -> Any:
        saved, _ = await self._keep(fact, entry, await self._parts(fact))
        return saved

    _changed(Archive, "_kept", kept)


# notifier


@mutation
def notifications_have_no_lease() -> None:
    """Both replicas send the same notification."""

    async def claim(self: Any, row: Any, now: Any) -> str:
        return "lease"

    _changed(Notifications, "claim", claim)
    original = Dispatch.fill

    async def fill(self: Any) -> int:
        self._is_behind = True
        return await original(self)

    _changed(Dispatch, "fill", fill)


@mutation
def parking_tells_nobody() -> None:
    """A message that is parked is not announced, and a database that fails makes messages parked."""
    original = Processor._run

    async def run(self: Any, message: Any, handle: Callable[[Any], Awaitable[None]], *_: Any) -> Exception | None:
        error = await original(self, message, handle)
        return Permanent(Reason.E_OBJECT, "gone") if isinstance(error, Outage) else error

    async def take(self: Any, dead_letter: Any) -> None:
        return None

    _changed(Processor, "_run", run)
    _changed(Parking, "take", take)
