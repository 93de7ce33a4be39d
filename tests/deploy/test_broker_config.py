"""The broker that compose and the Kubernetes example start is one that serves the trunk, and reports what it must."""

import re
from pathlib import Path
from typing import Any

import pytest
import yaml

from common.topology import OLDEST_RABBITMQ, VHOST
from devstack import choices, rabbitmq_settings

DEPLOY = Path(__file__).parents[2] / "deploy"
COMPOSE = DEPLOY / "compose" / "rabbitmq"
REPORTS = {"log.exchange": "true", "log.exchange.level": "warning", "event_exchange.vhost": VHOST}
"""What fills the exchanges to which the queue broker.events is bound."""
LOGINS = {"auth_mechanisms.1": "PLAIN", "auth_mechanisms.2": "EXTERNAL", "ssl_cert_login_from": "common_name"}
"""The ways to log in, all of them: RabbitMQ's default has an anonymous one."""
PLUGINS = {"rabbitmq_management", "rabbitmq_prometheus", "rabbitmq_event_exchange", "rabbitmq_auth_mechanism_ssl"}
ALWAYS_ON = {"rabbitmq_management", "rabbitmq_prometheus"}
"""Plugins that the cluster operator enables by itself."""


def settings(text: str) -> dict[str, str]:
    """Of a ``rabbitmq.conf``."""
    return dict(re.findall(r"^\s*([\w.]+) = (.+?)\s*$", text, re.MULTILINE))


def cluster() -> dict[str, Any]:
    """The RabbitmqCluster of the examples."""
    objects = yaml.safe_load_all((DEPLOY / "k8s" / "examples" / "rabbitmq.yaml").read_text())
    return next(dict(each["spec"]) for each in objects if each["kind"] == "RabbitmqCluster")


def test_every_broker_reports_its_events_and_warnings() -> None:
    compose = settings((COMPOSE / "20-trunk.conf").read_text())
    example = settings(cluster()["rabbitmq"]["additionalConfig"])
    for config in (compose, example):
        assert {name: config.get(name) for name in REPORTS} == REPORTS


def test_every_broker_takes_passwords_and_certificates_and_nothing_else(tmp_path: Path) -> None:
    compose = settings((COMPOSE / "20-trunk.conf").read_text())
    example = settings(cluster()["rabbitmq"]["additionalConfig"])
    own = settings(rabbitmq_settings.settings(choices.settle(tmp_path), "/data"))
    ways = ("auth_mechanisms", "ssl_cert_login")
    for broker in (compose, example, own):
        assert {name: value for name, value in broker.items() if name.startswith(ways)} == LOGINS


def test_the_environment_replaces_no_output_of_the_log() -> None:
    """``RABBITMQ_LOGS``, which the public image sets, would leave only the console."""
    compose = yaml.safe_load((DEPLOY.parent / "docker-compose.yml").read_text())["services"]["rabbitmq"]
    (container,) = cluster()["override"]["statefulSet"]["spec"]["template"]["spec"]["containers"]
    assert compose["environment"]["RABBITMQ_LOGS"] == ""
    assert {each["name"]: each["value"] for each in container["env"]} == {"RABBITMQ_LOGS": ""}


def test_every_broker_has_the_plugins() -> None:
    assert set(re.findall(r"\w+", (COMPOSE / "enabled_plugins").read_text())) == PLUGINS
    assert {*cluster()["rabbitmq"]["additionalPlugins"]} | ALWAYS_ON == PLUGINS


def test_the_broker_that_tests_run_on_is_told_the_same(tmp_path: Path) -> None:
    config = settings(rabbitmq_settings.settings(choices.settle(tmp_path), "/data"))
    assert {name: config.get(name) for name in REPORTS} == REPORTS
    assert set(re.findall(r"\w+", rabbitmq_settings.PLUGINS)) == PLUGINS


@pytest.mark.parametrize("image", ["compose", "example"])
def test_no_broker_is_too_old(image: str) -> None:
    text = (DEPLOY.parent / "docker-compose.yml").read_text() if image == "compose" else cluster()["image"]
    version = re.search(r"rabbitmq:(\d+)\.(\d+)", text)
    assert version
    assert (int(version[1]), int(version[2])) >= OLDEST_RABBITMQ
