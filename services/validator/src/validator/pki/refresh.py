"""Revocation lists are brought in by timer, never while a document is looked at.

Addresses come from the operator (``trust.json``), never from a certificate or a document. A list is kept only if a CA
that we hold signed it and it is newer than the one before; it replaces that one in one step. Lists may as well be
dropped as files, where the network is closed.
"""

import json
import logging
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx

from validator.pki import trust
from validator.pki.crl import Crl, read_crl
from validator.policy import DEFAULT, Policy

MAX_BYTES = 64 * 1024 * 1024
TIMEOUT_SECONDS = 60.0
STATE = ".fetched.json"
"""What servers said about the lists they gave: ETag and date, by address."""

log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Taken:
    """What became of one source."""

    source: str
    outcome: str
    """``new``, ``unchanged`` or what was wrong."""
    crl: Crl | None = None

    @property
    def is_well(self) -> bool:
        """Whether the source gave a list that we have now."""
        return self.outcome in ("new", "unchanged")


def refresh(
    folder: Path, drops: Iterable[Path] = (), policy: Policy = DEFAULT, client: httpx.Client | None = None
) -> list[Taken]:
    """Ask every address of ``trust.json`` and look into every drop folder. Raises ``ValueError`` without trust."""
    known, _ = trust.load(folder, policy, crls=False)
    state = _state(folder)
    addresses = sorted({address for pin in (trust.read_pins(folder) or {}).values() for address in pin.crls})
    taken: list[Taken] = []
    with client or httpx.Client(timeout=TIMEOUT_SECONDS, follow_redirects=False) as asking:
        taken += [_fetched(asking, address, folder, known, state, policy) for address in addresses]
    if addresses:
        kept = {address: state[address] for address in addresses if address in state}
        trust.replace_file(folder / "crls" / STATE, json.dumps(kept, indent=1).encode())
    for path in sorted(path for drop in drops if drop.is_dir() for path in drop.iterdir() if path.is_file()):
        taken.append(_taken(path.name, path.read_bytes(), folder, known, policy))
    return taken


def _fetched(
    client: httpx.Client, address: str, folder: Path, known: trust.Trust, state: dict[str, Any], policy: Policy
) -> Taken:
    try:
        headers = {name: value for name, value in state.get(address, {}).items() if name.startswith("If-")}
        with client.stream("GET", address, headers=headers) as answer:
            if answer.status_code == httpx.codes.NOT_MODIFIED:
                return Taken(address, "unchanged")
            if answer.status_code != httpx.codes.OK:
                return Taken(address, f"status {answer.status_code}")
            data = _body(answer)
            found = _taken(address, data, folder, known, policy)
            if found.is_well:
                named = {"If-None-Match": "etag", "If-Modified-Since": "last-modified"}
                told = {name: answer.headers.get(header) for name, header in named.items()}
                state[address] = {name: value for name, value in told.items() if value}
            return found
    except (httpx.HTTPError, httpx.InvalidURL, ValueError, OSError) as error:
        return Taken(address, f"{type(error).__name__}: {error}")


def _body(answer: httpx.Response) -> bytes:
    data = bytearray()
    for piece in answer.iter_bytes():
        data += piece
        if len(data) > MAX_BYTES:
            raise ValueError("list too long")
    return bytes(data)


def _taken(source: str, data: bytes, folder: Path, known: trust.Trust, policy: Policy) -> Taken:
    try:
        found = read_crl(known.authorities, data, policy)
    except ValueError as error:
        return Taken(source, f"not used: {error}")
    path = folder / "crls" / f"{found.issuer[:24]}-{_scope(found)}.crl"
    before = _before(path, known, policy)
    if before is not None and (before.this_update, before.number or 0) >= (found.this_update, found.number or 0):
        same = before.sha256 == found.sha256
        return Taken(source, "unchanged" if same else "not used: older than the list we have", before)
    trust.replace_file(path, data)
    return Taken(source, "new", found)


def _scope(crl: Crl) -> str:
    return {(True, True): "all", (True, False): "subscribers", (False, True): "authorities"}.get(
        (crl.for_leaves, crl.for_authorities), "none"
    )


def _before(path: Path, known: trust.Trust, policy: Policy) -> Crl | None:
    try:
        return read_crl(known.authorities, path.read_bytes(), policy)
    except (OSError, ValueError):
        return None


def _state(folder: Path) -> dict[str, Any]:
    """Nothing is remembered about lists that are not there any more."""
    path = folder / "crls" / STATE
    lists = list(path.parent.glob("*.crl")) if path.parent.is_dir() else []
    try:
        told = json.loads(path.read_bytes()) if lists else {}
    except (OSError, ValueError):
        return {}
    return told if isinstance(told, dict) else {}
