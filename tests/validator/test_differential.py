"""Chains and revocation beside OpenSSL and pyhanko-certvalidator, on random hierarchies; every difference is explained.

A short part with fixed seeds runs always. The whole, by hand:
``HIERARCHIES=2000 pytest -s tests/validator/test_differential.py -k explained``.
"""

import itertools
import os
import random
import re
from collections import Counter
from pathlib import Path

import pytest
from cryptography import x509
from cryptography.hazmat.primitives.serialization import Encoding

from validator.cms.certificate import Certificate, read_certificate
from validator.pki.chain_search import FoundChain, find_valid_chain
from validator.pki.evidence import Evidence
from validator.pki.revocation_lists import RevocationLists, authentic_crls
from validator.pki.trust_store import TrustStore
from validator.policy import DEFAULT

from .hierarchies import AT, Hierarchy, hierarchy
from .other_validators import certvalidator, openssl, plain

HIERARCHIES = int(os.environ.get("HIERARCHIES", "40"))
FIRST = int(os.environ.get("FIRST_HIERARCHY", "0"))


def ours(made: Hierarchy, order: random.Random | None = None) -> FoundChain:
    """Our answer. ``order``: shuffles all files before."""
    roots, intermediates, crls = (list(each) for each in made.files)
    if order:
        for each in (roots, intermediates, crls):
            order.shuffle(each)
    trust = TrustStore(roots, intermediates)
    lists = authentic_crls(trust.authorities, [("", der) for der in crls], DEFAULT)
    evidence = Evidence(trust, RevocationLists(lists), DEFAULT, AT)
    assert made.leaf is not None
    return find_valid_chain(read_certificate(made.leaf.public_bytes(Encoding.DER)), evidence, AT, "")


def has_list_of_its_key(made: Hierarchy, certificate: Certificate, issuer: Certificate) -> bool:
    """Whether a list of the issuer's name is signed by the key that issued the certificate."""
    key = x509.load_der_x509_certificate(issuer.der).public_key()
    return any(crl.is_signature_valid(key) for crl in _lists_about(made, certificate))  # type: ignore[arg-type]


def has_list_in_force(made: Hierarchy, certificate: Certificate) -> bool:
    return any(crl.next_update_utc > AT for crl in _lists_about(made, certificate) if crl.next_update_utc)


def _lists_about(made: Hierarchy, certificate: Certificate) -> list[x509.CertificateRevocationList]:
    name = made.issuer_names[certificate.serial_number].casefold()
    return [crl for crl in made.crls if plain(crl.issuer) == name]


def explanation(made: Hierarchy, found: FoundChain, who: str, said: str) -> str:
    """Why the other one answers otherwise, shown by facts of the hierarchy; empty = not explained."""
    pairs = list(itertools.pairwise(found.chain))
    if who == "openssl" and found.fault is None:
        if re.search(r"error (8|54) ", said) and not all(has_list_of_its_key(made, *pair) for pair in pairs):
            return "the only list is of another key of the CA, whose own certificate that list covers: a circle"
        if re.search(r"error 35 ", said) and "may not sign lists" in made.features:
            return "another certificate of the same name and key may sign lists"
    is_unknown = found.fault is not None and found.fault.rule.number == "7.4"
    if who == "certvalidator" and is_unknown and not all(has_list_in_force(made, each) for each, _ in pairs):
        return "takes a CA without a list in force for not revoked"
    return ""


@pytest.mark.parametrize("start", range(FIRST, FIRST + HIERARCHIES, 20))
def test_others_answer_the_same_or_it_is_explained(start: int, tmp_path: Path) -> None:
    explained: Counter[str] = Counter()
    for seed in range(start, min(start + 20, FIRST + HIERARCHIES)):
        made = hierarchy(seed)
        found = ours(made)
        explained["valid" if found.fault is None else "not valid"] += 1
        for who, (is_valid, said) in {"openssl": openssl(made, tmp_path), "certvalidator": certvalidator(made)}.items():
            if is_valid is not (found.fault is None):
                why = explanation(made, found, who, said)
                assert why, f"seed {seed}: ours {found.fault or 'valid'}, {who} {said or 'valid'}"
                explained[f"{who}: {why}"] += 1
    print(dict(explained))


@pytest.mark.parametrize("start", range(0, 60, 20))
def test_the_order_of_files_does_not_matter(start: int) -> None:
    for seed in range(start, start + 20):
        made, order = hierarchy(seed), random.Random(seed)
        first = ours(made)
        for _ in range(4):
            again = ours(made, order)
            assert (again.chain, again.statuses) == (first.chain, first.statuses)
            assert str(again.fault) == str(first.fault)
