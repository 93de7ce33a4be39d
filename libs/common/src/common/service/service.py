"""Service: one process that consumes facts or submissions, decides, and announces facts."""

import asyncio
import logging
import uuid
from collections.abc import Awaitable, Callable
from datetime import UTC, datetime, timedelta
from functools import partial
from typing import Any

import structlog
import uvicorn
from faststream import AckPolicy
from faststream.asgi import AsgiFastStream, AsgiResponse, get
from faststream.rabbit import Channel, QueueType, RabbitBroker, RabbitExchange, RabbitMessage, RabbitQueue
from faststream.rabbit.schemas import ExchangeType
from opentelemetry import trace
from prometheus_client import make_asgi_app

from common import headers, property_table, topology
from common.domain.names import Lane
from common.facts import BaseFact
from common.indexes import SCHEMA_VERSION
from common.metrics import REGISTRY, begin_counting, set_build, set_schema_version, set_urgency_budget
from common.service.confirm import ConfirmGuard, until_confirmed
from common.service.health import Check, Readiness, livez
from common.service.ladder import Ladder
from common.service.supervise import Supervisor
from common.service.tracing import Clean, traces
from common.settings import ServiceSettings
from common.telemetry import setup_logs, setup_traces
from common.timer import Timer

assert property_table  # tolerant decoding is installed by its import

log = structlog.get_logger("trunk.service")

Handler = Callable[..., Awaitable[None]]
Hook = Callable[[], Awaitable[None]]


class ConsumeBroker(RabbitBroker):
    """Consumes only once the publisher is connected; waiting for the broker holds up nothing else."""

    goes_first: RabbitBroker

    async def start(self) -> None:
        """Connect the publisher, then consume."""
        await self.goes_first.connect()
        await super().start()


class Service:
    """The chassis. Handlers are added with ``on_facts`` or ``on_submissions`` before ``run``."""

    def __init__(self, name: str, settings: ServiceSettings) -> None:
        self.name = name
        self.settings = settings
        self.readiness = Readiness(name)
        self._tracer_provider = setup_traces(name, settings)
        self._traces = traces(self._tracer_provider)
        self.publish_broker = self._publish_broker()
        self.ladder = Ladder(self.publish_broker, name, timedelta(hours=settings.patience_hours))
        self.consume_broker = self._consume_broker()
        self.readiness.needs("rabbitmq", self._check_brokers)
        self._lanes = [settings.lane] if settings.lane else list(reversed(Lane))
        self._on_startup: list[Hook] = []
        self._on_shutdown: list[Hook] = [self.flush_traces]
        self.refreshes("readiness", self.readiness.report)
        self._introduce()

    def on_facts(self, handler: Handler) -> None:
        """Consume this service's facts of its lanes; the handler's one parameter is the fact."""
        for lane in self._lanes:
            self._subscriber(topology.facts_queue(self.name, lane))(handler)

    def on_submissions(self, handler: Handler) -> None:
        """Consume what units submit: the handler's parameters are the raw bytes and the ``RabbitMessage``."""
        for lane in self._lanes:
            self._subscriber(topology.submit_queue(lane), decoder=_raw_bytes)(handler)

    def needs(self, dependency: str, check: Check) -> None:
        """Ready only while ``check`` returns."""
        self.readiness.needs(dependency, check)

    def background(self, start: Hook, stop: Hook) -> None:
        """Run ``start`` before the first message and ``stop`` after the last."""
        self._on_startup.append(start)
        self._on_shutdown.append(stop)

    def refreshes(self, name: str, work: Callable[[], Awaitable[object]]) -> None:
        """Do ``work`` in the background every ``gauges_refresh_seconds``."""
        timer = Timer(name, work, lambda: self.settings.gauges_refresh_seconds)
        self.background(timer.start, timer.stop)

    async def flush_traces(self) -> None:
        """Send what spans are still held back."""
        await asyncio.to_thread(self._tracer_provider.force_flush)

    async def announce(self, fact: BaseFact) -> None:
        """Publish a fact and return when the broker has confirmed it."""
        body = fact.model_dump_json(exclude_none=True).encode()
        if len(body) > fact.MAX_BYTES:
            raise ValueError(f"{fact.fact} is {len(body)} bytes, more than {fact.MAX_BYTES}")
        await self.send(
            topology.FACTS,
            fact.routing_key,
            body,
            kind=fact.fact,
            extra={
                headers.EVENT_ID: fact.event_id,
                headers.PACKAGE_ID: fact.package_id,
                headers.DOCUMENT_KEY: fact.subject,
                headers.DOCUMENT_ID: fact.document_id,
            },
        )

    async def send(
        self,
        exchange: str,
        routing_key: str,
        body: bytes,
        *,
        kind: str,
        extra: dict[str, Any],
        content_type: str = "application/json",
        unconfirmed: Callable[[], None] = lambda: None,
    ) -> None:
        """Publish bytes; while the broker takes nothing the handler waits, and tries again.

        ``unconfirmed`` is told of each attempt that was not confirmed.
        """
        once = partial(self._send_once, exchange, routing_key, body, kind, extra, content_type)
        await until_confirmed(once, exchange, routing_key, unconfirmed)

    async def _send_once(
        self,
        exchange: str,
        routing_key: str,
        body: bytes,
        kind: str,
        extra: dict[str, Any],
        content_type: str,
    ) -> None:
        await self.publish_broker.publish(
            body,
            exchange=RabbitExchange(exchange, type=EXCHANGE_TYPES[exchange], declare=False),
            routing_key=routing_key,
            persist=True,
            mandatory=True,
            headers=extra,
            content_type=content_type,
            correlation_id=extra.get(headers.PACKAGE_ID),
            message_id=uuid.uuid4().hex,
            message_type=kind,
            timestamp=datetime.now(UTC),
            user_id=self.name,
        )

    def app(self) -> AsgiFastStream:
        """The ASGI application: consume stops first, so that running handlers can still publish."""

        @get
        async def readyz(_scope: object) -> AsgiResponse:
            return await self.readiness.response()

        app = AsgiFastStream(
            self.consume_broker,
            self.publish_broker,
            asgi_routes=[("/livez", livez), ("/readyz", readyz), ("/metrics", make_asgi_app(REGISTRY))],
            asyncapi_path=None,
            logger=None,
        )
        for start in self._on_startup:
            app.on_startup(start)
        for stop in self._on_shutdown:
            app.after_shutdown(stop)
        return app

    def run(self) -> None:
        """Serve until SIGTERM, then drain and end."""
        setup_logs(self.name, self.settings.log_level)
        trace.set_tracer_provider(self._tracer_provider)
        log.info("starting", port=self.settings.http_port)
        uvicorn.run(
            self.app(),
            host=self.settings.http_host,
            port=self.settings.http_port,
            log_config=None,
            access_log=False,
        )

    def _introduce(self) -> None:
        begin_counting(self.name)
        set_build(self.name, self.settings.version, self.settings.revision)
        set_schema_version(self.name, SCHEMA_VERSION)
        for lane in Lane:
            set_urgency_budget(lane, self.settings.budget_seconds(lane))

    def _subscriber(self, queue: str, **options: Any) -> Callable[[Handler], Any]:
        return self.consume_broker.subscriber(
            RabbitQueue(queue, queue_type=QueueType.QUORUM, declare=False),
            channel=Channel(prefetch_count=self.settings.prefetch, on_return_raises=True),
            no_reply=True,
            **options,
        )

    def _consume_broker(self) -> "ConsumeBroker":
        supervisor = partial(
            Supervisor,
            service=self.name,
            ladder=self.ladder,
            redelivery_pause_seconds=self.settings.redelivery_pause_seconds,
        )
        broker = ConsumeBroker(
            self.settings.amqp_url.get_secret_value(),
            fail_fast=False,
            reconnect_interval=1.0,
            graceful_timeout=self.settings.drain_seconds,
            app_id=self.name,
            default_channel=Channel(prefetch_count=self.settings.prefetch, on_return_raises=True),
            ack_policy=AckPolicy.NACK_ON_ERROR,
            middlewares=(Clean, self._traces, supervisor),
            logger=logging.getLogger("faststream.consume"),
            log_level=logging.DEBUG,
        )
        broker.goes_first = self.publish_broker
        return broker

    def _publish_broker(self) -> RabbitBroker:
        guard = partial(ConfirmGuard, service=self.name, timeout_seconds=self.settings.confirm_timeout_seconds)
        return RabbitBroker(
            self.settings.amqp_url.get_secret_value(),
            fail_fast=False,
            reconnect_interval=1.0,
            app_id=self.name,
            default_channel=Channel(on_return_raises=True),
            middlewares=(self._traces, guard),
            logger=logging.getLogger("faststream.publish"),
            log_level=logging.DEBUG,
        )

    async def _check_brokers(self) -> None:
        for broker in (self.consume_broker, self.publish_broker):
            if not await broker.ping(timeout=2.0):
                raise ConnectionError("not connected")


EXCHANGE_TYPES = {topology.FACTS: ExchangeType.TOPIC, topology.INBOX: ExchangeType.DIRECT}


async def _raw_bytes(message: RabbitMessage) -> bytes:
    return message.body
