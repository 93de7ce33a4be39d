"""What an issuer has said about revocation: the common form of lists (``crl``) and OCSP answers (``ocsp``)."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime

from validator.cms.certificate import Certificate
from validator.cms.distribution_points import IssuingPoint
from validator.cms.names import Name
from validator.report.vocabulary import StatusKind

Entries = Mapping[int, tuple[int, bool]]
"""By serial number: seconds since 1970 of ``RevokedEntry.since``, and ``RevokedEntry.on_hold``."""


EVERYTHING = IssuingPoint()


@dataclass(frozen=True, slots=True)
class RevokedEntry:
    """One revoked certificate."""

    since: datetime
    """Revocation date, or the earlier date at which the CA says the key may have been lost."""
    on_hold: bool = False
    """A hold may be lifted; every other revocation is for good."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Statement:
    """One authentic list, or one answer."""

    issuer: Name
    signers: tuple[Certificate, ...]
    """Certificates of the trust folder, of that name, whose key signed it."""
    sha256: str
    number: int | None
    this_update: datetime
    """Where it cannot be read, the earliest that it can be."""
    next_update: datetime | None
    entries: Entries
    """Revoked certificates of the issuer itself."""
    kind: StatusKind
    embedded: bool = False
    """Taken out of the document, not of the trust folder."""
    known_at: datetime | None = None
    """When it is proved to have existed; None = now."""
    is_dated: bool = True
    """``this_update`` could be read: it shows which of two is the newer one."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Crl(Statement):
    """One revocation list."""

    kind: StatusKind = StatusKind.CRL
    point: IssuingPoint = EVERYTHING
    """What it covers."""
    others: Mapping[str, Entries] = field(default_factory=dict)
    """Of an indirect list: revoked certificates of other issuers, by ``Name.key``."""
    base: int | None = None
    """Of a delta list: number of the oldest full list that it adds to."""
    lifted: frozenset[tuple[str, int]] = frozenset()
    """Of a delta list: certificates that are not revoked any more, by ``Name.key`` of the issuer and serial number."""
    is_malformed: bool = False
    """It breaks a rule of its form, but all of its entries were read: what it lists is revoked, and it says nothing
    more."""
    source: str = ""
    """The file of the folder of lists that holds it."""
    is_replaceable: bool = True
    """Date, scope and entries could be read: a newer one takes its place in the trust folder, and it an older one's."""
    obstacle: str = ""
    """A critical part that is not understood, or a part or an entry that cannot be read: what it lists is revoked, and
    nothing can be said of the others, not even by an older list."""

    @property
    def is_relied_on(self) -> bool:
        """Whether it may say "not revoked" of anybody, or that a hold has ended; else it counts for what it lists."""
        return not (self.is_malformed or self.obstacle)

    def entry(self, certificate: Certificate) -> RevokedEntry | None:
        """The entry of a certificate; None = it is not listed."""
        own = self.issuer == certificate.issuer
        entries = self.entries if own else self.others.get(certificate.issuer.key, {})
        found = next((entries[number] for number in certificate.listed_numbers if number in entries), None)
        return RevokedEntry(datetime.fromtimestamp(found[0], UTC), found[1]) if found else None
