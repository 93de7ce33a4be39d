"""The unit directory: which units exist on each day, with their certificates and contacts."""

from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import date
from enum import StrEnum
from functools import cached_property

from common.domain.canary import is_canary
from common.domain.names import Sha256, UnitCode


class CertificateRole(StrEnum):
    """The role in which a registered certificate may sign."""

    UNIT = "unit"
    SIGNER = "signer"


class BrokerLogin(StrEnum):
    """How a unit's user logs in at the broker."""

    PASSWORD = "password"  # noqa: S105 - a kind, no password
    CERTIFICATE = "certificate"
    """A client certificate whose common name is the user (SASL EXTERNAL); no password opens a session."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Certificate:
    """A certificate registered for a unit by its fingerprint; the names inside it are never trusted (R7, R8, R18)."""

    sha256: Sha256
    """Fingerprint: SHA-256 of the DER bytes."""
    role: CertificateRole
    valid_from: date
    """First day on which the role holds."""
    valid_to: date | None = None
    """Last day on which the role holds, for example of a delegation (TUQ.); None = until withdrawn."""
    holder: str = ""
    """Display name, for people only."""

    def holds_on(self, day: date) -> bool:
        """Whether the role holds on ``day`` (local day in Ho Chi Minh City)."""
        return self.valid_from <= day and (self.valid_to is None or day <= self.valid_to)


@dataclass(frozen=True, slots=True, kw_only=True)
class Contact:
    """Addresses to which notifications of a unit are sent."""

    email: str | None = None
    webhook_url: str | None = None
    webhook_secret: str | None = None
    """Shared secret of the webhook's signature (HMAC-SHA256)."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Unit:
    """One organisation of the directory, with effective dates."""

    code: UnitCode
    name: str
    valid_from: date
    valid_to: date | None = None
    """Last day on which the unit may send and receive; None = open."""
    parent: UnitCode | None = None
    successor: UnitCode | None = None
    broker_user: str = ""
    """The unit's user at the broker; empty = the code itself."""
    broker_login: BrokerLogin = BrokerLogin.PASSWORD
    certificates: tuple[Certificate, ...] = ()
    contact: Contact = field(default_factory=Contact)

    @property
    def user(self) -> str:
        """The broker user that speaks for this unit."""
        return self.broker_user or self.code

    def is_open(self, day: date) -> bool:
        """Whether the unit takes part on ``day``."""
        return self.valid_from <= day and (self.valid_to is None or day <= self.valid_to)


class Directory:
    """All units of one version of the directory, looked up by code, user or certificate."""

    def __init__(self, units: Iterable[Unit], version: Sha256 = "") -> None:
        self.units = {unit.code: unit for unit in units}
        self.version = version
        """SHA-256 of the file this directory was read from; named in verdicts as evidence."""
        self._by_user = {unit.user: unit for unit in self.units.values()}
        self._by_certificate: dict[Sha256, list[Unit]] = {}
        for unit in self.units.values():
            for certificate in unit.certificates:
                self._by_certificate.setdefault(certificate.sha256, []).append(unit)

    def unit(self, code: UnitCode) -> Unit | None:
        """The unit of that code, open or closed."""
        return self.units.get(code)

    def unit_of_user(self, user: str) -> Unit | None:
        """The unit for which a broker user speaks."""
        return self._by_user.get(user)

    def seen_by(self, sender: UnitCode) -> "Directory":
        """The units that a sender can reach: a canary reaches the canary alone, and nobody else reaches it."""
        return self._canary if is_canary(sender) else self._others

    @cached_property
    def _canary(self) -> "Directory":
        return Directory((unit for unit in self.units.values() if is_canary(unit.code)), self.version)

    @cached_property
    def _others(self) -> "Directory":
        return Directory((unit for unit in self.units.values() if not is_canary(unit.code)), self.version)

    def units_of_certificate(self, sha256: Sha256) -> tuple[Unit, ...]:
        """Units that registered this certificate; more than one is a security event (R18)."""
        return tuple(self._by_certificate.get(sha256, ()))
