"""RabbitMQ with the virtual host `trunk`, plain AMQP for services, and TLS for units that log in with a certificate."""

import os
import re
import shutil
from collections.abc import Mapping
from pathlib import Path
from typing import Any
from urllib.parse import unquote, urlsplit

import httpx

from devstack import commands, loopback, processes, waiting
from devstack.checkout import Checkout
from devstack.choices import Choices
from devstack.debian_tree import Tree
from devstack.errors import DevstackError, NotReady, NoWay
from devstack.ports import LOOPBACK, answers
from devstack.processes import Program
from devstack.rabbitmq_settings import ADMIN, VHOST, environment, write_settings

SERVER = "rabbitmq"
NAMES = "epmd"
PORTS = ("amqp", "amqps", "management", "prometheus", "erlang", "epmd")
OLDEST = (4, 3)
# Debian's /usr/sbin/rabbitmq-server changes the user by su; the script behind it does not.
DEBIAN_SCRIPT = Path("/usr/lib/rabbitmq/bin/rabbitmq-server")
MANAGEMENT_VARIABLE = "TRUNK_DEV_RABBITMQ_MANAGEMENT_URL"
PROMETHEUS_VARIABLE = "TRUNK_DEV_RABBITMQ_PROMETHEUS_URL"
NODES = "nodes"
"""Folder of the state folders of further nodes, below the checkout's."""


def from_environment(environment: Mapping[str, str]) -> dict[str, object] | None:
    """The fields of Addresses for a broker that somebody else runs; None when none is named."""
    url = environment.get("TRUNK_DEV_AMQP_URL")
    if not url:
        return None
    amqp = urlsplit(url)
    host = amqp.hostname or LOOPBACK
    management = urlsplit(environment.get(MANAGEMENT_VARIABLE) or f"http://{host}:15672")
    admin = management if management.username else amqp
    return {
        "amqp_host": host,
        "amqp_port": amqp.port or 5672,
        "amqps_port": 0,
        "rabbitmq_management_url": f"{management.scheme}://{management.netloc.rpartition('@')[2]}",
        "rabbitmq_prometheus_url": environment.get(PROMETHEUS_VARIABLE) or f"http://{host}:15692/metrics",
        "rabbitmq_admin_user": unquote(admin.username or "guest"),
        "rabbitmq_admin_password": unquote(admin.password or "guest"),
    }


def adopt(fields: Mapping[str, object]) -> str:
    """Make sure that somebody else's broker answers and has our virtual host; return what it is."""
    url, user = str(fields["rabbitmq_management_url"]), str(fields["rabbitmq_admin_user"])
    with loopback.client(base_url=url, auth=(user, str(fields["rabbitmq_admin_password"]))) as api:
        try:
            api.put(f"/api/vhosts/{VHOST}").raise_for_status()
            api.put(f"/api/permissions/{VHOST}/{user}", json=EVERY_RIGHT).raise_for_status()
            version = api.get("/api/overview").raise_for_status().json()["rabbitmq_version"]
        except httpx.HTTPError as error:
            raise NotReady(f"the broker's management at {url} ({MANAGEMENT_VARIABLE}): {error}") from None
    return f"RabbitMQ {version} at the address in the environment"


EVERY_RIGHT = {"configure": ".*", "write": ".*", "read": ".*"}


def addresses(choices: Choices) -> dict[str, object]:
    """The fields of Addresses for the broker that we run."""
    ports = choices.ports
    return {
        "amqp_host": LOOPBACK,
        "amqp_port": ports["amqp"],
        "amqps_port": ports["amqps"],
        "rabbitmq_management_url": f"http://{LOOPBACK}:{ports['management']}",
        "rabbitmq_prometheus_url": f"http://{LOOPBACK}:{ports['prometheus']}/metrics",
        "rabbitmq_admin_user": ADMIN,
        "rabbitmq_admin_password": choices.rabbitmq_password,
    }


def start(checkout: Checkout) -> str:
    """Start the broker by the first way that works, wait until it serves, return what it is."""
    program, how = _program(checkout)
    with checkout.progress.step(f"RabbitMQ ({how})"):
        processes.start(checkout.state_dir, program)
        waiting.until_ready(checkout.state_dir, SERVER, lambda: ready(checkout.choices))
    return f"RabbitMQ {version(checkout.choices)} ({how})"


def ready(choices: Choices) -> bool:
    """Whether clients can connect, the virtual host is up, and the management answers."""
    try:
        vhost = _api(choices, f"/api/vhosts/{VHOST}")
        version(choices)  # a node that has just joined a cluster answers this last
    except httpx.HTTPError:
        return False
    states = vhost.get("cluster_state") or {}  # an empty list while the host is being made
    return "running" in states.values() and all(answers(choices.ports[port]) for port in ("amqp", "amqps"))


def version(choices: Choices) -> str:
    """As the running broker says it."""
    return str(_api(choices, "/api/overview")["rabbitmq_version"])


def _api(choices: Choices, path: str) -> dict[str, Any]:
    url = f"http://{LOOPBACK}:{choices.ports['management']}{path}"
    answer = loopback.get(url, auth=(ADMIN, choices.rabbitmq_password), timeout=5)
    content: dict[str, Any] = answer.raise_for_status().json()
    return content


def names(checkout: Checkout) -> Program:
    """Erlang's register of names as a program of its own: otherwise it dies with the node that needed it first."""
    command = ["epmd", "-address", LOOPBACK, "-port", str(checkout.choices.ports["epmd"])]
    environment = processes.ordinary_environment()
    if _on_the_machine():
        return Program(NAMES, NAMES, command, environment)
    tree = checkout.tree()
    return Program(NAMES, NAMES, tree.command(checkout.data(NAMES), "rabbitmq", command), environment)


def runs_in_tree(data: Path) -> bool:
    """Whether the broker of this data folder was started out of a Debian tree: there its user owns the folder."""
    return data.stat().st_uid != os.getuid()


def _program(checkout: Checkout) -> tuple[Program, str]:
    if installed := _on_the_machine():
        return _machine_program(checkout, installed), "on this machine"
    try:
        tree = checkout.tree()
    except DevstackError as refusal:
        raise NoWay(
            f"No RabbitMQ: install rabbitmq-server {OLDEST[0]}.{OLDEST[1]} or later, or name one that runs in "
            f"TRUNK_DEV_AMQP_URL and {MANAGEMENT_VARIABLE} ({refusal})."
        ) from refusal
    return _tree_program(checkout, tree), f"from a Debian {tree.suite} tree"


def _on_the_machine() -> str | None:
    """The script of a RabbitMQ that is installed here and not too old."""
    script = str(DEBIAN_SCRIPT) if DEBIAN_SCRIPT.exists() else shutil.which("rabbitmq-server")
    control = shutil.which("rabbitmqctl")
    if not script or not control:
        return None
    try:
        return script if recent_enough(commands.run([control, "version"])) else None
    except DevstackError:
        return None


def recent_enough(text: str) -> bool:
    """Whether the version that `text` ends with is one that the trunk can work with."""
    numbers = re.search(r"(\d+)\.(\d+)", text)
    return numbers is not None and (int(numbers[1]), int(numbers[2])) >= OLDEST


def _tree_program(checkout: Checkout, tree: Tree) -> Program:
    data = checkout.data(SERVER)
    write_settings(checkout, data, "/srv")
    _give_away(data, tree.owner("rabbitmq"))
    variables = environment(checkout.choices, "/srv", processes.mark(checkout.state_dir, SERVER))
    variables["PATH"] = "/usr/sbin:/usr/bin:/sbin:/bin"
    settings = [f"{name}={value}" for name, value in variables.items()]
    command = tree.command(data, "rabbitmq", ["env", "-i", *settings, str(DEBIAN_SCRIPT)])
    return Program(SERVER, "beam.smp", command, processes.ordinary_environment())


def _machine_program(checkout: Checkout, script: str) -> Program:
    data = checkout.data(SERVER)
    write_settings(checkout, data, str(data))
    own = environment(checkout.choices, str(data), processes.mark(checkout.state_dir, SERVER))
    return Program(SERVER, "beam.smp", [script], {**processes.ordinary_environment(), **own})


def _give_away(data: Path, owner: tuple[int, int]) -> None:
    """The broker's user owns its folder and our files in it; what is deeper it made itself."""
    for path in (data, *data.iterdir()):
        os.chown(path, *owner)
