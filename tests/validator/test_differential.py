"""Chains and revocation beside OpenSSL and pyhanko-certvalidator, on random hierarchies; every difference is explained.

A short part with fixed seeds runs always. The whole, by hand:
``HIERARCHIES=2000 pytest -s tests/validator/test_differential.py -k explained``.
"""

import itertools
import os
import random
import re
from collections import Counter
from collections.abc import Callable
from datetime import timedelta
from pathlib import Path

import pytest
from cryptography import x509
from cryptography.hazmat.primitives.serialization import Encoding

from validator.cms.certificate import read_certificate
from validator.pki.chain_search import FoundChain, find_valid_chain
from validator.pki.evidence import Evidence
from validator.pki.revocation_lists import RevocationLists, authentic_crls
from validator.pki.trust_store import TrustStore
from validator.policy import DEFAULT

from .hierarchies import AT, Hierarchy, hierarchy
from .other_validators import Way, ask_certvalidator, ask_openssl, holds_for_openssl, is_listed, plain, ways

HIERARCHIES = int(os.environ.get("HIERARCHIES", "40"))
FIRST = int(os.environ.get("FIRST_HIERARCHY", "0"))


def ours(pki: Hierarchy, order: random.Random | None = None) -> FoundChain:
    """Our answer. ``order``: shuffles all files before."""
    roots, intermediates, crls = (list(each) for each in pki.files)
    if order:
        for each in (roots, intermediates, crls):
            order.shuffle(each)
    trust = TrustStore(roots, intermediates)
    lists = authentic_crls(trust.authorities, [("", der) for der in crls], DEFAULT)
    evidence = Evidence(trust, RevocationLists(lists), DEFAULT, AT)
    assert pki.leaf is not None
    return find_valid_chain(read_certificate(pki.leaf.public_bytes(Encoding.DER)), evidence, AT, "")


# Facts of a hierarchy


class Facts:
    """What can be seen in a hierarchy without any search for chains of ours."""

    def __init__(self, pki: Hierarchy, result: FoundChain, folder: Path) -> None:
        every = {each.serial_number: each for each in (*pki.roots, *pki.intermediates, pki.leaf) if each}
        self.pki, self.folder = pki, folder
        self.chain = [every[each.serial_number] for each in result.chain]
        self.way = tuple(self.chain[:-1])

    def lists_of(self, certificate: x509.Certificate) -> list[x509.CertificateRevocationList]:
        """Lists of the name of its issuer."""
        name = self.pki.issuer_names[certificate.serial_number].casefold()
        return [crl for crl in self.pki.crls if plain(crl.issuer) == name]

    def signers(self, crl: x509.CertificateRevocationList) -> list[x509.Certificate]:
        """Certificates of its issuer's name and key."""
        held = (*self.pki.roots, *self.pki.intermediates)
        return [each for each in held if plain(each.subject) == plain(crl.issuer) and _is_signed_by(crl, each)]

    def is_signed_by_own_key(self, certificate: x509.Certificate, issuer: x509.Certificate) -> bool:
        """Whether a list in force is signed by the key that issued the certificate."""
        return any(_is_in_force(crl) and _is_signed_by(crl, issuer) for crl in self.lists_of(certificate))

    def is_entitled(self, signer: x509.Certificate, crl: x509.CertificateRevocationList) -> bool:
        """Whether a list's signer may sign lists and has a chain to the same root (RFC 5280 §6.3.3 f), as OpenSSL sees
        it, with nothing known against it."""
        anchors = [root for root in self.pki.roots if plain(root.subject) == plain(self.chain[-1].subject)]
        if not _may_sign_lists(signer):
            return False
        if signer in self.pki.roots:
            return signer in anchors
        if is_listed(self.pki, signer):
            return False
        # The last second of a validity counts (RFC 5280 §4.1.2.5); for OpenSSL it is over by then.
        at = crl.last_update_utc - timedelta(seconds=1)
        return holds_for_openssl(self.pki, signer, anchors, at, self.folder)

    def counts(self, crl: x509.CertificateRevocationList) -> bool:
        """Whether anybody who may signed the list."""
        return any(self.is_entitled(each, crl) for each in self.signers(crl))

    def has_list(self, certificate: x509.Certificate) -> bool:
        """Whether there is a list in force that counts."""
        return any(_is_in_force(crl) and self.counts(crl) for crl in self.lists_of(certificate))

    def naming(self) -> list[x509.CertificateRevocationList]:
        """The lists that name a certificate of the chain."""
        return [
            crl
            for each in self.way
            for crl in self.lists_of(each)
            if crl.get_revoked_certificate_by_serial_number(each.serial_number) is not None
        ]

    def namesakes_of_issuers(self) -> bool:
        """Whether a CA of the chain has several certificates."""
        names = [plain(each.subject) for each in self.pki.intermediates]
        return any(names.count(plain(each.subject)) > 1 for each in self.chain[1:-1])


def _is_in_force(crl: x509.CertificateRevocationList) -> bool:
    return crl.next_update_utc is not None and crl.next_update_utc > AT


def _is_signed_by(crl: x509.CertificateRevocationList, signer: x509.Certificate) -> bool:
    return crl.is_signature_valid(signer.public_key())  # type: ignore[arg-type]


def _may_sign_lists(certificate: x509.Certificate) -> bool:
    return certificate.extensions.get_extension_for_class(x509.KeyUsage).value.crl_sign


# Explanations


def why_not(facts: Facts, who: str, said: str) -> str:
    """Why the other one refuses the chain that we find valid. ``said``: what it says about that chain."""
    naming = facts.naming()
    if naming and not any(map(facts.counts, naming)):
        return "the list that names it is of a key of the CA for which there is no valid chain"
    pairs = list(itertools.pairwise(facts.chain))
    if (
        who == "openssl"
        and re.match(r"error (8|54) ", said)
        and not all(facts.is_signed_by_own_key(*pair) for pair in pairs)
    ):
        return "the only list in force is of another key of the CA, and covers that key's certificate: a circle"
    if who == "openssl" and said.startswith("error 35 ") and any(_is_other_entitled(facts, *pair) for pair in pairs):
        return "another certificate of the same name may sign lists, and a list of it covers the certificate"
    if who == "certvalidator" and "CRL" in said and facts.namesakes_of_issuers():
        return "asks only one of several certificates of a CA, for the chain of a list"
    return ""


def _is_other_entitled(facts: Facts, certificate: x509.Certificate, issuer: x509.Certificate) -> bool:
    return not _may_sign_lists(issuer) and facts.has_list(certificate)


def why_valid(facts: Facts, who: str, fault: str) -> str:
    """Why the other one finds a chain that we refuse for what is known of revocation."""
    if who == "certvalidator" and fault == "7.4" and not all(map(facts.has_list, facts.way)):
        return "takes a CA without a list in force for not revoked, or a list of one that may not sign it"
    if who == "certvalidator" and fault == "7.3" and any(map(facts.counts, facts.naming())):
        return "overlooks the list of another key of the CA"
    return ""


@pytest.mark.parametrize("start", range(FIRST, FIRST + HIERARCHIES, 20))
def test_others_answer_the_same_or_it_is_explained(start: int, tmp_path: Path) -> None:
    explained: Counter[str] = Counter()
    for seed in range(start, min(start + 20, FIRST + HIERARCHIES)):
        pki = hierarchy(seed)
        result = ours(pki)
        explained["valid" if result.fault is None else "not valid"] += 1
        others: dict[str, Callable[[Way], str]] = {
            "openssl": lambda way, pki=pki: ask_openssl(pki, way, tmp_path),  # type: ignore[misc]
            "certvalidator": lambda way, pki=pki: ask_certvalidator(pki, way),  # type: ignore[misc]
        }
        for who, ask in others.items():
            is_valid = any(not ask(way) for way in ways(pki))
            if is_valid is (result.fault is None):
                continue
            facts = Facts(pki, result, tmp_path)
            said = ask(facts.way) if result.fault is None else "valid"
            fault = result.fault.rule.number if result.fault else ""
            why = why_valid(facts, who, fault) if fault else why_not(facts, who, said)
            assert why, f"seed {seed}: ours {result.fault or 'valid'}, {who} {said}"
            explained[f"{who}: {why}"] += 1
    print(dict(explained))


@pytest.mark.parametrize("start", range(0, 60, 20))
def test_the_order_of_files_does_not_matter(start: int) -> None:
    for seed in range(start, start + 20):
        pki, order = hierarchy(seed), random.Random(seed)
        first = ours(pki)
        for _ in range(4):
            again = ours(pki, order)
            assert (again.chain, again.statuses) == (first.chain, first.statuses)
            assert str(again.fault) == str(first.fault)
