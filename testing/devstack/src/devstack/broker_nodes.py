"""The broker of a checkout as a cluster of several nodes on this machine.

Each further node has a state folder of its own below ``nodes``, in which ``servers.kill`` and ``servers.revive`` work
as they do in the checkout's. The first node keeps its ports and passwords, so that everything still finds it.
"""

import shutil
from dataclasses import dataclass, replace
from pathlib import Path

from devstack import choices, ports, processes, rabbitmq, rabbitmq_settings, servers, waiting
from devstack.checkout import Checkout
from devstack.choices import Choices
from devstack.debian_tree import both
from devstack.errors import DevstackError
from devstack.once import Once
from devstack.progress import Silent

COOKIE = ".erlang.cookie"


@dataclass(frozen=True)
class Node:
    """state_dir: for ``servers.kill`` and ``servers.revive``. name: Erlang's."""

    state_dir: Path
    name: str
    amqp_port: int
    management_port: int


def form(state_dir: Path, count: int) -> list[Node]:
    """Start the broker anew as a cluster of so many nodes, without any data. Raises ``DevstackError``."""
    state_dir = state_dir.resolve()
    chosen = choices.load(state_dir)
    if chosen is None or not processes.running(state_dir, rabbitmq.SERVER):
        raise DevstackError("the broker was not started in this checkout")
    _end(state_dir)
    _start_names(state_dir, chosen)
    servers.revive(state_dir, rabbitmq.SERVER)
    folders = [state_dir, *(_further(state_dir, chosen, number) for number in range(2, count + 1))]
    for folder in folders[1:]:
        servers.revive(folder, rabbitmq.SERVER)
    return list(map(_node, folders))


def dissolve(state_dir: Path) -> None:
    """End the cluster; the first node begins anew, alone and without data."""
    state_dir = state_dir.resolve()
    _end(state_dir)
    servers.revive(state_dir, rabbitmq.SERVER)


def _further(state_dir: Path, chosen: Choices, number: int) -> Path:
    folder = state_dir / rabbitmq.NODES / str(number)
    own = folder / rabbitmq.SERVER
    own.mkdir(parents=True)
    shutil.copytree(state_dir / rabbitmq_settings.TLS, folder / rabbitmq_settings.TLS)
    shutil.copy2(state_dir / rabbitmq.SERVER / COOKIE, own / COOKIE)
    free = dict(zip(chosen.ports, ports.free_block(folder), strict=False))
    name = chosen.node_name.replace("@", f"-{number}@")
    settled = replace(chosen, ports=free | {"epmd": chosen.ports["epmd"]}, node_name=name, joins=chosen.node_name)
    choices.keep(folder, settled)
    return folder


def _node(folder: Path) -> Node:
    settled = choices.load(folder)
    assert settled is not None
    return Node(folder, settled.node_name, settled.ports["amqp"], settled.ports["management"])


def _start_names(state_dir: Path, chosen: Choices) -> None:
    quiet = Silent()
    processes.start(state_dir, rabbitmq.names(Checkout(state_dir, chosen, quiet, Once(lambda: both(quiet)))))
    waiting.until_ready(state_dir, rabbitmq.NAMES, lambda: ports.answers(chosen.ports["epmd"]))


def _end(state_dir: Path) -> None:
    """No node runs afterwards, and none has data."""
    servers.kill_nodes(state_dir)
    processes.kill(state_dir, rabbitmq.SERVER)
    processes.kill(state_dir, rabbitmq.NAMES)
    shutil.rmtree(state_dir / rabbitmq.NODES, ignore_errors=True)
    shutil.rmtree(state_dir / rabbitmq.SERVER / "data", ignore_errors=True)
