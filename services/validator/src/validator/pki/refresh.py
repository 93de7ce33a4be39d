"""Brings newer revocation lists into the trust folder, by timer and never while a document is judged.

Addresses come from the operator (``trust.json``), never from a certificate or a document. A list is kept only if a CA
of the trust folder signed it and it is newer than the one before, which it replaces in one step. Where the network is
closed, lists can be dropped as files.
"""

import hashlib
import json
import re
import time
from collections.abc import Callable, Iterable
from contextlib import suppress
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

import httpx

from common.containment import Unusable, contained
from validator.pki.atomic_file import replace_file
from validator.pki.crl import read_crl
from validator.pki.pem import LIST, blocks
from validator.pki.pins import read_pins
from validator.pki.statement import Crl
from validator.pki.trust_folder import load, read_bounded
from validator.pki.trust_store import TrustStore
from validator.policy import DEFAULT, Policy

TIMEOUT_SECONDS = 60.0
"""Without a sign of life from a server."""
FETCH_SECONDS = 300.0
"""For one list as a whole: a server that sends a byte now and then holds up nobody else's lists for longer."""
OWN_NAMES = re.compile(r"[0-9a-f]{32}\.crl|[0-9a-f]{24}-[0-9a-z-]+\.crl")
"""Names under which lists are put into the folder; the second by former releases. Others are the operator's."""
STATE = ".fetched.json"
"""What servers said about the lists they gave: ETag and date, by address."""


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


def refresh(
    folder: Path, drops: Iterable[Path] = (), policy: Policy = DEFAULT, client: httpx.Client | None = None
) -> list[SourceResult]:
    """Ask every address of ``trust.json`` and look into every drop folder. Raises ``ValueError`` without trust.

    A source from which nothing usable comes, whatever is wrong with it, changes nothing for the others.
    """
    trust, _ = load(folder, policy, crls=False)
    state = _read_state(folder)
    addresses = sorted({address for pin in (read_pins(folder, _ignore) or {}).values() for address in pin.crls})
    results: list[SourceResult] = []
    with client or httpx.Client(timeout=TIMEOUT_SECONDS, follow_redirects=False) as asking:
        for address in addresses:
            results += _outcome(address, partial(_fetch, asking, address, folder, trust, state, policy))
    if addresses:
        kept = {address: state[address] for address in addresses if address in state}
        replace_file(folder / "crls" / STATE, json.dumps(kept, indent=1).encode())
    for path in (path for drop in drops for path in _files_in(drop, results)):
        results += _outcome(path.name, partial(_take, path, folder, trust, policy))
    for path in _files_in(folder / "crls", results):
        if OWN_NAMES.fullmatch(path.name):
            results += _outcome(path.name, partial(_rename, path, folder, trust, policy))
    return results


def _ignore(_name: str, _cause: str) -> None:
    """``load`` names what is left out."""


def _outcome(source: str, bring: Callable[[], list[SourceResult]]) -> list[SourceResult]:
    results: list[SourceResult] = []
    with contained(lambda cause: results.append(SourceResult(source, cause))):
        results += bring()
    return results


def _files_in(drop: Path, results: list[SourceResult]) -> list[Path]:
    with contained(lambda cause: results.append(SourceResult(str(drop), cause))):
        return sorted(path for path in drop.iterdir() if path.is_file()) if drop.is_dir() else []
    return []


def _take(path: Path, folder: Path, trust: TrustStore, policy: Policy) -> list[SourceResult]:
    return _keep(path.name, read_bounded(path, policy.revocation.max_list_bytes), folder, trust, policy)


def _fetch(
    client: httpx.Client, address: str, folder: Path, trust: TrustStore, state: dict[str, Any], policy: Policy
) -> list[SourceResult]:
    before = state.get(address)
    headers = before if isinstance(before, dict) else {}
    headers = {name: str(value) for name, value in headers.items() if name.startswith("If-")}
    with client.stream("GET", address, headers=headers) as answer:
        if answer.status_code == httpx.codes.NOT_MODIFIED:
            return [SourceResult(address, "unchanged")]
        if answer.status_code != httpx.codes.OK:
            return [SourceResult(address, f"status {answer.status_code}")]
        data = _body(answer, policy.revocation.max_list_bytes)
        results = _keep(address, data, folder, trust, policy)
        if all(result.is_well for result in results):
            names = {"If-None-Match": "etag", "If-Modified-Since": "last-modified"}
            values = {name: answer.headers.get(header) for name, header in names.items()}
            state[address] = {name: value for name, value in values.items() if value}
        return results


def _body(answer: httpx.Response, max_bytes: int) -> bytes:
    data, until = bytearray(), time.monotonic() + FETCH_SECONDS
    for piece in answer.iter_bytes():
        data += piece
        if len(data) > max_bytes:
            raise Unusable("list too long")
        if time.monotonic() > until:
            raise Unusable("list takes too long")
    return bytes(data)


def _keep(source: str, data: bytes, folder: Path, trust: TrustStore, policy: Policy) -> list[SourceResult]:
    """Put the lists of a file into the folder, each if it is newer than the one there."""
    results: list[SourceResult] = []
    for place, der in blocks(data, LIST, policy.cms):
        results += _outcome(source + place, partial(_keep_one, source + place, der, folder, trust, policy))
    return results


def _keep_one(source: str, der: bytes, folder: Path, trust: TrustStore, policy: Policy) -> list[SourceResult]:
    try:
        crl = read_crl(trust.authorities, der, policy)
    except Unusable as error:
        return [SourceResult(source, f"not used: {error}")]
    path = folder / "crls" / f"{_identity(crl)}.crl"
    before = _read_before(path, trust, policy)
    if before is not None and (before.this_update, before.number or 0) >= (crl.this_update, crl.number or 0):
        same = before.sha256 == crl.sha256
        return [SourceResult(source, "unchanged" if same else "not used: older than the list we have", before)]
    replace_file(path, der)
    return [SourceResult(source, "new", crl)]


def _rename(path: Path, folder: Path, trust: TrustStore, policy: Policy) -> list[SourceResult]:
    """Give a list that was brought here under another name its present one, unless a newer list has it."""
    seen = (path, path.stat().st_mtime_ns, trust.version)
    if seen in _well_named:
        return []
    der = read_bounded(path, policy.revocation.max_list_bytes)
    with suppress(Unusable):  # of an authority that is not trusted any more: ``load`` names it
        if path.name != f"{_identity(read_crl(trust.authorities, der, policy))}.crl":
            _keep_one(path.name, der, folder, trust, policy)
            path.unlink()
            return []
    if len(_well_named) >= REMEMBERED_NAMES:
        _well_named.clear()
    _well_named.add(seen)
    return []


REMEMBERED_NAMES = 1000
_well_named: set[tuple[Path, int, str]] = set()
"""Lists that need not be read again for their names: path, time of change and version of the trust folder."""


def _identity(crl: Crl) -> str:
    """Lists that replace each other have the same: one issuer, key, scope and form."""
    point = crl.point
    scope = (
        repr(point.name and (sorted(map(repr, point.name.full)), sorted(map(repr, point.name.relative or ())))),
        point.only_leaves, point.only_authorities, point.only_attributes, point.indirect, sorted(point.reasons),
        crl.base is not None, bool(crl.obstacle), crl.is_malformed,
    )  # fmt: skip
    key = min(signer.key_info for signer in crl.signers)
    return hashlib.sha256(repr((crl.issuer.key, key, scope)).encode()).hexdigest()[:32]


def _read_before(path: Path, trust: TrustStore, policy: Policy) -> Crl | None:
    try:
        return read_crl(trust.authorities, path.read_bytes(), policy)
    except (OSError, ValueError):
        return None


def _read_state(folder: Path) -> dict[str, Any]:
    """The state file; empty where the lists it speaks of are gone, or where it cannot be read."""
    path = folder / "crls" / STATE
    state: Any = {}
    with contained(lambda _: None):
        state = json.loads(path.read_bytes()) if any(path.parent.glob("*.crl")) else {}
    return state if isinstance(state, dict) else {}
