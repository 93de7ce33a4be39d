"""NIST's Public Key Interoperability Test Suite (PKITS 1.0.1, the certificates of 2011), the whole of it at once.

All certificates of the suite's CAs lie in one trust folder, and all its lists: every test has to find its own chain
among those of all others. Numbers are those of NIST's document; the names of the files say what is expected, except for
policies, where the document asks for subtests with other settings.
"""

import re
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from functools import cache
from pathlib import Path

import cryptography_vectors
import pytest

from common.domain.reason import Reason
from validator.cms.certificate import read_certificate
from validator.cms.extensions import ANY_POLICY
from validator.fault import Fault
from validator.pki.certificates import certificates_in
from validator.pki.chain_search import FoundChain, find_valid_chain
from validator.pki.evidence import Evidence
from validator.pki.policy_graph import PolicyInputs
from validator.pki.revocation_lists import RevocationLists, authentic_crls
from validator.pki.trust_store import TrustStore
from validator.policy import DEFAULT

DATA = Path(cryptography_vectors.__file__).parent / "x509" / "PKITS_data"
AT = datetime(2020, 6, 1, tzinfo=UTC)
POLICY = replace(DEFAULT, max_chain=12)
ANCHOR = "TrustAnchorRootCertificate"

TOPICS = {
    "4.1": r"CertificatePath|CASignature|EESignature|DSA",
    "4.2": r"notBefore|notAfter",
    "4.3": r"NameChaining|NameUIDs|RFC3280|UTF8String",
    "4.4": r"MissingCRL|Revoked|BadCRL|WrongCRL|TwoCRLs|UnknownCRL|CRLnextUpdate|SerialNumber|SeparateCertificate",
    "4.5": r"BasicSelfIssued",
    "4.6": r"basicConstraints|cAFalse|pathLen",
    "4.7": r"keyUsage",
    "4.8": r"PoliciesTest|anyPolicyTest11|AnyPolicyTest14|Qualifier",
    "4.9": r"requireExplicitPolicy",
    "4.10": r"(?<!inhibit)PolicyMapping|Mapping(From|To)anyPolicy",
    "4.11": r"inhibitPolicyMapping",
    "4.12": r"inhibitAnyPolicy",
    "4.13": r"[nN]ameConstraints",
    "4.14": r"distributionPointTest|NoissuingDistributionPoint|onlyContains|onlySome|indirectCRL|cRLIssuer",
    "4.15": r"deltaCRL",
    "4.16": r"CriticalCertificateExtension",
}
TOTAL = 224
"""Tests in the document, each with a certificate of its own, but for 4.8.1, which uses that of 4.1.1."""

P1, P2, P3, P6 = (f"2.16.840.1.101.3.2.1.48.{number}" for number in (1, 2, 3, 6))
ALL = frozenset({ANY_POLICY})


def wants(*policies: str, **options: bool) -> PolicyInputs:
    return PolicyInputs(wanted=frozenset(policies) or ALL, **options)


REQUIRED = {"is_required": True}
SUBTESTS: dict[str, list[tuple[PolicyInputs, bool]]] = {
    "4.8.1": [
        (wants(**REQUIRED), True), (wants(P1, **REQUIRED), True), (wants(P2, **REQUIRED), False),
        (wants(P1, P2, **REQUIRED), True),
    ],
    "4.8.2": [(wants(), True), (wants(**REQUIRED), False)],
    "4.8.3": [(wants(), True), (wants(**REQUIRED), False), (wants(P1, P2, **REQUIRED), False)],
    **{f"4.8.{number}": [(wants(), False)] for number in (4, 5, 7, 8, 9, 12)},
    "4.8.6": [(wants(), True), (wants(P1), True), (wants(P2), False)],
    "4.8.10": [(wants(P1), True), (wants(P2), True), (wants(), True)],
    "4.8.11": [(wants(), True), (wants(P1), True)],
    "4.8.13": [(wants(P1), True), (wants(P2), True), (wants(P3), True)],
    "4.8.14": [(wants(P1), True), (wants(P2), False)],
    "4.8.15": [(wants(), True)], "4.8.16": [(wants(), True)], "4.8.17": [(wants(), True)],
    "4.8.18": [(wants(P1), True), (wants(P2), True)],
    "4.8.19": [(wants(), True)], "4.8.20": [(wants(**REQUIRED), True)],
    "4.10.1": [(wants(P1), True), (wants(P2), False), (wants(is_mapping_inhibited=True), False)],
    "4.10.2": [(wants(), False), (wants(is_mapping_inhibited=True), False)],
    "4.10.3": [(wants(P1), False), (wants(P2), True)],
    "4.10.5": [(wants(P1), True), (wants(P6), False)],
    "4.10.6": [(wants(P1), True), (wants(P6), False)],
    "4.10.12": [(wants(P1), True), (wants(P2), True)],
    "4.12.3": [(wants(), True), (wants(is_any_inhibited=True), False)],
}  # fmt: skip
"""Settings and expectations of the subtests; every other test is run once, with no policy asked for."""

DEVIATIONS = {
    "4.1.4": (Reason.E_SIG_WEAK_ALG, "DSA is not on the policy's list."),
    "4.1.5": (Reason.E_SIG_CERT_FORMAT, "DSA is not on the policy's list, and its parameters are not inherited."),
}
"""Tests that the suite expects to pass and that are refused here, by number, with reason."""


@dataclass(frozen=True)
class Case:
    number: str
    stem: str
    inputs: PolicyInputs
    is_valid: bool

    def __str__(self) -> str:
        return f"{self.number} {self.stem}"


def cases() -> list[Case]:
    listed = []
    for path in sorted((DATA / "certs").glob("*Test*EE.crt")):
        (section,) = [section for section, topic in TOPICS.items() if re.search(topic, path.stem)]
        number = f"{section}.{path.stem.rpartition('Test')[2].removesuffix('EE')}"
        expected = SUBTESTS.get(number, [(wants(), path.stem.startswith("Valid"))])
        listed += [Case(number, path.stem, *each) for each in expected]
        if number == "4.1.1":
            listed += [Case("4.8.1", path.stem, *each) for each in SUBTESTS["4.8.1"]]
    return listed


@cache
def suite() -> Evidence:
    authorities = [
        certificate.der
        for path in sorted((DATA / "certs").glob("*.crt"))
        if not path.stem.endswith("EE") and path.stem != ANCHOR
        for certificate in certificates_in(path.name, path.read_bytes(), lambda _name, _cause: None)
    ]
    trust = TrustStore([(DATA / "certs" / f"{ANCHOR}.crt").read_bytes()], authorities)
    files = [(path.name, path.read_bytes()) for path in sorted((DATA / "crls").glob("*.crl"))]
    return Evidence(trust, RevocationLists(authentic_crls(trust.authorities, files, POLICY)), POLICY, AT)


def outcome(case: Case) -> FoundChain:
    leaf = read_certificate((DATA / "certs" / f"{case.stem}.crt").read_bytes())
    return find_valid_chain(leaf, suite(), AT, "", inputs=case.inputs)


@pytest.mark.parametrize("case", cases(), ids=str)
def test_pkits(case: Case) -> None:
    fault: Fault | None = outcome(case).fault
    if case.number in DEVIATIONS:
        assert fault is not None
        assert fault.reason is DEVIATIONS[case.number][0]
    else:
        assert (fault is None) is case.is_valid, fault


def test_the_suite_is_complete() -> None:
    numbers = {case.number for case in cases()}
    assert len(numbers) == TOTAL
    assert set(SUBTESTS) <= numbers
    assert set(DEVIATIONS) <= {case.number for case in cases() if case.is_valid}
