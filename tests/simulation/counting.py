"""What one letter and one status cost: requests to the object store and operations at the database.

Counted by service, and of each service by what was asked of which bucket or collection.

Counted is what handlers of messages do, and what the notifier does with its rows; not what runs by timer, and not what
the log of the ledger takes, which many entries share. There is one process of each service, and nothing goes wrong.
"""

from collections import Counter
from collections.abc import Callable
from typing import Any

from opentelemetry import trace
from opentelemetry.sdk.trace import TracerProvider

from common.domain.names import Lane, StatusCode
from common.facts.flows import SERVICES
from tests.simulation import packages
from tests.simulation.loop import CURRENT, Process
from tests.simulation.make_city import MEMBERS
from tests.simulation.packages import Package
from tests.simulation.units import UnitSystem
from tests.simulation.world import World, WorldClock, patched

LATENCY_SECONDS = 0.001
"""Of every request and message, so that nothing overtakes what was begun before it."""
LONG_ENOUGH_SECONDS = 120.0
"""After that, nothing of a package is left to do."""
IN_BACKGROUND = ("insert notifier.notifications", "update notifier.notifications")
"""What belongs to one package although no handler does it."""
Costs = dict[str, dict[str, dict[str, int]]]
"""By server (store, database), then by service, then by operation, such as ``insert ledger``."""


def costs() -> dict[str, Costs]:
    """Of the second letter to one receiver and its second status, so that what many packages share is there.

    Traces for the rest of the process: what is done inside of a span, a handler does.
    """
    trace.set_tracer_provider(TracerProvider())
    sender, receiver = MEMBERS[0], MEMBERS[1]
    letters = [packages.new(sender, (receiver,), number, Lane.NORMAL) for number in (1, 2)]
    statuses = [packages.report(receiver, sender, letter.document_id, StatusCode.ARRIVED) for letter in letters]
    with patched(lambda: WorldClock.world):
        counting = Counting()
        counting.of(letters[0])
        counting.of(statuses[0])
        return {"letter": counting.of(letters[1]), "status": counting.of(statuses[1])}


class EvenWorld(World):
    """In which nothing takes longer than usual: a figure changes with the code alone."""

    def latency(self) -> float:
        """In seconds."""
        return LATENCY_SECONDS


class Counting:
    """A trunk that counts."""

    def __init__(self) -> None:
        self._counts: Counter[tuple[str, str, str]] = Counter()
        self._world = WorldClock.world = EvenWorld(replicas=1)
        self._world.boot()
        self._world.store.before_step = self._note_store
        self._world.database.request = self._counted(self._world.database.request)  # type: ignore[method-assign]
        self._units = {code: UnitSystem(self._world, unit, _ignore) for code, unit in self._world.units.units.items()}
        for system in self._units.values():
            system.begin()

    def of(self, package: Package) -> Costs:
        """Submit a package, and count until it is done."""
        self._counts.clear()
        self._units[package.sender].submit(package)
        self._world.loop.run_to(self._world.loop.time() + LONG_ENOUGH_SECONDS)
        counted: Costs = {}
        for (server, service, operation), count in sorted(self._counts.items()):
            counted.setdefault(server, {}).setdefault(service, {})[operation] = count
        return counted

    def _note_store(self, process: Process | None, what: str) -> str:
        self._note("store", process, what)
        return ""

    def _counted(self, request: Callable[..., Any]) -> Callable[..., Any]:
        async def counted(what: str, action: Callable[[], Any]) -> Any:
            self._note("database", CURRENT.get(), what)
            return await request(what, action)

        return counted

    def _note(self, server: str, process: Process | None, what: str) -> None:
        is_handling = trace.get_current_span().get_span_context().is_valid or what in IN_BACKGROUND
        if process is not None and process.name in SERVICES and is_handling and not what.endswith(" log"):
            self._counts[server, process.name, what.replace(f"{process.name}.", "")] += 1


def sums(costs_of_one: Costs) -> dict[str, dict[str, int]]:
    """By server, then by service."""
    return {
        server: {service: sum(counts.values()) for service, counts in services.items()}
        for server, services in costs_of_one.items()
    }


def _ignore(*_: object) -> None:
    """A unit that reports nothing by itself."""
