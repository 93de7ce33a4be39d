"""A webhook receiver: what Alertmanager sends, kept by the path it was sent to."""

import json
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any


class Receiver:
    """Notifications as they came, oldest first."""

    def __init__(self) -> None:
        self.address = ""
        self._came: list[tuple[str, dict[str, Any]]] = []
        self._changed = threading.Condition()

    def keep(self, path: str, notification: dict[str, Any]) -> None:
        """One came."""
        with self._changed:
            self._came.append((path, notification))
            self._changed.notify_all()

    def alerts(self, path: str) -> list[dict[str, Any]]:
        """Every alert sent to that path."""
        with self._changed:
            return [alert for to, notification in self._came if to == path for alert in notification["alerts"]]

    def names(self, path: str) -> set[str]:
        """Of these alerts."""
        return {alert["labels"]["alertname"] for alert in self.alerts(path)}

    def wait_for(self, path: str, name: str, patience_seconds: float = 120.0, status: str = "firing") -> bool:
        """Whether that alert comes in time."""

        def has_arrived() -> bool:
            alerts = [alert for to, notification in self._came if to == path for alert in notification["alerts"]]
            return any(alert["labels"]["alertname"] == name and alert["status"] == status for alert in alerts)

        with self._changed:
            return self._changed.wait_for(has_arrived, patience_seconds)


@contextmanager
def received() -> Iterator[Receiver]:
    """A receiver on loopback."""
    receiver = Receiver()

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            receiver.keep(self.path.strip("/"), json.loads(self.rfile.read(int(self.headers["Content-Length"]))))
            self.send_response(200)
            self.end_headers()

        def log_message(self, *_: Any) -> None:
            """Nothing."""

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    receiver.address = f"http://127.0.0.1:{server.server_port}"
    threading.Thread(target=server.serve_forever, daemon=True).start()
    try:
        yield receiver
    finally:
        server.shutdown()
