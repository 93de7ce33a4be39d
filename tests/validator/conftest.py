"""One demo city for all tests of the validator: made once, with fast keys."""

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from common.domain.directory import Directory
from mint.city import City, build_city
from mint.paper import letter, scan
from validator.pki.crl import Revocation, authentic_crls
from validator.pki.trust import Trust
from validator.policy import DEFAULT
from validator.report.model import Decision
from validator.verify import Question, verify

NOW = datetime(2026, 7, 1, 3, tzinfo=UTC)
"""10:00 in Ho Chi Minh City."""
SENDER = "000.00.14.H29"


@dataclass(frozen=True)
class Court:
    """The city with what its documents are measured by."""

    city: City
    trust: Trust
    revocation: Revocation
    directory: Directory
    letter: bytes
    scan: bytes
    signed: bytes

    @property
    def sender(self) -> Any:
        return self.city[SENDER]

    def judge(self, document: bytes, **changes: Any) -> Decision:
        """Verify an hour after signing; ``changes`` replace arguments of ``verify`` or fields of the question."""
        asked = {
            name: changes.pop(name) for name in ("declared_copy", "promulgation_date", "policy") if name in changes
        }
        question = Question(sender=changes.pop("sender", SENDER), **asked)
        arguments = {
            "trust": self.trust,
            "revocation": self.revocation,
            "directory": self.directory,
            "now": NOW + timedelta(hours=1),
        }
        return verify(document, question, **(arguments | changes))


def revocation_of(city: City, trust: Trust, **options: Any) -> Revocation:
    """Both CRLs of the city's authority; ``options`` as in ``Authority.crl``."""
    times = {"this_update": NOW, "next_update": NOW + timedelta(days=7)} | options
    files = [(issuer, city.authority.crl(issuer, **times)) for issuer in ("root", "issuing")]
    return Revocation(authentic_crls(trust.roots + trust.intermediates, files, DEFAULT))


@pytest.fixture(scope="session")
def court() -> Court:
    city = build_city(NOW, kind="p256")
    trust = Trust([city.authority.root.der], [city.authority.issuing.der])
    paper = letter()
    return Court(
        city, trust, revocation_of(city, trust), city.directory("v1"), paper, scan(), city.signed(SENDER, paper)
    )
