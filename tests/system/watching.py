"""The shipped Prometheus beside the running trunk and a canary: what the pages and alerts would see."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from lab import prometheus
from tests.deploy.monitoring import scraping

from . import metrics
from .canary import Canary, canary_units
from .metrics import Metrics
from .trunk import SERVICES, Trunk, eventually

SLOWLY = {"TRUNK_CANARY_SECONDS": "45", "TRUNK_CANARY_PATIENCE_SECONDS": "40"}


@contextmanager
def watching(trunk: Trunk, folder: Path, pause_seconds: int) -> Iterator[tuple[Metrics, Canary]]:
    """Scrapes every ``pause_seconds``, with the shipped rules and jobs. Keys, logs and series stay below ``folder``."""
    keys, log = folder / "canary", folder / "canary.log"
    keys.mkdir()
    with canary_units(trunk, keys), Canary(trunk, keys, log, **SLOWLY) as canary:
        targets = metrics.targets(trunk) | {"canary": [(f"127.0.0.1:{canary.port}", {})]}
        file = scraping.written(folder, targets, pause_seconds=pause_seconds)
        with prometheus.prometheus(folder / "prometheus", file) as address:
            scraped = Metrics(address)
            assert eventually(lambda: len(scraped.now("up == 1")) == len(SERVICES) + 3), scraped.targets()
            yield scraped, canary
