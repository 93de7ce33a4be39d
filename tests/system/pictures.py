"""``python -m tests.system.pictures FOLDER``: a morning on real servers, and the pages drawn as they are at its end.

Five minutes of letters and answers, then what the city's trunk has to expect: wrong packages, one without a user, no
revocation lists, no object store. docs/operations/pages holds what was drawn last.
"""

import sys
import tempfile
import time
from collections.abc import Mapping
from pathlib import Path

from .inboxes import Inboxes
from .metrics import Metrics
from .traffic import Day, settled, without_revocation_lists
from .trunk import BIN, STATE, Trunk, eventually, minted, run
from .watching import watching

CALM_SECONDS = 300.0
BETWEEN_LETTERS_SECONDS = 1.5
SCRAPE_SECONDS = 5
AFTERWARDS_SECONDS = 45.0
"""Alerts end, and Prometheus has scraped all of it."""
IN_DOUBT = 'sum(rate(trunk_signature_verdicts_total{verdict="indeterminate"}[30m])) > 0'


def main() -> None:
    """Starts the trunk unless it runs, and takes it down if it was started here."""
    folder, was_up = Path(sys.argv[1]), Trunk.is_up()
    trunk = Trunk.up()
    try:
        with tempfile.TemporaryDirectory() as kept, watching(trunk, Path(kept), SCRAPE_SECONDS) as (scraped, _canary):
            delayed = _morning(trunk, Path(kept), scraped)
            print(_drawn(scraped, folder, {"unit": trunk.units[0], "document_id": delayed}))
    finally:
        if not was_up:
            run(BIN / "trunkctl", "down", "--state", STATE)


def _morning(trunk: Trunk, folder: Path, scraped: Metrics) -> str:
    """The DocumentId of a letter that was delayed."""
    silent = trunk.units[-1]
    with Inboxes(trunk, [unit for unit in trunk.units if unit != silent]) as inboxes:
        day = Day(trunk, folder, inboxes, silent)
        _calm(day, time.monotonic() + CALM_SECONDS)
        day.wave()
        with without_revocation_lists(trunk, folder / "lists"):
            time.sleep(SCRAPE_SECONDS * 4)  # the validator reads its folder anew
            delayed, *_ = day.in_doubt()
            eventually(lambda: scraped.now(IN_DOUBT))
            day.without_the_store()
        day.wave()
        settled(trunk)
        time.sleep(AFTERWARDS_SECONDS)
    return str(delayed["document_id"])


def _calm(day: Day, until: float) -> None:
    number = 0
    while time.monotonic() < until:
        number += 1
        for entry in minted(day.trunk, day.folder / f"calm{number}", 8, wrong=1, seed=100 + number):
            package = day.submit(entry)
            time.sleep(BETWEEN_LETTERS_SECONDS)
            if entry["receivers"] and not entry["turned"] and day.silent not in (entry["sender"], *entry["receivers"]):
                day.inboxes.wait_for(package, ["document"], 60)
                for code in ("01", "03"):
                    day.report(entry["receivers"][0], entry, code)


def _drawn(scraped: Metrics, folder: Path, chosen: Mapping[str, str]) -> str:
    """What the drawing remarks. chosen: values of the pages' variables."""
    minutes = (time.time() - scraped.began) / 60
    variables = [part for name, value in chosen.items() for part in ("--var", f"{name}={value}")]
    options = [*variables, "--minutes", f"{minutes:.0f}", "--logs", STATE / "logs"]
    return run(BIN / "python", "-m", "dashboards.drawing", scraped.address, folder, *options).stdout


if __name__ == "__main__":
    main()
