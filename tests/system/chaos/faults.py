"""What goes wrong: two tables of faults with their weights. Each lasts a while and is over when it returns.

Faults of services and faults of servers happen at the same time, each kind one after the other.
"""

import random
import shutil
import signal
import threading
import time
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field

from ..trunk import BIN, STATE, VHOST, Trunk, eventually, run
from .load import Load
from .replicas import PATIENCE_SECONDS, Replica, family_of, wait_ready

LANES = ("normal", "urgent")
PURGED = [
    f"{queue}.{lane}" for queue in ("facts.validator", "facts.router", "facts.archive", "place") for lane in LANES
]
"""Queues of packages in progress, without the notifier's: a redrive does not restore what that one loses."""
WHO = ("--by", "Nguyễn Văn A", "--why", "thử nghiệm hỗn loạn", "--wait", "180", "--state", STATE)


@dataclass
class Arena:
    """What faults work on."""

    trunk: Trunk
    replicas: list[Replica]
    load: Load
    chance: random.Random
    log: list[str] = field(default_factory=list)
    began: float = field(default_factory=time.monotonic)
    services_alone: threading.Lock = field(default_factory=threading.Lock)
    """Held by each fault of a service, and by a fault of a server that no other may disturb."""

    done: list[str] = field(default_factory=list)
    """Names of the faults that were made."""

    def make(self, fault: "Fault") -> None:
        """Causes the fault, and records when."""
        begun = time.monotonic() - self.began
        fault(self)
        self.done.append(fault.__name__)
        self.log.append(f"{begun:6.1f} to {time.monotonic() - self.began:6.1f} s  {fault.__name__}")

    def some(self) -> Replica:
        """One process."""
        return self.chance.choice(self.replicas)

    def wait(self, least_seconds: float, most_seconds: float) -> None:
        """For a time by chance."""
        time.sleep(self.chance.uniform(least_seconds, most_seconds))


Fault = Callable[[Arena], None]


@contextmanager
def frozen(processes: Iterable[object]) -> Iterator[None]:
    """SIGSTOP, and SIGCONT at the end."""
    chosen = list(processes)
    for each in chosen:
        _send(each, signal.SIGSTOP)
    try:
        yield
    finally:
        for each in chosen:
            _send(each, signal.SIGCONT)


def _send(process: object, number: signal.Signals) -> None:
    if isinstance(process, Replica):
        process.signal(number)
    else:
        process.send_signal(number)  # type: ignore[attr-defined]


def service_killed(arena: Arena) -> None:
    """One process dies and is started again."""
    replica = arena.some()
    replica.kill()
    arena.wait(0.2, 2.0)
    replica.start()


def service_killed_wholly(arena: Arena) -> None:
    """Both processes of a service die together."""
    name = arena.some().service
    chosen = [each for each in arena.replicas if each.service == name]
    for each in chosen:
        each.kill()
    arena.wait(0.5, 3.0)
    for each in chosen:
        each.start()


def service_frozen(arena: Arena) -> None:
    """One process is stopped, as on a node without memory."""
    with frozen([arena.some()]):
        arena.wait(1.0, 12.0)


def connections_cut(arena: Arena) -> None:
    """The broker ends the connections of one service."""
    name = arena.some().service
    with arena.trunk.management() as http:
        for each in http.get("/connections").raise_for_status().json():
            if each.get("user") == name:
                http.delete(f"/connections/{each['name']}")


def broker_killed(arena: Arena) -> None:
    """RabbitMQ dies and is started again."""
    arena.trunk.kill_server("rabbitmq")
    arena.trunk.revive_server("rabbitmq")


def database_killed(arena: Arena) -> None:
    """The database dies and is started again."""
    arena.trunk.kill_server("mongo")
    arena.wait(0.5, 5.0)
    arena.trunk.revive_server("mongo")


def store_killed(arena: Arena) -> None:
    """The object store dies and is started again."""
    arena.trunk.kill_server("s3")
    arena.wait(0.5, 5.0)
    arena.trunk.revive_server("s3")


def broker_frozen(arena: Arena) -> None:
    """RabbitMQ is stopped and continued."""
    with frozen(family_of("rabbitmq")):
        arena.wait(1.0, 6.0)


def database_frozen(arena: Arena) -> None:
    """The database is stopped and continued."""
    with frozen(family_of("mongo")):
        arena.wait(1.0, 12.0)


def store_frozen(arena: Arena) -> None:
    """The object store is stopped and continued."""
    with frozen(family_of("s3")):
        arena.wait(1.0, 12.0)


def memory_alarm(arena: Arena) -> None:
    """RabbitMQ accepts no publishes."""
    _control("set_vm_memory_high_watermark", "0.0000001")
    try:
        arena.wait(2.0, 8.0)
    finally:
        _control("set_vm_memory_high_watermark", "0.6")


def disk_alarm_for_a_minute(arena: Arena) -> None:
    """RabbitMQ takes no publishes, as long as an operator needs to make room on its disk."""
    _control("set_disk_free_limit", "100000GB")
    try:
        time.sleep(60.0)
    finally:
        _control("set_disk_free_limit", "50MB")


def queue_purged(arena: Arena) -> None:
    """A queue of packages in progress is purged; an operator has their facts published again at the end."""
    with arena.trunk.management() as http:
        http.delete(f"/queues/{VHOST}/{arena.chance.choice(PURGED)}/contents").raise_for_status()


def broker_lost(arena: Arena) -> None:
    """RabbitMQ comes back without any data: topology, inboxes and packages on their way are made good by an operator.

    Nobody submits meanwhile: what a unit has submitted and the trunk has not taken yet is the unit's to send again.
    """
    with arena.services_alone, arena.load.held():
        wait_ready(arena.replicas)
        taken = eventually(
            lambda: not any(name.startswith("submit.") for name in arena.trunk.depths()), PATIENCE_SECONDS
        )
        assert taken, "submissions are not taken"
        since = time.strftime("%Y-%m-%dT%H:%M:%S%z", time.localtime(arena.load.began_at))
        arena.trunk.kill_server("rabbitmq")
        shutil.rmtree(STATE / "rabbitmq" / "data")
        arena.trunk.revive_server("rabbitmq")
        run(BIN / "trunkctl", "topology", "adopt", "--by", "chaos", "--why", "a new broker", "--state", STATE)
        run(BIN / "trunkctl", "topology", "apply", "--state", STATE)
        wait_ready(arena.replicas)
        run(BIN / "trunkctl", "inboxes", "rebuild", "--all", "--since", since, *WHO)
        redrive(arena)


def redrive(arena: Arena) -> None:
    """An operator has the facts of all open packages published again."""
    run(BIN / "trunkctl", "redrive", "--all-open", *WHO)


def _control(*arguments: str) -> None:
    call = "import sys, pathlib; from devstack.broker_control import run; run(pathlib.Path(sys.argv[1]), sys.argv[2:])"
    run(BIN / "python", "-c", call, STATE, *arguments)


OF_SERVICES: dict[Fault, float] = {service_killed: 9, service_killed_wholly: 2, service_frozen: 4}
OF_SERVERS: dict[Fault, float] = {
    connections_cut: 6,
    queue_purged: 4,
    broker_killed: 1,
    broker_frozen: 2,
    database_killed: 1,
    database_frozen: 2,
    store_killed: 1,
    store_frozen: 2,
    memory_alarm: 2,
}
RARE: tuple[Fault, ...] = (disk_alarm_for_a_minute, broker_lost)
"""Of servers: each once, in a long run."""


def drawn(chance: random.Random, count: int, table: dict[Fault, float], *always: Fault) -> list[Fault]:
    """Each kind at least once, the others by weight, in an order by chance."""
    least = [*table, *always]
    faults = [*least, *chance.choices(list(table), list(table.values()), k=max(0, count - len(least)))]
    chance.shuffle(faults)
    return faults
