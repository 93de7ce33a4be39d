"""From a number to a person: real Prometheus with the shipped rules, real Alertmanager with the shipped routes."""

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest

from lab import prometheus
from lab.prometheus import Tools

from . import files, scraping
from .receiver import received
from .test_alertmanager import running

DROPPED = "rabbitmq_global_messages_unroutable_dropped_total"


class Exporter:
    """A process with metrics that the test sets."""

    def __init__(self) -> None:
        self.address = ""
        self.dropped = 0
        self.reads = 0
        self.was_read = threading.Condition()


@contextmanager
def exporting() -> Iterator[Exporter]:
    """On loopback."""
    exporter = Exporter()

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            body = f'# TYPE {DROPPED} counter\n{DROPPED}{{protocol="amqp091"}} {exporter.dropped}\n'.encode()
            self.send_response(200)
            self.send_header("Content-Type", "text/plain; version=0.0.4")
            self.end_headers()
            self.wfile.write(body)
            with exporter.was_read:
                exporter.reads += 1
                exporter.was_read.notify_all()

        def log_message(self, *_: Any) -> None:
            """Nothing."""

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    exporter.address = f"127.0.0.1:{server.server_port}"
    threading.Thread(target=server.serve_forever, daemon=True).start()
    try:
        yield exporter
    finally:
        server.shutdown()


@pytest.mark.servers
def test_a_lost_message_reaches_the_pager_in_vietnamese(newest: Tools, tmp_path: Path) -> None:
    with received() as receiver, exporting() as exporter, running(tmp_path, receiver, ["sunday"]) as manager:
        host = manager.removeprefix("http://")
        file = scraping.written(tmp_path, {"rabbitmq": [(exporter.address, {})]}, host)
        base = {"TRUNK_RUNBOOK_BASE": "https://so-tay.example/runbooks"}
        with prometheus.prometheus(tmp_path / "prometheus", file, base):
            with exporter.was_read:
                assert exporter.was_read.wait_for(lambda: exporter.reads >= 3, 120)
            exporter.dropped = 7
            assert receiver.wait_for("page", "TrunkUnroutable")
            assert receiver.wait_for("heartbeat", "TrunkDeadMansSwitch")
    (alert, *_) = (each for each in receiver.alerts("page") if each["labels"]["alertname"] == "TrunkUnroutable")
    annotations = alert["annotations"]
    assert "bản tin bị bỏ vì không có hàng đợi nào nhận" in annotations["summary"]
    assert files.is_vietnamese(annotations["description"])
    assert annotations["runbook_url"] == "https://so-tay.example/runbooks/topology.md"
    assert alert["labels"] | {"service": "broker", "severity": "critical"} == alert["labels"]
