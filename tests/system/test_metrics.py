"""What the running services export, as Prometheus would read it."""

import re
from functools import partial
from typing import Any

import pytest

from devstack import loopback

from .conftest import Stock
from .inboxes import Inboxes
from .trunk import ROOT, SERVICES, Trunk, eventually

pytestmark = pytest.mark.system

PROMISED = (ROOT / "docs" / "operations" / "metrics.md").read_text().partition("\n## The canary\n")[0]
ROW = re.compile(r"^\| `(trunk_\w+)` \| (\w+) \|", re.MULTILINE)
SAMPLE = re.compile(r"^(\w+)(?:\{(.*)\})? (\S+)$")
LABEL = re.compile(r'(\w+)="((?:[^"\\]|\\.)*)"')
DONE = 2
GAUGE_PATIENCE_SECONDS = 400.0
"""A gauge that is counted in the database is set at longer intervals the longer the count takes (``Paced``)."""

Samples = dict[tuple[str, frozenset[tuple[str, str]]], float]


def exported(trunk: Trunk, service: str) -> str:
    """The page that Prometheus reads."""
    answer = loopback.get(
        f"http://127.0.0.1:{trunk.services[service]['http_port']}/metrics", follow_redirects=True, timeout=20
    )
    return answer.raise_for_status().text


def samples(trunk: Trunk, service: str) -> Samples:
    """Value by name and labels."""
    matches = (SAMPLE.match(line) for line in exported(trunk, service).splitlines())
    return {(each[1], frozenset(LABEL.findall(each[2] or ""))): float(each[3]) for each in matches if each}


def value(trunk: Trunk, service: str, name: str, **labels: str) -> float | None:
    """One sample; None if it is not exported."""
    return samples(trunk, service).get((name, frozenset(labels.items())))


@pytest.mark.parametrize("service", SERVICES)
def test_every_service_exports_the_contract_and_nothing_else_of_ours(trunk: Trunk, service: str) -> None:
    types = dict(re.findall(r"^# TYPE (\w+) (\w+)$", exported(trunk, service), re.MULTILINE))
    assert {name: kind for name, kind in types.items() if name.startswith("trunk_")} == dict(ROW.findall(PROMISED))


@pytest.mark.parametrize("service", SERVICES)
def test_dependencies_are_told_without_anybody_asking_for_readiness(trunk: Trunk, service: str) -> None:
    def dependencies() -> dict[str, float]:
        ups = {labels: up for (name, labels), up in samples(trunk, service).items() if name == "trunk_dependency_up"}
        return {dict(labels)["dependency"]: up for labels, up in ups.items()}

    expected = {"rabbitmq", "mongodb", "object_store"}
    assert eventually(lambda: expected <= set(dependencies()) and all(dependencies().values())), dependencies()


def test_a_document_moves_what_it_should(trunk: Trunk, inboxes: Inboxes, stock: Stock) -> None:
    entry = stock.take(lambda entry: not entry["urgent"])
    receiver = entry["receivers"][0]
    pending = {"unit": receiver, "urgency": "normal"}

    def waiting() -> float | None:
        return value(trunk, "router", "trunk_deliveries_pending", **pending)

    # Wait until the gauge has been set once.
    assert eventually(lambda: waiting() is not None, GAUGE_PATIENCE_SECONDS)
    before = waiting() or 0.0
    package = trunk.submit(entry["sender"], entry["bytes"])
    inboxes.wait_for(package, ["receipt", "document"])
    assert eventually(lambda: (waiting() or 0.0) > before, GAUGE_PATIENCE_SECONDS)
    progress: Any = trunk.collection("trunk_archive", "progress")

    def stages() -> list[int]:
        row = progress.find_one({"_id": package}) or {}
        return [row.get(stage, 0) for stage in ("validation", "routing", "archiving")]

    assert eventually(lambda: stages() == [DONE] * 3), stages()
    for service, name, labels in (
        ("intake", "trunk_document_stage_seconds_count", {"stage": "intake", "urgency": "normal"}),
        ("validator", "trunk_document_stage_seconds_count", {"stage": "validated", "urgency": "normal"}),
        ("validator", "trunk_signature_verdicts_total", {"verdict": "valid", "sub_indication": ""}),
        ("validator", "trunk_revocation_checks_total", {"method": "crl", "outcome": "good"}),
        ("validator", "trunk_trust_last_update_timestamp_seconds", {"source": "directory"}),
        ("router", "trunk_document_delivery_seconds_count", {"urgency": "normal"}),
        ("router", "trunk_deliveries_total", {**pending, "outcome": "delivered"}),
        ("archive", "trunk_archive_writes_total", {"outcome": "written"}),
        ("notifier", "trunk_notifications_total", {"channel": "email", "outcome": "sent"}),
    ):
        counted = partial(value, trunk, service, name, **labels)
        assert eventually(lambda counted=counted: (counted() or 0.0) > 0), (service, name, labels)
