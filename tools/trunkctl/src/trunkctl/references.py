"""Addresses of large packages in inboxes: asked for again, by the router's own process."""

import asyncio
import time
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from common.domain.ids import digest_id, event_id
from common.domain.names import Lane, PackageId, UnitCode
from common.facts import OperatorRequested
from common.facts.flows import OPERATOR
from common.indexes import database_name
from common.service.outgoing import fact_message
from common.service.row_requests import REQUESTS, kept_in
from trunkctl import broker
from trunkctl.databases import asking, connected
from trunkctl.requests import outcomes
from trunkctl.settings import ControlSettings

ROUTER = "router"
POLL_SECONDS = 0.2

Row = dict[str, Any]


@dataclass(frozen=True, slots=True)
class Wish:
    """Who wants addresses issued again, and why."""

    actor: str
    purpose: str


class Placings:
    """The router's database, read only."""

    def __init__(self, settings: ControlSettings) -> None:
        self._placings = connected(settings, "trunkctl-references")[database_name(ROUTER)]["placings"]

    def of_package(self, package_id: PackageId, unit: UnitCode = "") -> list[Row]:
        """Messages that bring a package to units, or to one; without their bodies."""
        first = f"{package_id}:placed/{unit}"
        query: Row = {"_id": f"{first}:1"} if unit else {"_id": {"$gte": first, "$lt": f"{package_id}:placed0"}}
        with asking():
            return list(self._placings.find(query, {"receiver": 1, "renew_at": 1, REQUESTS: 1}).sort("_id", 1))

    def outcomes(self, requests: Iterable[OperatorRequested]) -> dict[str, str]:
        """What the router answered to these requests, by id of the message, where it has."""
        return outcomes(self._placings, requests)


def request_of(row: Row, wish: Wish, now: datetime) -> OperatorRequested:
    """The wish for one message; wishing the same again before the address was renewed is the same request, unless some
    request was refused meanwhile: what stood in its way may be over."""
    refused = next((answer.event_id for answer in reversed(kept_in(row)) if answer.outcome != "done"), "")
    state = digest_id(row["_id"], wish.actor, wish.purpose, str(row.get("renew_at")), refused)
    return OperatorRequested(
        event_id=event_id(state, "renew"),
        occurred_at=now,
        subject=state,
        lane=Lane.NORMAL,
        target=ROUTER,
        record_id=row["_id"],
        action="renew",
        actor=wish.actor,
        purpose=wish.purpose,
    )


async def renew(settings: ControlSettings, chosen: list[Row], wish: Wish, patience_seconds: float) -> dict[str, str]:
    """Announce the wish for each message and wait for the answers: by unit, empty where none has come."""
    placings, answers = Placings(settings), {row["_id"]: "" for row in chosen}
    requests = [request_of(row, wish, datetime.now(UTC)) for row in chosen]
    async with broker.session(settings.broker_url(OPERATOR)) as channel:
        for request in requests:
            await broker.publish_outgoing(channel, fact_message(request), OPERATOR)
    deadline = time.monotonic() + patience_seconds
    while unanswered := [each for each in requests if not answers[each.record_id]]:
        answers |= await asyncio.to_thread(placings.outcomes, unanswered)
        if time.monotonic() > deadline:
            break
        await asyncio.sleep(POLL_SECONDS)
    return {row["receiver"]: answers[row["_id"]] for row in chosen}
