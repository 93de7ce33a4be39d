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
    """Whether a list in force of the issuer's name is signed by the key that issued the certificate."""
    key = x509.load_der_x509_certificate(issuer.der).public_key()
    return any(crl.is_signature_valid(key) for crl in _lists_in_force(made, certificate))  # type: ignore[arg-type]


def has_list_in_force(made: Hierarchy, certificate: Certificate) -> bool:
    """Whether there is one of the issuer's name, by a key that may sign lists in any of its certificates."""
    signers = [each.public_key() for each in (*made.roots, *made.intermediates) if _may_sign_lists(each)]
    lists = _lists_in_force(made, certificate)
    return any(crl.is_signature_valid(key) for crl in lists for key in signers)  # type: ignore[arg-type]


def _may_sign_lists(certificate: x509.Certificate) -> bool:
    return certificate.extensions.get_extension_for_class(x509.KeyUsage).value.crl_sign


def _lists_in_force(made: Hierarchy, certificate: Certificate) -> list[x509.CertificateRevocationList]:
    name = made.issuer_names[certificate.serial_number].casefold()
    return [crl for crl in made.crls if plain(crl.issuer) == name and crl.next_update_utc and crl.next_update_utc > AT]


def has_namesakes(made: Hierarchy) -> bool:
    """Whether some CA has several certificates."""
    return len({plain(each.subject) for each in made.intermediates}) < len(made.intermediates)


def explanation(made: Hierarchy, found: FoundChain, who: str, said: str, third: str, *, is_alone: bool) -> str:
    """Why the other one answers otherwise, shown by facts of the hierarchy; empty = not explained.

    ``is_alone``: the third one answers as we do; ``third``: what it said.
    """
    pairs = list(itertools.pairwise(found.chain))
    if who == "openssl" and found.fault is None:
        if re.search(r"error (8|54) ", said) and not all(has_list_of_its_key(made, *pair) for pair in pairs):
            return "the only list in force is of another key of the CA, and covers that key's certificate: a circle"
        if re.search(r"error 35 ", said) and "may not sign lists" in made.features:
            return "another certificate of the same name and key may sign lists"
        if "error 43 " in said and is_alone and {"policy of the leaf", "policy required"} <= made.features:
            return "does not find a policy that stands beside anyPolicy in the last certificate"
        if "on a list" in said and is_alone:
            return "the list that names it is of a key of the CA for which there is no valid chain"
    if who == "certvalidator" and is_alone:
        is_unknown = found.fault is not None and found.fault.rule.number in ("7.3", "7.4")
        if is_unknown and not all(has_list_in_force(made, each) for each, _ in pairs):
            return "takes a CA without a list in force for not revoked, or a list for one that may not sign it"
        if is_unknown and re.search(r"error (3|8|12|35|44|54) ", third):
            return "takes a list whose signer has no valid chain; OpenSSL takes none either"
    # Alone, or beside OpenSSL in its circle: both find no chain for the signer of the list.
    if (
        who == "certvalidator"
        and found.fault is None
        and has_namesakes(made)
        and (is_alone or re.search(r"error (8|35|54) ", third))
    ):
        return "asks only one of several certificates of a CA, for the chain of a list"
    return ""


@pytest.mark.parametrize("start", range(FIRST, FIRST + HIERARCHIES, 20))
def test_others_answer_the_same_or_it_is_explained(start: int, tmp_path: Path) -> None:
    explained: Counter[str] = Counter()
    for seed in range(start, min(start + 20, FIRST + HIERARCHIES)):
        made = hierarchy(seed)
        found = ours(made)
        explained["valid" if found.fault is None else "not valid"] += 1
        answers = {"openssl": openssl(made, tmp_path), "certvalidator": certvalidator(made)}
        differing = [who for who, (is_valid, _) in answers.items() if is_valid is not (found.fault is None)]
        for who in differing:
            said = answers[who][1]
            third = next(text for name, (_, text) in answers.items() if name != who)
            why = explanation(made, found, who, said, third, is_alone=len(differing) == 1)
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
