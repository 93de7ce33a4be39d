"""One trace from submission to inbox and mail, over all attempts; log lines are found by its ids."""

import json
import os
import signal
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from .collector import Collector, Span
from .conftest import Stock
from .inboxes import Inboxes
from .trunk import BIN, SERVICES, STATE, Trunk, eventually, run, shown

pytestmark = pytest.mark.system

ALL = {f"trunk-{service}" for service in SERVICES}
WISHES = ("TRUNK_OTLP_ENDPOINT",)


@pytest.fixture(scope="module")
def collector(trunk: Trunk) -> Iterator[Collector]:
    """All five services send their spans here; afterwards they are as before."""
    with Collector() as receiving:
        settings = dict(zip(WISHES, (receiving.url,), strict=True))
        stop_services(trunk)
        run(BIN / "trunkctl", "up", "--state", STATE, env=os.environ | settings)
        yield receiving
        stop_services(trunk)
    Trunk.up()


def stop_services(trunk: Trunk) -> None:
    """SIGTERM, as Kubernetes does, and wait for the end."""
    pids = [trunk.pid(service) for service in SERVICES]
    for pid in pids:
        os.kill(pid, signal.SIGTERM)
    assert eventually(lambda: not any(runs(pid) for pid in pids), 60.0)


def runs(pid: int) -> bool:
    """Whether the process is there and not only waiting to be collected."""
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
    except OSError:
        return False


@pytest.fixture
def outage(trunk: Trunk, collector: Collector) -> Iterator[None]:
    """The object store is away until somebody revives it."""
    trunk.kill_server("s3")
    yield
    Trunk.up()


def test_from_submission_to_inbox_and_mail(trunk: Trunk, collector: Collector, inboxes: Inboxes, stock: Stock) -> None:
    entry = stock.take()
    package = trunk.submit(entry["sender"], entry["bytes"])
    came = inboxes.wait_for(package, ["receipt", "document"])
    trace_id = trace_of(came[0].headers)
    assert {trace_of(item.headers) for item in came} == {trace_id}
    spans = whole_trace(collector, trace_id)
    assert {span.attributes.get("trunk.package_id") for span in spans} <= {package, None}
    names = {(span.service, span.name) for span in spans}
    assert {
        ("trunk-intake", "submission process"),
        ("trunk-intake", "package.accepted publish"),
        ("trunk-validator", "package.accepted process"),
        ("trunk-validator", "document.verified publish"),
        ("trunk-router", "document.verified process"),
        ("trunk-router", "inbox document publish"),
        ("trunk-archive", "document.verified process"),
        ("trunk-notifier", "delivery.placed process"),
        ("trunk-notifier", "notify email"),
    } <= names, shown(sorted(names), 60)
    by_name = {span.name: span for span in spans}
    for name in ("submission process", "package.accepted process", "document.verified process", "notify email"):
        assert by_name[name].attributes["trunk.package_id"] == package
        assert by_name[name].attributes["trunk.document_id"] == came[0].headers["x-document-id"]


def test_log_lines_of_all_services_are_found_by_the_ids(
    trunk: Trunk, collector: Collector, inboxes: Inboxes, stock: Stock
) -> None:
    entry = stock.take()
    package = trunk.submit(entry["sender"], entry["bytes"])
    came = inboxes.wait_for(package, ["receipt", "document"])
    trace_id, document_id = trace_of(came[0].headers), came[0].headers["x-document-id"]
    whole_trace(collector, trace_id)
    for field, value in (("package_id", package), ("document_id", document_id)):
        matching = lines(field, value)
        assert {line["service"] for line in matching} == set(SERVICES), (field, shown(matching))
        assert {line["trace_id"] for line in matching} == {trace_id}, (field, shown(matching))
        assert {line["document_id"] for line in matching if line["event"] == "message"} == {document_id}


def test_a_trace_that_a_unit_brings_goes_on(trunk: Trunk, collector: Collector, inboxes: Inboxes, stock: Stock) -> None:
    trace_id = os.urandom(16).hex()
    entry = stock.take()
    own = {"traceparent": f"00-{trace_id}-{os.urandom(8).hex()}-00"}
    package = trunk.submit(entry["sender"], entry["bytes"], headers=own)
    came = inboxes.wait_for(package, ["receipt", "document"])
    assert {trace_of(item.headers) for item in came} == {trace_id}
    whole_trace(collector, trace_id)


def test_attempts_during_an_outage_are_one_trace(
    trunk: Trunk, collector: Collector, inboxes: Inboxes, stock: Stock, outage: None
) -> None:
    """No server away parks anything: the package waits, and goes on under its own trace."""
    entry, before = stock.take(), trunk.parked()
    package = trunk.submit(entry["sender"], entry["bytes"])
    tries = "something is away"
    assert eventually(lambda: sum(line["event"] == tries for line in new_lines("intake")) >= 2, 60.0)
    trunk.revive_server("s3")
    came = inboxes.wait_for(package, ["receipt", "document"])
    (trace_id,) = {trace_of(item.headers) for item in came}
    names = [span.name for span in whole_trace(collector, trace_id) if span.service == "trunk-intake"]
    assert names.count("submission process") >= 3, names
    assert {line["trace_id"] for line in lines("package_id", package)} == {trace_id}
    assert trunk.parked() == before


def new_lines(service: str) -> list[dict[str, Any]]:
    """Log lines of a service since it was started last."""
    texts = (STATE / "logs" / f"{service}.jsonl").read_text().splitlines()
    parsed = [json.loads(text) for text in texts if text.startswith("{")]
    begun = max(number for number, line in enumerate(parsed) if line.get("event") == "starting")
    return parsed[begun:]


def trace_of(headers: dict[str, Any]) -> str:
    """The trace id in W3C's header."""
    return str(headers["traceparent"]).split("-")[1]


def whole_trace(collector: Collector, trace_id: str) -> list[Span]:
    """Spans leave the services every few seconds: wait until all five have sent some, and nothing more comes."""

    def services() -> bool:
        spans = collector.of_trace(trace_id)
        return {span.service for span in spans} >= ALL and any(span.name.startswith("notify ") for span in spans)

    assert eventually(services, 60.0), shown(sorted({(s.service, s.name) for s in collector.of_trace(trace_id)}), 60)
    known = 0
    while known != (known := len(collector.of_trace(trace_id))):
        time.sleep(6.0)
    return collector.of_trace(trace_id)


def lines(field: str, value: str) -> list[dict[str, Any]]:
    """Log lines of all services in which a field has a value."""
    matching = []
    for service in SERVICES:
        for text in (STATE / "logs" / f"{service}.jsonl").read_text().splitlines():
            line = json.loads(text) if text.startswith("{") else {}
            if line.get(field) == value:
                matching.append(line)
    return matching
