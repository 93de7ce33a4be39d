"""One demo city for all tests of the validator: made once, with fast keys."""

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from common.domain.directory import Directory
from mint.city import City, build_city
from mint.paper import letter, scan
from validator.context import Material, ValidationContext, VerificationRequest
from validator.pki.revocation_lists import RevocationLists, authentic_crls
from validator.pki.trust_store import TrustStore
from validator.policy import DEFAULT
from validator.report.decision import Decision
from validator.verify import verify

NOW = datetime(2026, 7, 1, 3, tzinfo=UTC)
"""10:00 in Ho Chi Minh City."""
SENDER = "000.00.14.H29"


@dataclass(frozen=True)
class Harness:
    """The city with what its documents are judged by."""

    city: City
    trust: TrustStore
    revocation: RevocationLists
    directory: Directory
    letter: bytes
    scan: bytes
    signed: bytes

    @property
    def sender(self) -> Any:
        return self.city[SENDER]

    def judge(self, document: bytes, **changes: Any) -> Decision:
        """Verify an hour after signing; ``changes`` replace fields of request, material or context."""
        statements = {name: changes.pop(name) for name in ("declared_copy", "promulgation_date") if name in changes}
        request = VerificationRequest(sender=changes.pop("sender", SENDER), **statements)
        material = {"trust": self.trust, "revocation": self.revocation, "directory": self.directory}
        material |= {name: changes.pop(name) for name in material if name in changes}
        context = ValidationContext(Material(**material), changes.pop("now", NOW + timedelta(hours=1)), **changes)
        return verify(document, request, context)


def revocation_of(city: City, trust: TrustStore, **options: Any) -> RevocationLists:
    """Both CRLs of the city's authority; ``options`` as in ``Authority.crl``."""
    times = {"this_update": NOW, "next_update": NOW + timedelta(days=7)} | options
    files = [(issuer, city.authority.crl(issuer, **times)) for issuer in ("root", "issuing")]
    return RevocationLists(authentic_crls(trust.roots + trust.intermediates, files, DEFAULT))


@pytest.fixture(scope="session")
def harness() -> Harness:
    city = build_city(NOW, kind="p256")
    trust = TrustStore([city.authority.root.der], [city.authority.issuing.der])
    paper = letter()
    return Harness(
        city, trust, revocation_of(city, trust), city.directory("v1"), paper, scan(), city.signed(SENDER, paper)
    )
