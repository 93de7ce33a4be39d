"""One trace from submission to inbox and mail, over all attempts; log lines are found by its ids."""

import json
import os
import signal
from collections.abc import Iterator
from functools import partial
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
    assert eventually(lambda: not any(runs(pid) for pid in pids))


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
    wanted = {
        ("trunk-intake", "submission process"),
        ("trunk-intake", "package.accepted publish"),
        ("trunk-validator", "package.accepted process"),
        ("trunk-validator", "document.verified publish"),
        ("trunk-router", "document.verified process"),
        ("trunk-router", "inbox document publish"),
        ("trunk-archive", "document.verified process"),
        ("trunk-notifier", "delivery.placed process"),
        ("trunk-notifier", "notify email"),
    }
    assert eventually(lambda: wanted <= names(collector, trace_id)), shown(sorted(names(collector, trace_id)), 60)
    spans = whole_trace(collector, trace_id)
    assert {span.attributes.get("trunk.package_id") for span in spans} <= {package, None}
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
        services = partial(logged_by, field, value)
        assert eventually(lambda services=services: services() == set(SERVICES)), (field, services())
        matching = lines(field, value)
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
    assert eventually(lambda: sum(line["event"] == tries for line in new_lines("intake")) >= 2)
    trunk.revive_server("s3")
    came = inboxes.wait_for(package, ["receipt", "document"])
    (trace_id,) = {trace_of(item.headers) for item in came}
    assert eventually(lambda: attempts(collector, trace_id) >= 3), attempts(collector, trace_id)
    whole_trace(collector, trace_id)
    assert {line["trace_id"] for line in lines("package_id", package)} == {trace_id}
    assert trunk.parked() == before


def new_lines(service: str) -> list[dict[str, Any]]:
    """Log lines of a service since it was started last."""
    parsed = parsed_log(service)
    begun = max(number for number, line in enumerate(parsed) if line.get("event") == "starting")
    return parsed[begun:]


def parsed_log(service: str) -> list[dict[str, Any]]:
    """Lines of a log that are written to their end."""
    whole, _, _ = (STATE / "logs" / f"{service}.jsonl").read_text().rpartition("\n")
    return [json.loads(text) for text in whole.splitlines() if text.startswith("{")]


def trace_of(headers: dict[str, Any]) -> str:
    """The trace id in W3C's header."""
    return str(headers["traceparent"]).split("-")[1]


def whole_trace(collector: Collector, trace_id: str) -> list[Span]:
    """The spans, once all five services have sent some; they leave the services every few seconds."""

    def services() -> bool:
        spans = collector.of_trace(trace_id)
        return {span.service for span in spans} >= ALL and any(span.name.startswith("notify ") for span in spans)

    assert eventually(services), shown(sorted(names(collector, trace_id)), 60)
    return collector.of_trace(trace_id)


def names(collector: Collector, trace_id: str) -> set[tuple[str, str]]:
    """Service and name of every span of a trace so far."""
    return {(span.service, span.name) for span in collector.of_trace(trace_id)}


def attempts(collector: Collector, trace_id: str) -> int:
    """How often intake has begun to handle the submission."""
    spans = collector.of_trace(trace_id)
    return sum((span.service, span.name) == ("trunk-intake", "submission process") for span in spans)


def lines(field: str, value: str) -> list[dict[str, Any]]:
    """Log lines of all services in which a field has a value."""
    return [line for service in SERVICES for line in parsed_log(service) if line.get(field) == value]


def logged_by(field: str, value: str) -> set[str]:
    """Services that have written such a line."""
    return {line["service"] for line in lines(field, value)}
