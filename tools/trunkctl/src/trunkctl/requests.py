"""Requests that services carry out on their own rows: announced here as facts, and waited for."""

import asyncio
import time
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from pymongo.collection import Collection

from common.domain.ids import digest_id, event_id
from common.domain.names import Lane
from common.facts import OperatorAction, OperatorRequested
from common.facts.flows import OPERATOR
from common.indexes import OPERATOR_REQUESTS, database_name
from common.service.outgoing import fact_message
from common.service.requests import request_id
from common.service.row_requests import REQUESTS, answer_among, kept_in
from trunkctl import broker
from trunkctl.databases import asking, connected
from trunkctl.identifiers import forms_of
from trunkctl.settings import ControlSettings

EVERYTHING = "*"
POLL_SECONDS = 0.2
PAGE_SIZE = 200
NOT_ANSWERED = "not answered yet: it is carried out when the service gets to it"


@dataclass(frozen=True, slots=True)
class Wish:
    """What a person wants of a service, and why."""

    service: str
    action: OperatorAction
    actor: str
    purpose: str


def request_of(wish: Wish, record_id: str, now: datetime) -> OperatorRequested:
    """The wish as a fact. Wishing the same again later is another request."""
    identifier = digest_id(wish.action, record_id, wish.actor, wish.purpose, now.isoformat())
    return OperatorRequested(
        event_id=event_id(identifier, wish.action),
        occurred_at=now,
        subject=identifier,
        lane=Lane.NORMAL,
        target=wish.service,
        record_id=record_id,
        action=wish.action,
        actor=wish.actor,
        purpose=wish.purpose,
    )


async def ask(
    settings: ControlSettings, wish: Wish, record_ids: Sequence[str], patience_seconds: float
) -> dict[str, str]:
    """Announce a wish for each and wait for the answers: by id, ``NOT_ANSWERED`` where none has come."""
    requests = [request_of(wish, record_id, datetime.now(UTC)) for record_id in record_ids]
    async with broker.session(settings.broker_url(OPERATOR)) as channel:
        for request in requests:
            await broker.publish_outgoing(channel, fact_message(request), OPERATOR)
    answers: dict[str, str] = {}
    deadline = time.monotonic() + patience_seconds
    while unanswered := [each for each in requests if each.record_id not in answers]:
        answers |= await asyncio.to_thread(_outcomes, settings, wish.service, unanswered)
        if time.monotonic() > deadline:
            break
        await asyncio.sleep(POLL_SECONDS)
    return {each.record_id: answers.get(each.record_id, NOT_ANSWERED) for each in requests}


def packages_of(settings: ControlSettings, identifiers: Iterable[str]) -> dict[str, list[str]]:
    """Ids of the packages that intake has decided about and that these package ids or DocumentIds name."""
    packages = connected(settings, "trunkctl-requests")[database_name("intake")]["packages"]
    named: dict[str, list[str]] = {}
    with asking():
        for identifier in identifiers:
            query = {"$or": [{"_id": identifier}, {"document_id": {"$in": forms_of(identifier)}}]}
            named[identifier] = [row["_id"] for row in packages.find(query, {"_id": 1})]
    return named


def outcomes(rows: Collection[Any], requests: Iterable[OperatorRequested]) -> dict[str, str]:
    """What a service answered to requests about its rows, by id of the row, where it has."""
    by_row = {request.record_id: request for request in requests}
    with asking():
        kept = list(rows.find({"_id": {"$in": list(by_row)}}, {REQUESTS: 1}))
    answers = {row["_id"]: answer_among(kept_in(row), by_row[row["_id"]]) for row in kept}
    return {key: answer.outcome for key, answer in answers.items() if answer}


def _outcomes(settings: ControlSettings, service: str, requests: Sequence[OperatorRequested]) -> dict[str, str]:
    record_ids = {request_id(request): request.record_id for request in requests[:PAGE_SIZE]}
    answers = connected(settings, "trunkctl-requests")[database_name(service)][OPERATOR_REQUESTS]
    with asking():
        rows = list(answers.find({"_id": {"$in": list(record_ids)}}))
    return {record_ids[row["_id"]]: str(row["outcome"]) for row in rows}
