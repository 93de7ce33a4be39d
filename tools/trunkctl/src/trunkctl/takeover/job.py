"""``trunkctl topology take-over``: one round of the way from the former topology to the one in force.

Every step may be repeated, and a round that was broken off is continued by the next:

1. A queue of facts or submissions gets the bindings of its forerunner once the new release reads it. New keys are bound
   before old ones are unbound; what is published in between lies in both, and is recognised.
2. A forerunner that nobody reads any more is emptied into it.
3. When that is true of all, the retry queues are emptied, too. The services lose the rights of the former release, all
   sessions that may still have them are closed, and the queues are removed.
4. The parking lot is emptied into the dead letters of the services, and removed.
"""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Protocol

from common.domain.directory import Directory
from common.facts.flows import OPERATOR, SERVICES
from common.topology import Binding, Topology, unit_of_inbox, unit_topology
from trunkctl.broker_admin import BrokerAdmin
from trunkctl.command_error import CommandError
from trunkctl.takeover import former
from trunkctl.takeover.former import PARK, RETRY_SECONDS, WORK
from trunkctl.takeover.move import Mover
from trunkctl.takeover.remains import DEAD_LETTERS_OF_INBOXES, Remains, remains_of

Say = Callable[[str], None]


class Apply(Protocol):
    """Declares the topology in force beside what remains."""

    async def __call__(self, left: Remains) -> None: ...


def remains(admin: BrokerAdmin) -> Remains:
    """What the broker still holds of the former topology."""
    return remains_of(admin.queues(), admin.exchanges(), admin.bindings())


@dataclass(frozen=True, slots=True)
class TakeOver:
    """One round."""

    admin: BrokerAdmin
    topology: Topology
    """In force."""
    directory: Directory
    apply: Apply
    mover: Mover
    say: Say

    async def run(self) -> Remains:
        """Go as far as it goes now. Returns what remains."""
        await self._switch()
        await self._empty_work()
        if await self._is_work_over():
            await self._remove_work()
        if not remains(self.admin).serves_former_release:
            await self._remove_parking_lot()
        return remains(self.admin)

    async def replace_inboxes(self) -> Remains:
        """Give inboxes the arguments of this release: those that are empty, and whose units are not connected.

        Raises ``CommandError`` while anything else remains: until then the way back needs them as they are.
        """
        if remains(self.admin).queues:
            raise CommandError(
                "Queues of the former release are there: finish the take-over before inboxes are replaced."
            )
        for inbox in sorted(remains(self.admin).inboxes):
            await self._replace_inbox(inbox)
        if not remains(self.admin).inboxes:
            self.admin.delete_exchange(PARK)
            self.admin.delete_policy(former.INBOX_LIMITS.name)
        return remains(self.admin)

    async def go_back(self) -> None:
        """Bind the queues of the former release again, and unbind those of this release."""
        was = former.topology(self.directory.units)
        self.admin.declare(was)
        self.admin.unbind(DEAD_LETTERS_OF_INBOXES)
        await self.apply(remains(self.admin))
        old = [binding for binding in was.bindings if binding.queue in WORK]
        for binding in self.topology.bindings:
            if any(_follows(binding, each) for each in old):
                self.admin.unbind(binding)
        self.say(f"{len(old)} keys lead to the queues of the former release again")

    async def _switch(self) -> None:
        bindings = remains(self.admin).bindings
        for name in sorted({binding.queue for binding in bindings} & WORK.keys()):
            old = [binding for binding in bindings if binding.queue == name]
            new = [b for b in self.topology.bindings if any(_follows(b, each) for each in old)]
            if new and not await self._is_read({binding.queue for binding in new}):
                self.say(f"{name}: {WORK[name].service} of this release does not read what follows it yet")
                continue
            for binding in old:
                for follower in new:
                    if _same_key(follower, binding):
                        self.admin.bind(follower)
                self.admin.unbind(binding)
            self.say(f"{name}: its {len(old)} keys lead to {_named(new)} now")

    async def _is_read(self, queues: set[str]) -> bool:
        for queue in sorted(queues):
            if (await self.mover.counted(queue)).consumers:
                return True
        return False

    async def _empty_work(self) -> None:
        left = remains(self.admin)
        for name in sorted(left.queues & WORK.keys() - {binding.queue for binding in left.bindings}):
            if consumers := (await self.mover.counted(name)).consumers:
                self.say(f"{name}: {consumers} consumers of the former release still read it; stop them")
            else:
                await self._empty(name)

    async def _is_work_over(self) -> bool:
        """Whether the former release is stopped, and everything is switched and empty."""
        left = remains(self.admin)
        names = left.queues & WORK.keys()
        if any(binding.queue in names for binding in left.bindings) or not left.serves_former_release:
            return False
        counts = [await self.mover.counted(name) for name in sorted(names)]
        return not any(count.ready or count.consumers for count in counts)

    async def _remove_work(self) -> None:
        """Nobody publishes to these queues any more: each service that could read them, and no other, filled them."""
        left = remains(self.admin)
        await self.apply(left.without_work())
        self.admin.end_sessions_here((*SERVICES, OPERATOR), "the rights of the former release are gone")
        for names in (RETRY_SECONDS, WORK):
            if not await self._are_empty(sorted(left.queues & names.keys())):
                return
        for name in sorted(left.queues - {PARK}):
            self.admin.delete_queue(name)
        for name in sorted(left.exchanges - {PARK}):
            self.admin.delete_exchange(name)
        self.say(f"removed {len(left.queues - {PARK})} queues of the former release, and its rights")

    async def _remove_parking_lot(self) -> None:
        left = remains(self.admin)
        if left.inboxes and PARK in left.exchanges:
            self.admin.bind(DEAD_LETTERS_OF_INBOXES)
        if PARK in left.queues:
            self.admin.unbind(Binding(PARK, PARK, ""))
            if not await self._are_empty([PARK]):
                return
            self.admin.delete_queue(PARK)
            self.say(f"removed queue {PARK}")
        if PARK in left.exchanges and not left.inboxes:
            self.admin.delete_exchange(PARK)
            self.admin.delete_policy(former.INBOX_LIMITS.name)

    async def _replace_inbox(self, inbox: str) -> None:
        """First nothing more comes in, and the unit is kept out for these seconds.

        What the router places meanwhile finds no queue, and its sweep places it again.
        """
        unit = self.directory.units.get(unit_of_inbox(inbox))
        if unit is None or await self._is_in_use(inbox):
            self.say(f"{inbox}: has messages or a reader")
            return
        for binding in self.topology.bindings:
            if binding.queue == inbox:
                self.admin.unbind(binding)
        (kept_out,) = unit_topology(unit, is_disabled=True).users
        self.admin.apply_user(kept_out, None)
        self.admin.end_sessions_here([unit.user], "the inbox is replaced")
        if not await self._is_in_use(inbox) and not await self.mover.not_empty([inbox]):
            self.admin.delete_queue(inbox)
            self.say(f"{inbox}: replaced")
        else:
            self.say(f"{inbox}: has messages or a reader")
        await self.apply(remains(self.admin))

    async def _is_in_use(self, queue: str) -> bool:
        count = await self.mover.counted(queue)
        return bool(count.ready or count.consumers)

    async def _are_empty(self, names: list[str]) -> bool:
        """Empty queues to which nobody publishes any more, and make sure that nothing is left in them."""
        for name in names:
            await self._empty(name)
        filled = await self.mover.not_empty(names)
        for name in sorted(filled):
            self.say(f"{name}: still holds messages; run this again")
        return not filled

    async def _empty(self, name: str) -> None:
        if moved := await self.mover.empty(name):
            self.say(f"{name}: {moved} messages moved")


def _follows(new: Binding, old: Binding) -> bool:
    return _same_key(new, old) and WORK[old.queue].is_followed_by(new.queue)


def _same_key(one: Binding, other: Binding) -> bool:
    return (one.exchange, one.key) == (other.exchange, other.key)


def _named(bindings: list[Binding]) -> str:
    queues = sorted({binding.queue for binding in bindings})
    return queues[0] if len(queues) == 1 else f"{len(queues)} queues"
