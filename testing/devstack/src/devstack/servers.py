"""The three servers of a checkout together: started side by side, stopped, killed and revived."""

import os
from collections.abc import Callable, Collection, Mapping
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from devstack import addresses as kept_addresses
from devstack import choices as kept_choices
from devstack import debian_tree, locks, mongo, ports, processes, rabbitmq, seaweedfs
from devstack.addresses import Addresses
from devstack.checkout import Checkout
from devstack.choices import Choices
from devstack.errors import DevstackError
from devstack.once import Once
from devstack.progress import Progress, Silent

__all__ = ["ALL", "Addresses", "kill", "kill_nodes", "revive", "running", "start", "stop"]


@dataclass(frozen=True)
class Server:
    """What a server's module offers."""

    from_environment: Callable[[Mapping[str, str]], dict[str, Any] | None]
    adopt: Callable[[Mapping[str, Any]], str]
    addresses: Callable[[Choices], dict[str, Any]]
    start: Callable[[Checkout], str]
    ready: Callable[[Choices], bool]
    ports: tuple[str, ...]


def _server(module: Any) -> Server:
    return Server(
        from_environment=module.from_environment,
        adopt=module.adopt,
        addresses=module.addresses,
        start=module.start,
        ready=module.ready,
        ports=module.PORTS,
    )


SERVERS = {module.SERVER: _server(module) for module in (rabbitmq, mongo, seaweedfs)}
ALL = tuple(SERVERS)
"""The names: rabbitmq, mongo, s3."""


def start(state_dir: Path, *, progress: Progress | None = None, only: Collection[str] = ALL) -> Addresses:
    """Start what does not run yet and return where everything is.

    state_dir: the checkout's folder for data, made if missing. only: names of servers, for a test
    that needs one of them; the addresses of those never started are empty. Raises DevstackError.
    """
    state_dir = state_dir.resolve()
    state_dir.mkdir(parents=True, exist_ok=True)
    state_dir.chmod(0o700)  # passwords, and files that belong to users of the Debian tree
    with _lock(state_dir):
        checkout = _checkout(state_dir, progress or Silent(), only)
        parts = _in_parallel(checkout, only)
        before = kept_addresses.load(state_dir) or NOWHERE
        addresses = replace(before, **_merged(before.versions, parts))
        kept_addresses.save(state_dir, addresses)
        return addresses


def stop(state_dir: Path) -> None:
    """Stop every server that was started here; no process is left. The data stays."""
    state_dir = state_dir.resolve()
    if not state_dir.is_dir():
        return
    with _lock(state_dir):
        kept_addresses.forget(state_dir)
        kill_nodes(state_dir)
        processes.stop(state_dir)
        if choices := kept_choices.load(state_dir):
            seaweedfs.sweep(choices)


def kill_nodes(state_dir: Path) -> None:
    """SIGKILL the further nodes of the broker (``broker_nodes``), if there are any."""
    for folder in (state_dir / rabbitmq.NODES).glob("*"):
        processes.kill(folder)


def running(state_dir: Path) -> Addresses | None:
    """Where everything is, if everything that was started here answers; else None."""
    state_dir = state_dir.resolve()
    addresses = kept_addresses.load(state_dir)
    if addresses is None or not all(map(processes.alive, processes.records(state_dir))):
        return None
    return addresses if all(map(_answers, _places(addresses))) else None


def kill(state_dir: Path, server: str) -> None:
    """SIGKILL every process of the server, as the kernel does when memory runs out."""
    state_dir = state_dir.resolve()
    with _lock(state_dir):
        _own(state_dir, server)
        processes.kill(state_dir, server)


def revive(state_dir: Path, server: str, *, progress: Progress | None = None) -> None:
    """Start a killed server again on its ports and its data; return when it serves."""
    state_dir = state_dir.resolve()
    choices = kept_choices.load(state_dir)
    if choices is None:
        raise DevstackError(f"nothing was ever started in {state_dir}")
    with _lock(state_dir):
        _start_own(Checkout(state_dir, choices, progress or Silent(), _tree(progress or Silent())), server)


NOWHERE = Addresses("", 0, "", "", "", "", "", "", "", "")


def _checkout(state_dir: Path, progress: Progress, only: Collection[str]) -> Checkout:
    choices = kept_choices.settle(state_dir)
    if _taken(state_dir, choices, only):
        if processes.belonging(state_dir):
            progress.note("Some ports have been taken by others: everything moves to new ones.")
            processes.stop(state_dir)
        choices = kept_choices.move(state_dir, choices)
    return Checkout(state_dir, choices, progress, _tree(progress))


def _tree(progress: Progress) -> Once[debian_tree.Tree]:
    return Once(lambda: debian_tree.both(progress))


def _taken(state_dir: Path, choices: Choices, only: Collection[str]) -> bool:
    """Whether a stranger listens on a port of a server that is to be started."""
    for name in only:
        if SERVERS[name].from_environment(os.environ) or processes.running(state_dir, name):
            continue
        processes.kill(state_dir, name)  # the rest of a server of which a part has died
        if not all(ports.free(choices.ports[port]) for port in SERVERS[name].ports):
            return True
    return False


def _in_parallel(checkout: Checkout, only: Collection[str]) -> dict[str, tuple[dict[str, Any], str]]:
    """Start the servers side by side. Raises ``DevstackError`` after all starts, a line for each server that failed."""
    with ThreadPoolExecutor(len(ALL)) as pool:
        futures: dict[str, Future[tuple[dict[str, Any], str]]] = {
            name: pool.submit(_have, checkout, name) for name in only
        }
    errors = [str(error) for future in futures.values() if (error := future.exception())]
    if errors:
        raise DevstackError("\n".join(errors))
    return {name: future.result() for name, future in futures.items()}


def _have(checkout: Checkout, name: str) -> tuple[dict[str, Any], str]:
    """The fields of Addresses for one server, and what it is; started unless it runs."""
    server = SERVERS[name]
    if fields := server.from_environment(os.environ):
        return fields, server.adopt(fields)
    return server.addresses(checkout.choices), _start_own(checkout, name)


def _start_own(checkout: Checkout, name: str) -> str:
    description = checkout.state_dir / "processes" / f"{name}.txt"
    known = description.exists() and processes.running(checkout.state_dir, name)
    if known and SERVERS[name].ready(checkout.choices):
        checkout.progress.note(f"already running: {description.read_text()}")
        return description.read_text()
    processes.kill(checkout.state_dir, name)
    what = SERVERS[name].start(checkout)
    description.write_text(what)
    return what


def _merged(versions: Mapping[str, str], parts: Mapping[str, tuple[dict[str, Any], str]]) -> dict[str, Any]:
    merged: dict[str, Any] = {"versions": {**versions, **{name: what for name, (_, what) in parts.items()}}}
    for fields, _ in parts.values():
        merged |= fields
    return merged


def _own(state_dir: Path, server: str) -> None:
    if not processes.records(state_dir, server):
        raise DevstackError(f"{server} was not started in {state_dir}: it is not ours to kill")


def _places(addresses: Addresses) -> list[tuple[str, int]]:
    """Host and port of each server that was started or named."""
    places = [(addresses.amqp_host, addresses.amqp_port), _place(addresses.s3_endpoint)]
    if addresses.mongo_uri.startswith("mongodb://"):
        places.append(_place(addresses.mongo_uri.partition("//")[2].rpartition("@")[2].split("/")[0].split(",")[0]))
    return [place for place in places if place[0]]


def _place(text: str) -> tuple[str, int]:
    host, _, port = text.partition(":")
    return host, int(port or 0)


def _answers(place: tuple[str, int]) -> bool:
    host, port = place
    return ports.answers(port, host)


def _lock(state_dir: Path) -> Any:
    return locks.held(state_dir / "lock")
