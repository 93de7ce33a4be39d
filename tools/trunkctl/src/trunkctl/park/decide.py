"""An operator's decisions about parked messages: announced as facts, carried out by the services, waited for here."""

import asyncio
import time
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import UTC, datetime

from common.domain.ids import digest_id, event_id
from common.domain.names import Lane
from common.facts import OperatorAction, OperatorRequested
from common.facts.flows import OPERATOR
from common.service.outgoing import fact_message
from trunkctl import broker
from trunkctl.park.held import HeldMessages, ParkedMessage
from trunkctl.settings import ControlSettings

POLL_SECONDS = 0.2
BATCH = 200
"""Decisions announced and waited for at a time."""


@dataclass(frozen=True, slots=True)
class Decision:
    """What a person decided, for any number of messages."""

    action: OperatorAction
    actor: str
    purpose: str


@dataclass(frozen=True, slots=True)
class Outcome:
    """What became of the decision about one message."""

    held: ParkedMessage
    answer: str
    """``done``, why not, or empty if the service has not answered yet."""


def request_of(held: ParkedMessage, decision: Decision, now: datetime) -> OperatorRequested:
    """The decision about one message as a fact; deciding the same again in the same state is the same request."""
    record = held.record
    who_and_why = digest_id(decision.actor, decision.purpose)
    return OperatorRequested(
        event_id=event_id(record.record_id, f"{decision.action}/{who_and_why}", record.revision),
        occurred_at=now,
        subject=record.about.subject or record.record_id,
        lane=Lane.NORMAL,
        target=held.service,
        record_id=record.record_id,
        action=decision.action,
        actor=decision.actor,
        purpose=decision.purpose,
    )


async def decide(
    settings: ControlSettings, held: Iterable[ParkedMessage], decision: Decision, patience_seconds: float
) -> list[Outcome]:
    """Announce a decision about each message and wait for what the services answer, for each on its own."""
    outcomes: list[Outcome] = []
    messages = HeldMessages(settings)
    async with broker.session(settings.broker_url(OPERATOR)) as channel:
        batch: list[tuple[ParkedMessage, OperatorRequested]] = []
        for each in held:
            request = request_of(each, decision, datetime.now(UTC))
            await broker.publish_outgoing(channel, fact_message(request), OPERATOR)
            batch.append((each, request))
            if len(batch) == BATCH:
                outcomes += await _answers(messages, batch, patience_seconds)
                batch = []
        outcomes += await _answers(messages, batch, patience_seconds)
    return outcomes


async def _answers(
    messages: HeldMessages, batch: list[tuple[ParkedMessage, OperatorRequested]], patience_seconds: float
) -> list[Outcome]:
    deadline = time.monotonic() + patience_seconds
    open_requests, outcomes = list(batch), []
    while open_requests:
        still_open = []
        for held, request in open_requests:
            record = await asyncio.to_thread(messages.find, held.service, held.record.record_id)
            answer = record.decision if record else None
            if answer and answer.event_id == request.event_id and answer.outcome:
                outcomes.append(Outcome(held, answer.outcome))
            else:
                still_open.append((held, request))
        open_requests = still_open
        if open_requests and time.monotonic() > deadline:
            return outcomes + [Outcome(held, "") for held, _ in open_requests]
        await asyncio.sleep(POLL_SECONDS if open_requests else 0)
    return outcomes
