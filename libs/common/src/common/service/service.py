"""The chassis of a service: one process that consumes messages, decides, and announces facts."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable, Iterable, Mapping
from contextlib import asynccontextmanager
from datetime import timedelta

import structlog
import uvicorn
from opentelemetry import trace
from starlette.applications import Starlette

from common import topology
from common.clock import utc_now
from common.database import Database
from common.directory import DirectoryReader
from common.domain.names import Lane
from common.facts import BaseFact, OperatorRequested
from common.failure import Outage
from common.indexes import SCHEMA_VERSION
from common.metrics import begin_counting, set_build, set_messages_held, set_schema_version, set_urgency_budget
from common.objects import Objects
from common.service import tolerant_decoding
from common.service.bodies import ParkedBodies
from common.service.consumer import Consumer, Line
from common.service.depths import QueueDepths
from common.service.ending import end_within
from common.service.facts_in import FactHandler, FactHandlers
from common.service.health import Check, Readiness, routes
from common.service.incoming import Incoming
from common.service.listener import Heard, Listener
from common.service.outgoing import Outgoing, PublishRefused, fact_message, saved_fact_message
from common.service.paced import Paced
from common.service.parking import Parking
from common.service.process import Handler, Processor
from common.service.publishers import Publishers
from common.service.record_store import MongoRecords
from common.service.records import MessageRecord
from common.service.settle import Settlement
from common.settings import ServiceSettings
from common.tasks import Tasks
from common.telemetry import flush_traces, setup_logs, setup_traces

log = structlog.get_logger("trunk.service")

EXPIRY_SECONDS = 3600.0
"""Pause between two removals of expired message records."""
DEAD_LETTERS_PREFETCH = 2
MANY_QUEUES_PREFETCH = 2
"""Prefetch of each queue where there are many: small, so that a long queue has no advantage over a short one."""
Hook = Callable[[], Awaitable[None]]


class Service:
    """One service. Handlers, dependencies and background work are added before ``run``."""

    def __init__(self, name: str, settings: ServiceSettings, database: Database, objects: Objects) -> None:
        self.name = name
        self.settings = settings
        self.readiness = Readiness(name)
        self.tasks = Tasks()
        self.lanes = [settings.lane] if settings.lane else list(reversed(Lane))
        self._url = settings.amqp_url.get_secret_value()
        self._tracer_provider = setup_traces(name, settings)
        self._records = MongoRecords(database)
        self._depths = QueueDepths(self._url, f"{name} asks for depths")
        self._handlers: dict[str, Handler] = {}
        self._consumers: dict[str, Consumer] = {}
        self._listeners: list[Listener] = []
        self._at_start: list[Callable[[], None]] = []
        self._stops: list[Hook] = []
        self.publisher = Publishers(self._url, name)
        self._processor = Processor(
            name,
            self._records,
            patience=timedelta(hours=settings.patience_hours),
            handler_seconds=settings.handler_seconds,
            slots=settings.prefetch,
            on_security=self._security,
        )
        bodies = ParkedBodies(objects)
        self._parking = Parking(name, self._records, bodies, self, self._processor, self._handler_for)
        self._needs_of_every_service(database, objects)
        self._introduce()

    def uses(self, directory: DirectoryReader) -> None:
        """Refresh the unit directory in the background. The service is ready once it is loaded."""
        self.needs("directory", directory.check)
        self.does("unit directory", directory.refresh, directory.pause_seconds)

    def on_facts(self, handlers: Mapping[type[BaseFact], FactHandler]) -> None:
        """Consume facts in the lanes of this process.

        ``handlers``: exactly those facts that the table of facts (``common.facts.flows``) says the service takes;
        otherwise raises ``ValueError``. Operators' decisions about parked messages are carried out here, after the
        service's own handler of ``OperatorRequested``, if it has one.
        """

        async def operator_requested(request: OperatorRequested) -> None:
            if own := handlers.get(OperatorRequested):
                await own(request)
            await self._parking.act(request)

        handle = FactHandlers(self.name, {**handlers, OperatorRequested: operator_requested})
        for lane in self.lanes:
            self.on_queue(topology.facts_queue(self.name, lane), handle)

    def on_queue(self, queue: str, handle: Handler) -> None:
        """Consume a queue that must exist. The service is not ready without it."""
        self.handles(queue, handle)
        self._consume(queue, lambda: (queue,), handle, self.settings.prefetch)

    def on_queues(
        self,
        name: str,
        queues: Callable[[], Iterable[str]],
        prefix: str,
        handle: Handler,
        line: Line | None = None,
    ) -> Consumer:
        """Consume a changing set of queues, all named ``<prefix>…``. Returns their consumer.

        ``queues``: gives the queues to consume now; ``line``: where their messages wait before they are handled. The
        service is ready also if some do not exist yet, because a unit was imported before it was provisioned.
        """
        self.handles(prefix, handle)
        return self._consume(name, queues, handle, MANY_QUEUES_PREFETCH, may_lack_queues=True, line=line)

    def hears(self, stream: str, heard: Heard, is_on: Callable[[bool], None]) -> None:
        """Read a stream. The service is ready without it: ``is_on`` is called with whether the stream can be read.

        ``heard``: called for each message with its routing key and correlation id.
        """
        self._listeners.append(Listener(self._url, f"{self.name} hears {stream}", stream, heard, is_on))

    def handles(self, prefix: str, handle: Handler) -> None:
        """Register the handler for replays of parked messages from queues named ``<prefix>…``."""
        self._handlers[prefix] = handle

    def needs(self, dependency: str, check: Check) -> None:
        """Make the service ready only while ``check`` returns without raising."""
        self.readiness.needs(dependency, check)

    def does(self, name: str, work: Callable[[], Awaitable[object]], pause_seconds: Callable[[], float]) -> None:
        """Do ``work`` in the background at the start, and again after each pause."""
        self._at_start.append(lambda: self.tasks.every(name, work, pause_seconds))

    def refreshes(self, name: str, work: Callable[[], Awaitable[object]]) -> None:
        """Do ``work`` in the background every ``gauges_refresh_seconds``."""
        self.does(name, work, lambda: self.settings.gauges_refresh_seconds)

    def counts(self, name: str, work: Callable[[], Awaitable[object]]) -> None:
        """Do ``work``, which counts rows, in the background; the longer it takes, the longer are the pauses."""
        paced = Paced(work, self.settings.gauges_refresh_seconds)
        self.does(name, paced.run, paced.pause_seconds)

    def at_end(self, stop: Hook) -> None:
        """Run ``stop`` at the end, after the last message was handled."""
        self._stops.append(stop)

    async def announce(self, fact: BaseFact) -> None:
        """Publish a fact, and return when the broker has confirmed it. Raises ``Outage`` if the broker refuses it."""
        await self._announce(fact_message(fact))

    async def announce_saved(self, body: bytes) -> None:
        """The same for a saved fact, which is published byte for byte."""
        await self._announce(saved_fact_message(body))

    async def publish(self, message: Outgoing) -> None:
        """Publish a message, and return when the broker has confirmed it. Raises ``PublishRefused``."""
        await self.publisher.publish(message)

    async def depths(self, queues: Iterable[str]) -> dict[str, int]:
        """Messages ready in queues, by queue. Raises ``Outage`` if the broker does not say."""
        return await self._depths.ask(queues)

    async def depths_of_existing(self, queues: Iterable[str]) -> dict[str, int]:
        """The same for those of the queues that exist."""
        return await self._depths.ask_existing(queues)

    async def check_publishing(self) -> None:
        """Raises ``Outage`` while nothing can be published."""
        try:
            await self.publisher.check()
        except ConnectionError as error:
            raise Outage("broker", str(error)) from error

    @asynccontextmanager
    async def running(self) -> AsyncIterator[None]:
        """Consume while the block runs, then drain: running handlers may finish, and publish."""
        tolerant_decoding.install()
        self.tasks.keep("publisher", self.publisher.run)
        for start in self._at_start:
            start()
        for listener in self._listeners:
            self.tasks.keep(listener.name, listener.run)
        for name, consumer in self._consumers.items():
            self.tasks.keep(f"consumer {name}", consumer.run)
        try:
            yield
        finally:
            await self._drain()

    def run(self) -> None:
        """Run the service until SIGTERM, then drain and end."""
        setup_logs(self.name, self.settings.log_level)
        trace.set_tracer_provider(self._tracer_provider)
        log.info("starting", port=self.settings.http_port)

        @asynccontextmanager
        async def lifespan(_: Starlette) -> AsyncIterator[None]:
            async with self.running():
                yield
            end_within()

        uvicorn.run(
            Starlette(routes=routes(self.readiness), lifespan=lifespan),
            host=self.settings.http_host,
            port=self.settings.http_port,
            log_config=None,
            access_log=False,
        )

    async def _announce(self, message: Outgoing) -> None:
        try:
            await self.publisher.publish(message)
        except PublishRefused as error:
            raise Outage("broker", f"{type(error).__name__}: {error}") from error

    async def _drain(self) -> None:
        await asyncio.gather(*(each.stop(self.settings.drain_seconds) for each in self._consumers.values()))
        await self.publisher.close()
        await self._depths.close()
        for stop in self._stops:
            await stop()
        await self.tasks.stop()
        if not await flush_traces(self._tracer_provider):
            log.warning("spans left behind: the collector does not answer")

    def _consume(
        self,
        name: str,
        queues: Callable[[], Iterable[str]],
        handle: Handler,
        prefetch: int,
        *,
        may_lack_queues: bool = False,
        line: Line | None = None,
    ) -> Consumer:
        async def process(message: Incoming) -> Settlement:
            return await self._processor.process(message, handle)

        consumer = Consumer(
            self._url,
            f"{self.name} takes {name}",
            queues,
            process,
            slots=self.settings.prefetch,
            prefetch=prefetch,
            max_bytes=self.settings.held_bytes,
            may_lack_queues=may_lack_queues,
            line=line,
        )
        self._consumers[name] = consumer
        return consumer

    def _handler_for(self, queue: str) -> Handler | None:
        return next((handle for prefix, handle in self._handlers.items() if queue.startswith(prefix)), None)

    def _needs_of_every_service(self, database: Database, objects: Objects) -> None:
        self.needs("rabbitmq", self._check_broker)
        self.needs("mongodb", database.ping)
        self.needs("object_store", objects.ping)
        self.needs("tasks", self.tasks.check)
        self.refreshes("readiness", self.readiness.report)
        self.refreshes("unconfirmed publishes", self.publisher.measure)
        self.counts("parked messages", self._count_held)
        self.does("expired records", lambda: self._records.remove_expired(utc_now()), lambda: EXPIRY_SECONDS)
        if Lane.NORMAL in self.lanes:
            dead = topology.dead_letters(self.name)
            self._consume(dead, lambda: (dead,), self._parking.take, DEAD_LETTERS_PREFETCH)

    async def _check_broker(self) -> None:
        await self.publisher.check()
        for consumer in self._consumers.values():
            await consumer.check()

    async def _count_held(self) -> None:
        set_messages_held(self.name, await self._records.held())

    async def _security(self, record: MessageRecord) -> None:
        await self._parking.announce_security(record)

    def _introduce(self) -> None:
        begin_counting(self.name)
        set_build(self.name, self.settings.version, self.settings.revision)
        set_schema_version(self.name, SCHEMA_VERSION)
        for lane in Lane:
            set_urgency_budget(lane, self.settings.budget_seconds(lane))
