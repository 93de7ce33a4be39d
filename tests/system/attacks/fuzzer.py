"""Throws random messages at the submit queues of the running trunk, and accounts for each.

``python -m fuzz submissions --minutes 10``. Every message is refused by the broker, or answered to its sender, or
parked; nobody else gets anything, no process ends, and all services are ready afterwards.
"""

import argparse
import secrets
import sys
import time
from collections import Counter
from dataclasses import dataclass, field
from typing import Any

from fuzz.submissions import Case, case
from pika.exceptions import AMQPError

from ..inboxes import Inboxes
from ..trunk import HELD, SERVICES, SUBMIT, Trunk, eventually, package_id, sha256, submission

BATCH = 100
PATIENCE_SECONDS = 240.0


@dataclass
class Fuzzer:
    """One run against one trunk."""

    trunk: Trunk
    inboxes: Inboxes
    run: str = field(default_factory=lambda: secrets.token_hex(4))
    refused: int = 0
    taken: dict[str, Case] = field(default_factory=dict)
    """By package id."""
    digests: dict[str, str] = field(default_factory=dict)
    """Package id by the digest of its bytes."""
    numbers: dict[str, int] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self.pids = {service: self.trunk.pid(service) for service in SERVICES}

    def throw(self, numbers: range) -> None:
        """Submits the messages with these numbers; reconnects when the broker closes a sender's connection."""
        connections = {}
        for number in numbers:
            made = case(number, self.run)
            connection = connections.get(made.unit)
            if connection is None or not connection.is_open:
                connection = connections[made.unit] = self.trunk.connect(made.unit)
            self._submit(connection, number, made)
        for connection in connections.values():
            if connection.is_open:
                connection.close()

    def _submit(self, connection: object, number: int, made: Case) -> None:
        properties = submission(made.unit, **{"timestamp": None, **made.properties, "headers": made.table})
        try:
            channel = connection.channel()  # type: ignore[attr-defined]
            channel.confirm_delivery()
            channel.basic_publish(SUBMIT, made.key, made.body, properties, mandatory=True)
            channel.close()
        except AMQPError:
            self.refused += 1
            return
        package = package_id(made.unit, made.body)
        self.taken[package], self.numbers[package] = made, number
        self.digests[sha256(made.body)] = package

    def outcomes(self) -> Counter[str]:
        """How many were answered, parked, refused by the broker, and are still open."""
        answered = {item.package_id for item in self.inboxes.items} & self.taken.keys()
        parked = self._parked() - answered
        open_ = len(self.taken) - len(answered) - len(parked)
        return Counter(answered=len(answered), parked=len(parked), refused=self.refused, open=open_)

    def _rows(self) -> list[dict[str, Any]]:
        """Records of our messages, without their bodies."""
        rows = []
        for service in SERVICES:
            records = self.trunk.collection(f"trunk_{service}", "message_records")
            rows += list(records.find({"state": {"$in": HELD}}, {"message.sha256": 1, "is_quarantined": 1}))
        return [row for row in rows if row["message"]["sha256"] in self.digests]

    def _parked(self) -> set[str]:
        return {self.digests[row["message"]["sha256"]] for row in self._rows()}

    def settled(self) -> Counter[str]:
        """The outcomes, once nothing is open."""
        eventually(lambda: not self.outcomes()["open"], PATIENCE_SECONDS, 2.0)
        return self.outcomes()

    def findings(self) -> list[str]:
        """One line for each broken promise."""
        items = [item for item in self.inboxes.items if item.package_id in self.taken]
        answered = {item.package_id for item in items}
        lost = self.taken.keys() - answered - self._parked()
        wrong = [item for item in items if item.unit != self.taken[item.package_id].unit or item.type != "refusal"]
        findings = [f"{self.numbers[package]}: neither answered nor parked" for package in sorted(lost)]
        findings += [f"{self.numbers[i.package_id]}: a {i.type} for {i.unit}" for i in wrong if not held(i.body)]
        restarted = [service for service, pid in self.pids.items() if self.trunk.pid(service) != pid]
        findings += [f"{service}: another process" for service in restarted]
        findings += [f"quarantined: {row['_id']}" for row in self._rows() if row["is_quarantined"]]
        not_ready = eventually(lambda: not self.trunk.not_ready()) or self.trunk.not_ready()
        return findings + ([] if not_ready is True else [f"not ready: {not_ready}"])

    def forget(self) -> None:
        """Remove what was parked."""
        for service in SERVICES:
            records = self.trunk.collection(f"trunk_{service}", "message_records")
            records.delete_many({"_id": {"$in": [row["_id"] for row in self._rows()]}})


def held(body: bytes) -> bool:
    """Whether a receipt says that the package is held."""
    return b'"receipt": "held"' in body or b'"receipt":"held"' in body


def main() -> int:
    """Command line."""
    parser = argparse.ArgumentParser(prog="python -m fuzz submissions", description=__doc__)
    parser.add_argument("--minutes", type=float, default=1.0)
    parser.add_argument("--from", dest="first", type=int, default=0, help="number of the first message")
    options = parser.parse_args()
    trunk = Trunk.up()
    until, number = time.monotonic() + options.minutes * 60, options.first
    with Inboxes(trunk, trunk.units) as inboxes:
        fuzzer = Fuzzer(trunk, inboxes)
        while time.monotonic() < until:
            fuzzer.throw(range(number, number + BATCH))
            number += BATCH
        outcomes, findings = fuzzer.settled(), fuzzer.findings()
        fuzzer.forget()
    print(
        f"submissions: {number - options.first} messages, {dict(outcomes)}, {len(findings)} findings",
        *findings,
        sep="\n",
    )
    return 1 if findings else 0


if __name__ == "__main__":
    sys.exit(main())
