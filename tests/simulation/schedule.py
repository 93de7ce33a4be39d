"""One schedule: what the units do, what goes wrong and when, all drawn from one seed; then everything is healed.

Three kinds. In a *storm* anything may go wrong anywhere, and in the end everything must be right. In a schedule of
*isolation* one unit alone is disturbed or floods the trunk, and what passes between the others must not be late. A
*scene* is scripted, and has to end as it says.
"""

from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field
from random import Random

from common.domain.names import Lane, StatusCode
from common.topology import MARK, PROGRESS, inbox_queue
from tests.simulation import packages
from tests.simulation.broker_client import Connection
from tests.simulation.loop import Process
from tests.simulation.make_city import MEMBERS
from tests.simulation.packages import Package
from tests.simulation.scenes import NAMES, Scene
from tests.simulation.units import Item, UnitSystem
from tests.simulation.verdicts import RememberingPool
from tests.simulation.world import World

MAX_SKEW_SECONDS = 300.0
STORM_SECONDS = 40.0
ISOLATIONS, SCENES = 0.08, 0.08
"""Shares of all schedules; the others are storms."""
RESTART_SECONDS = (1.0, 15.0)
SETTLE_SECONDS = 3 * 3600.0
"""After that, what is not settled never will be."""
LOOK_SECONDS = 5.0
REPORTS: tuple[tuple[StatusCode, ...], ...] = (
    *((),) * 4,
    (StatusCode.ARRIVED,),
    (StatusCode.ACCEPTED,),
    (StatusCode.REFUSED,),
    (StatusCode.ARRIVED, StatusCode.ACCEPTED),
)
"""What a receiver reports on a document."""
QUIET_SECONDS = 20.0
"""What still happens after everything seems done is seen within this."""


DECISIONS = {
    "intake": "intake.packages",
    "validator": "validator.verdicts",
    "router": "router.decisions",
    "archive": "archive.records",
}
"""Where each service saves what it announces."""


@dataclass
class Schedule:
    """A schedule while it runs, and what it has to be judged by."""

    world: World
    chance: Random
    kind: str = "storm"
    units: dict[str, UnitSystem] = field(default_factory=dict)
    faults: list[str] = field(default_factory=list)
    """What went wrong, for the history and for the bounds."""
    disturbed: str = ""
    """In a schedule of isolation: the unit that is disturbed."""
    scene: Scene | None = None
    error_rates: dict[str, float] = field(default_factory=dict)
    """Chance that a request fails, by the first word of what it is."""
    failed_steps: Counter[str] = field(default_factory=Counter)
    """How many requests have failed so, by the service that made them."""
    cut_rate: float = 0.0
    cuts: int = 0
    """Connections that were cut around a frame."""
    rejected: set[str] = field(default_factory=set)
    """Packages that a receiver turned away for good."""
    archived_at: dict[str, float] = field(default_factory=dict)
    """When the archive saved its record, by package id; virtual time in seconds."""
    is_settled: bool = False

    def run(self) -> None:
        """Run it to the end."""
        world, chance = self.world, self.chance
        for process in world.processes:
            process.skew_seconds = chance.choice((0.0, 0.0, chance.uniform(-MAX_SKEW_SECONDS, MAX_SKEW_SECONDS)))
        self._hook()
        for code, unit in world.units.units.items():
            self.units[code] = UnitSystem(world, unit, self._react)
            self.units[code].begin()
        start = world.loop.time()
        draw = chance.random()
        self.kind = "isolation" if draw < ISOLATIONS else "scene" if draw >= 1.0 - SCENES else "storm"
        match self.kind:
            case "isolation":
                self._isolate()
            case "scene":
                self._play()
            case _:
                self._storm()
        world.loop.run_to(start + STORM_SECONDS)
        self._heal()
        self._settle()

    # what units do

    def _draw_packages(self, senders: tuple[str, ...], count: int) -> list[Package]:
        chance, drawn = self.chance, list[Package]()
        focus = chance.choice(senders), chance.randint(1, 2)
        for _ in range(count):
            sender, number = focus if chance.random() < 0.75 else (chance.choice(senders), chance.randint(1, 2))
            receivers = chance.choice(list(packages.all_receivers(sender)))
            lane = chance.choice((Lane.NORMAL, Lane.NORMAL, Lane.URGENT))
            kind = chance.choices(
                ("new", "altered", "update", "share", "recall", "replace", "noise", "again"), (10, 2, 5, 1, 4, 1, 1, 2)
            )[0]
            match kind:
                case "new":
                    drawn.append(packages.new(sender, receivers, number, lane))
                case "altered":
                    drawn.append(packages.new(MEMBERS[0], (MEMBERS[1],), 3, lane, is_altered=True))
                case "update":
                    drawn.append(packages.update(sender, receivers, number, chance.randint(1, 2)))
                case "share":
                    drawn.append(packages.update(sender, receivers[:1], number, 9, has_content=False))
                case "recall":
                    drawn.append(packages.recall(sender, receivers, number))
                case "replace":
                    drawn.append(packages.replace(sender, receivers, 7, number))
                case "noise":
                    drawn.append(packages.noise(sender, number))
                case "again" if drawn:
                    drawn.append(chance.choice(drawn))
        return drawn or [packages.new(MEMBERS[0], (MEMBERS[1],), 1, Lane.NORMAL)]

    def _react(self, system: UnitSystem, item: Item) -> None:
        """A receiver reports on what it got, now and then."""
        if self.scene:
            self.scene.react(system, item)
            return
        code, chance = system.unit.code, self.chance
        kind, issuer = item.headers.get("x-kind"), str(item.headers.get("x-sender", ""))
        identifier = str(item.headers.get("x-document-id", ""))
        if issuer not in self.units:
            return
        if item.type == "document" and kind in ("new", "replace"):
            for status in chance.choice(REPORTS):
                system.submit(packages.report(code, issuer, identifier, status), chance.uniform(0.0, 3.0))
        elif item.type == "document" and kind in ("recall", "update"):
            answer = chance.choice((StatusCode.AGREED, StatusCode.DECLINED, None))
            if answer:
                system.submit(packages.report(code, issuer, identifier, answer), chance.uniform(0.0, 3.0))

    # what goes wrong

    def _storm(self) -> None:
        chance = self.chance
        for package in self._draw_packages(MEMBERS, chance.choice((1, 1, 2, 2, 2, 3, 3, 4, 6))):
            self.units[package.sender].submit(package, chance.uniform(0.0, STORM_SECONDS * 0.5))
        for _ in range(chance.choice((0, 1, 1, 2, 2, 3, 4, 5))):
            fault = chance.choices(list(FAULTS), list(FAULTS.values()))[0]
            self._at(chance.uniform(0.0, STORM_SECONDS * 0.55), fault)

    def _isolate(self) -> None:
        chance = self.chance
        self.disturbed, others = MEMBERS[3], MEMBERS[:3]
        for package in self._draw_packages(others, chance.randint(1, 4)):
            if package.kind in ("new", "altered", "noise"):
                self.units[package.sender].submit(package, chance.uniform(1.0, 10.0))
        for sender in others:  # a letter to all, of which the disturbed unit's copy may have to wait
            *_, everybody = packages.all_receivers(sender)
            self.units[sender].submit(packages.new(sender, everybody, 2, Lane.NORMAL), chance.uniform(1.0, 10.0))
        for disturbance in chance.sample((fill_inbox, silence_inbox, flood, hang_webhook), chance.randint(1, 3)):
            self.faults.append(disturbance.__name__)
            disturbance(self, self.disturbed, STORM_SECONDS)

    def _play(self) -> None:
        answer = self.chance.choice((StatusCode.AGREED, StatusCode.DECLINED))
        self.scene = Scene(self, self.chance.choice(NAMES), answer)
        self.faults.append(self.scene.name)
        self.scene.begin()

    def _at(self, delay: float, fault: "Fault") -> None:
        def begin() -> None:
            self.world.tell(f"fault: {fault.__name__}")
            self.faults.append(fault.__name__)
            fault(self)

        self.world.loop.call_later(delay, begin)

    def later(self, delay: float, action: Callable[[], object]) -> None:
        """Do something during the storm, or at once when it is over."""
        self.world.loop.call_later(min(delay, STORM_SECONDS), action)

    def for_a_while(self, begin: Callable[[], object], end: Callable[[], object]) -> None:
        """A fault that lasts."""
        begin()
        self.later(self.chance.expovariate(1 / 6.0) + 0.2, end)

    def revive(self, process: Process) -> None:
        """A new process in the place of a dead one."""

        def start() -> None:
            alive = [each for each in self.world.alive if (each.name, each.replica) == (process.name, process.replica)]
            if not alive:
                self.world.start(process.name, process.replica, process.skew_seconds)

        self.world.loop.call_later(self.chance.uniform(*RESTART_SECONDS), start)

    def crash(self, process: Process) -> None:
        """SIGKILL, and a restart by whoever watches."""
        self.world.crash(process)
        self.revive(process)

    # hooks into the models

    def _hook(self) -> None:
        world = self.world
        world.database.before_step = self._before
        world.store.before_step = self._before
        world.outside.before_step = self._before
        for each in (world.database, world.store, world.outside):
            each.after_step = self._after
        world.network.before_step = self._before_frame
        world.network.after_step = self._after_frame

    def _before(self, process: Process | None, what: str) -> str:
        if process is None:
            return ""
        process.steps += 1
        if process.crash_at == process.steps or (process.crash_on and what.startswith(process.crash_on)):
            process.crash_on = ""
            self.world.tell(f"crash of {process} before {what}")
            self.crash(process)
            return ""
        rate = self.error_rates.get(what.partition(" ")[0], 0.0) or self.error_rates.get(kind_of(what), 0.0)
        if rate and self.chance.random() < rate:
            failure = self.chance.choice(("before", "after"))
            self.world.tell(f"{process}: error {failure} {what}")
            self.failed_steps[process.name] += 1
            return failure
        return ""

    def _after(self, process: Process | None, what: str) -> None:
        if what == "insert archive.records":
            for package_id in self.world.database.rows.get("archive.records", {}):
                self.archived_at.setdefault(package_id, self.world.loop.time())
        if process is None:
            return
        if process.crash_at == -process.steps or (process.crash_on and f"~{what}".startswith(process.crash_on)):
            process.crash_on = ""
            self.world.tell(f"crash of {process} after {what}")
            self.crash(process)

    def _before_frame(self, connection: Connection, what: str) -> None:
        process = connection.process
        if process is None or process not in self.world.services:
            return
        self._before(process, what)
        self._maybe_cut(connection, process, what, "before")

    def _after_frame(self, connection: Connection, what: str) -> None:
        process = connection.process
        if process is None or process not in self.world.services:
            return
        self._after(process, what)
        self._maybe_cut(connection, process, f"~{what}", "after")

    def _maybe_cut(self, connection: Connection, process: Process, what: str, when: str) -> None:
        is_chosen = bool(process.cut_on) and what.startswith(process.cut_on)
        if is_chosen or (self.cut_rate and self.chance.random() < self.cut_rate):
            process.cut_on = "" if is_chosen else process.cut_on
            self.cuts += 1
            self.world.tell(f"{process}: connection cut {when} {what}")
            connection.lose()

    # the end

    def _heal(self) -> None:
        world = self.world
        world.tell("healed")
        self.error_rates.clear()
        self.cut_rate = 0.0
        world.database.is_down = world.store.is_down = world.broker.is_down = False
        RememberingPool.is_overloaded = staticmethod(lambda: False)
        world.outside.statuses = lambda notification: 200
        world.broker.lateness = lambda queue: 0.0
        if world.broker.is_alarmed:
            world.broker.set_alarm(is_on=False)
        for queue in world.broker.queues.values():
            queue.filler = 0
            world.broker.lead(queue, is_silent=False)
            world.broker.dispatch(queue)
        for process in world.processes:
            process.crash_at, process.crash_on, process.cut_on = 0, "", ""
        for system in self.units.values():
            system.rejects = lambda delivered: False

    def _settle(self) -> None:
        """Run until nothing waits, and a little longer."""
        loop, latest = self.world.loop, self.world.loop.time() + SETTLE_SECONDS
        while loop.time() < latest and not self.is_settled:
            if not self.unfinished():
                loop.run_to(loop.time() + QUIET_SECONDS)
                self.is_settled = not self.unfinished()
            else:
                loop.run_to(loop.time() + LOOK_SECONDS)

    def unfinished(self) -> list[str]:
        """What still waits for something."""
        world = self.world
        unfinished = [
            f"{len(queue.ready)} + {len(queue.delayed)} + {len(queue.unacked)} messages in {name}"
            for name, queue in world.broker.queues.items()
            if name != MARK and (queue.ready or queue.delayed or queue.unacked or queue.held_up)
        ]
        unfinished += [
            f"{each.package.name} of {code} not confirmed"
            for code, system in self.units.items()
            for each in system.submitted
            if each.confirmed_at is None
        ]
        unfinished += [
            f"placing {row['_id']} {row['state']}"
            for row in world.rows("router.placings")
            if row["state"] in ("due", "waiting")
        ]
        known = world.database.rows.get("intake.claims", {})
        for row in world.rows("intake.waiting"):
            come = [key in known for key in row["awaited"]]
            if all(come) if row.get("needs_all") else any(come):
                unfinished.append(f"package {row['_id']} waits for a document that has come")
        unfinished += [
            f"entry {row['_id']} is not sealed" for row in world.rows("archive.ledger") if not row["is_sealed"]
        ]
        unfinished += [f"record {row['_id']} waits" for name in world.database.rows if name.endswith("message_records")
                 for row in world.rows(name) if row["state"] in ("given_up", "replaying")]  # fmt: skip
        return unfinished


Fault = Callable[[Schedule], None]


def kind_of(what: str) -> str:
    """Which server a request goes to."""
    word = what.partition(" ")[0]
    if word in ("insert", "find", "update", "delete", "count"):
        return "database"
    if word in ("put", "get", "stat", "remove", "list", "retain"):
        return "store"
    return word


def crash_at_step(schedule: Schedule) -> None:
    """One process dies at one of its next requests, before or after it has its effect."""
    process = schedule.chance.choice(schedule.world.alive)
    step = process.steps + int(schedule.chance.expovariate(1 / 15.0)) + 1
    process.crash_at = step * schedule.chance.choice((1, -1))


def of_some_service(schedule: Schedule) -> Process:
    """A process; those that decide more often."""
    alive = schedule.world.alive
    weights = [2 if process.name in ("intake", "router") else 1 for process in alive]
    return schedule.chance.choices(alive, weights)[0]


def crash_at_write(schedule: Schedule) -> None:
    """One process dies before or after its next write or publish."""
    process = of_some_service(schedule)
    request = schedule.chance.choice(("insert", "update", "publish", "publish", "put"))
    process.crash_on = schedule.chance.choice(("", "~")) + request


def crash_after_saving(schedule: Schedule) -> None:
    """One process dies between saving its next decision and announcing it."""
    process = schedule.chance.choice([each for each in schedule.world.alive if each.name in DECISIONS])
    process.crash_on = f"~insert {DECISIONS[process.name]}"


def cut_at_publish(schedule: Schedule) -> None:
    """One process loses its connection before or after its next publish."""
    process = of_some_service(schedule)
    process.cut_on = schedule.chance.choice(("", "~")) + "publish"


def crash_now(schedule: Schedule) -> None:
    """One process dies."""
    schedule.crash(schedule.chance.choice(schedule.world.alive))


def crash_service(schedule: Schedule) -> None:
    """Both replicas of a service die."""
    name = schedule.chance.choice(schedule.world.alive).name
    for process in [each for each in schedule.world.alive if each.name == name]:
        schedule.crash(process)


def database_errors(schedule: Schedule) -> None:
    """Requests fail, with or without their effect."""
    schedule.for_a_while(
        lambda: schedule.error_rates.update(database=schedule.chance.choice((0.02, 0.1, 0.3))),
        lambda: schedule.error_rates.pop("database", None),
    )


def database_down(schedule: Schedule) -> None:
    """No server answers."""
    database = schedule.world.database
    schedule.for_a_while(lambda: setattr(database, "is_down", True), lambda: setattr(database, "is_down", False))


def store_errors(schedule: Schedule) -> None:
    """The same of the object store."""
    schedule.for_a_while(
        lambda: schedule.error_rates.update(store=schedule.chance.choice((0.05, 0.3))),
        lambda: schedule.error_rates.pop("store", None),
    )


def store_down(schedule: Schedule) -> None:
    """The object store is away."""
    store = schedule.world.store
    schedule.for_a_while(lambda: setattr(store, "is_down", True), lambda: setattr(store, "is_down", False))


def cut_frames(schedule: Schedule) -> None:
    """Connections break around publishes and acknowledgements."""
    schedule.for_a_while(
        lambda: setattr(schedule, "cut_rate", schedule.chance.choice((0.02, 0.1))),
        lambda: setattr(schedule, "cut_rate", 0.0),
    )


def cut_connections(schedule: Schedule) -> None:
    """Some connections break at the same moment."""
    for connection in list(schedule.world.network.connections):
        if schedule.chance.random() < 0.3:
            connection.lose()


def broker_down(schedule: Schedule) -> None:
    """The broker restarts: all connections break, none can be opened."""
    broker = schedule.world.broker

    def begin() -> None:
        broker.is_down = True
        for connection in list(schedule.world.network.connections):
            connection.lose()

    def end() -> None:
        broker.is_down = False
        for queue in broker.queues.values():
            broker.dispatch(queue)

    schedule.for_a_while(begin, end)


def alarm(schedule: Schedule) -> None:
    """The broker takes no publishes."""
    broker = schedule.world.broker
    schedule.for_a_while(lambda: broker.set_alarm(is_on=True), lambda: broker.set_alarm(is_on=False))


def disorder(schedule: Schedule) -> None:
    """Messages come late, behind others."""
    chance, broker = schedule.chance, schedule.world.broker
    schedule.for_a_while(
        lambda: setattr(broker, "lateness", lambda queue: chance.uniform(0.0, 5.0) if chance.random() < 0.4 else 0.0),
        lambda: setattr(broker, "lateness", lambda queue: 0.0),
    )


def duplicate(schedule: Schedule) -> None:
    """A fact that was published comes once more, as after an unknown outcome."""
    world = schedule.world
    for message in [each for each in world.published if each.exchange == "trunk.facts"][-40:]:
        if schedule.chance.random() < 0.3:
            world.broker.publish(message.user, message.exchange, message.routing_key, message.body,
                                 message.properties, message.headers)  # fmt: skip


def some_inbox_full(schedule: Schedule) -> None:
    """A unit does not read."""
    fill_inbox(schedule, schedule.chance.choice(MEMBERS), schedule.chance.uniform(1.0, STORM_SECONDS))


def some_inbox_silent(schedule: Schedule) -> None:
    """An inbox has no leader."""
    silence_inbox(schedule, schedule.chance.choice(MEMBERS), schedule.chance.uniform(1.0, STORM_SECONDS))


def facts_queue_silent(schedule: Schedule) -> None:
    """A queue of facts, or the stream beside them, has no leader."""
    broker = schedule.world.broker
    names = [*(name for name in broker.queues if name.startswith(("facts.", "place."))), PROGRESS]
    queue = broker.queues[schedule.chance.choice(names)]
    schedule.for_a_while(lambda: broker.lead(queue, is_silent=True), lambda: broker.lead(queue, is_silent=False))


def overloaded(schedule: Schedule) -> None:
    """The validator's machine is too slow: documents get no answer in time."""
    chance = schedule.chance
    schedule.for_a_while(
        lambda: setattr(RememberingPool, "is_overloaded", staticmethod(lambda: chance.random() < 0.5)),
        lambda: setattr(RememberingPool, "is_overloaded", staticmethod(lambda: False)),
    )


def receivers_fail(schedule: Schedule) -> None:
    """Webhooks and the mail server answer with errors, or not at all."""
    chance, outside = schedule.chance, schedule.world.outside
    schedule.for_a_while(
        lambda: setattr(outside, "statuses", lambda notification: chance.choice((200, 0, 503, 429, 451))),
        lambda: setattr(outside, "statuses", lambda notification: 200),
    )


def reject_one(schedule: Schedule) -> None:
    """A receiver turns a message in its inbox away for good."""
    system = schedule.units[schedule.chance.choice(MEMBERS)]

    def rejects(delivered: object) -> bool:
        system.rejects = lambda delivered: False
        headers = delivered.header.properties.headers  # type: ignore[attr-defined]
        schedule.rejected.add(str(headers.get("x-event-id")))
        return True

    system.rejects = rejects


def lose_sessions(schedule: Schedule) -> None:
    """A receiver's sessions end again and again before it acknowledges."""
    code = schedule.chance.choice(MEMBERS)
    for round_number in range(schedule.chance.choice((3, 8))):

        def cut() -> None:
            for connection in list(schedule.world.network.connections):
                if connection.name == f"{code} reads":
                    connection.lose()

        schedule.later(round_number * 2.5, cut)


FAULTS: dict[Fault, float] = {
    crash_at_step: 4,
    crash_at_write: 7,
    crash_after_saving: 5,
    cut_at_publish: 4,
    crash_now: 2,
    crash_service: 1,
    database_errors: 3,
    database_down: 2,
    store_errors: 2,
    store_down: 2,
    cut_frames: 3,
    cut_connections: 2,
    broker_down: 2,
    alarm: 2,
    disorder: 4,
    duplicate: 3,
    some_inbox_full: 2,
    some_inbox_silent: 1,
    facts_queue_silent: 1,
    overloaded: 1,
    receivers_fail: 2,
    reject_one: 1,
    lose_sessions: 1,
}


def fill_inbox(schedule: Schedule, code: str, seconds: float) -> None:
    """The inbox of a unit is at its limit."""
    queue = schedule.world.broker.queues[inbox_queue(code)]
    queue.filler = 10**6

    def empty() -> None:
        queue.filler = 0

    schedule.later(seconds, empty)


def silence_inbox(schedule: Schedule, code: str, seconds: float) -> None:
    """The inbox of a unit gives no answer."""
    broker = schedule.world.broker
    queue = broker.queues[inbox_queue(code)]
    broker.lead(queue, is_silent=True)
    schedule.later(seconds, lambda: broker.lead(queue, is_silent=False))


def flood(schedule: Schedule, code: str, seconds: float) -> None:
    """A unit submits as fast as it can."""
    for number in range(24):
        schedule.units[code].submit(packages.noise(code, number + 10), 0.5)


def hang_webhook(schedule: Schedule, code: str, seconds: float) -> None:
    """A unit's webhook never answers."""
    schedule.world.outside.statuses = lambda notification: 0 if notification.unit == code else 200
