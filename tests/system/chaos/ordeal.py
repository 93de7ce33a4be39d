"""One run: load, faults one after the other, calm, and the balance."""

import random
import threading
import time
import traceback
from collections import Counter
from contextlib import nullcontext
from dataclasses import dataclass
from pathlib import Path

from ..inboxes import Inboxes
from ..trunk import Trunk, minted
from .balance import Balance, balance, wait_until_calm
from .faults import OF_SERVERS, OF_SERVICES, RARE, Arena, Fault, drawn, redrive
from .load import Load
from .replicas import replicas, wait_ready

WRONG_SHARE = 0.05
LONG = 100
"""Number of faults from which on a run includes those that take minutes."""
PAUSE_SECONDS = (0.0, 2.5)
"""Between two faults."""


@dataclass
class Ordeal:
    """The result of a run."""

    faults: Counter[str]
    balance: Balance
    log: list[str]

    def table(self) -> str:
        """For people."""
        rows = [*((f"fault: {name}", count) for name, count in sorted(self.faults.items())), *self.balance.lines]
        width = max(len(str(name)) for name, _ in rows)
        return "\n".join(f"{name:{width}}  {count}" for name, count in rows)


@dataclass
class FaultPlan:
    """Faults to cause: those of services in sequence and, at the same time, those of servers in sequence."""

    of_services: list[Fault]
    of_servers: list[Fault]

    @property
    def count(self) -> int:
        """Of both."""
        return len(self.of_services) + len(self.of_servers)

    @classmethod
    def of_every_kind(cls, count: int, seed: int) -> "FaultPlan":
        """Half of services, half of servers, by chance."""
        chance, half = random.Random(seed), count // 2
        of_servers = drawn(chance, count - half, OF_SERVERS, *(RARE if count >= LONG else ()))
        return cls(drawn(chance, half, OF_SERVICES), of_servers)


def ordeal(trunk: Trunk, folder: Path, packages: int, plan: FaultPlan, seed: int, patience_seconds: float) -> Ordeal:
    """Submit packages while the planned faults happen. Reports wrong results in ``Ordeal``; does not raise for them."""
    wrong = round(packages * WRONG_SHARE)
    entries = minted(trunk, folder / "packages", packages - wrong, wrong, seed=seed)
    parked_before = trunk.parked()
    with Inboxes(trunk, trunk.units) as inboxes, replicas(trunk, folder) as running:
        load = Load(trunk, inboxes, entries, pause_seconds=plan.count * 2.0 * len(trunk.units) / packages)
        arena = Arena(trunk, running, load, random.Random(seed))
        load.start()
        broken = _happen(arena, plan)
        last = time.monotonic()
        wait_ready(running)
        is_sent = load.finish(patience_seconds)
        redriven = _redriven(arena)
        wait_until_calm(trunk, load, inboxes, patience_seconds)
        calm_seconds = time.monotonic() - last
        result = balance(trunk, load, inboxes, parked_before)
        for kind, count in sorted(load.kinds.items()):
            result.lines.insert(0, (f"submitted: {kind}", count))
        result.lines.append(("open packages published again by an operator", redriven))
        result.lines.append(("seconds from the last fault until all was done", f"{calm_seconds:.0f}"))
        if not is_sent:
            result.wrong.append("units could not submit everything")
        result.wrong += broken
        return Ordeal(Counter(arena.done), result, arena.log)


def _redriven(arena: Arena) -> str:
    """The outcome of the redrive. Packages that it did not finish in time may still arrive; the balance shows that."""
    try:
        redrive(arena)
    except AssertionError as error:
        return str(error)
    return "done"


def _happen(arena: Arena, plan: FaultPlan) -> list[str]:
    """Cause the faults of both lists at the same time. Returns the tracebacks of faults that could not be caused."""
    broken: list[str] = []

    def one_by_one(faults: list[Fault], *, are_of_services: bool) -> None:
        try:
            for fault in faults:
                with arena.services_alone if are_of_services else nullcontext():
                    arena.make(fault)
                arena.wait(*PAUSE_SECONDS)
        except Exception:
            broken.append(traceback.format_exc(limit=-3))

    threads = [
        threading.Thread(target=one_by_one, args=(plan.of_services,), kwargs={"are_of_services": True}),
        threading.Thread(target=one_by_one, args=(plan.of_servers,), kwargs={"are_of_services": False}),
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    return broken
