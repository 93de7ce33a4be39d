"""Brings newer revocation lists into the trust folder, by timer and never while a document is judged.

Addresses come from the operator (``trust.json``), never from a certificate or a document. A list is kept only if a CA
of the trust folder signed it whose key no list names as revoked by now, if it is newer than the one before, which it
replaces in one step, and not dated ahead.
Where the network is closed, lists can be dropped as files.
"""

import hashlib
import re
from collections.abc import Callable, Iterable, Mapping
from contextlib import suppress
from dataclasses import dataclass
from datetime import datetime
from functools import partial
from pathlib import Path
from typing import Any

import httpx

from common.clock import utc_now
from common.containment import Unusable, contained
from validator.pki.atomic_file import locked, replace_file
from validator.pki.crl import read_crl
from validator.pki.evidence import Evidence
from validator.pki.fetch import fetch
from validator.pki.fetch_state import STATE, conditions_of, read_state, remembered, write_state
from validator.pki.list_views import is_by_revoked_key
from validator.pki.pem import LIST, blocks
from validator.pki.pins import Pin
from validator.pki.statement import Crl
from validator.pki.trust_folder import load, pins_of, read_bounded
from validator.policy import DEFAULT, Policy

OWN_NAMES = re.compile(r"[0-9a-f]{32}\.crl|[0-9a-f]{24}-[0-9a-z-]+\.crl")
"""Names under which lists are put into the folder; the second by former releases. Others are the operator's."""
REMEMBERED_NAMES = 1000
_well_named: set[tuple[Path, int, str]] = set()
"""Lists that need not be read again for their names: path, time of change and version of the trust folder."""


@dataclass(frozen=True, slots=True)
class SourceResult:
    """The outcome of one source."""

    source: str
    outcome: str
    """``new``, ``unchanged``, or what was wrong."""
    crl: Crl | None = None

    @property
    def is_well(self) -> bool:
        """Whether the list of this source is in the folder now."""
        return self.outcome in ("new", "unchanged")


@dataclass(frozen=True, slots=True)
class _Target:
    """Where lists go, and what they are judged by."""

    folder: Path
    evidence: Evidence
    """What the folder holds."""

    @property
    def max_bytes(self) -> int:
        """Of a file of lists."""
        return self.evidence.policy.revocation.max_list_bytes

    def read(self, der: bytes) -> Crl:
        """A list. Raises ``Unusable``. One that is dated ahead is not taken, and keeps no other out."""
        evidence = self.evidence
        crl = read_crl(evidence.trust.authorities, der, evidence.policy)
        if crl.this_update > evidence.now + evidence.policy.clock_grace:
            raise Unusable(f"dated ahead, {crl.this_update.isoformat()}")
        return crl


def refresh(
    folder: Path,
    drops: Iterable[Path] = (),
    policy: Policy = DEFAULT,
    *,
    transport: httpx.AsyncBaseTransport | None = None,
    now: datetime | None = None,
    last_pins: Mapping[str, Pin] | None = None,
) -> list[SourceResult]:
    """Ask every address of ``trust.json`` and look into every drop folder. Raises ``ValueError`` without trust.

    A source from which nothing usable comes, whatever is wrong with it, changes nothing for the others; what was
    brought as files waits for no server. ``transport`` and ``now``: the network and the time of the machine, unless
    given. ``last_pins``: what counts while ``trust.json`` cannot be read. Must not be called from a coroutine.
    """
    trust, lists = load(folder, policy, last_pins=last_pins)
    target = _Target(folder, Evidence(trust, lists, policy, now or utc_now()))
    results: list[SourceResult] = []
    for path in (path for drop in drops for path in _files_in(drop, results)):
        results += _outcome(path.name, partial(_take, path, target))
    pins = pins_of(folder, last_pins=last_pins) or {}
    addresses = sorted({address for pin in pins.values() for address in pin.crls})
    state = read_state(folder)
    for address in addresses:
        results += _outcome(address, partial(_fetch, address, target, state, transport))
    if addresses:
        kept = {address: state[address] for address in addresses if address in state}
        with contained(lambda cause: results.append(SourceResult(STATE, cause))):
            write_state(folder, kept)
    for path in _files_in(folder / "crls", results):
        if OWN_NAMES.fullmatch(path.name):
            results += _outcome(path.name, partial(_rename, path, target))
    return results


def _outcome(source: str, bring: Callable[[], list[SourceResult]]) -> list[SourceResult]:
    results: list[SourceResult] = []
    with contained(lambda cause: results.append(SourceResult(source, cause))):
        results += bring()
    return results


def _files_in(drop: Path, results: list[SourceResult]) -> list[Path]:
    with contained(lambda cause: results.append(SourceResult(str(drop), cause))):
        return sorted(path for path in drop.iterdir() if path.is_file()) if drop.is_dir() else []
    return []


def _take(path: Path, target: _Target) -> list[SourceResult]:
    return _keep(path.name, read_bounded(path, target.max_bytes), target)


def _fetch(
    address: str, target: _Target, state: dict[str, Any], transport: httpx.AsyncBaseTransport | None
) -> list[SourceResult]:
    conditions = conditions_of(state.get(address), target.folder)
    answer = fetch(address, conditions, target.max_bytes, transport)
    if answer.status == httpx.codes.NOT_MODIFIED and conditions:
        return [SourceResult(address, "unchanged")]
    if answer.status != httpx.codes.OK:
        return [SourceResult(address, f"status {answer.status}")]
    results = _keep(address, answer.body, target)
    state.pop(address, None)
    if results and all(result.is_well for result in results):
        state[address] = remembered(answer.headers, [_file_name(result.crl) for result in results if result.crl])
    return results


def _keep(source: str, data: bytes, target: _Target) -> list[SourceResult]:
    """Put the lists of a file into the folder, each if it is newer than the one there."""
    results: list[SourceResult] = []
    for place, der in blocks(data, LIST, target.evidence.policy.cms):
        results += _outcome(source + place, partial(_bring, source + place, der, target))
    return results


def _bring(source: str, der: bytes, target: _Target) -> list[SourceResult]:
    """Keep a list from outside. One that is there already stays, whatever became of its key: what it names counts."""
    with suppress(Unusable):
        if is_by_revoked_key(target.read(der), target.evidence):
            return [SourceResult(source, "not used: signed with a revoked key")]
    return _keep_one(source, der, target)


def _keep_one(source: str, der: bytes, target: _Target) -> list[SourceResult]:
    try:
        crl = target.read(der)
    except Unusable as error:
        return [SourceResult(source, f"not used: {error}")]
    path = target.folder / "crls" / _file_name(crl)
    if kept := _kept_instead(source, crl, path, target):
        return [kept]  # nothing to write: also where nothing can be written
    with locked(path.parent):
        if kept := _kept_instead(source, crl, path, target):
            return [kept]
        replace_file(path, der)
    return [SourceResult(source, "new", crl)]


def _kept_instead(source: str, crl: Crl, path: Path, target: _Target) -> SourceResult | None:
    """The outcome if the list that is there stays."""
    before = _read_before(path, target)
    if before is None or (before.this_update, before.number or 0) < (crl.this_update, crl.number or 0):
        return None
    same = before.sha256 == crl.sha256
    return SourceResult(source, "unchanged" if same else "not used: older than the list we have", before)


def _rename(path: Path, target: _Target) -> list[SourceResult]:
    """Give a list that was brought here under another name its present one, unless a newer list has it."""
    seen = (path, path.stat().st_mtime_ns, target.evidence.trust.version)
    if seen in _well_named:
        return []
    der = read_bounded(path, target.max_bytes)
    with suppress(Unusable):  # of an authority that is not trusted any more: ``load`` names it; or dated ahead
        if path.name != _file_name(target.read(der)):
            _keep_one(path.name, der, target)
            path.unlink()
            return []
    if len(_well_named) >= REMEMBERED_NAMES:
        _well_named.clear()
    _well_named.add(seen)
    return []


def _file_name(crl: Crl) -> str:
    return f"{_identity(crl)}.crl"


def _identity(crl: Crl) -> str:
    """Lists that replace each other have the same: one issuer, key, scope and form. Where date, scope or entries cannot
    be read, nobody knows what a list replaces: it stays beside the others, since what it names is revoked."""
    point = crl.point
    scope = (
        repr(point.name and (sorted(map(repr, point.name.full)), sorted(map(repr, point.name.relative or ())))),
        point.only_leaves, point.only_authorities, point.only_attributes, point.indirect, sorted(point.reasons),
        crl.base is not None, bool(crl.obstacle), crl.is_malformed,
    )  # fmt: skip
    key = min(signer.key_info for signer in crl.signers)
    own = () if crl.is_replaceable else (crl.sha256,)
    return hashlib.sha256(repr((crl.issuer.key, key, scope, *own)).encode()).hexdigest()[:32]


def _read_before(path: Path, target: _Target) -> Crl | None:
    """The list that would be replaced; None = there is none that counts."""
    try:
        return target.read(path.read_bytes())
    except (OSError, ValueError):
        return None
