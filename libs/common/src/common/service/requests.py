"""Operators' requests about a service's own rows, not parked messages: each is carried out once and answered."""

from collections.abc import Awaitable, Callable
from datetime import datetime, timedelta
from typing import Protocol

from pydantic import BaseModel, ConfigDict

from common.clock import Clock, utc_now
from common.database import Collection, Database, Document, database_errors_as_outages, find_by_id, insert_once
from common.domain.ids import digest_id, event_id
from common.domain.names import Lane
from common.domain.security import SecurityKind
from common.facts import OperatorActed, OperatorAction, OperatorRequested, SecurityNoticed, security_event
from common.indexes import OPERATOR_REQUESTS
from common.service.outgoing import Announcer

KEEP = timedelta(days=90)
"""How long an answer is kept. The ledger keeps it for ever."""

FORGET_SECONDS = 3_600.0
"""Pause between two removals of old answers."""


class RequestAnswer(BaseModel):
    """The answer to a request."""

    model_config = ConfigDict(frozen=True, extra="ignore")

    identifier: str
    at: datetime
    outcome: str
    """``done``, or why not."""


class RequestAnswers(Protocol):
    """The saved answers. All methods raise ``Outage`` while the database is unavailable."""

    async def find(self, identifier: str) -> RequestAnswer | None:
        """The answer to a request; None = there is none yet."""

    async def save(self, answer: RequestAnswer) -> RequestAnswer:
        """Save an answer. Returns the one that was saved first."""

    async def remove_before(self, at: datetime) -> None:
        """Remove answers that were given before a time."""


class MongoRequestAnswers:
    """Collection ``operator_requests`` of a service's database."""

    def __init__(self, database: Database) -> None:
        self._answers: Collection = database.collection(OPERATOR_REQUESTS)

    async def find(self, identifier: str) -> RequestAnswer | None:
        """The answer to a request; None = there is none yet."""
        row = await find_by_id(self._answers, identifier)
        return RequestAnswer.model_validate(row) if row else None

    async def save(self, answer: RequestAnswer) -> RequestAnswer:
        """Save an answer. Returns the one that was saved first."""
        row: Document = {"_id": answer.identifier, **answer.model_dump()}
        return RequestAnswer.model_validate(await insert_once(self._answers, row))

    async def remove_before(self, at: datetime) -> None:
        """Remove answers that were given before a time."""
        with database_errors_as_outages():
            await self._answers.delete_many({"at": {"$lt": at}})


class Requests:
    """Carries out and answers requests of one action to one service."""

    def __init__(
        self,
        service: str,
        action: OperatorAction,
        carry_out: Callable[[OperatorRequested], Awaitable[str]],
        answers: RequestAnswers,
        announcer: Announcer,
        now: Clock = utc_now,
    ) -> None:
        """``carry_out``: returns the outcome; may be called again after a crash, so it must be idempotent."""
        self._service = service
        self._action = action
        self._carry_out = carry_out
        self._answers = answers
        self._announcer = announcer
        self._now = now

    async def act(self, request: OperatorRequested) -> None:
        """Carry out a request, unless that was done before, and announce its outcome. Requests to other services and of
        other actions are ignored. Raises ``Outage``, and what ``carry_out`` raises."""
        if request.target != self._service or request.action != self._action:
            return
        identifier = request_id(request)
        answer = await self._answers.find(identifier)
        if answer is None:
            outcome = await self._carry_out(request)
            answer = await self._answers.save(RequestAnswer(identifier=identifier, at=self._now(), outcome=outcome))
        await self._announcer.announce(self._acted(request, answer))
        await self._announcer.announce(self._security(request, answer))

    async def forget(self) -> None:
        """Remove answers older than ``KEEP``."""
        await self._answers.remove_before(self._now() - KEEP)

    def _acted(self, request: OperatorRequested, answer: RequestAnswer) -> OperatorActed:
        return OperatorActed(
            event_id=event_id(answer.identifier, "acted"),
            occurred_at=answer.at,
            subject=request.subject,
            lane=Lane.NORMAL,
            service=self._service,
            record_id=request.record_id,
            action=request.action,
            actor=request.actor,
            purpose=request.purpose,
            outcome=answer.outcome,
        )

    def _security(self, request: OperatorRequested, answer: RequestAnswer) -> SecurityNoticed:
        return security_event(
            self._service,
            SecurityKind.OPERATOR_ACTED,
            event_id(answer.identifier, "security/acted"),
            answer.at,
            actor=request.actor,
            detail=f"{request.action} of {request.record_id}: {answer.outcome}; {request.purpose}",
        )


def request_id(request: OperatorRequested) -> str:
    """Identifies a request by all of its fields, because the operator chooses the event id."""
    return digest_id("request", request.event_id, request.action, request.record_id, request.actor, request.purpose)
