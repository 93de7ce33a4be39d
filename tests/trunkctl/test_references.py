"""``trunkctl references``: which wishes are one request, and whose answer is whose."""

from datetime import UTC, datetime
from typing import Any

import pytest

from common.service.row_requests import answered
from trunkctl.references import Wish, request_of
from trunkctl.requests import outcomes

AT = datetime(2026, 11, 22, 8, 30, tzinfo=UTC)
LATER = datetime(2026, 11, 22, 9, 30, tzinfo=UTC)
WISH = Wish("Lan", "unit has lost the file")
ROW: dict[str, Any] = {"_id": "p:placed/A.01:1", "receiver": "A.01", "renew_at": AT}


def after(row: dict[str, Any], outcome: str) -> dict[str, Any]:
    """The row once the router has answered the wish."""
    return row | {"requests": [answered(request_of(row, WISH, AT), AT, outcome).model_dump()]}


@pytest.mark.parametrize(
    ("row", "wish", "is_same"),
    [
        (ROW, WISH, True),
        (after(ROW, "done"), WISH, True),
        (after(ROW, "the unit is closed"), WISH, False),
        (ROW | {"renew_at": LATER}, WISH, False),
        (ROW, Wish("Minh", WISH.purpose), False),
        (ROW, Wish(WISH.actor, "again"), False),
    ],
    ids=["nothing happened", "done", "refused", "renewed", "another person", "another reason"],
)
def test_a_repeated_wish_is_the_same_request_until_something_changed(
    row: dict[str, Any], wish: Wish, is_same: bool
) -> None:
    first, again = request_of(ROW, WISH, AT), request_of(row, wish, LATER)
    assert (first.event_id == again.event_id) is is_same


class Rows:
    """A collection of one row."""

    def __init__(self, row: dict[str, Any]) -> None:
        self.row = row

    def find(self, _: Any, __: Any) -> list[dict[str, Any]]:
        return [self.row]


def test_the_answer_to_another_request_about_the_row_is_not_taken_for_this_one() -> None:
    mine, other = request_of(ROW, WISH, AT), request_of(ROW, Wish("Minh", "again"), AT)
    kept = [answered(mine, AT, "done"), answered(other, LATER, "the unit is closed")]
    rows: Any = Rows(ROW | {"requests": [each.model_dump() for each in kept]})
    assert outcomes(rows, [mine]) == {ROW["_id"]: "done"}
    assert outcomes(rows, [other]) == {ROW["_id"]: "the unit is closed"}
    assert outcomes(rows, [request_of(ROW, Wish("Hoa", "x"), AT)]) == {}
