"""Who made a list or an answer: what lets them speak is named and kept, and heard when a document speaks against it."""

import hashlib
from collections.abc import Iterable

from validator.cms.certificate import read_certificate
from validator.pki.chain_search import FoundChain, find_valid_chain
from validator.pki.evidence import EmbeddedStatement, Evidence
from validator.pki.revocation_lists import RevocationLists, authentic_crls
from validator.pki.trust_store import TrustStore
from validator.policy import DEFAULT
from validator.report.vocabulary import StatusKind

from .conftest import NOW
from .test_revocation_rules import (
    ISSUING,
    LEAF,
    MID,
    NEWER_BELOW_MID,
    POINT,
    ROOT,
    ROOT_LIST,
    at_point,
    issuing_point,
    listing,
    responder,
    responses,
)


def evidence_of(
    lists: Iterable[bytes], intermediates: Iterable[bytes], embedded: Iterable[tuple[StatusKind, bytes]] = ()
) -> Evidence:
    trust = TrustStore([ROOT], intermediates)
    crls = authentic_crls(trust.authorities, [("", der) for der in lists], DEFAULT)
    statements = [EmbeddedStatement(kind, data, 0) for kind, data in embedded]
    return Evidence(trust, RevocationLists(crls), DEFAULT, NOW, lambda: statements)


def found(evidence: Evidence) -> FoundChain:
    chain = find_valid_chain(read_certificate(LEAF), evidence, NOW, "")
    assert chain.fault is None, chain.fault
    return chain


def digests(*ders: bytes) -> set[str]:
    return {hashlib.sha256(der).hexdigest() for der in ders}


def test_the_chain_of_who_signed_a_list_is_named() -> None:
    lists = [ROOT_LIST, listing("CA", "ca new", number=2), listing("Mid", "mid")]
    chain = found(evidence_of(lists, [ISSUING, MID, NEWER_BELOW_MID]))
    assert {sha256 for used in chain.statuses for sha256 in used.signer_chain} == digests(NEWER_BELOW_MID, MID, ROOT)
    assert {used.sha256 for used in chain.statuses} == digests(*lists)
    assert digests(NEWER_BELOW_MID, MID) < {used.certificate_sha256 for used in chain.statuses}


def test_a_list_by_a_key_of_the_chain_names_no_other() -> None:
    chain = found(evidence_of([ROOT_LIST, listing("CA", "ca")], [ISSUING]))
    assert [(used.certificate_sha256, used.signer_chain) for used in chain.statuses] == [
        (each.sha256, ()) for each in chain.chain[:-1]
    ]


def test_the_list_without_which_an_answer_would_not_count_is_named() -> None:
    of_responder = listing("CA", "ca", point=issuing_point(POINT))
    answered = responses(ISSUING, LEAF, responder(at_point(POINT)), "ocsp")
    chain = found(evidence_of([ROOT_LIST, of_responder], [ISSUING], [(StatusKind.OCSP, answered)]))
    assert {used.sha256 for used in chain.statuses} == digests(ROOT_LIST, of_responder, answered)
