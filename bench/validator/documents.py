"""The kinds of document that are measured, with two signatures each, as the demo city makes them."""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from common.domain.directory import Directory
from mint.city import City, build_city
from mint.ltv import add_validation_data
from mint.paper import scan
from mint.pki import Revocation as Revoked
from mint.tagged import tagged
from mint.tsa import time_authority
from validator.pki.revocation_lists import RevocationLists, authentic_crls
from validator.pki.trust_store import TrustStore
from validator.policy import DEFAULT

NOW = datetime(2026, 7, 1, 3, tzinfo=UTC)
SENDER = "000.00.14.H29"


@dataclass(frozen=True, slots=True)
class Kind:
    """One row of the table; milliseconds where the floor of the letter is 0.3 ms."""

    name: str
    paper: Callable[[], bytes]
    required: float
    """Must be below: EU DSS tuned, CPU ms."""
    target: float
    plain: float
    """What the plain library took there."""
    long_term: bool = False
    """With signature time stamps and validation data."""


KINDS = (
    Kind("tagged letter, 3 pages", lambda: tagged(3, font_bytes=174_000), 16.7, 5.5, 39.9),
    Kind("the same, B-LT with time stamps", lambda: tagged(3, font_bytes=174_000), 33.3, 11, 67.5, long_term=True),
    Kind("scan, 2 pages, 494 KB", lambda: scan(pages=2, size_bytes=470_000), 23.2, 7.5, 21.3),
    Kind("scan, 1 page, 50 KB", lambda: scan(pages=1, dpi=72, size_bytes=20_000), 6.8, 4, 21),
    Kind("tagged, 1 page, 68 KB", lambda: tagged(1, font_bytes=48_000), 12.2, 4, 36),
    Kind("tagged, 113 pages, 500 KB", lambda: tagged(113, font_bytes=120_000, paragraph_words=90), 77.8, 15, 176),
    Kind("scan, 8 pages, 5 MB", lambda: scan(pages=8, size_bytes=5_000_000), 165, 25, 29.9),
    Kind(
        "tagged, 1,100 pages, 5 MB", lambda: tagged(1_100, font_bytes=250_000, paragraph_words=170), 3_077, 130, 2_123
    ),
)


@dataclass(frozen=True, slots=True)
class Setting:
    """The demo city and what its documents are measured by."""

    city: City
    trust: TrustStore
    revocation: RevocationLists
    directory: Directory
    anchors: tuple[bytes, ...]
    """DER: root and issuing CA, for the plain library."""
    crls: tuple[bytes, ...]

    def signed(self, kind: Kind) -> bytes:
        """The document of one kind."""
        if not kind.long_term:
            return self.city.signed(SENDER, kind.paper())
        tsa, member = time_authority(self.city.authority), self.city[SENDER]
        stamped = self.city.signed(SENDER, kind.paper(), stamper=tsa.stamper(NOW + timedelta(minutes=1)))
        identities = (member.signer, member.seal, tsa.identity)
        return add_validation_data(stamped, identities, self.crls)


def build_setting(crl_entries: int = 10) -> Setting:
    """RSA-2048, CRLs of the given length."""
    city = build_city(NOW, kind="rsa2048")
    authority = city.authority
    day = timedelta(days=1)
    authority.revoked["issuing"] += [Revoked(10**30 + serial, NOW - day) for serial in range(crl_entries)]
    crls = [
        (issuer, authority.crl(issuer, this_update=NOW, next_update=NOW + 7 * day)) for issuer in ("root", "issuing")
    ]
    anchors = (authority.root.der, authority.issuing.der)
    trust = TrustStore([anchors[0]], [anchors[1]])
    revocation = RevocationLists(authentic_crls(trust.roots + trust.intermediates, crls, DEFAULT))
    return Setting(city, trust, revocation, city.directory("bench"), anchors, tuple(crl for _, crl in crls))
