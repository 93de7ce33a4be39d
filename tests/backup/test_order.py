"""The order of copying names every collection of every service, and puts causes behind what follows from them."""

import re

import pytest

from common.facts.flows import SERVICES
from common.indexes import BACKUPS, CHECKS, INDEXES, MESSAGE_RECORDS, NEWEST_DECISIONS, OPERATOR_REQUESTS, TIDIES
from tests.system.trunk import ROOT
from trunkctl.backup.order import ORDER, in_order

FOLLOWS = {
    "archive": [("progress", "records"), ("records", "ledger"), ("batches", "ledger"), ("ledger", "ledger_events")],
    "router": [
        *(("placings", "decisions"), ("deliveries", "decisions"), ("delivery_events", "decisions")),
        *(("deliveries", "delivery_events"), ("acts", "decisions"), ("decisions", "documents")),
        *(("decisions", "document_versions"), ("document_versions", "documents")),
    ],
    "intake": [("waiting", "packages"), ("removals", "packages"), ("packages", "claims")],
}
"""What follows, and from what."""
IN_ALL = {MESSAGE_RECORDS, OPERATOR_REQUESTS, NEWEST_DECISIONS, BACKUPS, CHECKS, TIDIES}


@pytest.mark.parametrize("service", SERVICES)
def test_every_collection_of_a_service_has_its_place(service: str) -> None:
    sources = (ROOT / "services" / service / "src").rglob("*.py")
    used = {name for source in sources for name in re.findall(r'\.collection\("(\w+)"\)', source.read_text())}
    indexed = {index.collection for index in INDEXES if index.service == service}
    assert used
    assert used | indexed <= set(ORDER[service])
    assert set(ORDER[service]) <= used | indexed | IN_ALL


def test_intake_comes_last_and_the_router_before_it() -> None:
    assert set(ORDER) == set(SERVICES)
    assert list(ORDER)[-2:] == ["router", "intake"]


@pytest.mark.parametrize("service", FOLLOWS)
def test_what_follows_is_copied_before_its_cause(service: str) -> None:
    for what, cause in FOLLOWS[service]:
        assert ORDER[service].index(what) < ORDER[service].index(cause), (what, cause)


def test_a_collection_without_a_place_comes_first() -> None:
    assert in_order("intake", ["claims", "packages", "a_new_one"]) == ["a_new_one", "packages", "claims"]
