"""The profile ``observability``, as far as its programs can be had: Prometheus finds everything by compose's names."""

import json
from collections.abc import Iterator
from typing import Any

import httpx
import pytest

from tests.system.trunk import SERVICES, eventually

from .compose import Compose, ComposeTrunk

pytestmark = pytest.mark.system

WATCHERS = ("prometheus", "alertmanager")


@pytest.fixture(scope="module")
def prometheus(trunk: ComposeTrunk, place: Compose, opened: list[int]) -> Iterator[httpx.Client]:
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

    assert eventually(lambda: up() >= wanted, pause_seconds=2.0), wanted - up()


def test_rules_are_loaded_and_alerts_go_to_the_alertmanager(prometheus: httpx.Client) -> None:
    def not_well() -> list[str]:
        """Rules that failed, or that a group of ordinary pace has not come to yet."""
        groups = told(prometheus, "/rules")["groups"]
        assert len([rule for group in groups for rule in group["rules"] if rule["type"] == "alerting"]) > 10
        bad = {group["name"]: {"err"} if group["interval"] > 60 else {"err", "unknown"} for group in groups}
        return [rule["name"] for group in groups for rule in group["rules"] if rule["health"] in bad[group["name"]]]

    assert eventually(lambda: not not_well(), pause_seconds=2.0), not_well()
    assert [each["url"] for each in told(prometheus, "/alertmanagers")["activeAlertmanagers"]] == [
        "http://alertmanager:9093/api/v2/alerts"
    ]


def test_the_switch_that_always_fires_arrives(prometheus: httpx.Client, opened: list[int]) -> None:
    def firing() -> set[str]:
        listed = json.loads(httpx.get(f"http://127.0.0.1:{opened[5]}/api/v2/alerts", timeout=20).text)
        return {alert["labels"]["alertname"] for alert in listed}

    assert eventually(lambda: "TrunkDeadMansSwitch" in firing(), pause_seconds=2.0), firing()
