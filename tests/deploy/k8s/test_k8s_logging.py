"""The collector of logs: what it reads, what it sends and where to, and how little it may do."""

import ast
import json
import re
import subprocess
import sys
from collections.abc import Callable
from datetime import datetime
from fnmatch import fnmatchcase
from pathlib import Path
from typing import Any

import pytest
import yaml

from lab import k8s_schemas, k8s_tools
from lab.errors import Missing

from .conftest import K8S
from .manifests import Manifests, Object

ROOT = Path(__file__).parents[3]
COMPOSE = ROOT / "deploy" / "monitoring" / "otel-collector.yaml"
SOURCES = sorted([*(ROOT / "libs" / "common").rglob("src/**/*.py"), *(ROOT / "services").rglob("src/**/*.py")])
LOGGERS = {"log", "logger", "_log"}
LEVELS = {"debug", "info", "warning", "error", "exception", "critical"}
BINDERS = {"bind_contextvars", "bound_contextvars", "about_document"}
OF_EVERY_LINE = {"service", "event", "level", "trace_id", "exception"}
ASKED_FOR = {"document_id", "package_id", "unit", "trace_id"}
"""By which an operator looks for lines."""
RENAMED = {"exc_info": "exception"}


@pytest.fixture
def logging(render: Callable[[str], Manifests]) -> Manifests:
    return render("logging")


@pytest.fixture
def collector(logging: Manifests) -> Any:
    (text,) = logging.one("ConfigMap", "trunk-logging")["data"].values()
    return yaml.safe_load(text)


@pytest.fixture
def pod(logging: Manifests) -> Object:
    (daemon_set,) = logging.of("DaemonSet")
    spec: Object = daemon_set["spec"]["template"]["spec"]
    return spec


def statements(collector: Any) -> list[str]:
    return [" ".join(each.split()) for each in collector["processors"]["transform/fields"]["log_statements"]]


def fields_of(collector: Any) -> set[str]:
    return set(re.findall(r'"(\w+)"', statements(collector)[0]))


def logged_fields() -> set[str]:
    """Names of all fields that the code puts into a line."""
    fields: set[str] = set()
    for path in SOURCES:
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if not isinstance(node, ast.Call):
                continue
            name = node.func.attr if isinstance(node.func, ast.Attribute) else getattr(node.func, "id", "")
            owner = getattr(getattr(node.func, "value", None), "id", "")
            if name in BINDERS or (name in LEVELS and owner in LOGGERS):
                fields |= {each.arg for each in node.keywords if each.arg}
    return {RENAMED.get(each, each) for each in fields}


def test_every_field_that_the_code_logs_is_named_and_no_other(collector: Any) -> None:
    """A new field needs a decision: is it content of a document, or a secret?"""
    assert fields_of(collector) == logged_fields() | OF_EVERY_LINE
    assert fields_of(collector) >= ASKED_FOR


WRITE_A_LINE = """
import structlog
from common.telemetry import about_document, setup_logs
setup_logs("intake", "INFO")
about_document(document_id="12/QD", package_id="p")
structlog.get_logger("any").info("message", queue="submit.A", seconds=0.1)
"""


@pytest.fixture(scope="module")
def line() -> str:
    """As a service writes it."""
    return subprocess.run(
        [sys.executable, "-c", WRITE_A_LINE], capture_output=True, text=True, check=True
    ).stdout.strip()


def operator(collector: Any, kind: str) -> Any:
    (match,) = [each for each in collector["receivers"]["filelog"]["operators"] if each["type"] == kind]
    return match


def test_a_line_of_a_service_is_taken_and_read(collector: Any, line: str) -> None:
    quoted = re.fullmatch(r"body not matches (\".*\")", operator(collector, "filter")["expr"])
    assert quoted
    ours = re.compile(json.loads(quoted[1]))
    assert ours.search(line)
    assert not any(ours.search(other) for other in ("Traceback", '{"msg": "of others"}', "the service: intake"))
    fields = json.loads(line)
    assert fields.keys() - fields_of(collector) == {"timestamp"}
    assert datetime.strptime(fields["timestamp"], operator(collector, "time_parser")["layout"]).year > 2025  # noqa: DTZ007


def test_the_line_as_it_was_is_not_sent_beside_its_fields(collector: Any) -> None:
    parser = operator(collector, "json_parser")
    assert parser == {"type": "json_parser", "parse_from": "body", "parse_to": "attributes", "on_error": "drop"}
    assert statements(collector)[-1] == "set(log.body, String(log.attributes))"
    assert collector["processors"]["transform/fields"]["error_mode"] == "propagate"


@pytest.mark.parametrize(
    ("text", "masked"),
    [
        ("no answer from amqps://intake:s3cret@rabbitmq:5671/trunk", "no answer from amqps://***@rabbitmq:5671/trunk"),
        ("mongodb://u:a@b/c@host failed", "mongodb://***@host failed"),
        ("https://ca.vn/crl is away", "https://ca.vn/crl is away"),
    ],
)
def test_logins_of_addresses_stay(collector: Any, text: str, masked: str) -> None:
    pattern, instead = re.findall(r'"([^"]*)"', statements(collector)[1])[1:]
    assert re.sub(pattern.replace("\\\\", "\\"), instead, text) == masked


@pytest.mark.parametrize("overlay", sorted(path.name for path in (K8S / "overlays").iterdir()))
def test_it_reads_the_services_of_every_overlay(
    render: Callable[[str], Manifests], collector: Any, overlay: str
) -> None:
    includes = collector["receivers"]["filelog"]["include"]
    for one in render(f"overlays/{overlay}").services:
        path = f"/var/log/pods/{one.namespace}_{one.name}-7d4b9_8a1f/{one.container['name']}/0.log"
        assert any(fnmatchcase(path, each) for each in includes), path


@pytest.mark.parametrize(
    "path",
    [
        "/var/log/pods/trunk-data_rabbitmq-server-0_8a1f/service/0.log",
        "/var/log/pods/trunk_toolbox-1_8a1f/toolbox/0.log",
        "/var/log/pods/city_web-1_8a1f/service/0.log",
    ],
)
def test_it_reads_nobody_else(collector: Any, path: str) -> None:
    assert not any(fnmatchcase(path, each) for each in collector["receivers"]["filelog"]["include"])


def test_lines_are_read_and_sent_as_with_compose(collector: Any) -> None:
    """But for the engine's own line around ours, and for the batches: what is read again needs none."""
    compose = yaml.safe_load(COMPOSE.read_text())
    ours, theirs = (each["receivers"]["filelog"]["operators"] for each in (collector, compose))
    assert ours[1:] == theirs[1:]
    assert compose["processors"]["transform/fields"] == collector["processors"]["transform/fields"]
    ours, theirs = (each["service"]["pipelines"]["logs"]["processors"] for each in (collector, compose))
    assert [*ours, "batch"] == theirs


def test_the_compose_file_runs_the_same_collector(pod: Object) -> None:
    assert pod["containers"][0]["image"] in (ROOT / "docker-compose.yml").read_text(encoding="utf-8")


def test_it_sends_where_the_policy_lets_it(logging: Manifests, collector: Any) -> None:
    endpoint = logging.one("ConfigMap", "trunk-logging-settings")["data"]["LOGS_OTLP_ENDPOINT"]
    assert collector["exporters"] == {
        "otlphttp": {"endpoint": "${env:LOGS_OTLP_ENDPOINT}", "sending_queue": {"enabled": False}}
    }
    address = re.fullmatch(r"https?://(?P<name>\w+)\.(?P<namespace>\w+)\.svc:(?P<port>\d+)/otlp", endpoint)
    assert address
    (policy,) = [each["spec"] for each in logging.of("NetworkPolicy")]
    assert (policy["podSelector"], policy["ingress"]) == ({}, [])
    assert policy["policyTypes"] == ["Ingress", "Egress"]
    store, dns = policy["egress"]
    assert store["ports"] == [{"port": int(address["port"]), "protocol": "TCP"}]
    (peer,) = store["to"]
    assert peer["namespaceSelector"]["matchLabels"] == {"kubernetes.io/metadata.name": address["namespace"]}
    assert peer["podSelector"]["matchLabels"] == {"app.kubernetes.io/name": address["name"]}
    assert {each["port"] for each in dns["ports"]} == {53}


def test_it_may_read_files_and_nothing_else(logging: Manifests, pod: Object) -> None:
    (container,) = pod["containers"]
    assert pod["automountServiceAccountToken"] is False
    assert not logging.of("Role", "ClusterRole", "RoleBinding", "ClusterRoleBinding", "Secret")
    assert not any(pod.get(name) for name in ("hostNetwork", "hostPID", "hostIPC"))
    security = container["securityContext"]
    assert (security["capabilities"], security["allowPrivilegeEscalation"]) == ({"drop": ["ALL"]}, False)
    assert security["readOnlyRootFilesystem"] is True
    hosts = {each["name"]: each["hostPath"]["path"] for each in pod["volumes"] if "hostPath" in each}
    assert hosts == {"pods": "/var/log/pods", "offsets": "/var/lib/trunk-logging"}
    written = {each["name"] for each in container["volumeMounts"] if not each.get("readOnly")}
    assert written == {"offsets"}
    assert container["resources"]["limits"].keys() == {"memory", "ephemeral-storage"}


def test_offsets_are_kept_on_the_node(collector: Any, pod: Object) -> None:
    mounts = {each["name"]: each["mountPath"] for each in pod["containers"][0]["volumeMounts"]}
    assert collector["extensions"]["file_storage"]["directory"] == mounts["offsets"]
    assert collector["receivers"]["filelog"]["storage"] == "file_storage"
    assert pod["containers"][0]["args"] == [f"--config={mounts['config']}/collector.yaml"]


def test_the_stores_do_not_take_it_for_the_trunk(logging: Manifests) -> None:
    """Their policies let in pods of namespaces with this label."""
    assert all("app.kubernetes.io/part-of" not in each["metadata"].get("labels", {}) for each in logging.objects)


def test_it_conforms(render_text: Callable[[str], str]) -> None:
    try:
        schemas = [k8s_schemas.core(k8s_schemas.OLDEST_MINOR), k8s_schemas.core(k8s_schemas.NEWEST_MINOR)]
        for each in schemas:
            assert k8s_tools.nonconforming(render_text("logging"), [each]) == []
    except Missing as error:
        pytest.skip(f"schemas skipped: {error}")
