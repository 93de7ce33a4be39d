"""The order of packages, from what intake says about them."""

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from common.domain.names import Lane, PackageKind
from common.facts import NoticeAccepted, ObjectRef
from router.order import order_of

AT = datetime(2026, 11, 22, 8, 30, tzinfo=UTC)
LATER = AT + timedelta(minutes=5)
REF = ObjectRef(bucket="content", key="k", sha256="0" * 64, size_bytes=1)


def notice(package_id: str, submitted_at: datetime, place: datetime | None) -> NoticeAccepted:
    values: dict[str, Any] = {
        "event_id": package_id,
        "occurred_at": submitted_at,
        "subject": "doc",
        "lane": Lane.NORMAL,
        "package_id": package_id,
        "sender": "000.00.14.H29",
        "document_id": "1",
        "kind": PackageKind.STATUS,
        "package": REF,
        "envelope": REF,
    }
    return NoticeAccepted(**values, submitted_at=submitted_at, place=place)


@pytest.mark.parametrize(
    ("case", "earlier", "later"),
    [
        ("the place counts, not the clock", notice("b", LATER, LATER), notice("a", AT, LATER + timedelta(seconds=1))),
        ("an earlier release gave no place", notice("b", AT, None), notice("a", LATER, None)),
        ("both releases at work", notice("b", AT, None), notice("a", AT, LATER)),
        ("the same moment", notice("a", AT, AT), notice("b", AT, AT)),
    ],
)
def test_packages_count_by_their_places(case: str, earlier: NoticeAccepted, later: NoticeAccepted) -> None:
    assert order_of(earlier) < order_of(later)
