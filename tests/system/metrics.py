"""A Prometheus that scrapes the running trunk, asked as Grafana asks it."""

import json
import math
import time
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import urlsplit

import httpx

from devstack import loopback

from .trunk import STATE, Trunk

STEP_SECONDS = 15


@dataclass(frozen=True)
class Series:
    """One series of an answer, its values without those that are no number."""

    labels: dict[str, str]
    values: tuple[float, ...]


@dataclass(frozen=True)
class Metrics:
    """A Prometheus since it was started."""

    address: str
    began: float = field(default_factory=time.time)

    def now(self, query: str) -> list[Series]:
        """The answer of this moment, as a figure or a table shows it."""
        result = self._get("query", query=query)["result"]
        return _series([{**each, "values": [each["value"]]} for each in result])

    def lately(self, query: str) -> list[Series]:
        """The answer since the start, as lines show it."""
        span = {"start": self.began, "end": time.time(), "step": STEP_SECONDS}
        return _series(self._get("query_range", query=query, **span)["result"])

    def choices(self, selector: str, label: str) -> list[str]:
        """What Grafana offers for ``label_values(selector, label)``."""
        values: list[str] = self._get(f"label/{label}/values", **{"match[]": selector})
        return values

    def rules(self) -> list[dict[str, Any]]:
        """Every rule with its health and its alerts."""
        return [rule for group in self._get("rules")["groups"] for rule in group["rules"]]

    def targets(self) -> list[dict[str, Any]]:
        """Everything that is scraped."""
        targets: list[dict[str, Any]] = self._get("targets", state="active")["activeTargets"]
        return targets

    def _get(self, path: str, **parameters: Any) -> Any:
        answer = loopback.post(f"{self.address}/api/v1/{path}", data=parameters, timeout=60)
        if answer.status_code == httpx.codes.METHOD_NOT_ALLOWED:
            answer = loopback.get(f"{self.address}/api/v1/{path}", params=parameters, timeout=60)
        report = answer.json()
        assert report["status"] == "success", (path, parameters, report)
        return report["data"]


def targets(trunk: Trunk) -> dict[str, list[tuple[str, dict[str, str]]]]:
    """Job to addresses, and what discovery would say about them."""
    broker = urlsplit(json.loads((STATE / "addresses.json").read_text())["rabbitmq_prometheus_url"]).netloc
    services = [(f"127.0.0.1:{service['http_port']}", {"dns_name": name}) for name, service in trunk.services.items()]
    return {"trunk": services, "rabbitmq": [(broker, {})], "rabbitmq-detailed": [(broker, {})]}


def _series(results: list[dict[str, Any]]) -> list[Series]:
    read = [Series(each["metric"], tuple(float(value) for _, value in each["values"])) for each in results]
    numbers = [Series(each.labels, tuple(filter(math.isfinite, each.values))) for each in read]
    return [each for each in numbers if each.values]
