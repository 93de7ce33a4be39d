"""What a panel's expressions return: series out of Prometheus, for a span of time."""

import math
import time
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any
from zoneinfo import ZoneInfo

import httpx

ZONE = ZoneInfo("Asia/Ho_Chi_Minh")
"""Of all pages."""
SCRAPE_SECONDS = 15
"""``timeInterval`` of the provisioned source: no graph has finer steps, and rates look at four of these."""
NICE_STEPS_SECONDS = (15, 20, 30, 60, 120, 300, 600, 900, 1800, 3600)
Point = tuple[float, float]


class Failed(Exception):
    """Prometheus rejected an expression; the message is its own."""


@dataclass(frozen=True, slots=True)
class Series:
    """One series. points: time in seconds and value; those that are no number are left out."""

    labels: Mapping[str, str]
    points: tuple[Point, ...]

    @property
    def last(self) -> float:
        """The newest value."""
        return self.points[-1][1]


@dataclass(frozen=True, slots=True)
class Span:
    """The time that a page shows, in seconds since 1970."""

    start: float
    end: float

    def step_seconds(self, width: int, least: int) -> int:
        """Distance of two points of a graph that is ``width`` pixels wide."""
        wanted = max((self.end - self.start) / width, least, SCRAPE_SECONDS)
        return next((step for step in NICE_STEPS_SECONDS if step >= wanted), NICE_STEPS_SECONDS[-1])


@dataclass(frozen=True)
class Prometheus:
    """A Prometheus, asked as Grafana asks it."""

    address: str
    _client: httpx.Client = field(default_factory=lambda: httpx.Client(timeout=60))

    def instant(self, query: str, at: float) -> list[Series]:
        """What figures and tables show. Raises ``Failed``."""
        results = self._get("query", {"query": query, "time": at})["result"]
        return _series([{**each, "values": [each["value"]]} for each in results])

    def over(self, query: str, span: Span, step: int) -> list[Series]:
        """What graphs show: one point every ``step`` seconds. Raises ``Failed``."""
        start, end = (math.floor(at / step) * step for at in (span.start, span.end))
        return _series(self._get("query_range", {"query": query, "start": start, "end": end, "step": step})["result"])

    def choices(self, selector: str, label: str, span: Span) -> list[str]:
        """Values of a label, as a page's variable offers them."""
        asked = {"match[]": selector, "start": span.start, "end": span.end}
        values: list[str] = self._get(f"label/{label}/values", asked)
        return values

    def _get(self, path: str, parameters: Mapping[str, Any]) -> Any:
        answer = self._client.get(f"{self.address}/api/v1/{path}", params=dict(parameters)).json()
        if answer["status"] != "success":
            raise Failed(answer.get("error", "no reason given"))
        return answer["data"]


def now() -> float:
    """Seconds since 1970."""
    return time.time()


def _series(results: list[dict[str, Any]]) -> list[Series]:
    read = [(each["metric"], [(float(at), float(value)) for at, value in each["values"]]) for each in results]
    numbers = [Series(labels, tuple(point for point in points if math.isfinite(point[1]))) for labels, points in read]
    return [each for each in numbers if each.points]
