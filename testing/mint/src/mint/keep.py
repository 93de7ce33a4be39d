"""A city on disk, so that a later session signs with the same certificates: keys in PEM, readable by their owner only.

``city.json`` holds units, revocations and the day; beside it ``ca/``, ``foreign/`` and ``units/<code>/`` hold one
``.pem`` and one ``.key`` for each identity.
"""

import json
from dataclasses import asdict
from datetime import date, datetime
from pathlib import Path
from typing import Any

from cryptography import x509
from cryptography.hazmat.primitives import serialization
from pydantic import TypeAdapter

from common.domain.directory import Unit
from mint.city import City, Member
from mint.pki import Authority, Identity, Issuer, Revocation

CITY = "city.json"
ROLES = ("seal", "signer", "deputy", "former")

_UNITS = TypeAdapter(list[Unit])


def save(city: City, folder: Path) -> None:
    """Write the whole city; what stood there before is replaced."""
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    for authority, name in ((city.authority, "ca"), (city.foreign, "foreign")):
        save_identity(authority.root, folder / name / "root")
        save_identity(authority.issuing, folder / name / "issuing")
    save_identity(city.revoked, folder / "revoked")
    for code, member in city.members.items():
        for role in ROLES:
            save_identity(getattr(member, role), folder / "units" / code / role)
    _write_private(folder / CITY, json.dumps(_described(city), ensure_ascii=False, indent=1, default=_iso).encode())


def load(folder: Path) -> City:
    """The city as it was saved. Raises ``FileNotFoundError`` when none was, or not to the end."""
    described = json.loads((folder / CITY).read_text(encoding="utf-8"))
    now = datetime.fromisoformat(described["now"])
    authority, foreign = (_authority(folder / name, described[name], now) for name in ("ca", "foreign"))
    chain = (authority.issuing.certificate, authority.root.certificate)
    units = _UNITS.validate_python(described["units"])
    members = {unit.code: _member(folder / "units" / unit.code, unit, chain) for unit in units}
    return City(authority, members, now, foreign, load_identity(folder / "revoked", chain))


def save_identity(identity: Identity, stem: Path) -> None:
    """Write ``<stem>.pem`` and ``<stem>.key``."""
    stem.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    stem.with_suffix(".pem").write_bytes(identity.certificate.public_bytes(serialization.Encoding.PEM))
    key = identity.key.private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    )
    _write_private(stem.with_suffix(".key"), key)


def load_identity(stem: Path, chain: tuple[x509.Certificate, ...] = ()) -> Identity:
    """The identity of ``<stem>.pem`` and ``<stem>.key``; ``chain``: the certificates above it, nearest first.

    The numbers of the key are not checked again: we made them, and forty checks take two seconds.
    """
    certificate = x509.load_pem_x509_certificate(stem.with_suffix(".pem").read_bytes())
    pem = stem.with_suffix(".key").read_bytes()
    key = serialization.load_pem_private_key(pem, password=None, unsafe_skip_rsa_key_validation=True)
    return Identity(certificate, key, chain)  # type: ignore[arg-type]


def _described(city: City) -> dict[str, Any]:
    return {
        "now": city.now,
        "ca": _described_authority(city.authority),
        "foreign": _described_authority(city.foreign),
        "units": [asdict(member.unit) for member in city.members.values()],
    }


def _described_authority(authority: Authority) -> dict[str, Any]:
    revoked = {
        issuer: [{"serial": str(r.serial), "at": r.at, "reason": r.reason.name} for r in entries]
        for issuer, entries in authority.revoked.items()
    }
    return {"name": authority.name, "kind": authority.kind, "revoked": revoked}


def _authority(folder: Path, saved: dict[str, Any], now: datetime) -> Authority:
    """The authority with its own keys in place of those that every new one makes (of the kind made fastest)."""
    authority = Authority(saved["name"], now=now, kind="p256")
    authority.kind = saved["kind"]
    authority.root = load_identity(folder / "root")
    authority.issuing = load_identity(folder / "issuing", (authority.root.certificate,))
    issuers: tuple[Issuer, ...] = ("root", "issuing")
    for issuer in issuers:
        authority.revoked[issuer] = [_revocation(entry) for entry in saved["revoked"][issuer]]
    return authority


def _revocation(entry: dict[str, str]) -> Revocation:
    return Revocation(int(entry["serial"]), datetime.fromisoformat(entry["at"]), x509.ReasonFlags[entry["reason"]])


def _member(folder: Path, unit: Unit, chain: tuple[x509.Certificate, ...]) -> Member:
    return Member(unit, *(load_identity(folder / role, chain) for role in ROLES))


def _iso(value: date) -> str:
    return value.isoformat()


def _write_private(path: Path, content: bytes) -> None:
    path.touch(mode=0o600)
    path.chmod(0o600)
    path.write_bytes(content)
