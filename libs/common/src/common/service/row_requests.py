"""Operators' requests about one row of a service. They are saved in the row, by the same write that carries them out.

Each is saved with its outcome. A request that is delivered again, even after another one about the same row, gets the
same answer, and is not carried out again.
"""

from collections.abc import Callable, Sequence
from datetime import datetime

from pydantic import BaseModel, ConfigDict

from common.database import Collection, Document, compare_and_set, find_by_id
from common.facts import OperatorRequested

REQUESTS = "requests"
"""The field of the row with its requests."""
REQUESTS_KEPT = 100
"""How many requests a row keeps; the latest."""


class RowRequest(BaseModel):
    """A request about a row, and its outcome."""

    model_config = ConfigDict(frozen=True, extra="ignore")

    event_id: str
    """Of the request."""
    actor: str
    purpose: str
    at: datetime
    outcome: str
    """``done``, or why not."""

    def is_of(self, request: OperatorRequested) -> bool:
        """Whether this is the answer to a request. Different requests may have the same event id, which the operator
        chooses."""
        identity = (self.event_id, self.actor, self.purpose)
        return identity == (request.event_id, request.actor, request.purpose)


def answered(request: OperatorRequested, at: datetime, outcome: str) -> RowRequest:
    """A request with its outcome, to be saved."""
    return RowRequest(event_id=request.event_id, actor=request.actor, purpose=request.purpose, at=at, outcome=outcome)


def answer_among(saved: Sequence[RowRequest], request: OperatorRequested) -> RowRequest | None:
    """The saved answer to a request; None = it was not answered."""
    return next((each for each in saved if each.is_of(request)), None)


def kept_in(row: Document) -> list[RowRequest]:
    """The requests saved in a row, the latest last."""
    return [RowRequest.model_validate(each) for each in row.get(REQUESTS) or ()]


async def answer_once(
    rows: Collection,
    row_id: str,
    request: OperatorRequested,
    at: datetime,
    decide: Callable[[Document], tuple[str, Document]],
) -> RowRequest:
    """Answer a request about a row, or return the answer that it got before.

    ``decide``: gives the outcome, and the fields of the row to set for it. They are set together with the answer, and
    only if the row's ``state`` is still the one that ``decide`` was given; otherwise ``decide`` is called again. Raises
    ``Outage``, and ``LookupError`` if there is no such row.
    """
    while True:
        row = await find_by_id(rows, row_id)
        if row is None:
            raise LookupError(f"no row {row_id}")
        if saved := answer_among(kept_in(row), request):
            return saved
        outcome, fields = decide(row)
        answer = answered(request, at, outcome)
        requests = [*(row.get(REQUESTS) or ()), answer.model_dump()][-REQUESTS_KEPT:]
        expected = {"_id": row_id, "state": row.get("state"), REQUESTS: row.get(REQUESTS)}
        if await compare_and_set(rows, expected, {"$set": {**fields, REQUESTS: requests}}):
            return answer
