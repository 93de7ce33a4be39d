"""A small world around the router: units, documents, and a store and an object store that are real or remembered."""

import asyncio
import hashlib
import random
import secrets
from collections import Counter
from collections.abc import AsyncIterator, Iterable, Iterator, Sequence
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from itertools import count
from types import SimpleNamespace
from typing import Any

import pytest
import pytest_asyncio
from pydantic import SecretStr

from common.buckets import make_missing as make_buckets
from common.database import Database
from common.domain.canary import is_canary
from common.domain.directory import Directory, Unit
from common.domain.envelope import (
    Attachment,
    Business,
    DocumentType,
    Envelope,
    Message,
    Organization,
    ReceiverChange,
    Replacement,
    ResponseFor,
    Signer,
    StatusReport,
)
from common.domain.ids import claims_document_id, concerned_documents, document_key, event_id, package_id
from common.domain.names import Label, Lane, PackageKind, StatusCode
from common.domain.reason import Reason
from common.envelopes import to_json
from common.facts import (
    BaseFact,
    DocumentRefused,
    DocumentVerified,
    NoticeAccepted,
    ObjectRef,
    OperatorRequested,
    PackageAccepted,
    PackageRefused,
    PackageRepeated,
)
from common.failure import Transient
from common.fair_rounds import in_turn
from common.objects import Objects, content_ref
from common.service.incoming import Incoming
from common.service.newest_decisions import Word, is_reversible
from common.service.outgoing import Outgoing, QueueFull, Unroutable
from common.service.row_requests import REQUESTS_KEPT, RowRequest, answer_among, answered
from router.actions import Decision
from router.acts import Act
from router.compose import Answer
from router.delivery_history import DeliveryEvent, History, HistoryEntry, entry_of, position_of
from router.delivery_state import UNANSWERED, DeliveryState, Position, Step
from router.handlers import Router
from router.inbox_reading import Mark
from router.order import SubmissionOrder
from router.placing import NOT_TAKEN, Cause, Failure, Placing, PlacingState, pause_after
from router.route import DocumentState
from router.settings import RouterSettings
from router.store import Store, mongo_store
from router.store.placings import TRIED, Withdrawal, shares
from router.store.rows import DocumentRecord, Happened
from router.versions import NumberedVersion, Version, current_version

from ..harness.memory import Clock, MemoryDirectory, RecordingPublisher, delivery

SENDER, A, B, C = "000.00.14.H29", "000.00.09.H29", "000.00.12.H29", "H29.901.01"
CLOSED, UNKNOWN = "000.00.90.H29", "000.00.99.H29"
MERGED = "000.00.91.H29"
"""A unit that was merged into C; CLOSED was merged into SENDER."""
INLINE_LIMIT_BYTES = 4096
AT = datetime(2026, 11, 22, 8, 30, tzinfo=UTC)


def unit(code: str, **dates: Any) -> Unit:
    """A unit of the directory."""
    return Unit(code=code, name=code, valid_from=date(2025, 7, 1), **dates)


def directory(*more: str) -> Directory:
    """Four open units, two that were merged into the sender and into C, and more."""
    closed = [unit(code, valid_to=date(2026, 3, 31), successor=into) for code, into in ((CLOSED, SENDER), (MERGED, C))]
    return Directory([*(unit(code) for code in (SENDER, A, B, C, *more)), *closed])


class Sent(SimpleNamespace):
    """One inbox message."""

    unit: str
    body: bytes
    type: str
    headers: dict[str, str]
    content_type: str


class RecordingSender(RecordingPublisher):
    """Records facts, inbox messages and orders to place, and can be told that an inbox takes nothing."""

    def __init__(self) -> None:
        super().__init__()
        self.sent: list[Sent] = []
        self.orders: list[Incoming] = []
        """Orders to place that no router has taken yet."""
        self.attempts = 0
        """Publishes to inboxes, whatever became of them."""
        self.full: set[str] = set()
        """Units whose inboxes take nothing."""
        self.full_after_a_loss: set[str] = set()
        """Units whose inboxes refuse the second attempt of a publish; of the first nobody knows what became."""
        self.missing: set[str] = set()
        """Units without an inbox."""
        self.silent: set[str] = set()
        """Units whose inboxes never answer."""
        self.apart: set[str] = set()
        """Units whose inboxes were tried over the connection for silent queues."""
        self.heard = asyncio.Event()
        """Set: inboxes that were silent take what was sent to them."""

    async def publish(self, message: Outgoing) -> None:
        await asyncio.sleep(0)
        if message.exchange == "trunk.place":
            queue = f"place.{'urgent' if message.routing_key.endswith('urgent') else 'normal'}"
            self.orders.append(delivery(queue, message.body, user_id="router", exchange="trunk.place"))
            return
        assert message.exchange == "trunk.inbox"
        self.attempts += 1
        if message.is_apart:
            self.apart.add(message.routing_key)
        if message.routing_key in self.full:
            raise QueueFull(message.routing_key)
        if message.routing_key in self.full_after_a_loss:
            refusal = QueueFull(message.routing_key)
            refusal.may_have_arrived = True
            raise refusal
        if message.routing_key in self.missing:
            raise Unroutable(message.routing_key)
        if message.routing_key in self.silent:
            await self.heard.wait()
        self.sent.append(
            Sent(
                unit=message.routing_key,
                body=message.body,
                type=message.type,
                headers=message.headers,
                content_type=message.content_type,
            )
        )

    def inbox(self, code: str, kind: str | None = None) -> list[Sent]:
        """What lies in a unit's inbox."""
        return [sent for sent in self.sent if sent.unit == code and kind in (None, sent.type)]

    def facts_named(self, name: str) -> list[Any]:
        """Facts of one name."""
        return self.named(name)

    def forget(self) -> None:
        """Empty all inboxes and forget all facts."""
        self.facts.clear()
        self.sent.clear()


class RememberedObjects:
    """An object store in memory."""

    def __init__(self) -> None:
        self.held: dict[str, bytes] = {}

    async def put_content(self, data: bytes) -> ObjectRef:
        digest = hashlib.sha256(data).hexdigest()
        self.held[digest] = data
        return content_ref(digest, len(data))

    async def get(self, ref: ObjectRef) -> bytes:
        return self.held[ref.sha256]

    async def presigned_get(self, ref: ObjectRef, expires: timedelta) -> str:
        return f"http://store.test/{ref.bucket}/{ref.key}?for={expires.total_seconds():.0f}"


class MemoryDecisions:
    """Collection ``decisions`` in memory; the handlers' tests hold it to the real one."""

    def __init__(self) -> None:
        self.rows: dict[str, Decision] = {}

    async def find(self, event_id: str) -> Decision | None:
        return self.rows.get(event_id)

    async def save(self, decision: Decision) -> Decision:
        return self.rows.setdefault(decision.event_id, decision)

    async def carried_out(self, event_id: str, at: datetime) -> bool:
        decision = self.rows[event_id]
        if decision.carried_out_at is None:
            self.rows[event_id] = replace(decision, carried_out_at=at)
        return decision.carried_out_at is None


class MemoryAnswers:
    """Collection ``answers``."""

    def __init__(self) -> None:
        self.rows: dict[str, Answer] = {}

    async def of_package(self, package_id: str) -> list[Answer]:
        return [answer for answer in self.rows.values() if answer.package_id == package_id]

    async def save(self, answer: Answer) -> Answer:
        return self.rows.setdefault(answer.id, answer)


class MemoryDocuments:
    """Collection ``documents``."""

    def __init__(self) -> None:
        self.rows: dict[str, DocumentRecord] = {}

    async def find(self, key: str) -> DocumentRecord | None:
        record = self.rows.get(key)
        return self.rows.get(record.alias_of) if record and record.alias_of else record

    async def claim(self, record: DocumentRecord) -> bool:
        saved = self.rows.setdefault(record.key, record)
        if saved.state in (DocumentState.REFUSED, DocumentState.ALIAS):
            saved = self.rows[record.key] = record
        return saved.package_id == record.package_id

    async def settle(self, key: str, package_id: str) -> None:
        saved = self.rows.get(key)
        if saved and saved.package_id == package_id and saved.state is DocumentState.ROUTING:
            self.rows[key] = changed(saved, state=DocumentState.DELIVERED)

    async def note(self, record: DocumentRecord) -> None:
        saved = self.rows.setdefault(record.key, record)
        if saved.gives_way_to(record):
            self.rows[record.key] = record

    async def forget_discard(self, key: str, package_id: str) -> None:
        saved = self.rows.get(key)
        if saved and (saved.package_id, saved.reason) == (package_id, Reason.E_DISCARDED):
            self.rows[key] = changed(saved, package_id="", reason=None)

    async def current_version(self, key: str, order: SubmissionOrder) -> NumberedVersion | None:
        record = await self.find(key)
        return current_version(record.versions, order) if record else None

    async def add_version(self, key: str, version: Version, order: SubmissionOrder) -> int:
        saved = self.rows[key]
        packages = [earlier.package_id for earlier in saved.versions]
        if version.package_id not in packages:
            self.rows[key] = changed(saved, versions=(*saved.versions, version))
            packages.append(version.package_id)
        return packages.index(version.package_id) + 1


class MemoryDeliveries:
    """Collection ``deliveries``."""

    def __init__(self) -> None:
        self.rows: dict[tuple[str, str], list[HistoryEntry]] = {}
        self.noted: dict[tuple[str, str], frozenset[str]] = {}
        """By document and closed unit, the units that have the document in its place."""
        self.opened: dict[tuple[str, str], tuple[Lane, datetime]] = {}
        self.returned_at: dict[tuple[str, str], datetime | None] = {}
        self.placed_at: dict[tuple[str, str], datetime] = {}

    async def receivers(self, key: str, among: frozenset[str] | None) -> frozenset[str]:
        return frozenset(unit for of, unit in self.rows if of == key and (among is None or unit in among))

    async def note_in_place_of(self, key: str, receiver: str, closed: str) -> None:
        if (key, receiver) in self.rows:
            self.noted[key, closed] = self.noted.get((key, closed), frozenset()) | {receiver}

    async def in_place_of(self, key: str, among: frozenset[str] | None) -> dict[str, frozenset[str]]:
        noted = {closed: holders for (of, closed), holders in self.noted.items() if of == key}
        return {closed: holders for closed, holders in noted.items() if among is None or closed in among}

    async def open(self, key: str, receiver: str, package_id: str, lane: Lane, event: DeliveryEvent) -> Step:
        self.rows.setdefault((key, receiver), [])
        self.opened.setdefault((key, receiver), (lane, event.at))
        return self._recorded(key, receiver, event).step

    async def placed(self, key: str, receiver: str, at: datetime) -> bool:
        is_first = (key, receiver) in self.rows and (key, receiver) not in self.placed_at
        if is_first:
            self.placed_at[key, receiver] = at
        return is_first

    async def returned(self, key: str, receiver: str, at: datetime | None) -> None:
        self.returned_at[key, receiver] = at

    async def pending(self) -> dict[tuple[str, Lane], int]:
        waiting = [at for at in self.placed_at if position_of(self.rows[at]).state in UNANSWERED]
        return Counter((receiver, self.opened[key, receiver][0]) for key, receiver in waiting)

    async def unreported(self, receiver: str) -> list[str]:
        at_unit = (at for at in self.placed_at if at[1] == receiver)
        return [at[0] for at in at_unit if position_of(self.rows[at]).state is DeliveryState.SENT]

    async def history(self, key: str, receiver: str) -> History:
        return tuple(self.rows.get((key, receiver), ()))

    async def record(self, key: str, receiver: str, event: DeliveryEvent, link: str | None = None) -> Happened:
        return self._recorded(key, receiver, event)

    def _recorded(self, key: str, receiver: str, event: DeliveryEvent) -> Happened:
        at = (key, receiver)
        if at not in self.rows:
            raise Transient(Reason.E_REFDOC, "the delivery concerned is not open yet")
        before, entry = position_of(self.rows[at]), entry_of(self.rows[at], event)
        if is_first := entry not in self.rows[at]:
            self.rows[at].append(entry)
        lane, opened_at = self.opened[at]
        placed_at = self.placed_at.get(at, opened_at)
        return Happened(step=entry.step, is_first=is_first, before=before, lane=lane, placed_at=placed_at)


class MemoryPlacings:
    """Collection ``placings``."""

    def __init__(self) -> None:
        self.rows: dict[str, Placing] = {}

    async def open(self, placings: Sequence[Placing]) -> set[str]:
        saved = {placing.id for placing in placings if placing.id in self.rows}
        for placing in placings:
            self.rows.setdefault(placing.id, placing)
        return saved

    async def find(self, placing_id: str) -> Placing | None:
        return self.rows.get(placing_id)

    async def placed(self, placing_id: str, at: datetime) -> bool:
        row = self.rows[placing_id]
        if row.state not in TRIED:
            return False
        self._set(row, state=PlacingState.PLACED, placed_at=at, cause=None)
        return True

    async def set_renewal(self, placing_id: str, at: datetime | None) -> None:
        self._set(self.rows[placing_id], renew_at=at)

    async def take_expiring(self, now: datetime, limit: int, lease: timedelta) -> list[Placing]:
        rows = [row for row in self.rows.values() if row.state is PlacingState.PLACED and row.renew_at]
        due = [row for row in rows if row.renew_at and row.renew_at <= now][:limit]
        for row in due:
            self._set(row, renew_at=now + lease)
        return due

    async def answer(self, placing_id: str, request: OperatorRequested, at: datetime, outcome: str) -> RowRequest:
        row = self.rows[placing_id]
        if known := answer_among(row.requests, request):
            return known
        answer = answered(request, at, outcome)
        self._set(row, requests=(*row.requests, answer)[-REQUESTS_KEPT:])
        return answer

    async def failed(self, placing: Placing, failure: Failure, at: datetime) -> None:
        if failure.is_uncertain:
            await self.note_uncertain(placing.id)
        row = self.rows[placing.id]
        if row.state in TRIED and row.attempts == placing.attempts:
            attempts = placing.attempts + 1
            later = at + pause_after(attempts)
            self._set(row, state=PlacingState.WAITING, cause=failure.cause, attempts=attempts, next_attempt_at=later)

    async def note_uncertain(self, placing_id: str) -> None:
        self._set(self.rows[placing_id], is_uncertain=True)

    async def begin_attempt(self, placing: Placing, next_attempt_at: datetime) -> bool:
        row = self.rows[placing.id]
        is_ours = row.state is PlacingState.WAITING and row.attempts == placing.attempts
        if is_ours:
            self._set(row, state=PlacingState.DUE, next_attempt_at=next_attempt_at)
        return is_ours

    async def withdraw_untaken(self, placing_id: str, by: str, recall: str, withdrawal: Withdrawal = None) -> bool:
        row = self.rows.get(placing_id)
        waits = row is not None and row.state is PlacingState.WAITING and row.cause in NOT_TAKEN
        waits = waits and row is not None and row.placed_at is None and not row.is_uncertain
        if row and (waits or row.state is PlacingState.RETURNED):
            self._withdraw(row, by, recall, withdrawal)
            return True
        return row is not None and row.state is PlacingState.WITHDRAWN and row.withdrawn_by == by

    async def withdraw_unplaced(self, placing_id: str, by: str, withdrawal: Withdrawal = None) -> bool:
        row = self.rows.get(placing_id)
        if row and row.state in TRIED:
            self._withdraw(row, by, "", withdrawal)
            return True
        return row is not None and row.state is PlacingState.WITHDRAWN and row.withdrawn_by == by

    async def returned(self, placing_id: str, at: datetime) -> bool:
        row = self.rows[placing_id]
        is_first = row.state in (*TRIED, PlacingState.PLACED)
        if is_first:
            self._set(row, state=PlacingState.RETURNED, cause=Cause.RETURNED, returned_at=at)
        elif row.state is PlacingState.RETURNED and row.returned_at and row.returned_at < at:
            self._set(row, returned_at=at)
        return is_first

    async def reopen(self, placing_id: str, next_attempt_at: datetime) -> bool:
        row = self.rows.get(placing_id)
        if row is None or row.state not in (PlacingState.WITHDRAWN, PlacingState.RETURNED):
            return False
        self._set(row, state=PlacingState.DUE, cause=None, next_attempt_at=next_attempt_at)
        return True

    async def release(self, placing_id: str, next_attempt_at: datetime) -> bool:
        if is_held := (row := self.rows[placing_id]).state is PlacingState.HELD:
            self._set(row, state=PlacingState.DUE, cause=None, next_attempt_at=next_attempt_at)
        return is_held

    async def hasten(self, placing_id: str, at: datetime) -> None:
        if (row := self.rows[placing_id]).state is PlacingState.DUE and row.next_attempt_at > at:
            self._set(row, next_attempt_at=at)

    async def lease(self, placing: Placing, until: datetime) -> bool:
        row = self.rows[placing.id]
        is_ours = (row.state, row.next_attempt_at) == (placing.state, placing.next_attempt_at)
        if is_ours:
            self._set(row, next_attempt_at=until)
        return is_ours

    async def withdraw_held(self, placing_id: str, withdrawal: Withdrawal) -> bool:
        if (row := self.rows[placing_id]).state is PlacingState.HELD:
            self._withdraw(row, "", "", withdrawal)
        row = self.rows[placing_id]
        return row.state is PlacingState.WITHDRAWN and not row.withdrawn_by

    async def has_open(self, decision: str) -> bool:
        open_states = (*TRIED, PlacingState.HELD)
        return any(row.decision == decision and row.state in open_states for row in self.rows.values())

    async def place_again(self, receiver: str, after: datetime, until: datetime, at: datetime) -> int:
        placed = [row for row in self.rows.values() if row.receiver == receiver and row.placed_at]
        chosen = [row for row in placed if row.state is PlacingState.PLACED and after < row.placed_at <= until]  # type: ignore[operator]
        return self._make_due(chosen, at)

    async def place_documents_again(
        self, receiver: str, documents: Sequence[str], until: datetime, at: datetime
    ) -> int:
        placed = [row for row in self.rows.values() if row.state is PlacingState.PLACED and row.receiver == receiver]
        return self._make_due([row for row in placed if row.delivery in documents and row.placed_at <= until], at)  # type: ignore[operator]

    def _make_due(self, chosen: Sequence[Placing], at: datetime) -> int:
        for row in chosen:
            self._set(row, state=PlacingState.DUE, next_attempt_at=at)
        return len(chosen)

    async def take_due(
        self, now: datetime, limit: int, lease: timedelta, refusing: frozenset[str] = frozenset()
    ) -> list[Placing]:
        open_rows = [row for row in self.rows.values() if row.state in TRIED]
        due = sorted((row for row in open_rows if row.next_attempt_at <= now), key=lambda row: row.next_attempt_at)
        units = list(dict.fromkeys(row.receiver for row in due))
        most = shares(units, limit, refusing)
        taken = in_turn([[row for row in due if row.receiver == unit][: most[unit]] for unit in most])[:limit]
        for row in taken:
            self._set(row, next_attempt_at=now + lease)
        return taken

    async def waiting(self) -> dict[Cause, int]:
        waiting = (PlacingState.WAITING, PlacingState.HELD, PlacingState.RETURNED)
        rows = (row for row in self.rows.values() if row.state in waiting and not is_canary(row.receiver))
        return Counter(row.cause for row in rows if row.cause)

    def _withdraw(self, row: Placing, by: str, recall: str, withdrawal: Withdrawal) -> None:
        about = {"withdrawn_by": by, "recall": recall, "withdrawal": row.withdrawal or withdrawal}
        self._set(row, state=PlacingState.WITHDRAWN, cause=None, **about)

    def _set(self, row: Placing, **fields: Any) -> None:
        self.rows[row.id] = row.model_copy(update=fields)


class MemoryActs:
    """Collection ``acts``."""

    def __init__(self) -> None:
        self.rows: dict[str, Act] = {}

    async def save(self, acts: Sequence[Act]) -> None:
        for act in acts:
            self.rows.setdefault(act.id, act)

    async def about(self, document_key: str, after: SubmissionOrder) -> list[Act]:
        concerned = [act for act in self.rows.values() if act.document_key == document_key]
        return [act for act in concerned if act.event.order > after]


def memory_store() -> Store:
    """All collections in memory."""
    return Store(
        MemoryDecisions(),
        MemoryAnswers(),
        MemoryDocuments(),
        MemoryDeliveries(),
        MemoryPlacings(),
        MemoryActs(),
        MemoryInboxes(),
        MemoryNewestDecisions(),
    )


def changed(record: DocumentRecord, **fields: Any) -> DocumentRecord:
    """The record with other values."""
    return DocumentRecord(**{name: getattr(record, name) for name in record.__slots__} | fields)


class MemoryInboxes:
    """Collection ``inboxes``."""

    def __init__(self) -> None:
        self.rows: dict[str, datetime] = {}
        self.saved = Mark()

    async def note_empty(self, units: Iterable[str], at: datetime) -> None:
        for code in units:
            self.rows[code] = max(at, self.rows.get(code, at))

    async def emptied_at(self, units: Iterable[str]) -> dict[str, datetime]:
        return {code: self.rows[code] for code in units if code in self.rows}

    async def mark(self) -> Mark:
        return self.saved

    async def set_mark(self, mark: Mark) -> None:
        self.saved = mark


class MemoryNewestDecisions:
    """Collection ``newest_decisions``."""

    def __init__(self) -> None:
        self.rows: dict[str, Word] = {}

    async def newest(self, word: Word) -> Word:
        known = self.rows.get(word.record_id, word)
        if known.occurred_at > word.occurred_at:
            return known
        if is_reversible(word):
            self.rows[word.record_id] = word
        return word


class World:
    """The router and everything around it."""

    def __init__(self, store: Store, objects: Any, settings: RouterSettings) -> None:
        self.store, self.objects, self.settings = store, objects, settings
        self.sender = RecordingSender()
        self.clock = Clock(AT + timedelta(minutes=5))
        self.directory = MemoryDirectory(directory())
        self.router = self.restarted()
        self.submissions = count()
        """Packages are submitted one after the other, in the order in which they are made."""
        self.run = secrets.token_hex(6)
        """Keeps the ids of this test apart from those of others."""

    def restarted(self) -> Router:
        """Another process of the router, with the same memory."""
        return Router(
            self.sender, self.settings, self.objects, self.store, self.directory, self.clock, self.clock.seconds
        )

    async def take(self, fact: BaseFact, *, by: Router | None = None) -> None:
        """A router takes a fact; every order to place that comes of it is taken by some router."""
        await (by or self.router).handlers[type(fact)](fact)
        await self.place()

    async def place(self) -> None:
        """Routers take all orders to place."""
        while self.sender.orders:
            await self.router.placer.take(self.sender.orders.pop(0))

    async def sweep(self, **passed: float) -> None:
        """Time passes, and what is due is tried."""
        self.clock.move(**passed)
        await self.router.placer.sweep()
        await self.place()

    def id(self, name: str) -> str:
        """A DocumentId of this test."""
        return f"{SENDER},2026/11/22,{name}-{self.run}/TB"

    def key(self, name: str) -> str:
        """Its document key."""
        return document_key(SENDER, self.id(name))

    def letter(
        self, name: str = "doc", to: Iterable[str] = (A, B), business: Business | None = None, files: int = 1
    ) -> Envelope:
        """A document of SENDER."""
        return Envelope(
            sender=Organization(code=SENDER),
            receivers=tuple(Organization(code=code) for code in to),
            document_id=self.id(name),
            number="15",
            notation="TB",
            promulgation_date=date(2026, 11, 22),
            type=DocumentType(name="Công văn"),
            subject=f"Về việc {name}",
            signer=Signer(full_name="Nguyễn Văn A"),
            business=business or Business(),
            attachments=tuple(
                Attachment(
                    content_id=f"a{n}",
                    name=f"{n}.pdf",
                    content_type="application/pdf",
                    size_bytes=1,
                    sha256="0" * 64,
                )
                for n in range(files)
            ),
        )

    def recall(self, target: str, to: Iterable[str] = (A, B), name: str = "recall", files: int = 0) -> Envelope:
        """SENDER takes a document back."""
        business = Business(kind=PackageKind.RECALL, target=self.id(target), reason="gửi nhầm")
        return self.letter(name, to, business, files)

    def update(
        self,
        target: str,
        to: Iterable[str] = (A, B),
        added: Iterable[str] = (),
        removed: Iterable[str] = (),
        name: str = "update",
        files: int = 1,
    ) -> Envelope:
        """SENDER updates a document."""
        changes = [ReceiverChange(unit=unit, added=True) for unit in added]
        changes += [ReceiverChange(unit=unit, added=False) for unit in removed]
        business = Business(kind=PackageKind.UPDATE, target=self.id(target), receiver_changes=tuple(changes))
        return self.letter(name, to, business, files)

    def replacement(self, *targets: str, units: Iterable[str] = (A, B), name: str = "replacement") -> Envelope:
        """SENDER replaces documents."""
        old = tuple(Replacement(document_id=self.id(target), units=tuple(units)) for target in targets)
        return self.letter(name, business=Business(kind=PackageKind.REPLACE, replacements=old))

    def status(self, code: StatusCode, by: str = A, name: str = "doc", to: str = SENDER) -> StatusReport:
        """A status about a document of SENDER."""
        return StatusReport(
            sender=Organization(code=by),
            response_for=ResponseFor(unit=to, document_id=self.id(name)),
            code=code,
            at=AT,
            description=f"lý do {secrets.token_hex(4)}",
        )

    def take_back(self, of: str = A, name: str = "doc") -> StatusReport:
        """SENDER asks one unit for a document."""
        return self.status(StatusCode.TAKE_BACK, by=SENDER, name=name, to=of)

    async def package(self, message: Message, size_bytes: int = 0) -> dict[str, Any]:
        """What every fact about a package of this message tells."""
        package = f"<edXML>{secrets.token_hex(16)}</edXML>".encode().ljust(size_bytes)
        ref = await self.objects.put_content(package)
        sender = message.sender.code
        document_id = message.response_for.document_id if isinstance(message, StatusReport) else message.document_id
        return {
            "occurred_at": AT,
            "subject": _subject(message),
            "package_id": package_id(sender, ref.sha256),
            "sender": sender,
            "document_id": document_id,
            "kind": message.kind,
            "lane": Lane.NORMAL,
            "submitted_at": AT + next(self.submissions) * timedelta(milliseconds=1),
            "package": ref,
            "envelope": await self.objects.put_content(to_json(message)),
        }

    async def accepted(self, message: Message) -> PackageAccepted:
        """Intake let in a package with files."""
        about = await self.package(message)
        return PackageAccepted(**about, event_id=event_id(about["package_id"], "intake"))

    async def notice(self, message: Message) -> NoticeAccepted:
        """Intake let in a package without files."""
        about = await self.package(message)
        return NoticeAccepted(**about, event_id=event_id(about["package_id"], "intake"))

    async def verified(self, message: Message, size_bytes: int = 0) -> DocumentVerified:
        """The validator found the package valid."""
        about = await self.package(message, size_bytes)
        return DocumentVerified(
            **about,
            event_id=event_id(about["package_id"], "verdict"),
            label=Label.ORIGINAL,
            report=about["envelope"],
            policy_version="1",
        )

    async def invalid(self, message: Message, reason: Reason = Reason.E_SIG_REVOKED) -> DocumentRefused:
        """The validator found it not valid."""
        about = await self.package(message)
        step = event_id(about["package_id"], "verdict")
        return DocumentRefused(**about, event_id=step, reason=reason, detail="chữ ký 1", policy_version="1")

    async def turned_away(self, message: Message, reason: Reason = Reason.E_DUP, **fields: Any) -> PackageRefused:
        """Intake refused a package."""
        about = {"detail": "x"} | await self.package(message) | fields
        return PackageRefused(**about, event_id=event_id(about["package_id"], "intake"), reason=reason)

    def repeated(self, fact: Any, accepted: bool = True, **fields: Any) -> PackageRepeated:
        """The bytes of an earlier fact came again."""
        about = fact.model_dump() | {"fact": "package.repeated", "accepted": accepted} | fields
        about["event_id"] = event_id(fact.package_id, "repeated")
        return PackageRepeated.model_validate(about)

    async def deliver(self, message: Message) -> DocumentVerified:
        """A valid document, routed and forgotten by the sender."""
        fact = await self.verified(message)
        await self.take(fact)
        self.sender.forget()
        return fact

    async def deliver_and_keep(self, message: Message) -> DocumentVerified:
        """A valid document, routed."""
        fact = await self.verified(message)
        await self.take(fact)
        return fact

    async def report(self, message: Message) -> NoticeAccepted:
        """A notice, taken."""
        fact = await self.notice(message)
        await self.take(fact)
        return fact

    async def position(self, name: str, receiver: str) -> Position:
        """Where a document stands at a unit."""
        return position_of(await self.store.deliveries.history(self.key(name), receiver))


def _subject(message: Message) -> str:
    about = concerned_documents(message)
    if about and not claims_document_id(message):
        return document_key(*about[0])
    assert isinstance(message, Envelope)
    return document_key(message.sender.code, message.document_id)


@pytest.fixture(autouse=True)
def same_chance() -> None:
    """What the router draws at random is the same in every run of a test."""
    random.seed(0)


@pytest.fixture(params=["memory", "servers"])
def backing(request: pytest.FixtureRequest) -> str:
    """Whether stores are remembered or real."""
    return str(request.param)


@pytest.fixture(scope="session")
def server_settings(stack: SimpleNamespace) -> RouterSettings:
    return RouterSettings(
        inline_limit_bytes=INLINE_LIMIT_BYTES,
        mongo_uri=SecretStr(stack.mongo_uri),
        s3_endpoint=stack.s3_endpoint,
        s3_access_key=SecretStr(stack.s3_access_key),
        s3_secret_key=SecretStr(stack.s3_secret_key),
    )


@pytest.fixture(scope="module")
def database_name(server_settings: RouterSettings) -> Iterator[str]:
    """Service name of a database that is dropped after the module, while the servers still run."""
    make_buckets(Objects(server_settings).client)
    name = f"router_test_{secrets.token_hex(4)}"
    yield name

    async def drop() -> None:
        await Database(server_settings, name).client.drop_database(f"trunk_{name}")

    asyncio.run(drop())


@pytest_asyncio.fixture
async def world(backing: str, request: pytest.FixtureRequest) -> AsyncIterator[World]:
    """The router over stores of either kind; no other test's messages are due while time passes in this one."""
    if backing == "memory":
        yield World(memory_store(), RememberedObjects(), RouterSettings(inline_limit_bytes=INLINE_LIMIT_BYTES))
        return
    settings, name = request.getfixturevalue("server_settings"), request.getfixturevalue("database_name")
    database = Database(settings, name)
    await database.collection("placings").delete_many({})
    yield World(mongo_store(database), Objects(settings), settings)
    database.client.close()
