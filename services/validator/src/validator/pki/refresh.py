"""Brings newer revocation lists into the trust folder, by timer and never while a document is judged.

Addresses come from the operator (``trust.json``), never from a certificate or a document. A list is kept only if a CA
of the trust folder signed it and it is newer than the one before, which it replaces in one step. Where the network is
closed, lists can be dropped as files.
"""

import json
import logging
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx

from validator.pki.atomic_file import replace_file
from validator.pki.crl import Crl, read_crl
from validator.pki.pins import read_pins
from validator.pki.trust_folder import load
from validator.pki.trust_store import TrustStore
from validator.policy import DEFAULT, Policy

TIMEOUT_SECONDS = 60.0
STATE = ".fetched.json"
"""What servers said about the lists they gave: ETag and date, by address."""

log = logging.getLogger(__name__)


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
    """Ask every address of ``trust.json`` and look into every drop folder. Raises ``ValueError`` without trust."""
    trust, _ = load(folder, policy, crls=False)
    state = _read_state(folder)
    addresses = sorted({address for pin in (read_pins(folder) or {}).values() for address in pin.crls})
    results: list[SourceResult] = []
    with client or httpx.Client(timeout=TIMEOUT_SECONDS, follow_redirects=False) as asking:
        results += [_fetch(asking, address, folder, trust, state, policy) for address in addresses]
    if addresses:
        kept = {address: state[address] for address in addresses if address in state}
        replace_file(folder / "crls" / STATE, json.dumps(kept, indent=1).encode())
    for path in sorted(path for drop in drops if drop.is_dir() for path in drop.iterdir() if path.is_file()):
        results.append(_keep(path.name, path.read_bytes(), folder, trust, policy))
    return results


def _fetch(
    client: httpx.Client, address: str, folder: Path, trust: TrustStore, state: dict[str, Any], policy: Policy
) -> SourceResult:
    try:
        headers = {name: value for name, value in state.get(address, {}).items() if name.startswith("If-")}
        with client.stream("GET", address, headers=headers) as answer:
            if answer.status_code == httpx.codes.NOT_MODIFIED:
                return SourceResult(address, "unchanged")
            if answer.status_code != httpx.codes.OK:
                return SourceResult(address, f"status {answer.status_code}")
            result = _keep(address, _body(answer, policy.revocation.max_list_bytes), folder, trust, policy)
            if result.is_well:
                names = {"If-None-Match": "etag", "If-Modified-Since": "last-modified"}
                values = {name: answer.headers.get(header) for name, header in names.items()}
                state[address] = {name: value for name, value in values.items() if value}
            return result
    except (httpx.HTTPError, httpx.InvalidURL, ValueError, OSError) as error:
        return SourceResult(address, f"{type(error).__name__}: {error}")


def _body(answer: httpx.Response, max_bytes: int) -> bytes:
    data = bytearray()
    for piece in answer.iter_bytes():
        data += piece
        if len(data) > max_bytes:
            raise ValueError("list too long")
    return bytes(data)


def _keep(source: str, data: bytes, folder: Path, trust: TrustStore, policy: Policy) -> SourceResult:
    """Put a list into the folder if it is newer than the one there."""
    try:
        crl = read_crl(trust.authorities, data, policy)
    except ValueError as error:
        return SourceResult(source, f"not used: {error}")
    path = folder / "crls" / f"{crl.issuer[:24]}-{_scope(crl)}.crl"
    before = _read_before(path, trust, policy)
    if before is not None and (before.this_update, before.number or 0) >= (crl.this_update, crl.number or 0):
        same = before.sha256 == crl.sha256
        return SourceResult(source, "unchanged" if same else "not used: older than the list we have", before)
    replace_file(path, data)
    return SourceResult(source, "new", crl)


def _scope(crl: Crl) -> str:
    return {(True, True): "all", (True, False): "subscribers", (False, True): "authorities"}.get(
        (crl.for_leaves, crl.for_authorities), "none"
    )


def _read_before(path: Path, trust: TrustStore, policy: Policy) -> Crl | None:
    try:
        return read_crl(trust.authorities, path.read_bytes(), policy)
    except (OSError, ValueError):
        return None


def _read_state(folder: Path) -> dict[str, Any]:
    """The state file; empty where the lists it speaks of are gone."""
    path = folder / "crls" / STATE
    lists = list(path.parent.glob("*.crl")) if path.parent.is_dir() else []
    try:
        state = json.loads(path.read_bytes()) if lists else {}
    except (OSError, ValueError):
        return {}
    return state if isinstance(state, dict) else {}
