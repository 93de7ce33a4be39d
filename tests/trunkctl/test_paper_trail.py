"""A document's timeline, told from what services wrote down."""

import json
from datetime import UTC, datetime

from trunkctl.paper_trail import trail


def entry(fact: str, at: str, **more: object) -> dict[str, object]:
    common = {"fact": fact, "event_id": "e", "occurred_at": at, "sender": "A", "document_id": "D", "kind": "new"}
    return {"body": json.dumps(common | more)}


def test_moments_stand_in_the_order_in_which_they_happened() -> None:
    found = trail(
        "key",
        [
            entry("document.verified", "2026-11-22T10:00:02+00:00", label="ORIGINAL"),
            entry("package.accepted", "2026-11-22T10:00:01+00:00", package={"bucket": "content"}),
            entry("delivery.placed", "2026-11-22T17:00:03+07:00", receiver="B", subject_text="V/v"),
        ],
        [{"receiver": "B", "state": "SENT", "updated_at": datetime(2026, 11, 22, tzinfo=UTC)}],
    )
    assert (found.document_id, found.sender) == ("D", "A")
    assert [(m.fact, m.unit, m.what) for m in found.moments] == [
        ("package.accepted", "A", ""),
        ("document.verified", "A", "label=ORIGINAL"),
        ("delivery.placed", "B", ""),
    ]
    assert [(s.receiver, s.state) for s in found.standings] == [("B", "SENT")]
