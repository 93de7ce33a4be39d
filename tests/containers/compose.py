"""The trunk of ``docker-compose.yml`` as an operator has it: the file itself, images by variables, commands by compose.

Imports nothing of ours but the lab, which brings the engine.
"""

import json
import subprocess
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from secrets import token_hex
from typing import Any

from lab.engine import Engine
from tests.system.trunk import BIN, ROOT, Trunk, run

VERSION = "under-test"
SERVERS = ("rabbitmq", "mongodb", "seaweedfs")
JOBS = ("mongodb-init", "database-users", "migrate", "topology")
UP_SECONDS = 900
"""Two minutes on an idle machine; only a failure waits so long."""


@dataclass(frozen=True)
class Compose:
    """One compose project. folder: secrets, the demo city, and what else the project's operator has."""

    engine: Engine
    project: str
    folder: Path
    variables: Mapping[str, str]

    @property
    def environment(self) -> dict[str, str]:
        """Of every docker command."""
        told = {"COMPOSE_PROJECT_NAME": self.project, "TRUNK_SECRETS": str(self.folder / "secrets")}
        return {**self.engine.environment, **self.variables, **told}

    def docker(self, *command: str | Path) -> str:
        """A docker command to its end; what it printed."""
        return run("docker", *command, env=self.environment).stdout

    def compose(self, *command: str | Path) -> str:
        """A compose command to its end; what it printed."""
        return self.docker("compose", "--file", ROOT / "docker-compose.yml", *command)

    def trunkctl(self, *command: str, mount: Path | None = None) -> str:
        """A command of the operator, as the installation page tells it; ``mount`` is seen as /in."""
        mounted = ("--volume", f"{mount}:/in:ro") if mount else ()
        return self.compose("run", "--rm", "-T", *mounted, "trunkctl", *command)

    def up(self, *services: str) -> None:
        """Everything, or these services, until healthy."""
        self.compose("up", "--detach", "--wait", f"--wait-timeout={UP_SECONDS}", *services)

    def down(self) -> None:
        """Stop and forget everything."""
        self.compose("--profile=*", "down", "--volumes", "--remove-orphans", "--timeout=10")

    def container(self, service: str) -> str:
        """Id of the one container of a service."""
        (found,) = self.compose("ps", "--all", "--quiet", service).split()
        return found

    def inspect(self, container: str) -> dict[str, Any]:
        """What the engine knows of a container."""
        (found,) = json.loads(self.docker("inspect", container))
        return dict(found)

    def logs(self) -> str:
        """The last lines of every container, for a failure's message."""
        return self.compose("logs", "--no-color", "--tail=15")

    def python(self, container: str, code: str) -> str:
        """What a line of Python prints inside a container."""
        return self.docker("exec", container, "python", "-c", code)

    def metric(self, container: str, name: str, label: str) -> float:
        """Sum of a service's metric over the series whose labels contain ``label``."""
        code = "import urllib.request as u; print(u.urlopen('http://127.0.0.1:9090/metrics').read().decode())"
        lines = self.python(container, code).splitlines()
        return sum(float(line.split()[-1]) for line in lines if line.startswith(name + "{") and label in line)


@dataclass(frozen=True)
class ComposeTrunk(Trunk):
    """The same trunk as units and tests see it; addresses are the ports that compose opens on loopback."""

    place: "Compose"

    def parked(self) -> int:
        """How many messages wait for an operator, as the operator's command counts them."""
        return int(self.place.trunkctl("park", "list").split()[-2])

    def not_ready(self) -> dict[str, dict[str, Any]]:
        """Containers of services that are not healthy."""
        listed = map(json.loads, self.place.compose("ps", "--format=json").splitlines())
        return {each["Service"]: each for each in listed if each["Health"] not in ("healthy", "")}


def make_secrets(folder: Path) -> None:
    """As an operator makes them who comes from a release with one pair of keys for all services."""
    (folder / "secrets").mkdir()
    for name in ("s3_access_key", "s3_secret_key"):
        (folder / "secrets" / name).write_text(token_hex(20))
    run("sh", ROOT / "deploy/compose/make-secrets.sh", folder / "secrets")


def found_city(folder: Path) -> None:
    """A demo city: units, keys, trust material."""
    run(BIN / "python", "-m", "mint", "city", "--out", folder)


def install(place: Compose) -> None:
    """From nothing to a trunk that serves: docs/operations/install-compose.md, step by step."""
    for part, what in (("roots", "root"), ("intermediates", "intermediate")):
        for file in sorted((place.folder / "trust" / part).iterdir()):
            path = f"/in/{part}/{file.name}"
            place.trunkctl("trust", "add", path, "--sha256", fingerprint(file), "--as", what, mount=file.parents[1])
    place.trunkctl("trust", "refresh", "--drop", "/in/crls", mount=place.folder / "trust")
    place.trunkctl("units", "import", "/in/directory.json", "--by", "test", "--why", "first", mount=place.folder)
    place.up()


def fingerprint(certificate: Path) -> str:
    """SHA-256 of a PEM certificate, as openssl tells it."""
    told = subprocess.run(
        ["openssl", "x509", "-in", certificate, "-noout", "-fingerprint", "-sha256"],
        capture_output=True,
        text=True,
        check=True,
    )
    return told.stdout.strip().partition("=")[2]


USERS = """
import json, os
for name in ("TRUNK_USERS_FILE", "TRUNK_GIVEN_USERS_FILE"):
    print(json.dumps(json.load(open(os.environ[name]))))
"""


def trunk(place: Compose, ports: Sequence[int]) -> ComposeTrunk:
    """The running trunk. ports: of the broker, of its management, of the object store."""
    users = place.folder / "users.json"
    printed = place.compose("run", "--rm", "-T", "--no-deps", "--entrypoint=python", "trunkctl", "-c", USERS)
    units, services = map(json.loads, printed.strip().splitlines())
    users.touch(mode=0o600)
    users.write_text(json.dumps(units | services))
    secrets = place.folder / "secrets"
    told = {
        "amqp_host": "127.0.0.1",
        "amqp_port": ports[0],
        "rabbitmq_management_url": f"http://127.0.0.1:{ports[1]}",
        "rabbitmq_admin_user": "admin",
        "rabbitmq_admin_password": (secrets / "rabbitmq_admin_password").read_text(),
        "users_file": str(users),
        "directory_file": str(place.folder / "directory.json"),
        "city_dir": str(place.folder / "city"),
    }
    return ComposeTrunk(told, place)
