"""Where the time goes: the services' own histograms, as the difference between two readings."""

import re
from collections import Counter

import httpx

from trunkctl.trunk_file import TrunkFile

NAMES = ("trunk_document_stage_seconds", "trunk_queue_wait_seconds")
LINE = re.compile(r"^(\w+)_(sum|count)\{([^}]*)\} (\S+)$", re.MULTILINE)

Reading = Counter[tuple[str, str]]
"""Sums and counts, by histogram with its labels."""


def read(trunk: TrunkFile) -> Reading:
    """Sums and counts of all services."""
    reading: Reading = Counter()
    for service in trunk.services.values():
        text = httpx.get(f"http://127.0.0.1:{service.http_port}/metrics/").raise_for_status().text
        for name, part, labels, value in LINE.findall(text):
            if name in NAMES:
                reading[f"{name.removeprefix('trunk_')} {_shown(labels)}", part] += float(value)  # type: ignore[assignment]
    return reading


def means_ms(before: Reading, after: Reading) -> dict[str, float]:
    """Mean milliseconds between two readings, by histogram with its labels."""
    names = {name for name, _ in after}
    counts = {name: after[name, "count"] - before[name, "count"] for name in names}
    return {
        name: (after[name, "sum"] - before[name, "sum"]) / counts[name] * 1000
        for name in sorted(names)
        if counts[name] > 0
    }


def _shown(labels: str) -> str:
    return ", ".join(re.findall(r'="([^"]*)"', labels))
