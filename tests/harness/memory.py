"""Fakes of the chassis' ports, kept in memory; ``tests/contract`` holds them to the real ones."""

from collections.abc import Callable
from datetime import UTC, datetime, timedelta

from common.domain.directory import Directory
from common.domain.ids import step_name
from common.domain.names import Lane
from common.facts import FACT, BaseFact, ObjectRef
from common.facts.flows import FLOWS, SERVICES, STEPS
from common.failure import Outage
from common.service.incoming import Incoming
from common.service.outgoing import Outgoing, PublishRefused
from common.service.records import HELD, UNDER_WAY, MessageRecord, RecordState


class MemoryDirectory:
    """``common.directory.DirectoryReader``: a directory that was read, and perhaps a newer one that was not."""

    def __init__(self, current: Directory) -> None:
        self.current = current
        self.newer: Directory | None = None
        self.failure: Exception | None = None
        """Raised while the store is away."""
        self.disabled: frozenset[str] = frozenset()
        self.is_loaded = True

    async def confirm(self) -> None:
        if self.failure:
            raise self.failure
        if self.newer:
            self.current, self.newer = self.newer, None
            raise Outage("unit directory", "has changed meanwhile")


class MemoryRecords:
    """Records of messages."""

    def __init__(self) -> None:
        self.rows: dict[str, MessageRecord] = {}
        self.failure: Exception | None = None
        """Raised by every call while set."""

    async def find(self, record_id: str) -> MessageRecord | None:
        self._fail()
        return self.rows.get(record_id)

    async def save(self, record: MessageRecord) -> bool:
        self._fail()
        saved = self.rows.get(record.record_id)
        if (saved.revision if saved else 0) != record.revision:
            return False
        self.rows[record.record_id] = record.model_copy(update={"revision": record.revision + 1})
        return True

    async def forget(self, record_id: str) -> None:
        self._fail()
        if record_id in self.rows and self.rows[record_id].state in UNDER_WAY:
            del self.rows[record_id]

    async def held(self) -> dict[tuple[str, str, bool], int]:
        self._fail()
        counts: dict[tuple[str, str, bool], int] = {}
        for record in self.rows.values():
            if record.state in HELD:
                kind = record.queue.partition(".")[0]
                key = (kind, str(record.reason), record.state is RecordState.QUARANTINED)
                counts[key] = counts.get(key, 0) + 1
        return counts

    async def remove_expired(self, now: datetime) -> int:
        self._fail()
        expired = [key for key, record in self.rows.items() if record.expires_at and record.expires_at < now]
        for key in expired:
            del self.rows[key]
        return len(expired)

    def _fail(self) -> None:
        if self.failure:
            raise self.failure


class MemoryBodies:
    """Large bodies of parked messages."""

    def __init__(self) -> None:
        self.bodies: dict[str, bytes] = {}

    async def put(self, key: str, body: bytes) -> ObjectRef:
        self.bodies[key] = body
        return ObjectRef(bucket="parked", key=key, sha256="0" * 64, size_bytes=len(body))

    async def get(self, ref: ObjectRef) -> bytes:
        return self.bodies[ref.key]


def check_step(fact: BaseFact) -> None:
    """The step in the event id of a fact that one service makes is listed as that service's, so that no other service
    can enter a fact under this id."""
    makers = FLOWS[fact.fact].made_by
    if len(makers) == 1 and makers[0] in SERVICES:
        assert STEPS.get(step_name(fact.event_id)) == makers[0], f"{fact.event_id}: enter its step in flows.STEPS"


class RecordingPublisher:
    """Records facts and messages; a test can make it refuse them."""

    def __init__(self) -> None:
        self.facts: list[BaseFact] = []
        self.messages: list[Outgoing] = []
        self.saved: list[bytes] = []
        """Facts that were announced as they had been saved."""
        self.refuses: Callable[[Outgoing], PublishRefused | None] = lambda _: None
        self.failure: Exception | None = None

    async def announce(self, fact: BaseFact) -> None:
        if self.failure:
            raise self.failure
        check_step(fact)
        self.facts.append(fact)

    async def announce_saved(self, body: bytes) -> None:
        await self.announce(FACT.validate_json(body))
        self.saved.append(body)

    async def publish(self, message: Outgoing) -> None:
        if refusal := self.refuses(message):
            raise refusal
        self.messages.append(message)

    async def check_publishing(self) -> None:
        if self.failure:
            raise self.failure

    def named(self, name: str) -> list[BaseFact]:
        """Facts of one name."""
        return [fact for fact in self.facts if fact.fact == name]


class Clock:
    """A clock that only ``move`` advances, and a monotonic one beside it."""

    def __init__(self, now: datetime = datetime(2026, 11, 22, 8, 30, tzinfo=UTC)) -> None:
        self.now = now
        self._passed_seconds = 0.0

    def __call__(self) -> datetime:
        return self.now

    def seconds(self) -> float:
        """How much time has passed, however the clock is set."""
        return self._passed_seconds

    def move(self, **passed: float) -> None:
        """Let time pass."""
        self.now += timedelta(**passed)
        self._passed_seconds += timedelta(**passed).total_seconds()


def delivery(queue: str = f"facts.router.{Lane.NORMAL}", body: bytes = b"{}", **fields: object) -> Incoming:
    """One delivery, as handlers see it."""
    values: dict[str, object] = {"queue": queue, "body": body, "user_id": "intake", "exchange": "trunk.facts"}
    return Incoming(**values | fields)  # type: ignore[arg-type]
