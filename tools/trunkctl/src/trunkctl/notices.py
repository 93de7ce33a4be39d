"""Notifications that were not sent: read out of the notifier's database, and sent again by its own process."""

import asyncio
import time
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from rich.table import Table

from common.domain.ids import digest_id, event_id
from common.domain.names import Lane, UnitCode
from common.facts import OperatorRequested
from common.facts.flows import OPERATOR
from common.indexes import database_name
from common.service.outgoing import fact_message
from trunkctl import broker
from trunkctl.databases import asking, connected
from trunkctl.requests import outcomes
from trunkctl.settings import ControlSettings
from trunkctl.shown import rows

NOTIFIER = "notifier"
ENDED = ("failed", "given_up")
UNSENT = (*ENDED, "pending")
POLL_SECONDS = 0.2
PAGE_SIZE = 200
"""Notifications read, and asked for again, at a time."""

Row = dict[str, Any]


@dataclass(frozen=True, slots=True)
class Wish:
    """Who wants notifications sent again, and why."""

    actor: str
    purpose: str


class Notices:
    """The notifier's database, read only."""

    def __init__(self, settings: ControlSettings) -> None:
        self._database = connected(settings, "trunkctl-notices")[database_name(NOTIFIER)]

    def unsent(self, states: Iterable[str], unit: UnitCode = "", after: str = "", limit: int = PAGE_SIZE) -> list[Row]:
        """One page of the notifications in these states, by id and without their text."""
        query: Row = {"state": {"$in": list(states)}, "_id": {"$gt": after}} | ({"unit": unit} if unit else {})
        with asking():
            return list(self._database["notifications"].find(query, {"body": 0}).sort("_id", 1).limit(limit))

    def all_unsent(self, states: Iterable[str], unit: UnitCode = "") -> Iterator[list[Row]]:
        """All of them, page by page."""
        after, chosen = "", tuple(states)
        while page := self.unsent(chosen, unit, after):
            yield page
            after = page[-1]["_id"]

    def named(self, keys: Sequence[str]) -> Iterator[list[Row]]:
        """Those with these ids, page by page, in any state."""
        for first in range(0, len(keys), PAGE_SIZE):
            query = {"_id": {"$in": list(keys[first : first + PAGE_SIZE])}}
            with asking():
                yield list(self._database["notifications"].find(query, {"body": 0}).sort("_id", 1))

    def outcomes(self, requests: Iterable[OperatorRequested]) -> dict[str, str]:
        """What the notifier answered to these requests, by id of the notification, where it has."""
        return outcomes(self._database["notifications"], requests)

    def failing(self) -> list[Row]:
        """Destinations that did not take the last notification."""
        with asking():
            return list(self._database["destinations"].find({"failures": {"$gt": 0}}).sort("_id", 1))


def request_of(row: Row, wish: Wish, now: datetime) -> OperatorRequested:
    """The wish for one notification; wishing the same again before anything changed is the same request."""
    state = digest_id(row["_id"], wish.actor, wish.purpose, str(row.get("settled_at")))
    return OperatorRequested(
        event_id=event_id(state, "resend"),
        occurred_at=now,
        subject=state,
        lane=Lane.NORMAL,
        target=NOTIFIER,
        record_id=row["_id"],
        action="resend",
        actor=wish.actor,
        purpose=wish.purpose,
    )


async def resend(settings: ControlSettings, chosen: list[Row], wish: Wish, patience_seconds: float) -> dict[str, str]:
    """Announce the wish for each of a page and wait for the answers: by key, empty where none has come."""
    notices, answers = Notices(settings), {row["_id"]: "" for row in chosen}
    requests = [request_of(row, wish, datetime.now(UTC)) for row in chosen]
    async with broker.session(settings.broker_url(OPERATOR)) as channel:
        for request in requests:
            await broker.publish_outgoing(channel, fact_message(request), OPERATOR)
    deadline = time.monotonic() + patience_seconds
    while unanswered := [each for each in requests if not answers[each.record_id]]:
        answers |= await asyncio.to_thread(notices.outcomes, unanswered)
        if time.monotonic() > deadline:
            break
        await asyncio.sleep(POLL_SECONDS)
    return answers


def unsent_table(page: Iterable[Row]) -> Table:
    """One line a notification."""
    table = Table("id", "unit", "channel", "state", "attempts", "since", "detail")
    return rows(
        table,
        (
            (
                *(row["_id"], row["unit"], row["channel"], row["state"], row["attempts"]),
                *(row["created_at"], row.get("detail")),
            )
            for row in page
        ),
    )


def failing_table(page: Iterable[Row]) -> Table:
    """One line a destination."""
    table = Table("channel", "unit", "address", "failures", "since", "next attempt", "detail", title="silent")
    return rows(
        table,
        (
            (
                *(row["channel"], row["unit"] or "all", row["address"] or "mail server", row["failures"]),
                *(row["failing_since"], row["probe_at"], row["detail"]),
            )
            for row in page
        ),
    )
