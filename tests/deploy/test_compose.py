"""docker-compose.yml as compose reads it: every container locked down, every setting known, nothing left to chance."""

import importlib
import importlib.util
import json
import os
import re
import subprocess
from pathlib import Path
from typing import Any

import pytest

from canary.settings import CanarySettings
from canary.signing import ROLES
from common.settings import ServiceSettings
from lab import engine as lab_engine
from lab.errors import Missing
from tests.system.trunk import ROOT, SERVICES, run

FILE = ROOT / "docker-compose.yml"
STORE_JOBS = ("database-users", "migrate")
CONTROL = (*STORE_JOBS, "topology", "toolbox", "trunkctl", "sender", "backup", "tidy")
SERVERS = ("rabbitmq", "mongodb", "seaweedfs")
OBSERVERS = ("prometheus", "alertmanager", "grafana", "otel-collector", "tempo", "loki")
ONE_SHOT = ("mongodb-init", *CONTROL)
ROOT_USER = {"otel-collector": "reads the engine's log files, which are root's"}


@pytest.fixture(scope="module")
def read() -> dict[str, Any]:
    """The whole file, all profiles, defaults only; skipped where compose cannot be had."""
    try:
        client = lab_engine.client(ROOT / ".devstack" / "engine")
    except Missing as reason:
        pytest.skip(f"compose file checks skipped: {reason}")
    environment = {k: v for k, v in client.environment.items() if not k.startswith(("TRUNK_", "COMPOSE_"))}
    command = ["docker", "compose", "--env-file", os.devnull, "--file", FILE, "--profile=*", "config", "--format=json"]
    done = subprocess.run(command, env=environment, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    assert "level=warning" not in done.stderr, done.stderr
    return dict(json.loads(done.stdout))


@pytest.fixture(scope="module")
def containers(read: dict[str, Any]) -> dict[str, dict[str, Any]]:
    return dict(read["services"])


def test_everything_that_belongs_is_there(containers: dict[str, Any]) -> None:
    assert set(containers) == {*SERVICES, "canary", *CONTROL, *SERVERS, *OBSERVERS, "mongodb-init"}
    profiles = {name: each.get("profiles", []) for name, each in containers.items()}
    assert {name for name, of in profiles.items() if of == ["observability"]} == set(OBSERVERS)
    assert {name for name, of in profiles.items() if of == ["canary"]} == {"canary"}
    tools = {"toolbox", "trunkctl", "sender", "backup", "tidy"}
    assert {name for name, of in profiles.items() if of == ["tools"]} == tools


def test_every_container_is_locked_down(containers: dict[str, Any]) -> None:
    for name, each in containers.items():
        assert each["read_only"] is True, name
        assert each["cap_drop"] == ["ALL"], name
        assert not each.get("cap_add"), name
        assert not each.get("privileged"), name
        assert each["security_opt"] == ["no-new-privileges:true"], name
        assert each["logging"]["options"] == {"max-file": "5", "max-size": "20m"}, name
        limits = each["deploy"]["resources"]["limits"]
        assert int(limits["memory"]) > 0, name
        assert limits["pids"] > 0, name
        assert any(place.startswith("/tmp") for place in each["tmpfs"]), name
        assert (each["user"] == "0:0") is (name in ROOT_USER), name
        assert re.fullmatch(r"\d+:\d+", each["user"]), name


def test_ours_run_as_the_user_of_the_image(containers: dict[str, Any]) -> None:
    assert {containers[name]["user"] for name in (*SERVICES, "canary", *CONTROL)} == {"10001:10001"}


def test_ports_are_open_on_loopback_only(containers: dict[str, Any]) -> None:
    opened = [(name, port) for name, each in containers.items() for port in each.get("ports", [])]
    assert {name for name, port in opened if port.get("host_ip") != "127.0.0.1"} == set()
    assert not {name for name, _ in opened} & {*SERVICES, "mongodb"}


def test_only_those_who_must_reach_outside_the_inner_network(read: dict[str, Any]) -> None:
    assert read["networks"]["inner"]["internal"] is True
    outside = {name for name, each in read["services"].items() if set(each["networks"]) != {"inner"}}
    assert outside == {
        "rabbitmq",
        "seaweedfs",
        "validator",
        "notifier",
        "backup",
        "prometheus",
        "alertmanager",
        "grafana",
    }


def test_no_image_is_latest_and_each_is_a_variable(containers: dict[str, Any]) -> None:
    text = FILE.read_text()
    for name, each in containers.items():
        tag = each["image"].rpartition("/")[2].partition(":")[2]
        assert tag, name
        assert tag != "latest", name
    images = re.findall(r"^ +image: (.*)$", text, re.M)
    assert images
    assert all(re.fullmatch(r"\$\{\w+(_IMAGE:-\S+:\S*\d\S*|_REGISTRY:-)\}.*", image) for image in images), images


def test_digests_can_be_pinned_for_every_public_image() -> None:
    """The script that looks digests up knows every public image; each has one default wherever it is named."""
    named = re.findall(r"\$\{(\w+_IMAGE):-([^}]+)\}", FILE.read_text())
    assert len(dict(named)) == len(set(named))
    script = (ROOT / "deploy/compose/pin-digests.sh").read_text()
    pattern = re.search(r"s/\.\*image: (.*)\.\*/", script)
    assert pattern, "the script does not look for images any more"
    assert len(dict(named)) == 9


@pytest.mark.parametrize("name", SERVICES)
def test_grace_is_longer_than_draining(containers: dict[str, Any], name: str) -> None:
    each = containers[name]
    drain = float(each["environment"]["TRUNK_DRAIN_SECONDS"])
    assert seconds(each["stop_grace_period"]) >= drain + 15


def seconds(text: str) -> float:
    """Of ``1m30s``."""
    return sum(
        float(number) * {"h": 3600, "m": 60, "s": 1}[unit] for number, unit in re.findall(r"([\d.]+)([hms])", text)
    )


@pytest.mark.parametrize("name", [*SERVICES, *CONTROL])
def test_every_setting_is_one_that_the_program_reads(containers: dict[str, Any], name: str) -> None:
    known = {f"TRUNK_{field.upper()}" for field in fields(name)}
    variables = set(containers[name]["environment"]) | {
        str(secret["target"]).upper() for secret in containers[name]["secrets"] if "target" in secret
    }
    assert {each for each in variables if each.startswith("TRUNK_")} - known == set()
    assert ("TRUNK_AMQP_URL" in variables) is (name not in (*STORE_JOBS, "topology", "backup", "tidy"))


def test_the_canary_is_told_what_it_asks_for(containers: dict[str, Any]) -> None:
    each = containers["canary"]
    targets = [str(secret["target"]) for secret in each["secrets"]]
    variables = {name.lower() for name in each["environment"]} | {name for name in targets if "/" not in name}
    assert variables <= {f"trunk_{field}" for field in CanarySettings.model_fields}
    assert {"trunk_canary_sender_amqp_url", "trunk_canary_receiver_amqp_url"} <= variables
    folder = each["environment"]["TRUNK_CANARY_KEYS_DIR"]
    files = {f"{folder}/{role}.{kind}" for role in ROLES for kind in ("pem", "key")}
    assert {name for name in targets if "/" in name} == files


def fields(name: str) -> set[str]:
    """Names of a program's settings."""
    place = "trunkctl" if name in CONTROL else name
    spec = importlib.util.find_spec(f"{place}.settings")
    module = importlib.import_module(f"{place}.settings" if spec else "common.settings")
    classes = [each for each in vars(module).values() if isinstance(each, type)]
    kinds = [each for each in classes if issubclass(each, ServiceSettings)]
    return {field for kind in kinds for field in kind.model_fields}


def test_what_is_secret_comes_as_a_file(containers: dict[str, Any]) -> None:
    for name, each in containers.items():
        for variable, value in (each.get("environment") or {}).items():
            secret = re.search(r"PASSWORD|SECRET|ACCESS_KEY|AMQP_URL|MONGO_URI|TOKEN", variable)
            assert not secret or str(value).startswith("/run/secrets/"), (name, variable)


def test_secrets_are_those_that_the_script_makes(read: dict[str, Any], tmp_path: Path) -> None:
    run("sh", ROOT / "deploy/compose/make-secrets.sh", tmp_path / "secrets")
    created = {file.name for file in (tmp_path / "secrets").iterdir()}
    wanted = {Path(secret["file"]).name for secret in read["secrets"].values()}
    assert wanted - created == set()
    inside = {name for name in created if name.startswith(("broker_password_", "mongo_", "s3_", "rabbitmq_"))}
    assert created - wanted <= inside
    assert {Path(secret["file"]).name for secret in read["secrets"].values()} == set(read["secrets"])


def test_secrets_are_different_each_time_and_kept_once_made(tmp_path: Path) -> None:
    script = ROOT / "deploy/compose/make-secrets.sh"
    for folder in ("one", "two", "one"):
        before = contents(tmp_path / "one") if folder == "one" and (tmp_path / "one").exists() else None
        run("sh", script, tmp_path / folder)
        assert before in (None, contents(tmp_path / "one"))
    assert (tmp_path / "one").stat().st_mode & 0o777 == 0o700
    same = {name for name, text in contents(tmp_path / "one").items() if text == contents(tmp_path / "two")[name]}
    assert {name for name in same if contents(tmp_path / "one")[name]} == {"mongo_user"}


def contents(folder: Path) -> dict[str, str]:
    return {file.name: file.read_text() for file in folder.iterdir()}


def test_everything_waits_for_what_it_needs(containers: dict[str, Any]) -> None:
    for name in SERVICES:
        waits = {each: how["condition"] for each, how in containers[name]["depends_on"].items()}
        assert waits == {
            **dict.fromkeys(SERVERS, "service_healthy"),
            **dict.fromkeys(("migrate", "topology"), "service_completed_successfully"),
        }
    for name, before in (("database-users", "mongodb-init"), ("migrate", "database-users"), ("topology", "migrate")):
        assert containers[name]["depends_on"][before]["condition"] == "service_completed_successfully"
    checked = {name for name, each in containers.items() if each.get("healthcheck")}
    assert set(containers) - checked == {*ONE_SHOT, "otel-collector", "tempo", "loki"}


def test_jobs_are_the_commands_of_the_image(containers: dict[str, Any]) -> None:
    assert containers["topology"]["command"] == ["topology", "apply"]
    assert containers["migrate"]["command"] == ["migrate"]
    assert containers["database-users"]["command"] == ["stores", "users"]
    for name in CONTROL:
        assert containers[name].get("entrypoint") is None, name


def test_mounted_files_exist(containers: dict[str, Any]) -> None:
    for name, each in containers.items():
        for mount in each.get("volumes", []):
            if mount["type"] != "bind" or mount["target"].startswith("/var/log/containers"):
                continue
            source = Path(mount["source"])
            assert source.exists(), (name, source)
            assert mount.get("read_only") is True, (name, source)
