"""``make bench-validator``: CPU ms per document in one warm worker, beside the floor and beside the plain library.

The engines take turns, document by document, so that a busy machine slows all of them alike. The table's required and
target figures were measured on another machine, where the floor of the letter is 0.3 ms. Ours are set beside them by
two yardsticks: that floor, and the plain library on the same document (a machine may hash slowly and run Python fast).
"""

import argparse
import statistics
import time
from collections.abc import Callable
from datetime import timedelta
from functools import partial

from cryptography import x509
from rich.console import Console
from rich.table import Table

from bench.validator.documents import KINDS, NOW, SENDER, Kind, Setting, build_setting
from bench.validator.floor import floor_of
from bench.validator.plain import Plain
from validator.context import Material, ValidationContext, VerificationRequest
from validator.report.decision import Verified
from validator.verify import verify

LETTER_FLOOR_MS = 0.3
"""Of the machine on which the table was measured."""
SLOW_MS = 400.0


def main() -> None:
    """Run all kinds and print the table."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rounds", type=int, default=30, help="turns per kind")
    parser.add_argument("--only", default="", help="kinds whose name holds this")
    parser.add_argument("--crl-entries", type=int, default=10, help="revoked certificates on the issuing CA's list")
    parser.add_argument("--plain", action=argparse.BooleanOptionalAction, default=True, help="the plain library, too")
    options = parser.parse_args()
    console, setting = Console(), build_setting(options.crl_entries)
    later = NOW + timedelta(hours=1)
    plain = Plain(setting.anchors, setting.crls, later) if options.plain else None
    scale, rows = 1.0, []
    for kind in KINDS:
        if kind is not KINDS[0] and options.only not in kind.name:
            continue
        document = setting.signed(kind)
        ours = _ours(setting, document)
        engines: dict[str, Callable[[], object]] = {"floor": _floor(setting, document), "ours": ours}
        if plain:
            engines["plain"] = partial(plain.run, document)
        median_ms = _measured(engines, options.rounds)
        if kind is KINDS[0]:
            scale = median_ms["floor"] / LETTER_FLOOR_MS
        rows.append((kind, len(document), median_ms))
        console.print(f"[dim]{kind.name}: {median_ms['ours']:.1f} ms[/dim]")
    _show(console, rows, scale)


def _ours(setting: Setting, document: bytes) -> Callable[[], object]:
    request = VerificationRequest(sender=SENDER)
    material = Material(setting.trust, setting.revocation, setting.directory)
    context = ValidationContext(material, NOW + timedelta(hours=1))

    def run() -> object:
        decision = verify(document, request, context)
        assert isinstance(decision, Verified), decision.detail
        return decision

    return run


def _floor(setting: Setting, document: bytes) -> Callable[[], object]:
    return floor_of(document, x509.load_der_x509_certificate(setting.anchors[1]))


def _measured(engines: dict[str, Callable[[], object]], rounds: int) -> dict[str, float]:
    """Median CPU ms per engine. Slow ones get fewer turns."""
    spent: dict[str, list[float]] = {name: [] for name in engines}
    for name, run in engines.items():  # warm
        _timed(run)
        if (once := _timed(run)) > SLOW_MS:
            spent[name] = [once] * rounds
    for _ in range(rounds):
        for name, run in engines.items():
            if len(spent[name]) < rounds:
                spent[name].append(_timed(run))
    return {name: statistics.median(times) for name, times in spent.items()}


def _timed(run: Callable[[], object]) -> float:
    start = time.process_time()
    run()
    return (time.process_time() - start) * 1000


COLUMNS = ("KB", "floor", "ours", "plain", "by floor", "by plain", "required", "target")


def _show(console: Console, rows: list[tuple[Kind, int, dict[str, float]]], scale: float) -> None:
    """``by floor``, ``by plain``: ours as it would be on the table's machine, by either yardstick."""
    table = Table(title=f"CPU ms a document with two signatures (this machine: x {scale:.1f} by the letter's floor)")
    table.add_column("document")
    for column in COLUMNS:
        table.add_column(column, justify="right")
    for kind, size, median_ms in rows:
        by_floor = median_ms["ours"] / scale
        by_plain = median_ms["ours"] / median_ms["plain"] * kind.plain if "plain" in median_ms else by_floor
        cells = [median_ms["floor"], median_ms["ours"], median_ms.get("plain", 0.0)]
        table.add_row(
            kind.name, f"{size / 1000:,.0f}", *(f"{cell:.1f}" for cell in cells), _mark(by_floor, kind),
            _mark(by_plain, kind), f"< {kind.required:,g}", f"{kind.target:g}",
        )  # fmt: skip
    console.print(table)


def _mark(here: float, kind: Kind) -> str:
    colour = "green" if here <= kind.target else "yellow" if here < kind.required else "red"
    return f"[{colour}]{here:.1f}[/{colour}]"


if __name__ == "__main__":
    main()
