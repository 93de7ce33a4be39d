"""The shipped prometheus.yaml for processes on loopback: only where targets are, and how often, is changed."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import yaml

from .files import MONITORING

Targets = Mapping[str, Sequence[tuple[str, Mapping[str, str]]]]
"""Job to addresses (host:port) with the labels that discovery would give them."""


def config(targets: Targets, alertmanager: str | None, pause_seconds: int) -> dict[str, Any]:
    """Jobs without targets are left out; everything else is the file's."""
    content: dict[str, Any] = yaml.safe_load((MONITORING / "prometheus.yaml").read_text())
    content["global"].update(scrape_interval=f"{pause_seconds}s", evaluation_interval=f"{pause_seconds}s")
    content["rule_files"] = [str(MONITORING / "rules" / "*.yaml")]
    content["scrape_configs"] = [job for job in content["scrape_configs"] if job["job_name"] in targets]
    for job in content["scrape_configs"]:
        job.pop("scrape_interval", None)
        job.pop("dns_sd_configs", None)
        job["static_configs"] = [
            {"targets": [address], "labels": {f"__meta_{name}": value for name, value in labels.items()}}
            for address, labels in targets[job["job_name"]]
        ]
    managers = [{"static_configs": [{"targets": [alertmanager]}]}] if alertmanager else []
    content["alerting"] = {"alertmanagers": managers}
    return content


def written(folder: Path, targets: Targets, alertmanager: str | None = None, pause_seconds: int = 1) -> Path:
    """The same as a file."""
    file = folder / "prometheus.yaml"
    file.write_text(yaml.safe_dump(config(targets, alertmanager, pause_seconds), allow_unicode=True))
    return file
