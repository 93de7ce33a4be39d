"""Many receivers for a measurement: units of the directory with an inbox and nothing else, some of them full."""

import json
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import asdict
from datetime import UTC, date, datetime

from common.domain.directory import Unit
from common.objects import Objects
from common.topology import INBOX, Binding, Policy, Queue, Topology, inbox_queue, unit_topology
from trunkctl.broker_admin import BrokerAdmin
from trunkctl.settings import ControlSettings
from trunkctl.trunk_file import TrunkFile
from trunkctl.units.bucket import DirectoryBucket
from trunkctl.units.directory_acts import Comparison, forced
from trunkctl.units.directory_file import read_strictly
from trunkctl.units.history import Decision

FULL_PREFIX, OPEN_PREFIX = "BENCH.F", "BENCH.R"
FULL_POLICY = Policy("bench-full", rf"^inbox\.{FULL_PREFIX}\d+$", {"max-length": 1})


@contextmanager
def receivers(trunk: TrunkFile, count: int, full: int) -> Iterator[tuple[list[str], list[str]]]:
    """Codes of units that read, and of units whose inboxes take one message; they are gone afterwards."""
    reading = [f"{OPEN_PREFIX}{number:04}" for number in range(count - full)]
    silent = [f"{FULL_PREFIX}{number:04}" for number in range(full)]
    admin = BrokerAdmin(
        trunk.rabbitmq_management_url, trunk.rabbitmq_admin_user, trunk.rabbitmq_admin_password, trunk.vhost
    )
    data = trunk.directory_file.read_bytes()
    _put_into_force(trunk, _with(data, [*reading, *silent]))
    admin.declare(_inboxes([*reading, *silent]))
    try:
        yield reading, silent
    finally:
        _put_into_force(trunk, data)
        admin.delete_policy(FULL_POLICY.name)
        for code in (*reading, *silent):
            admin.delete_queue(inbox_queue(code))


def _inboxes(codes: list[str]) -> Topology:
    described = [unit_topology(_unit(code)) for code in codes]
    queues: tuple[Queue, ...] = tuple(each.queues[0] for each in described)
    bindings = tuple(Binding(INBOX, inbox_queue(code), code) for code in codes)
    return Topology(queues=queues, bindings=bindings, policies=(FULL_POLICY,))


def _unit(code: str) -> Unit:
    return Unit(code=code, name=code, valid_from=date(2025, 7, 1))


def _with(data: bytes, codes: list[str]) -> bytes:
    directory = json.loads(data)
    directory["units"] += [asdict(_unit(code)) for code in codes]
    return json.dumps(directory, ensure_ascii=False, default=date.isoformat).encode()


def _put_into_force(trunk: TrunkFile, data: bytes) -> None:
    bucket = DirectoryBucket(Objects(ControlSettings(**trunk.control())))
    directory = read_strictly(data)
    who = Decision(by="bench", why="receivers of a measurement", at=datetime.now(UTC))
    bucket.keep_version(data)
    bucket.record(lambda head: forced(head, Comparison(bucket.directory(head.state.in_force), directory), who))
