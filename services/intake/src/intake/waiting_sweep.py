"""The sweep of waiting packages: decides about those whose document has come or whose deadline has passed."""

from collections.abc import Awaitable, Callable
from datetime import datetime

import structlog

from common.clock import Clock, utc_now
from common.directory import DirectoryReader
from common.metrics import set_packages_waiting
from common.service.tracing import resumed
from intake.waiting import LEASE, WaitingPackage, next_look
from intake.waiting_store import WaitingPackages

log = structlog.get_logger("trunk.intake")

AT_ONCE = 100
"""Packages taken in one round."""
LONGEST_ROUND = LEASE / 2
"""A round ends after this time, so that large packages of one unit do not delay others that become due meanwhile. A
package that it took and did not look at is due again when its lease ends."""


class WaitingSweep:
    """Run by a timer, in any number of processes."""

    def __init__(
        self,
        waiting: WaitingPackages,
        resume: Callable[[WaitingPackage], Awaitable[bool]],
        directory: DirectoryReader,
        now: Clock = utc_now,
    ) -> None:
        self._waiting = waiting
        self._resume = resume
        self._directory = directory
        self._now = now

    async def run(self) -> None:
        """One round. An error about one package delays no other; the first error is raised at the end."""
        if not self._directory.is_loaded:
            return
        now = self._now()
        errors = []
        for package in await self._waiting.take_due(now, AT_ONCE, sorted(self._directory.disabled)):
            if self._now() - now > LONGEST_ROUND:
                break
            with resumed(package.trace):
                try:
                    await self._look_at(package, now)
                except Exception as error:
                    log.warning("waiting package not looked at", package_id=package.package_id, detail=str(error))
                    errors.append(error)
        if errors:
            raise errors[0]

    async def _look_at(self, package: WaitingPackage, taken_at: datetime) -> None:
        if await self._resume(package):
            await self._waiting.remove(package.package_id)
        else:
            await self._waiting.postpone(package, taken_at, next_look(package, taken_at))

    async def measure(self) -> None:
        """Record how many packages wait."""
        set_packages_waiting(await self._waiting.by_kind())
