"""The health check of a container says what ``/readyz`` says."""

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, HTTPServer

import pytest

from common import healthy


@contextmanager
def answering(status: int, body: bytes) -> Iterator[int]:
    class Answer(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            self.send_response(status if self.path == "/readyz" else 404)
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, *_: object) -> None: ...

    with HTTPServer(("127.0.0.1", 0), Answer) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        try:
            yield server.server_port
        finally:
            server.shutdown()


def test_a_ready_service_is_healthy() -> None:
    with answering(200, b'{"ready": true}') as port:
        assert healthy.why_not_ready(port) == ""


def test_the_reason_is_what_the_service_says() -> None:
    with answering(503, b'{"ready": false, "mongodb": "no answer in time"}') as port:
        assert "no answer in time" in healthy.why_not_ready(port)


def test_a_service_that_does_not_answer_is_not_ready() -> None:
    with answering(200, b"") as port:
        pass
    assert "refused" in healthy.why_not_ready(port)


@pytest.mark.parametrize(("status", "code"), [(200, 0), (503, 1)])
def test_exit_code_is_the_answer(status: int, code: int, monkeypatch: pytest.MonkeyPatch) -> None:
    with answering(status, b"told") as port:
        monkeypatch.setenv("TRUNK_HTTP_PORT", str(port))
        with pytest.raises(SystemExit) as ended:
            healthy.main()
    assert int(ended.value.code or 0) == code
