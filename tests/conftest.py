"""Servers for tests: those of this checkout's ``.devstack``, started once if nothing runs yet."""

import json
import subprocess
from pathlib import Path
from types import SimpleNamespace

import pytest

ROOT = Path(__file__).parent.parent
ADDRESSES = ROOT / ".devstack" / "addresses.json"


@pytest.fixture(scope="session")
def stack() -> SimpleNamespace:
    """Addresses of RabbitMQ, the MongoDB-wire server and the object store (fields as ``devstack`` writes them)."""
    subprocess.run([ROOT / ".venv/bin/devstack", "up"], cwd=ROOT, check=True, stdout=subprocess.DEVNULL)
    return SimpleNamespace(**json.loads(ADDRESSES.read_text()))
