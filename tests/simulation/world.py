"""The trunk in one process: the real wiring of the five services, two replicas each, on models of all servers.

``running()`` patches the few names at which the services touch the world: the client libraries' entry points, the
clock, and the settings. Everything between them is the code that runs in production.
"""

import asyncio
import contextlib
import hashlib
import logging
import os
import random
import sys
from collections import Counter
from collections.abc import Callable, Coroutine, Iterator
from contextvars import copy_context
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from functools import cache
from importlib import import_module
from typing import Any
from unittest.mock import patch

import aiormq
import structlog
from opentelemetry import trace
from opentelemetry.sdk.trace import TracerProvider
from prometheus_client.metrics import MetricWrapperBase
from pymongo.errors import OperationFailure

from common import topology
from common.directory import CURRENT as CURRENT_DIRECTORY
from common.directory import read_directory
from common.domain.directory import Directory
from common.facts.flows import SERVICES
from common.objects import BUCKETS, DIRECTORY
from common.service import tolerant_decoding
from common.service.service import Service
from common.tlog.note import SignerKey
from notifier.compose import Channel
from tests.simulation.broker import Broker, Message
from tests.simulation.broker_client import Network
from tests.simulation.database import ModelDatabase, Server
from tests.simulation.loop import CURRENT, Process, VirtualLoop
from tests.simulation.make_city import CITY, DAY
from tests.simulation.outside import ModelSender, Outside
from tests.simulation.store import Client, Store, Version
from tests.simulation.verdicts import RememberingPool, RememberingReader

LOG_KEY = SignerKey("simulation/trunk", bytes(range(32)))
SETTINGS = {
    "TRUNK_DOOR_SECONDS": "60",
    "TRUNK_WAITING_SWEEP_SECONDS": "45",
    "TRUNK_SWEEP_SECONDS": "45",
    "TRUNK_REDRIVE_SWEEP_SECONDS": "60",
    "TRUNK_REFERENCE_SWEEP_SECONDS": "600",
    "TRUNK_INBOX_WATCH_SECONDS": "60",
    "TRUNK_DISPATCH_SECONDS": "60",
    "TRUNK_GAUGES_REFRESH_SECONDS": "600",
    "TRUNK_DIRECTORY_REFRESH_SECONDS": "300",
    "TRUNK_TRUST_REFRESH_SECONDS": "300",
    "TRUNK_CRL_REFRESH_SECONDS": "0",
    "TRUNK_SMTP_HOST": "mail.invalid",
    "TRUNK_LOG_KEY": LOG_KEY.seed.hex(),
    "TRUNK_LOG_ORIGIN": LOG_KEY.name,
    "TRUNK_SEAL_SECONDS": "60",
}
"""Periods are longer than in production, where they cost nothing but time; what they find is the same."""
CONSTANTS = {
    "common.service.consumer.RESCAN_SECONDS": 300.0,
    "notifier.main.ANNOUNCE_SECONDS": 30.0,
}
START_SECONDS = 30.0
CITY_UNITS = CITY / "directory.json"


class WorldClock:
    """In place of ``datetime`` where services ask for the time: each process by its own clock."""

    world: "World"

    @classmethod
    def now(cls, zone: Any = UTC) -> datetime:
        """The time, as the process that asks believes it to be."""
        process = CURRENT.get()
        skew = process.skew_seconds if process else 0.0
        return DAY.astimezone(zone) + timedelta(seconds=cls.world.loop.time() + skew)


@dataclass
class World:
    """One simulated trunk."""

    seed: int = 0
    replicas: int = 2
    loop: VirtualLoop = field(init=False)
    chance: random.Random = field(init=False)
    published: list[Message] = field(default_factory=list)
    """Every message of every service that some queue took, in order."""
    late_content: list[str] = field(default_factory=list)
    """Content that was placed at a unit after it had agreed to a recall."""
    let_in_at: dict[str, float] = field(default_factory=dict)
    """When intake announced that a package is let in, by package id; virtual time in seconds."""
    copies: Counter[tuple[str, str]] = field(default_factory=Counter)
    """How often a queue got the message of one event."""
    lapsed: Counter[str] = field(default_factory=Counter)
    """Packages of which intake heard nothing any more, though they counted as under way, by lane."""
    gaps: list[str] = field(default_factory=list)
    """Background work that failed for another reason than a server that is away: the models may lack something."""
    history: list[str] = field(default_factory=list)
    is_telling: bool = False
    """Whether the history is kept; it costs time."""
    processes: list[Process] = field(default_factory=list)
    services: dict[Process, Service] = field(default_factory=dict)
    mains: list[Any] = field(default_factory=list)
    """The main tasks of all processes: nobody else holds them."""

    def __post_init__(self) -> None:
        self.chance = random.Random(self.seed)
        random.seed(self.seed)
        self.loop = VirtualLoop(self.latency)
        self.broker = Broker(lambda delay, action: self.loop.call_later(delay, action, context=_NOBODY))
        self.broker.published = self._note_published
        self.network = Network(self.loop, self.broker, self.latency)
        self.database = Server(self.loop, self.latency)
        self.database.now = lambda: WorldClock.now(UTC)
        self.broker.now = lambda: WorldClock.now(UTC)
        self.store = Store(lambda: WorldClock.now(UTC))
        self.store.seconds = self.loop.time
        self.outside = Outside(self.loop.time, self.latency)
        self.units: Directory = read_directory(CITY_UNITS.read_bytes())

    def tell_all(self) -> None:
        """Keep the history, and in it what the services log."""
        self.is_telling = True

        def keep_line(_: Any, level: str, event: Any) -> str:
            exception = event.pop("exc_info", None)
            fields = " ".join(f"{name}={value}" for name, value in event.items() if name != "event")
            self.tell(f"{level}: {event['event']} {fields}" + (f" {exception!r}" if exception else ""))
            raise structlog.DropEvent

        structlog.configure(
            processors=[keep_line],
            wrapper_class=structlog.make_filtering_bound_logger(logging.INFO),
            cache_logger_on_first_use=False,
        )

    def latency(self) -> float:
        """Seconds of one way over the network: mostly short, now and then long."""
        drawn = self.chance.random()
        return drawn * drawn * 0.004 + (0.0002 if drawn < 0.97 else self.chance.random() * 0.5)

    def tell(self, text: str) -> None:
        """Note something in the history."""
        if self.is_telling:
            self.history.append(f"{self.loop.time():9.3f} {CURRENT.get() or ''!s:14} {text}")

    # processes

    def boot(self) -> None:
        """Declare the topology, import the directory, and start all services until they consume."""
        whole = topology.static_topology()
        for unit in self.units.units.values():
            whole += topology.unit_topology(unit)
        self.broker.apply(whole)
        self.store.buckets.update(BUCKETS)
        self.store.objects[DIRECTORY, CURRENT_DIRECTORY] = [Version("v0", CITY_UNITS.read_bytes())]
        for name in SERVICES:
            for replica in range(1, self.replicas + 1):
                self.start(name, replica)
        self.loop.run_to(START_SECONDS)

    def start(self, name: str, replica: int, skew_seconds: float = 0.0) -> Process:
        """Start one process of a service."""
        process = Process(name, replica, skew_seconds)
        self.processes.append(process)
        context = copy_context()
        context.run(CURRENT.set, process)
        service = context.run(self._build, name)
        self.services[process] = service
        self.mains.append(self.loop.create_task(_serve(service), name=str(process), context=context))
        return process

    def spawn(self, name: str, work: Coroutine[Any, Any, Any]) -> Process:
        """Run something as a process of its own: a unit."""
        process = Process(name)
        context = copy_context()
        context.run(CURRENT.set, process)
        self.mains.append(self.loop.create_task(work, name=name, context=context))
        return process

    def crash(self, process: Process) -> None:
        """SIGKILL: nothing of it runs any more, and its connections end."""
        if process.is_alive:
            self.tell(f"{process} crashes")
            process.is_alive = False
            for connection in process.connections:
                self.loop.call_later(self.latency(), connection.lose, context=_NOBODY)
            self.services.pop(process, None)

    @property
    def alive(self) -> list[Process]:
        """Running processes of services."""
        return list(self.services)

    def _build(self, name: str) -> Service:
        os.environ["TRUNK_AMQP_URL"] = f"amqp://{name}:secret@broker/trunk"
        built: Service = import_module(f"{name}.main").build()
        return built

    def _note_published(self, message: Message, queues: list[str]) -> None:
        self.published.append(message)
        self._note_late_content(message)
        event = str(message.headers.get("x-event-id", ""))
        if message.properties.get("message_type") in ("package.accepted", "notice.accepted"):
            self.let_in_at.setdefault(event.partition(":")[0], self.loop.time())
        for queue in queues:
            self.copies[queue, event] += 1
        self.tell(f"{message.user} publishes {message.properties.get('message_type')} {event} to {', '.join(queues)}")

    def _note_late_content(self, message: Message) -> None:
        if message.exchange != topology.INBOX or message.properties.get("message_type") != "document":
            return
        key = f"{message.headers.get('x-document-key')}/{message.routing_key}"
        row = self.database.rows.get("router.deliveries", {}).get(key)
        if row and row["state"] == "RECALLED" and message.headers.get("x-kind") in ("new", "update", "replace"):
            self.late_content.append(f"{message.headers.get('x-event-id')} placed after the recall was agreed to")

    def digest(self) -> str:
        """Of everything that was published."""
        digest = hashlib.sha256()
        for message in self.published:
            digest.update(f"{message.user} {message.routing_key} {message.headers.get('x-event-id')}".encode())
            digest.update(message.body)
        return digest.hexdigest()[:16]

    # what is there

    def rows(self, name: str) -> list[dict[str, Any]]:
        """All documents of ``<service>.<collection>``."""
        return list(self.database.rows.get(name, {}).values())


async def _serve(service: Service) -> None:
    """As the HTTP server does: until the process ends."""
    async with service.running():
        await asyncio.Event().wait()


def _nobody() -> Any:
    context = copy_context()
    context.run(CURRENT.set, None)
    return context


_NOBODY = _nobody()


@contextlib.contextmanager
def patched(world: Callable[[], World]) -> Iterator[None]:
    """The services' ways to the outer world lead to the models of ``world()`` meanwhile."""
    with contextlib.ExitStack() as stack:
        stack.enter_context(patch.dict(os.environ, SETTINGS))

        def replaced(place: str, value: Any) -> None:
            module, _, name = place.rpartition(".")
            stack.enter_context(patch.object(import_module(module), name, value))

        tracer = trace.get_tracer("trunk")
        replaced("common.service.tracing._tracer", lambda: tracer)
        stack.enter_context(patch.object(MetricWrapperBase, "labels", cache(MetricWrapperBase.labels)))
        for place, constant in CONSTANTS.items():
            replaced(place, constant)
        replaced("common.clock.datetime", WorldClock)
        replaced("common.objects._client", lambda *_: Client(world().store))
        replaced("common.service.service.setup_traces", lambda *_: TRACES)
        replaced("validator.workers.service.Pool", RememberingPool)
        replaced("validator.workers.service.MaterialReader", RememberingReader)
        replaced("notifier.main.senders", lambda settings: _senders(world().outside, settings))
        for service in SERVICES:
            main = import_module(f"{service}.main")
            replaced(f"{service}.main.Database", lambda settings, name: ModelDatabase(world().database, name))
            replaced(f"{service}.main.{service.title()}Settings", _remembered(service, main))
        stack.enter_context(
            patch.object(aiormq, "connect", lambda url, **options: world().network.connect(url, **options))
        )
        tolerant_decoding.install()
        structlog.configure(
            wrapper_class=structlog.make_filtering_bound_logger(logging.CRITICAL), cache_logger_on_first_use=False
        )
        replaced("intake.under_way.record_under_way_lapsed", lambda lane: world().lapsed.update([lane]))
        replaced("common.tasks.record_task_failure", lambda name: _note_failure(world(), name))
        yield


TRACES = TracerProvider()


def _note_failure(world: World, task: str) -> None:
    error = sys.exc_info()[1]
    if isinstance(error, TypeError | AttributeError | LookupError | OperationFailure):
        world.gaps.append(f"{task}: {error!r}")


def _remembered(service: str, main: Any) -> Callable[[], Any]:
    """Settings are read once: processes of one service differ in nothing."""
    kind, kept = getattr(main, f"{service.title()}Settings"), []

    def settings() -> Any:
        if not kept:
            kept.append(kind())
        return kept[0]

    return settings


def _senders(outside: Outside, settings: Any) -> dict[Channel, Any]:
    return {
        Channel.WEBHOOK: ModelSender(outside, Channel.WEBHOOK, settings.webhook_timeout_seconds),
        Channel.EMAIL: ModelSender(outside, Channel.EMAIL, settings.smtp_timeout_seconds),
    }
