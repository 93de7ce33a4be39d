"""What the images hold and what they do without, and how compose runs them."""

import json
import re
import subprocess
import time
from collections.abc import Iterator
from importlib.metadata import version
from pathlib import Path

import pytest

from lab.engine import Engine
from lab.images import Images
from tests.system.trunk import ROOT, SERVICES, eventually, run

from .compose import VERSION, Compose, ComposeTrunk

pytestmark = pytest.mark.system

IMAGES = (*SERVICES, "trunkctl", "canary")
NEVER_SHIPPED = ("devstack", "mint", "lab", "tests", "pytest", "aiosmtpd")
SHELLS = ("/usr/bin/sh", "/usr/bin/dash", "/usr/bin/bash", "/bin/sh")
INSTALLED = """
import importlib.metadata, re, sys
for each in importlib.metadata.distributions(path=[place for place in sys.path if place.startswith('/app')]):
    print(re.sub('[-_.]+', '-', each.metadata['Name']).lower() + '==' + each.version)
"""
UNWANTED = "from importlib.util import find_spec as found"
MARKER = "marker"
LOCKED = (
    *("--read-only", "--cap-drop=ALL", "--security-opt=no-new-privileges:true", "--tmpfs=/tmp", "--network=none"),
)


def image(name: str) -> str:
    return f"trunk-{name}:{VERSION}"


def in_image(engine: Engine, name: str, code: str) -> str:
    """What a line of Python prints in an image."""
    return engine.docker("run", "--rm", "--network=none", "--read-only", "--entrypoint=python", image(name), "-c", code)


@pytest.mark.parametrize("name", IMAGES)
def test_image_says_who_it_is_and_runs_as_nobody_special(engine: Engine, images: Images, name: str) -> None:
    (found,) = json.loads(engine.docker("image", "inspect", image(name)))
    config = found["Config"]
    assert config["User"] == "10001:10001"
    started = {"Cmd": config["Cmd"], "Entrypoint": config["Entrypoint"]}
    jobs = {"Cmd": None, "Entrypoint": ["trunkctl"]}
    assert started == (jobs if name == "trunkctl" else {"Cmd": ["service"], "Entrypoint": None})
    labels = {key.rpartition(".")[2]: value for key, value in config["Labels"].items()}
    assert labels["title"] == f"trunk-{name}"
    assert labels["version"] == VERSION
    assert {"revision", "created", "description"} <= set(labels)


@pytest.mark.parametrize("name", IMAGES)
def test_image_holds_what_its_list_of_parts_says_and_nothing_else(engine: Engine, images: Images, name: str) -> None:
    """The SBOM is made from the lock file, the image by the Dockerfile: they must agree."""
    parts = json.loads(run("sh", ROOT / "deploy/sbom.sh", name).stdout)["components"]
    listed = {plain(part): part for part in parts}
    installed = set(in_image(engine, name, INSTALLED).split())
    assert installed - set(listed) == {f"trunk-{name}=={version(f'trunk-{name}')}"}
    elsewhere = {part for part in set(listed) - installed if MARKER not in json.dumps(listed[part])}
    assert elsewhere == set(), "listed without a condition, and not in the image"
    assert in_image(engine, name, f"{UNWANTED}\nprint(*[n for n in {NEVER_SHIPPED} if found(n)])").split() == []


def plain(part: dict[str, str]) -> str:
    return f"{re.sub('[-_.]+', '-', part['name']).lower()}=={part['version']}"


@pytest.fixture
def shell_less(engine: Engine, images: Images, tmp_path: Path) -> Iterator[str]:
    """Intake's image after every shell was taken out of it."""
    remove = f"import os; [os.path.exists(p) and os.unlink(p) for p in {SHELLS!r}]"
    (tmp_path / "Dockerfile").write_text(
        f"FROM {image('intake')}\nUSER 0\nRUN {json.dumps(['python', '-c', remove])}\nUSER 10001:10001\n"
    )
    name = "trunk-intake:without-shell"
    engine.docker("build", "--quiet", "--network=none", "--tag", name, tmp_path)
    yield name
    engine.docker("image", "rm", "--force", name)


def test_a_service_needs_no_shell_and_writes_nowhere(engine: Engine, shell_less: str) -> None:
    container = engine.docker("run", "--detach", *LOCKED, shell_less).strip()
    try:
        alive = "import urllib.request as u; print(u.urlopen('http://127.0.0.1:9090/livez').status)"
        assert eventually(lambda: said(engine, container, alive)) == "200"
        asked = ["docker", "exec", container, "python", "-m", "common.healthy"]
        check = subprocess.run(asked, env=engine.environment, capture_output=True, text=True, check=False)
        assert check.returncode == 1
        assert json.loads(check.stdout)["ready"] is False
        began = time.monotonic()
        engine.docker("stop", "--timeout=60", container)
        (found,) = json.loads(engine.docker("inspect", container))
        assert found["State"]["ExitCode"] == 0, "the service did not end by itself on SIGTERM"
        assert time.monotonic() - began < 60
    finally:
        engine.docker("rm", "--force", container)


def said(engine: Engine, container: str, code: str) -> str:
    asked = ["docker", "exec", container, "python", "-c", code]
    return subprocess.run(asked, env=engine.environment, capture_output=True, text=True, check=False).stdout.strip()


def test_every_running_container_is_locked_down(trunk: ComposeTrunk, place: Compose) -> None:
    for container in place.compose("ps", "--quiet").split():
        found = place.inspect(container)
        host, name = found["HostConfig"], found["Name"]
        assert host["ReadonlyRootfs"], name
        assert host["CapDrop"] == ["ALL"], name
        assert "no-new-privileges:true" in host["SecurityOpt"], name
        assert not host["Privileged"], name
        assert host["Memory"] > 0, name
        assert found["Config"]["User"].partition(":")[0] not in ("", "0", "root"), name
        opened = [port for bound in (host["PortBindings"] or {}).values() for port in bound]
        assert {port["HostIp"] for port in opened} <= {"127.0.0.1"}, name


def test_no_secret_stands_in_an_environment(trunk: ComposeTrunk, place: Compose) -> None:
    secrets = {file.read_text().strip() for file in (place.folder / "secrets").iterdir()} - {"", "trunk"}
    for container in place.compose("ps", "--all", "--quiet").split():
        shown = json.dumps(place.inspect(container)["Config"])
        assert not [secret for secret in secrets if secret in shown]
