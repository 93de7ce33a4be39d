"""Who waits for a server does not read the authorities of the system with every question."""

import ast
from pathlib import Path

import httpx
import pytest

from devstack import loopback

ROOT = Path(__file__).parents[2]
PLACES = ("tests/system", "testing", "tools/trunkctl/src/trunkctl/local")
READS_THEM = {"httpx.get", "httpx.post", "httpx.put", "httpx.request", "httpx.stream", "httpx.Client"}
WRAPPER = ROOT / "testing/devstack/src/devstack/loopback.py"


def test_the_authorities_are_read_once(monkeypatch: pytest.MonkeyPatch) -> None:
    read = []
    make = httpx.create_ssl_context
    monkeypatch.setattr(httpx, "create_ssl_context", lambda: read.append(1) or make())  # type: ignore[func-returns-value]
    monkeypatch.setattr(httpx._transports.default, "create_ssl_context", lambda verify, **_: _authorities(verify))
    loopback._authorities.cache_clear()
    for _ in range(3):
        with loopback.client():
            pass
        with pytest.raises(httpx.ConnectError):
            loopback.get("http://127.0.0.1:9/")
        with pytest.raises(httpx.ConnectError):
            loopback.post("http://127.0.0.1:9/")
    assert len(read) == 1


def _authorities(verify: object) -> object:
    """The context that was handed over; True would read them again."""
    assert verify is loopback._authorities()
    return verify


def test_no_other_call_reads_them() -> None:
    calls = [
        f"{path.relative_to(ROOT)}:{node.lineno}"
        for place in PLACES
        for path in sorted((ROOT / place).rglob("*.py"))
        if path != WRAPPER
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8")))
        if isinstance(node, ast.Call) and ast.unparse(node.func) in READS_THEM
    ]
    assert calls == []
