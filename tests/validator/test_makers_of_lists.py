"""Who made a list or an answer: what lets them speak is named and kept, and heard when a document speaks against it."""

import hashlib
from collections.abc import Iterable
from datetime import datetime, timedelta

from validator.cms import ber
from validator.cms.certificate import read_certificate
from validator.pki.chain_search import FoundChain, find_valid_chain
from validator.pki.evidence import EmbeddedStatement, Evidence
from validator.pki.revocation_lists import RevocationLists, authentic_crls
from validator.pki.status import CertificateStatus, certificate_status
from validator.pki.trust_store import Purpose, TrustStore
from validator.policy import DEFAULT
from validator.report.vocabulary import StatusKind

from .conftest import NOW
from .test_odd_statements import response, revoked, single
from .test_revocation_rules import (
    DAY,
    ISSUING,
    LEAF,
    MID,
    NEWER_BELOW_MID,
    POINT,
    REVOKED,
    ROOT,
    ROOT_LIST,
    UNKNOWN,
    at_point,
    element,
    issued,
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


def valid_chain(evidence: Evidence) -> FoundChain:
    chain = find_valid_chain(read_certificate(LEAF), evidence, NOW, "")
    assert chain.fault is None, chain.fault
    return chain


def digests(*ders: bytes) -> set[str]:
    return {hashlib.sha256(der).hexdigest() for der in ders}


def test_the_chain_of_who_signed_a_list_is_named() -> None:
    lists = [ROOT_LIST, listing("CA", "ca new", number=2), listing("Mid", "mid")]
    chain = valid_chain(evidence_of(lists, [ISSUING, MID, NEWER_BELOW_MID]))
    assert {sha256 for used in chain.statuses for sha256 in used.signer_chain} == digests(NEWER_BELOW_MID, MID, ROOT)
    assert {used.sha256 for used in chain.statuses} == digests(*lists)
    assert digests(NEWER_BELOW_MID, MID) < {used.certificate_sha256 for used in chain.statuses}


def test_a_list_by_a_key_of_the_chain_names_no_other() -> None:
    chain = valid_chain(evidence_of([ROOT_LIST, listing("CA", "ca")], [ISSUING]))
    assert [(used.certificate_sha256, used.signer_chain) for used in chain.statuses] == [
        (each.sha256, ()) for each in chain.chain[:-1]
    ]


def test_the_list_without_which_an_answer_would_not_count_is_named() -> None:
    of_responder = listing("CA", "ca", point=issuing_point(POINT))
    answered = responses(ISSUING, LEAF, responder(at_point(POINT)), "ocsp")
    chain = valid_chain(evidence_of([ROOT_LIST, of_responder], [ISSUING], [(StatusKind.OCSP, answered)]))
    assert {used.sha256 for used in chain.statuses} == digests(ROOT_LIST, of_responder, answered)


LONG_LEAF = issued("Lan", "lan", "CA", "ca", 0x1122334455667788, ca=False)
LONG_KEY = issued("CA", "ca new", "Root", "root", 0x5566778899AABB)
"""Serial numbers that stand nowhere by chance."""
LONG_ROOT = issued("Root", "root", "Root", "root", 0x7A7B7C7D7E7F01)
LONG_CA = issued("CA", "ca", "Root", "root", 0x6A6B6C6D6E6F01)


def status_of(lists: Iterable[bytes], *embedded: tuple[StatusKind, bytes], now: datetime = NOW) -> CertificateStatus:
    trust = TrustStore([LONG_ROOT], [LONG_CA, LONG_KEY])
    crls = RevocationLists(authentic_crls(trust.authorities, [("", der) for der in lists], DEFAULT))
    statements = [EmbeddedStatement(kind, data, 0) for kind, data in embedded]
    return certificate_status(
        read_certificate(LONG_LEAF),
        Purpose.DOCUMENTS,
        Evidence(trust, crls, DEFAULT, now, lambda: statements),
        None,
        "",
    )


def test_a_document_says_that_the_key_of_a_list_in_use_is_lost() -> None:
    by_new = listing("CA", "ca new", number=2)
    lost = listing("Root", "root", 0x5566778899AABB, number=2, age=DAY / 2, since=NOW - 20 * DAY)
    assert status_of([ROOT_LIST, by_new]).fault is None
    fault = status_of([ROOT_LIST, by_new], (StatusKind.CRL, lost)).fault
    assert fault is not None
    assert fault.reason is UNKNOWN
    assert status_of([ROOT_LIST, by_new, listing("CA", "ca")], (StatusKind.CRL, lost)).fault is None


def test_an_answer_in_several_pieces() -> None:
    """Cut through the serial number (X.690 §8.7)."""
    whole = response(single(revoked(), bytes.fromhex("1122334455667788")))
    kind = bytes.fromhex("06092b0601050507300101")
    basic = ber.read_element(whole, DEFAULT.cms, whole.index(kind) + len(kind)).octets()
    cut = basic.index(bytes.fromhex("1122334455667788")) + 4
    pieces = element(0x24, element(4, basic[:cut]) + element(4, basic[cut:]))
    inside = element(0x30, kind + pieces)
    split = element(0x30, b"\x0a\x01\x00" + element(0xA0, inside))
    for der in (whole, split):
        fault = status_of([ROOT_LIST, listing("CA", "ca")], (StatusKind.OCSP, der)).fault
        assert fault is not None
        assert fault.reason is REVOKED


def test_a_remembered_status_ends_when_a_list_dated_ahead_is_heard() -> None:
    """Clocks differ: that is a minute before its date."""
    ahead = listing("CA", "ca", 0x1122334455667788, number=9, age=-timedelta(minutes=10), since=NOW - DAY)
    lists = [ROOT_LIST, listing("CA", "ca"), ahead]
    heard_at = NOW + timedelta(minutes=10) - DEFAULT.clock_grace
    assert status_of(lists).until == heard_at
    assert status_of(lists, now=heard_at - timedelta(seconds=1)).fault is None
    assert status_of(lists, now=heard_at).fault is not None


def test_a_status_by_a_delta_list_holds_although_the_full_list_is_over() -> None:
    full = listing("CA", "ca", number=5, age=40 * DAY, end=-10 * DAY)
    status = status_of([ROOT_LIST, full, listing("CA", "ca", number=7, base=5, end=3 * DAY)])
    assert (status.fault, status.until) == (None, NOW + 3 * DAY)
