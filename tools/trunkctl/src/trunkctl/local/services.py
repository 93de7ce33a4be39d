"""The five services and the mail sink as processes of their own: started, waited for, stopped without a trace."""

import os
import sys
import time
from collections.abc import Iterable
from pathlib import Path

import httpx

from common.facts.flows import SERVICES
from devstack import loopback, ports, processes, waiting
from devstack.processes import Program
from trunkctl.command_error import CommandError
from trunkctl.local.log_key import ORIGIN, log_key
from trunkctl.local.places import Places
from trunkctl.trunk_file import RunningService, TrunkFile, passwords

MAIL = "mail"
WISHES = ("TRUNK_LOG_ADOPT_SIZE", "TRUNK_LOG_LEVEL", "TRUNK_ONE_OBJECT", "TRUNK_OTLP_ENDPOINT", "TRUNK_PATIENCE_HOURS")
"""Variables passed on from the environment of ``trunkctl up`` to the services that it starts."""
READY_TIMEOUT_SECONDS = 90.0
DRAIN_SECONDS = 20.0
PATIENCE_SECONDS = 28.0
"""From SIGTERM to SIGKILL: longer than a service drains."""


def start(place: Places, trunk: TrunkFile) -> TrunkFile:
    """Start what does not run. Returns the addresses with every service's port and process."""
    block = iter(ports.free_block(place.services))
    mail_port = trunk.mail_port if _runs(place, MAIL) else _start_mail(place, next(block))
    running = {name: trunk.services[name] for name in SERVICES if name in trunk.services and _runs(place, name)}
    trunk = trunk.model_copy(update={"mail_port": mail_port})
    for name in SERVICES:
        if name not in running:
            running[name] = _start(place, trunk, name, next(block))
    return trunk.model_copy(update={"services": running})


def wait_ready(place: Places, trunk: TrunkFile) -> None:
    """Return when every service answers that it is ready; ``CommandError`` names the one that is not, and why."""
    deadline = time.monotonic() + READY_TIMEOUT_SECONDS
    for name, service in trunk.services.items():
        while problem := _problem(service):
            _expect_alive(place, name)
            if time.monotonic() > deadline:
                raise CommandError(f"{name} is not ready: {problem}; see {waiting.log(place.services, name)}")
            time.sleep(0.1)


def stop(place: Places) -> None:
    """SIGTERM to all, wait until they have drained, SIGKILL for what is left. Works without any knowledge of pids."""
    if place.services.is_dir():
        processes.stop(place.services)


def alive(place: Places) -> dict[str, bool]:
    """Whether each service's process, and the mail sink's, runs."""
    return {name: _runs(place, name) for name in (*SERVICES, MAIL)}


def environment(place: Places, trunk: TrunkFile, service: str, http_port: int) -> dict[str, str]:
    """All environment variables of a service."""
    password, keys = passwords(trunk.users_file)[service], trunk.s3_keys[service]
    variables = {
        "TRUNK_AMQP_URL": f"amqp://{service}:{password}@{trunk.amqp_host}:{trunk.amqp_port}/{trunk.vhost}",
        "TRUNK_MONGO_URI": trunk.mongo_uris[service],
        "TRUNK_S3_ENDPOINT": trunk.s3_endpoint,
        "TRUNK_S3_ACCESS_KEY": keys["access"],
        "TRUNK_S3_SECRET_KEY": keys["secret"],
        "TRUNK_HTTP_PORT": str(http_port),
        "TRUNK_DRAIN_SECONDS": str(DRAIN_SECONDS),
        "TRUNK_TRUST_DIR": str(place.trust),
        "TRUNK_SMTP_HOST": ports.LOOPBACK,
        "TRUNK_SMTP_PORT": str(trunk.mail_port),
        "TRUNK_SMTP_STARTTLS": "false",
    }
    if service == "archive":
        variables |= {"TRUNK_LOG_KEY": log_key(place).seed.hex(), "TRUNK_LOG_ORIGIN": ORIGIN}
    return processes.ordinary_environment() | _wished() | variables


def _wished() -> dict[str, str]:
    """What the caller's environment says of the services' manners; where the servers are is ours to say."""
    return {name: os.environ[name] for name in WISHES if name in os.environ}


def _start(place: Places, trunk: TrunkFile, name: str, port: int) -> RunningService:
    command = Path(sys.executable).with_name(f"trunk-{name}")
    if not command.exists():
        raise CommandError(
            f"{command.name} is not installed beside this trunkctl: install all packages of the workspace."
        )
    record = _spawn(place, name, [str(command)], environment(place, trunk, name, port))
    return RunningService(http_port=port, pid=record.pid)


def _start_mail(place: Places, port: int) -> int:
    command = [sys.executable, "-m", "trunkctl.local.mail_sink", str(port), str(place.mail)]
    _spawn(place, MAIL, command, processes.ordinary_environment())
    return port


def _spawn(place: Places, name: str, command: list[str], variables: dict[str, str]) -> processes.Record:
    processes.kill(place.services, name)  # the rest of a process that has died
    _log_to(place, name)
    program = Program(name, name, command, variables, patience_seconds=PATIENCE_SECONDS)
    return processes.start(place.services, program)


def _log_to(place: Places, name: str) -> None:
    """Let the log file of a process be ``<state>/logs/<name>.jsonl``."""
    place.logs.mkdir(exist_ok=True)
    link = processes.log_path(place.services, name)
    if not link.is_symlink():
        link.unlink(missing_ok=True)
        link.symlink_to(place.logs / f"{name}.jsonl")


def _runs(place: Places, name: str) -> bool:
    return place.services.is_dir() and processes.running(place.services, name)


def _expect_alive(place: Places, name: str) -> None:
    if not _runs(place, name):
        raise CommandError(f"{name} ended while starting; see {waiting.log(place.services, name)}")


def _problem(service: RunningService) -> str:
    """Why a service is not ready; empty = it is."""
    try:
        answer = loopback.get(f"http://{ports.LOOPBACK}:{service.http_port}/readyz", timeout=5)
    except httpx.HTTPError as error:
        return f"no answer ({type(error).__name__})"
    return "" if answer.status_code == httpx.codes.OK else _named_problems(answer)


def _named_problems(answer: httpx.Response) -> str:
    try:
        report: dict[str, object] = answer.json()
    except ValueError:
        return f"HTTP {answer.status_code}"
    return ", ".join(_not_ok(report.items())) or f"HTTP {answer.status_code}"


def _not_ok(report: Iterable[tuple[str, object]]) -> list[str]:
    return [f"{name}: {state}" for name, state in report if name != "ready" and state != "ok"]
