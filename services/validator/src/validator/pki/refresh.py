"""Brings newer revocation lists into the trust folder, by timer and never while a document is judged.

Addresses come from the operator (``trust.json``), never from a certificate or a document. A list is kept only if a CA
of the trust folder signed it whose key no list names as revoked by now, if it is newer than the one before, which it
replaces in one step, and not dated ahead. Lists that come together are held against each other: those of authorities
nearest to a root are taken first.
Where the network is closed, lists can be dropped as files.
"""

from collections.abc import Iterable, Mapping
from datetime import datetime
from functools import partial
from pathlib import Path
from typing import Any

import httpx

from common.clock import Clock, utc_now
from common.containment import contained
from validator.pki.evidence import Evidence
from validator.pki.fetch import fetch
from validator.pki.fetch_state import STATE, conditions_of, read_state, remembered, write_state
from validator.pki.kept_lists import OWN_NAMES, Brought, SourceResult, Target, file_name, keep, outcome_of, rename
from validator.pki.pem import LIST, blocks
from validator.pki.pins import Pin
from validator.pki.trust_folder import load, pins_of, read_bounded
from validator.policy import DEFAULT, Policy


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
    clock = _clock(now)
    target = Target(folder, Evidence(trust, lists, policy, clock()), clock)
    results: list[SourceResult] = []
    brought: list[Brought] = []
    for path in (path for drop in drops for path in _files_in(drop, results)):
        results += outcome_of(path.name, partial(_open, path, target, brought))
    results += [result for outcome in keep(brought, target) for result in outcome]
    pins = pins_of(folder, last_pins=last_pins) or {}
    addresses = sorted({address for pin in pins.values() for address in pin.crls})
    state = read_state(folder)
    answered: list[Brought] = []
    for address in addresses:
        results += outcome_of(address, partial(_fetch, address, target, state, transport, answered))
    outcomes = keep(answered, target)
    results += [result for outcome in outcomes for result in outcome]
    _remember(answered, outcomes, state)
    if addresses:
        known = {address: state[address] for address in addresses if address in state}
        with contained(lambda cause: results.append(SourceResult(STATE, cause))):
            write_state(folder, known)
    for path in _files_in(folder / "crls", results):
        if OWN_NAMES.fullmatch(path.name):
            results += outcome_of(path.name, partial(rename, path, target))
    return results


def _clock(now: datetime | None) -> Clock:
    if now is None:
        return utc_now
    given = now
    return lambda: given


def _files_in(drop: Path, results: list[SourceResult]) -> list[Path]:
    with contained(lambda cause: results.append(SourceResult(str(drop), cause))):
        return sorted(path for path in drop.iterdir() if path.is_file()) if drop.is_dir() else []
    return []


def _open(path: Path, target: Target, brought: list[Brought]) -> list[SourceResult]:
    brought += _unpacked(path.name, read_bounded(path, target.max_bytes), target)
    return []


def _unpacked(origin: str, data: bytes, target: Target, headers: Mapping[str, str] | None = None) -> list[Brought]:
    found = blocks(data, LIST, target.evidence.policy.cms)
    return [Brought(origin, place, der, headers or {}) for place, der in found]


def _fetch(
    address: str,
    target: Target,
    state: dict[str, Any],
    transport: httpx.AsyncBaseTransport | None,
    brought: list[Brought],
) -> list[SourceResult]:
    """Ask one address; what it gives is taken when all have been asked."""
    conditions = conditions_of(state.get(address), target.folder)
    answer = fetch(address, conditions, target.max_bytes, transport)
    if answer.status == httpx.codes.NOT_MODIFIED and conditions:
        return [SourceResult(address, "unchanged")]
    if answer.status != httpx.codes.OK:
        return [SourceResult(address, f"status {answer.status}")]
    state.pop(address, None)
    brought += _unpacked(address, answer.body, target, answer.headers)
    return []


def _remember(brought: list[Brought], kept: list[list[SourceResult]], state: dict[str, Any]) -> None:
    """Note what the servers said whose lists are all in the folder now."""
    for address, headers in {each.origin: each.headers for each in brought}.items():
        results = [
            result for each, outcome in zip(brought, kept, strict=True) if each.origin == address for result in outcome
        ]
        if all(result.is_well for result in results):
            state[address] = remembered(headers, [file_name(result.crl) for result in results if result.crl])
