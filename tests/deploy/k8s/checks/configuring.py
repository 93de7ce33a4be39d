"""What pods are told is what the code asks, both ways, and it can be read."""

import json
from importlib import import_module
from pathlib import Path

from pydantic import ValidationError
from pydantic_settings import BaseSettings
from typer.testing import CliRunner

from canary.settings import CanarySettings
from common.facts.flows import SERVICES
from common.settings import ServiceSettings
from trunkctl.main import app
from trunkctl.settings import ControlSettings

from ..manifests import Manifests, Workload, values
from .referring import secret_paths

PREFIX = "TRUNK_"
SECRETS_FOLDER = "/run/secrets"
OF_THE_LIBRARIES = {"SSL_CERT_FILE"}
"""Environment variables that OpenSSL reads, not our settings."""

LEFT_AT_DEFAULT = {
    "handler_seconds": "longer than the slowest document; nothing of the surroundings changes it",
    "held_bytes": "bound to the memory limit, which is the same everywhere",
    "object_bytes": "bound to the memory limit, which is the same everywhere",
    "package_cpu_seconds": "agreed with upstream systems, the same everywhere",
    "package_wall_seconds": "bound to handler_seconds",
    "directory_refresh_seconds": "as quick as it is cheap",
    "gauges_refresh_seconds": "as often as Prometheus looks",
    "version": "of the image",
    "revision": "of the image",
    "inline_limit_bytes": "agreed with upstream systems, the same everywhere",
    "package_limit_bytes": "agreed with upstream systems, the same everywhere",
    "one_object": "turned on by a person, once no process of the former release runs",
    "trunk_unit_code": "the trunk's own code, the same everywhere",
    "trunk_unit_name": "the trunk's own name, the same everywhere",
    "reference_days": "the most that an object store signs",
    "actions_at_once": "inside one process",
    "sweep_seconds": "as quick as it is cheap",
    "reference_sweep_seconds": "as quick as it is cheap",
    "awaited_document_hours": "agreed with upstream systems, the same everywhere",
    "undecided_holder_minutes": "agreed with upstream systems, the same everywhere",
    "waiting_packages_per_unit": "agreed with upstream systems, the same everywhere",
    "under_way_at_least": "adapts itself to the machines",
    "under_way_at_most": "adapts itself to the machines",
    "under_way_tolerance": "adapts itself to the machines",
    "unit_packages_per_minute": "agreed with upstream systems, the same everywhere",
    "unit_bytes_per_minute": "agreed with upstream systems, the same everywhere",
    "waiting_sweep_seconds": "as quick as it is cheap",
    "redrive_after_seconds": "what the runbook and the alerts tell",
    "urgent_redrive_after_seconds": "what the runbook and the alerts tell",
    "redrives_per_minute": "a small part of what the trunk carries",
    "redrive_below_depth": "far below door_closes_at",
    "redrive_sweep_seconds": "as quick as it is cheap",
    "inbox_watch_seconds": "as quick as it is cheap",
    "notification_keep_days": "what the runbook tells",
    "door_closes_at": "bound to what the brokers' disks hold, which capacity.md reckons with",
    "door_opens_at": "bound to door_closes_at",
    "door_seconds": "as quick as it is cheap",
    "log_origin": "the name of the log, which never changes once it is chosen; an overlay may choose another",
    "log_former_keys": "told only after the log's key was changed",
    "log_adopt_size": "told only after a restore, by a person",
    "seal_seconds": "as quick as it is cheap",
    "retention_table": "the table of the law is shipped",
    "terms_table": "the city's table is shipped",
    "smtp_timeout_seconds": "bound to lease_seconds",
    "webhook_timeout_seconds": "bound to lease_seconds",
    "tls_ca_file": "the system's authorities; components/private-ca replaces them",
    "lease_seconds": "longer than both timeouts",
    "webhook_refused_networks": "the machine itself; network policies say where else no webhook lies",
    "notification_patience_hours": "what the runbook and the alerts tell",
    "dispatch_seconds": "as quick as it is cheap",
    "webhooks_at_once": "inside one process",
    "mails_at_once": "inside one process",
    "destination_at_once": "inside one process",
}
"""Settings that no manifest mentions, and why."""


def settings_of(service: str) -> type[BaseSettings]:
    """The class that reads a service's settings; jobs are runs of trunkctl."""
    if service == "canary":
        return CanarySettings
    if service not in SERVICES:
        return ControlSettings
    settings: type[ServiceSettings] = getattr(import_module(f"{service}.settings"), f"{service.capitalize()}Settings")
    return settings


def environment_of(manifests: Manifests, one: Workload) -> dict[str, str]:
    """Environment variables of a pod, those of ConfigMaps included, without secrets."""
    variables: dict[str, str] = {}
    for source in one.container.get("envFrom", []):
        variables |= manifests.one("ConfigMap", source["configMapRef"]["name"])["data"]
    return variables | {each["name"]: each.get("value", "") for each in one.container.get("env", [])}


def unknown(manifests: Manifests) -> list[str]:
    """Every variable and every secret file is a setting of the process that gets it."""
    faults = []
    for one in manifests.workloads:
        fields = {f"{PREFIX}{field}".upper() for field in settings_of(one.service).model_fields}
        files = {key.upper() for key, path in secret_paths(one).items() if Path(path).parent == Path(SECRETS_FOLDER)}
        strange = (environment_of(manifests, one).keys() | files) - fields - OF_THE_LIBRARIES
        faults += [f"{one.name} is told {name}, which it does not ask" for name in sorted(strange)]
    return faults


def unreadable(manifests: Manifests) -> list[str]:
    """The settings can be read from what the pod is told."""
    faults = []
    for one in manifests.workloads:
        variables = {
            key.removeprefix(PREFIX).lower(): _read(value) for key, value in environment_of(manifests, one).items()
        }
        if one.service == "canary":
            variables |= {key.removeprefix("trunk_"): "from a secret" for key in secret_paths(one)}
        kind = settings_of(one.service)
        try:
            kind(**{key: value for key, value in variables.items() if key in kind.model_fields})
        except ValidationError as error:
            faults.append(f"{one.name}: {error}")
    return faults


def _read(value: str) -> object:
    """A list is written in JSON."""
    return json.loads(value) if value.startswith("[") else value


def untold(manifests: Manifests) -> list[str]:
    """Every setting of a service is told by a variable or a secret, or stands in the list of those left alone."""
    faults = []
    for one in manifests.services:
        names = {
            name.removeprefix(PREFIX).lower()
            for name in (*environment_of(manifests, one), *map(str.upper, secret_paths(one)))
        }
        expected = settings_of(one.service).model_fields.keys() - LEFT_AT_DEFAULT.keys()
        faults += [f"{one.name} is not told {name}" for name in sorted(expected - names)]
    return faults


def rollouts(manifests: Manifests) -> list[str]:
    """A changed setting is a rollout: every ConfigMap of settings bears the hash of its content."""
    named = {
        ref["name"] for one in manifests.workloads for ref in values(one.container.get("envFrom", []), "configMapRef")
    }
    return [f"ConfigMap {name} has no hash" for name in sorted(named) if not _has_hash(name)]


def _has_hash(name: str) -> bool:
    last = name.rpartition("-")[2]
    return len(last) == 10 and last.isalnum()


def commands(manifests: Manifests) -> list[str]:
    """Every job runs a command of trunkctl that there is."""
    return [
        f"{one.name} runs trunkctl {' '.join(one.container['args'])}"
        for one in manifests.workloads
        if not one.serves_metrics and CliRunner().invoke(app, [*one.container["args"], "--help"]).exit_code != 0
    ]
