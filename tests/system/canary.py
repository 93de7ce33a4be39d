"""A canary beside the running trunk: its units, its keys and its process."""

import json
import os
import re
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import httpx

from devstack import loopback
from tests.ports import free_ports

from .operating import Operator
from .trunk import BIN, ROOT, STATE, VHOST, Trunk, run

UNITS = ("CANARY.1", "CANARY.2")
Series = dict[str, float]


@contextmanager
def canary_units(trunk: Trunk, folder: Path) -> Iterator[None]:
    """Writes a canary's keys into the folder; both units are in the directory and have users, queues and inboxes."""
    run(BIN / "python", "-m", "mint", "canary", "--city", STATE / "city", "--out", folder)
    operator = Operator(trunk, folder)
    operator.tidy()
    try:
        operator.confirmed(lambda units: units.extend(json.loads((folder / "units.json").read_text())))
        for code in UNITS:
            operator.does("provision", code)
        yield
    finally:
        operator.put_back()
        with trunk.management() as http:
            for code in UNITS:
                http.delete(f"/users/{code}")
                for queue in (f"inbox.{code}", f"submit.{code}.normal", f"submit.{code}.urgent"):
                    http.delete(f"/queues/{VHOST}/{queue}")


class Canary:
    """The canary's process, with its metrics and log."""

    def __init__(self, trunk: Trunk, folder: Path, log: Path, **overrides: str) -> None:
        self.port = free_ports(1)[0]
        settings = {
            "TRUNK_CANARY_SENDER_AMQP_URL": trunk.login(UNITS[0]),
            "TRUNK_CANARY_RECEIVER_AMQP_URL": trunk.login(UNITS[1]),
            "TRUNK_CANARY_KEYS_DIR": str(folder),
            "TRUNK_CANARY_SECONDS": "15",
            "TRUNK_CANARY_PATIENCE_SECONDS": "14",
            "TRUNK_HTTP_PORT": str(self.port),
        }
        self.log = log
        with log.open("wb") as out:
            self.process = subprocess.Popen(
                [BIN / "trunk-canary"], cwd=ROOT, env={**os.environ, **settings, **overrides}, stdout=out, stderr=out
            )

    def attempts(self, outcome: str) -> float:
        """Number of rounds with this outcome; 0 while the process does not answer."""
        return self.series().get(f'trunk_canary_attempts_total{{outcome="{outcome}"}}', 0.0)

    def series(self) -> Series:
        try:
            text = loopback.get(f"http://127.0.0.1:{self.port}/metrics/", timeout=20).text
        except httpx.HTTPError:
            return {}
        return {name: float(value) for name, value in re.findall(r"^([^#\s]\S*) (\S+)$", text, re.MULTILINE)}

    def __enter__(self) -> "Canary":
        return self

    def __exit__(self, *_: object) -> None:
        self.end()

    def end(self) -> None:
        self.process.terminate()
        assert self.process.wait(60) in (0, -15)
