"""The profile ``observability``, as far as its programs can be had: Prometheus finds everything by compose's names."""

import json
from collections.abc import Iterator
from typing import Any

import httpx
import pytest

from tests.system.trunk import ROOT, SERVICES, eventually

from .compose import Compose, ComposeTrunk

pytestmark = pytest.mark.system

WATCHERS = ("prometheus", "alertmanager")


@pytest.fixture(scope="module")
def prometheus(trunk: ComposeTrunk, place: Compose, opened: list[int]) -> Iterator[httpx.Client]:
    if not (ROOT / "deploy/monitoring/prometheus.yaml").exists():
        pytest.skip("Prometheus in compose skipped: deploy/monitoring is not here")
    place.up(*WATCHERS)
    with httpx.Client(base_url=f"http://127.0.0.1:{opened[4]}/api/v1", timeout=20) as http:
        yield http
    place.compose("rm", "--stop", "--force", *WATCHERS)


def told(http: httpx.Client, path: str) -> Any:
    return http.get(path).raise_for_status().json()["data"]


def test_every_target_is_found_and_answers(prometheus: httpx.Client) -> None:
    wanted = {("trunk", service) for service in SERVICES} | {
        (job, "") for job in ("rabbitmq", "rabbitmq-detailed", "prometheus", "alertmanager")
    }

    def up() -> set[tuple[str, str]]:
        targets = told(prometheus, "/targets?state=active")["activeTargets"]
        return {(t["labels"]["job"], t["labels"].get("service", "")) for t in targets if t["health"] == "up"}

    assert eventually(lambda: up() >= wanted, 90, 2.0), wanted - up()


def test_rules_are_loaded_and_alerts_go_to_the_alertmanager(prometheus: httpx.Client) -> None:
    def trouble() -> list[str]:
        rules = [rule for group in told(prometheus, "/rules")["groups"] for rule in group["rules"]]
        assert len([rule for rule in rules if rule["type"] == "alerting"]) > 10
        return [rule["name"] for rule in rules if rule["health"] != "ok"]

    assert eventually(lambda: not trouble(), 60, 2.0), trouble()
    assert [each["url"] for each in told(prometheus, "/alertmanagers")["activeAlertmanagers"]] == [
        "http://alertmanager:9093/api/v2/alerts"
    ]


def test_the_switch_that_always_fires_arrives(prometheus: httpx.Client, opened: list[int]) -> None:
    def firing() -> set[str]:
        listed = json.loads(httpx.get(f"http://127.0.0.1:{opened[5]}/api/v2/alerts", timeout=20).text)
        return {alert["labels"]["alertname"] for alert in listed}

    assert eventually(lambda: "TrunkDeadMansSwitch" in firing(), 90, 2.0), firing()
