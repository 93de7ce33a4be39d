"""Kubernetes routes alerts as compose does: the same file, with addresses out of one Secret."""

from pathlib import Path

import pytest
import yaml

from devstack.errors import DevstackError
from lab import k8s_monitoring, prometheus

from .checks.referring import routes, secrets_needed
from .conftest import K8S, NAMES
from .manifests import Manifests

WATCHED = [name for name in NAMES if "components/alerting" in (K8S / name / "kustomization.yaml").read_text()]
COMPOSE = K8S.parent / "monitoring" / "alertmanager.yaml"


@pytest.fixture
def amtool() -> prometheus.Tools:
    try:
        return prometheus.tools(prometheus.NEW)
    except DevstackError as missing:
        pytest.skip(f"amtool skipped: {missing}")


@pytest.mark.parametrize("name", WATCHED)
def test_the_routes_are_those_of_compose(render, name: str) -> None:  # type: ignore[no-untyped-def]
    there = routes(render(name))
    as_compose = there.replace(k8s_monitoring.MOUNTED_SECRETS, k8s_monitoring.COMPOSE_SECRETS)
    assert there != as_compose
    assert yaml.safe_load(as_compose) == yaml.safe_load(COMPOSE.read_text())


def test_production_is_heard() -> None:
    assert "overlays/production" in WATCHED


def test_addresses_are_the_keys_of_the_secret_that_is_mounted(everything: Manifests) -> None:
    receivers = yaml.safe_load(routes(everything))["receivers"]
    files = {hook["url_file"] for each in receivers for hook in each.get("webhook_configs", [])}
    (secret,) = everything.one("Alertmanager", "trunk")["spec"]["secrets"]
    assert files == {f"/etc/alertmanager/secrets/{secret}/{key}" for key in secrets_needed(everything)[secret]}


def test_the_operator_is_given_the_secret_that_is_made(everything: Manifests) -> None:
    assert everything.one("Alertmanager", "trunk")["spec"]["configSecret"] in everything.names("Secret")


@pytest.mark.parametrize(
    ("labels", "receiver"),
    [
        ("severity=critical environment=production namespace=trunk", "page"),
        ("severity=critical environment=staging namespace=trunk-staging", "desk"),
        ("severity=warning environment=production namespace=trunk", "desk"),
        ("severity=morning environment=production namespace=trunk", "digest"),
    ],
)
def test_alertmanager_takes_the_file(
    amtool: prometheus.Tools, everything: Manifests, tmp_path: Path, labels: str, receiver: str
) -> None:
    file = tmp_path / "alertmanager.yaml"
    file.write_text(routes(everything))
    assert amtool.amtool("check-config", file).code == 0
    answer = amtool.amtool("config", "routes", "test", f"--config.file={file}", "alertname=Any", *labels.split())
    assert answer.printed.splitlines()[-1] == receiver
