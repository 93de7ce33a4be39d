"""The redrive: publishes facts of open packages again, and learns from facts of other services where packages are."""

from collections.abc import Awaitable, Callable, Iterable
from datetime import timedelta
from typing import Any, Protocol

import structlog

from common.clock import Clock, utc_now
from common.domain.names import Lane
from common.domain.reason import Reason
from common.facts import (
    BaseFact,
    DeliveryWaiting,
    MessageParked,
    OperatorActed,
    OperatorRequested,
    PackageFinished,
    PackageWaiting,
)
from common.failure import Outage
from common.metrics import record_redriven, set_lost_suspects
from common.service.tracing import resumed
from common.service.zero_depths import KnownDepths
from intake.ends import EXAMINES
from intake.open_package import LONGEST_PAUSE, OpenPackage, obstacle, queues_in_the_way
from intake.open_packages import OpenPackages
from intake.settings import IntakeSettings

log = structlog.get_logger("trunk.intake")

ASKED_AT_ONCE = 1_000
"""At most so many of the packages that operators asked for are published in one round."""
SECONDS_PER_MINUTE = 60.0
EVERYTHING = "*"
"""``record_id`` of a request about all open packages."""


class Sender(Protocol):
    """The part of the chassis that the redrive uses."""

    async def announce_saved(self, body: bytes) -> None:
        """Publish a fact as it was saved, and return when the broker has confirmed it. Raises ``Outage``."""

    async def check_publishing(self) -> None:
        """Raise ``Outage`` while nothing can be published."""

    async def depths(self, queues: Iterable[str]) -> dict[str, int]:
        """Messages ready in queues. Raises ``Outage`` if the broker does not say."""


class Redrive:
    """Run by a timer, in any number of processes. Publishes nothing while a queue behind intake is deep, because then
    packages are slow rather than lost. A deep queue that shows 0 may have stalled (``KnownDepths``)."""

    def __init__(self, packages: OpenPackages, sender: Sender, settings: IntakeSettings, now: Clock = utc_now) -> None:
        self._packages = packages
        self._sender = sender
        self._settings = settings
        self._now = now
        self._known = KnownDepths(settings.redrive_below_depth)

    @property
    def handlers(self) -> dict[type[BaseFact], Callable[[Any], Awaitable[None]]]:
        """The handler of each fact that says where packages are."""
        return {
            PackageFinished: self.finish,
            DeliveryWaiting: self.note_waiting,
            PackageWaiting: self.note_waiting,
            MessageParked: self.note_parked,
            OperatorActed: self.note_acted,
        }

    @property
    def limit(self) -> int:
        """Packages published in one round at most, besides those that operators asked for."""
        share = self._settings.redrive_sweep_seconds / SECONDS_PER_MINUTE
        return max(1, round(self._settings.redrives_per_minute * share))

    async def sweep(self) -> None:
        """One round over both lanes. Raises ``Outage`` if publishing fails; the rest is published in the next round."""
        length = timedelta(seconds=self._settings.redrive_sweep_seconds)
        if not await self._packages.begin_round(self._now(), length):
            return
        await self._sender.check_publishing()
        remaining = self.limit
        for lane in reversed(Lane):
            depths = self._known.after(await self._sender.depths(queues_in_the_way(lane)), self._now())
            queue = obstacle(depths, self._settings.redrive_below_depth)
            if queue:
                log.info("nothing published again", lane=lane, queue=queue)
                continue
            await self._publish(lane, ASKED_AT_ONCE, requested=True)
            remaining -= await self._publish(lane, remaining, requested=False)

    async def measure(self) -> None:
        """Record how many packages may be lost."""
        set_lost_suspects(await self._packages.suspects(self._now()))

    async def finish(self, fact: PackageFinished) -> None:
        """Close a finished package."""
        await self._packages.finish(fact)

    async def note_waiting(self, fact: DeliveryWaiting | PackageWaiting) -> None:
        """Note that the router waits for an inbox or the answer to a recall, or the validator for a revocation list.

        Intake's own ``package.waiting`` is ignored: the package was not open then, and may have been let in since.
        """
        if isinstance(fact, PackageWaiting) and fact.reason is Reason.E_REFDOC_AWAITED:
            return
        await self._packages.wait(fact.package_id, self._now() + LONGEST_PAUSE)

    async def note_parked(self, fact: MessageParked) -> None:
        """Note that a service has parked a package: it is not published again until an operator decides."""
        if fact.holds_package and fact.package_id:
            await self._packages.hold(fact.package_id)

    async def note_acted(self, fact: OperatorActed) -> None:
        """Note an operator's decision about a parked package that was carried out."""
        steps: dict[str, Callable[[str], Awaitable[None]]] = {
            "replay": lambda package_id: self._packages.release(package_id, self._now() + LONGEST_PAUSE),
            "discard": lambda package_id: self._packages.discard(
                package_id, self._now(), is_undecided=fact.service == EXAMINES
            ),
            "restore": self._packages.restore,
        }
        if fact.holds_package and fact.package_id and fact.outcome == "done" and (step := steps.get(fact.action)):
            await step(fact.package_id)

    async def carry_out(self, request: OperatorRequested) -> str:
        """Make one package, or all that are open, due at once. Returns the answer to the operator: ``done…``, or why
        not."""
        if request.record_id != EVERYTHING:
            return await self._packages.ask(request.record_id, self._now())
        return f"done: {await self._packages.ask_all()} packages"

    async def _publish(self, lane: Lane, limit: int, *, requested: bool) -> int:
        if limit <= 0:
            return 0
        now = self._now()
        packages = await self._packages.take_due(lane, now, limit, requested=requested)
        for number, package in enumerate(packages):
            with resumed(package.record.trace):
                try:
                    await self._sender.announce_saved(package.body)
                except Outage:
                    for unpublished in packages[number:]:
                        await self._packages.postpone(unpublished, now, self._now())
                    raise
                self._record(package)
        return len(packages)

    def _record(self, package: OpenPackage) -> None:
        record_redriven(package.record.lane, "operator" if package.is_asked_for else "budget")
        log.warning("published again", package_id=package.record.package_id, redrives=package.redrives + 1)
