"""Operators' requests about one row of a service: kept in the row itself, by the write that carries them out.

Each is kept with what became of it. One that is delivered again, also after another one about the same row, is answered
as it was, and not carried out once more.
"""

from collections.abc import Callable, Sequence
from datetime import datetime

from pydantic import BaseModel, ConfigDict

from common.database import Collection, Document, compare_and_set, find_by_id
from common.facts import OperatorRequested

REQUESTS = "requests"
"""The field of the row."""
REQUESTS_KEPT = 100
"""Of each row, the latest."""


class RowRequest(BaseModel):
    """A request, and what became of it."""

    model_config = ConfigDict(frozen=True, extra="ignore")

    event_id: str
    """Of the request."""
    actor: str
    purpose: str
    at: datetime
    outcome: str
    """``done``, or why not."""

    def is_of(self, request: OperatorRequested) -> bool:
        """Whether it is this very request; another one under the same event id is another one."""
        mine = (self.event_id, self.actor, self.purpose)
        return mine == (request.event_id, request.actor, request.purpose)


def answered(request: OperatorRequested, at: datetime, outcome: str) -> RowRequest:
    """A request as it is kept."""
    return RowRequest(event_id=request.event_id, actor=request.actor, purpose=request.purpose, at=at, outcome=outcome)


def answer_among(kept: Sequence[RowRequest], request: OperatorRequested) -> RowRequest | None:
    """What became of a request, if it was answered."""
    return next((each for each in kept if each.is_of(request)), None)


def kept_in(row: Document) -> list[RowRequest]:
    """The requests that a row keeps, the latest last."""
    return [RowRequest.model_validate(each) for each in row.get(REQUESTS) or ()]


async def answer_once(
    rows: Collection,
    row_id: str,
    request: OperatorRequested,
    at: datetime,
    decide: Callable[[Document], tuple[str, Document]],
) -> RowRequest:
    """Answer a request about a row, or return the answer that it got before.

    ``decide``: the outcome, and the fields of the row to set for it. They are set together with the answer, and only
    while the row's ``state`` is the one that ``decide`` was given. Raises ``Outage``; and ``LookupError`` without the
    row.
    """
    while True:
        row = await find_by_id(rows, row_id)
        if row is None:
            raise LookupError(f"no row {row_id}")
        if known := answer_among(kept_in(row), request):
            return known
        outcome, fields = decide(row)
        answer = answered(request, at, outcome)
        kept = [*(row.get(REQUESTS) or ()), answer.model_dump()][-REQUESTS_KEPT:]
        expected = {"_id": row_id, "state": row.get("state"), REQUESTS: row.get(REQUESTS)}
        if await compare_and_set(rows, expected, {"$set": {**fields, REQUESTS: kept}}):
            return answer
