"""A small demo city: twelve units of different kinds with their certificates, keys and directory file."""

import json
from collections.abc import Iterable
from dataclasses import asdict, dataclass
from datetime import date, datetime, timedelta
from pathlib import Path
from typing import Any

from common.domain.directory import Certificate, CertificateRole, Contact, Directory, Unit
from common.domain.names import UnitCode
from mint.keys import KeyKind
from mint.pki import Authority, Identity
from mint.sign import sign, sign_pair

OPENED = date(2025, 7, 1)
MERGED = date(2026, 3, 31)
"""Last day of the unit that was merged into another."""

CITY = "000.00.00.H29"
CLOSED: UnitCode = "000.00.90.H29"
SUCCESSOR: UnitCode = "000.00.14.H29"

UNITS: tuple[tuple[UnitCode, str, UnitCode | None], ...] = (
    (CITY, "Ủy ban nhân dân Thành phố Demo", None),
    ("000.00.01.H29", "Văn phòng Ủy ban nhân dân Thành phố Demo", CITY),
    ("000.00.14.H29", "Sở Nội vụ Demo", CITY),
    ("000.00.12.H29", "Sở Tài chính Demo", CITY),
    ("000.00.05.H29", "Sở Khoa học và Công nghệ Demo", CITY),
    ("H29.901.01", "Phường Bến Mẫu", CITY),
    ("H29.901.02", "Phường Cầu Mẫu", CITY),
    ("H29.902.01", "Xã Đồng Mẫu", CITY),
    ("H29.903.01", "Đặc khu Đảo Mẫu", CITY),
    ("H29.904.01", "Ban Quản lý Khu công nghệ Demo", CITY),
    ("H29.905.01", "Trung tâm Chuyển đổi số Demo", "000.00.05.H29"),
    (CLOSED, "Sở Lao động Demo (đã sáp nhập)", CITY),
)
"""Code, name, parent. Codes follow both spellings in use; all of them are made up."""


@dataclass(frozen=True, slots=True)
class Member:
    """One unit with everything it signs with."""

    unit: Unit
    seal: Identity
    """The organisation's certificate and key."""
    signer: Identity
    """The head, who signs on behalf of the unit (TM.)."""
    deputy: Identity
    """Signs by delegation for a limited time (TUQ.)."""
    former: Identity
    """Signed by delegation until the day before ``now``."""


@dataclass(frozen=True, slots=True)
class City:
    """The units by code, the authority that certified them, and the day everything starts from."""

    authority: Authority
    members: dict[UnitCode, Member]
    now: datetime
    foreign: Authority
    """Another hierarchy, which nobody here trusts."""
    revoked: Identity
    """A person whose certificate is on the CRL."""

    def __getitem__(self, code: UnitCode) -> Member:
        return self.members[code]

    @property
    def codes(self) -> tuple[UnitCode, ...]:
        """Codes of the open units, in the order of ``UNITS``."""
        return tuple(code for code, member in self.members.items() if member.unit.valid_to is None)

    @property
    def names(self) -> dict[UnitCode, str]:
        """Unit names by code."""
        return {code: member.unit.name for code, member in self.members.items()}

    def directory(self, version: str = "demo") -> Directory:
        """The directory in memory."""
        return Directory((member.unit for member in self.members.values()), version)

    def write_directory(self, path: Path) -> None:
        """Write the directory file the services read."""
        write_directory(path, (member.unit for member in self.members.values()))

    def write_trust(self, folder: Path, *, number: int = 1, days: float = 7) -> None:
        """Write roots, intermediates and CRLs, fresh at ``now`` for ``days``."""
        end = self.now + timedelta(days=days)
        self.authority.write_trust(folder, this_update=self.now, next_update=end, number=number)

    def signed(self, code: UnitCode, pdf: bytes, at: datetime | None = None, **options: Any) -> bytes:
        """The PDF signed by the unit's head and then by the unit; ``options`` as in ``mint.sign.sign_pair``."""
        member = self.members[code]
        return sign_pair(pdf, member.signer, member.seal, at or self.now, **options)

    def certified_copy(self, code: UnitCode, scan: bytes, at: datetime | None = None) -> bytes:
        """A scan signed by the unit alone (ND 30/2020 art. 25.1)."""
        return sign(scan, self.members[code].seal, at or self.now, field="SaoY", reason="SAO Y")


def build_city(now: datetime, *, kind: KeyKind = "rsa2048", contact_domain: str = "demo.invalid") -> City:
    """The same units every time, with fresh keys of ``kind``; certificates run from a year before ``now``."""
    authority = Authority(now=now, kind=kind)
    members = {code: _member(authority, code, name, parent, contact_domain, now.date()) for code, name, parent in UNITS}
    revoked = authority.person("Nguyễn Thu Hồi")
    authority.revoke(revoked, now - timedelta(days=1))
    return City(authority, members, now, Authority("Demo Public CA", now=now, kind=kind), revoked)


def write_directory(path: Path, units: Iterable[Unit]) -> None:
    """The directory file: ``{"version": 1, "units": [...]}``, fields as in ``Unit``, dates in ISO 8601."""
    content = {"version": 1, "units": [asdict(unit) for unit in units]}
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(json.dumps(content, ensure_ascii=False, indent=1, default=date.isoformat), encoding="utf-8")


def _member(
    authority: Authority, code: UnitCode, name: str, parent: UnitCode | None, domain: str, today: date
) -> Member:
    seal = authority.unit(name)
    signer = authority.person(f"Trưởng {code}", name)
    deputy, former = (authority.person(f"{title} {code}", name) for title in ("Phó", "Nguyên phó"))
    closed = code == CLOSED
    unit = Unit(
        code=code,
        name=name,
        valid_from=OPENED,
        valid_to=MERGED if closed else None,
        parent=parent,
        successor=SUCCESSOR if closed else None,
        certificates=(
            _registered(seal, CertificateRole.UNIT),
            _registered(signer, CertificateRole.SIGNER),
            _registered(deputy, CertificateRole.SIGNER, until=today + timedelta(days=30)),
            _registered(former, CertificateRole.SIGNER, until=today - timedelta(days=1)),
        ),
        contact=Contact(email=f"{code.lower()}@{domain}"),
    )
    return Member(unit, seal, signer, deputy, former)


def _registered(identity: Identity, role: CertificateRole, until: date | None = None) -> Certificate:
    return Certificate(sha256=identity.sha256, role=role, valid_from=OPENED, valid_to=until, holder=identity.name)
