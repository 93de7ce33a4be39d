"""Who validates the documents of ``bench.validator.foreign``, and the CPU time that each takes.

DSS runs warm in one Java process, without the comparison of pictures of the pages; its CPU is that of the thread that
validates, without the garbage collector's and the compiler's.
"""

import statistics
import time
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

from cryptography import x509
from tests.realtools.tools import Tool
from tests.realtools.world import SENDER

from bench.validator.floor import floor_of
from bench.validator.plain import Plain
from common.directory import read_directory
from validator.context import Material, ValidationContext, VerificationRequest
from validator.pki import trust_folder
from validator.report.decision import Verified
from validator.verify import verify

WARM_UP_ROUNDS = 40
WARM_UP_SECONDS = 60.0
"""So long EU DSS validates all small documents by turns at first; else its first rows take up to twice the time."""
SMALL_BYTES = 1_000_000
LARGE_SECONDS = 20.0
"""No document is warmed up for longer, or measured for longer once there are ``FEWEST_ROUNDS``. EU DSS takes 16 s for
one of 1,100 pages."""
FEWEST_ROUNDS = 5


class Engines:
    """Who validates, by name: the floor, this project, plain pyHanko, and EU DSS if asked for."""

    def __init__(self, folder: Path, dss: Tool | None) -> None:
        trust = folder / "world" / "trust"
        self._context = _context(folder / "world")
        self._dss = dss
        certificates = [*sorted((trust / "roots").iterdir()), *sorted((trust / "intermediates").iterdir())]
        lists = sorted((trust / "crls").iterdir())
        self._for_dss = {"certs": ",".join(map(str, certificates)), "crls": ",".join(map(str, lists))}
        store = self._context.material.trust
        assert store is not None
        anchors = (store.roots[0].der, *(each.der for each in store.intermediates))
        self._issuer = x509.load_der_x509_certificate(anchors[1])
        self._plain = Plain(anchors, tuple(each.read_bytes() for each in lists), self._context.now)

    def warm_up(self, documents: list[bytes]) -> None:
        """Has EU DSS validate the small ones again and again, as a server does that has run for a while."""
        small = [each for each in documents if len(each) < SMALL_BYTES]
        began = time.monotonic()
        while small and self._dss is not None and time.monotonic() - began < WARM_UP_SECONDS:
            for each in small:
                _theirs(self._dss, each, self._for_dss)

    def measured(self, document: bytes, rounds: int) -> dict[str, float]:
        """Median CPU ms of each."""
        engines = dict(self._engines(document))
        for name, run in engines.items():
            for _ in _rounds(WARM_UP_ROUNDS if name == "dss" else 1, 1):
                run()
        spent: dict[str, list[float]] = {name: [] for name in engines}
        for count in _rounds(rounds, FEWEST_ROUNDS):
            turns = list(engines.items())
            for name, run in turns if count % 2 else reversed(turns):
                spent[name].append(run())
        return {name: statistics.median(each) for name, each in spent.items()}

    def _engines(self, document: bytes) -> Iterator[tuple[str, Callable[[], float]]]:
        floor = floor_of(document, self._issuer)
        yield "floor", lambda: _cpu_ms(floor)
        yield "ours", lambda: _cpu_ms(lambda: self._verify(document))
        yield "plain", lambda: _cpu_ms(lambda: self._plain.run(document))
        if self._dss is not None:
            dss = self._dss
            yield "dss", lambda: _theirs(dss, document, self._for_dss)

    def _verify(self, document: bytes) -> None:
        decision = verify(document, VerificationRequest(sender=SENDER), self._context)
        assert isinstance(decision, Verified), decision.detail


def _rounds(most: int, fewest: int) -> Iterator[int]:
    """Counts to ``most``, or once ``LARGE_SECONDS`` are over to ``fewest``."""
    began = time.monotonic()
    for count in range(most):
        if count >= fewest and time.monotonic() - began > LARGE_SECONDS:
            return
        yield count


def _cpu_ms(run: Callable[[], object]) -> float:
    start = time.process_time()
    run()
    return (time.process_time() - start) * 1000


def _context(world: Path) -> ValidationContext:
    roots, lists = trust_folder.load(world / "trust")
    directory = read_directory((world / "directory.json").read_bytes())
    return ValidationContext(Material(roots, lists, directory), datetime.now(UTC) + timedelta(minutes=1))


def _theirs(dss: Tool, document: bytes, evidence: dict[str, str]) -> float:
    spent, *indications = dss.do("measure", document, **evidence).decode().split()
    assert set(indications) == {"TOTAL_PASSED"}, indications
    return float(spent)
