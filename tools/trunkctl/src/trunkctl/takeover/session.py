"""The take-over as the command runs it: the servers it works on, and its user at the broker for this run."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from functools import partial

from common.domain.directory import Directory
from common.objects import Objects
from trunkctl import topology_job
from trunkctl.settings import ControlSettings
from trunkctl.takeover.job import Say, TakeOver, remains
from trunkctl.takeover.move import mover
from trunkctl.takeover.one_run import temporary_user
from trunkctl.takeover.origin import destination
from trunkctl.takeover.remains import Remains
from trunkctl.units import lookup
from trunkctl.units.bucket import disabled_units


@dataclass(frozen=True, slots=True)
class TakeOverSession:
    """Everything is first declared as ``trunkctl topology apply`` does, unless another take-over is at work."""

    settings: ControlSettings
    directory: Directory
    say: Say

    def run(self) -> Remains:
        """One round. Returns what remains."""
        return asyncio.run(self._run())

    def replace_inboxes(self) -> Remains:
        """Replace idle inboxes. Returns what remains."""
        return asyncio.run(self._replace_inboxes())

    def go_back(self) -> None:
        """Lead all keys to the queues of the former release again."""
        asyncio.run(self._go_back())

    async def _run(self) -> Remains:
        async with self._round() as take_over:
            return await take_over.run()

    async def _replace_inboxes(self) -> Remains:
        async with self._round() as take_over:
            return await take_over.replace_inboxes()

    async def _go_back(self) -> None:
        async with self._round() as take_over:
            await take_over.go_back()

    @asynccontextmanager
    async def _round(self) -> AsyncIterator[TakeOver]:
        admin = topology_job.admin(self.settings)
        topology = topology_job.whole_topology(self.directory, await disabled_units(Objects(self.settings)))
        with temporary_user(admin, self.settings.amqp_url.get_secret_value()) as url:
            async with mover(url, admin, partial(destination, directory=self.directory)) as moving:
                await self._apply(remains(admin))
                yield TakeOver(admin, topology, self.directory, self._apply, moving, self.say)

    async def _apply(self, left: Remains) -> None:
        """For the units that are in force and enabled at this moment: a take-over may run for hours."""
        await asyncio.to_thread(self._apply_now, left)

    def _apply_now(self, left: Remains) -> None:
        topology_job.apply(self.settings, lookup.current(Objects(self.settings)), left)
