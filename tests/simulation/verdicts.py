"""The validator's worker pool and trust folder, as the simulation has them.

The real decision is made of each file, by the real code, once in the life of a test run; identical bytes asked the same
question get the remembered answer. What a worker process may do besides (die, take too long) is simulated as
``Undecided``. All else of the validator is real: handler, examiner, its cache, its store.
"""

import asyncio
import hashlib
from collections.abc import Callable, Collection
from dataclasses import replace
from datetime import datetime
from functools import cache
from typing import Any

from common.domain.directory import Directory
from common.domain.reason import Reason
from tests.simulation.make_city import CITY, DAY
from validator.context import Material, ValidationContext, VerificationRequest
from validator.pki import trust_folder
from validator.policy import DEFAULT
from validator.report.decision import Decision, Undecided
from validator.report.vocabulary import Verdict
from validator.secrecy import search
from validator.secrecy.search import SearchRequest, SearchResult
from validator.verify import verify

_decisions: dict[tuple[str, VerificationRequest], Decision] = {}
_searches: dict[tuple[str, str], SearchResult] = {}


class RememberingPool:
    """In place of ``validator.workers.pool.Pool``."""

    seconds: Callable[[], float] = staticmethod(lambda: 0.02)
    """How long one file takes."""
    is_overloaded: Callable[[], bool] = staticmethod(lambda: False)
    """Whether this file gets no answer in time."""

    def __init__(self, material: Material, **_: Any) -> None:
        self.material = material

    def update(self, material: Material) -> None:
        self.material = material

    async def start(self) -> None:
        await asyncio.sleep(self.seconds())

    async def close(self) -> None:
        """Nothing runs."""

    async def run(self, document: bytes, request: VerificationRequest, now: datetime, **_: Any) -> Decision:
        await asyncio.sleep(self.seconds())
        decision = decided(document, request, self.material)
        if self.is_overloaded():
            report = replace(decision.report, verdict=Verdict.UNDECIDED, reason=Reason.E_PDF_TIMEOUT)
            return Undecided(Reason.E_PDF_TIMEOUT, "no answer in time", report=report)
        return replace(decision, report=replace(decision.report, verified_at=now))

    async def look(self, document: bytes, request: SearchRequest, now: datetime, **_: Any) -> SearchResult:
        await asyncio.sleep(self.seconds())
        return searched(document, request)


class RememberingReader:
    """In place of ``validator.workers.material.MaterialReader``: the folder does not change."""

    def __init__(self, folder: Any) -> None:
        self.read_at = DAY
        self._version = ""

    async def read(self, directory: Directory) -> Material | None:
        if self._version == directory.version:
            return None
        self._version = directory.version
        folder = trust_material()
        return Material(folder.trust, folder.revocation, directory)

    def evidence(self, digests: Collection[str]) -> dict[str, bytes]:
        known = trust_material().evidence
        return {sha256: known[sha256] for sha256 in digests if sha256 in known}

    def forget(self) -> None:
        self._version = ""


@cache
def trust_material() -> Any:
    """Trust store, lists and evidence of the folder ``city``."""
    return trust_folder.read_folder(CITY / "trust", left_out=_unexpected, last_pins=None)


def decided(document: bytes, request: VerificationRequest, material: Material) -> Decision:
    """The real answer, made once."""
    key = (hashlib.sha256(document).hexdigest(), request)
    if key not in _decisions:
        _decisions[key] = verify(document, request, ValidationContext(material, DAY))
    return _decisions[key]


def searched(document: bytes, request: SearchRequest) -> SearchResult:
    """The real answer, made once."""
    key = (hashlib.sha256(document).hexdigest(), request.name)
    if key not in _searches:
        _searches[key] = search(request.name, document, DEFAULT)
    return _searches[key]


def _unexpected(left_out: object) -> None:
    raise ValueError(f"not usable: {left_out}")
