"""What somebody who holds an old key can make up, and put into a document: it proves nothing and refuses nobody."""

import hashlib
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from types import SimpleNamespace
from typing import Any, cast

import pytest
from asn1crypto import core
from asn1crypto import ocsp as asn1_ocsp
from asn1crypto import x509 as asn1_x509
from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import Encoding
from cryptography.x509.oid import ExtendedKeyUsageOID, ExtensionOID

from common.domain.reason import Reason
from validator.checks import timeline
from validator.checks.state import DocumentState, SignatureState
from validator.cms.certificate import read_certificate
from validator.cms.public_key import key_bits
from validator.pdf.reader import Reader
from validator.pki import evidence as evidence_module
from validator.pki.chain_search import find_valid_chain
from validator.pki.evidence import EmbeddedStatement, Evidence, Proofs, names_known_issuer
from validator.pki.revocation_lists import RevocationLists, authentic_crls
from validator.pki.trust_store import TrustStore
from validator.policy import DEFAULT
from validator.report.vocabulary import StatusKind

from .conftest import NOW
from .test_revocation_rules import (
    DAY,
    DELTA,
    FULL,
    HOLDING,
    ISSUING,
    LEAF,
    LIFTING,
    OLD,
    PLAIN,
    REVOKED,
    ROOT,
    ROOT_LIST,
    SIGNS_LISTS,
    TOP_A,
    TOP_B,
    UNKNOWN,
    UNKNOWN_EXTENSION,
    VALID,
    answer,
    element,
    issued,
    issuing_point,
    key,
    listing,
    named,
)

NO_CHECK, BASIC_CONSTRAINTS = x509.OCSPNoCheck(), ExtensionOID.BASIC_CONSTRAINTS
OCSP_PURPOSE = x509.ExtendedKeyUsage([ExtendedKeyUsageOID.OCSP_SIGNING])
YEAR_AGO = NOW - 365 * DAY


def responder(*extensions: x509.ExtensionType, end: datetime = NOW + 900 * DAY, serial: int = 30) -> bytes:
    return issued(
        "OCSP", "ocsp", "CA", "ca", serial, OCSP_PURPOSE, *extensions, ca=False, usages=["digital_signature"], end=end
    )


@dataclass(frozen=True)
class Said:
    """An answer about the leaf, with times as its maker likes them."""

    produced: datetime = NOW - DAY / 2
    at: datetime = NOW - DAY / 2
    until: datetime | None = NOW + DAY
    revoked: datetime | None = None

    def signed(self, by: str, *certificates: bytes) -> bytes:
        """DER. Signed with that key; certificates are sent along."""
        issuing, leaf = read_certificate(ISSUING), read_certificate(LEAF)
        about = {
            "hash_algorithm": {"algorithm": "sha1"},
            "issuer_name_hash": hashlib.sha1(issuing.subject_raw).digest(),
            "issuer_key_hash": hashlib.sha1(key_bits(issuing.key_info, DEFAULT.cms)).digest(),
            "serial_number": leaf.serial_number,
        }
        status = ("revoked", {"revocation_time": self.revoked}) if self.revoked else ("good", None)
        single: dict[str, Any] = {"cert_id": about, "cert_status": asn1_ocsp.CertStatus(*status)}
        single |= {"this_update": self.at, **({"next_update": self.until} if self.until else {})}
        body = asn1_ocsp.ResponseData(
            {
                "responder_id": asn1_ocsp.ResponderId("by_key", bytes(20)),
                "produced_at": self.produced,
                "responses": [asn1_ocsp.SingleResponse(single)],
            }
        )
        response = asn1_ocsp.BasicOCSPResponse(
            {
                "tbs_response_data": body,
                "signature_algorithm": {"algorithm": "sha256_ecdsa"},
                "signature": key(by).sign(body.dump(), ec.ECDSA(hashes.SHA256())),
                **({"certs": [asn1_x509.Certificate.load(each) for each in certificates]} if certificates else {}),
            }
        )
        return bytes(response.dump())


def with_answers(lists: Iterable[bytes], *answers: bytes, **options: Any) -> Reason | None:
    return answer([ROOT_LIST, *lists], embedded=[(StatusKind.OCSP, each) for each in answers], **options)


STALE, HELD = listing("CA", "ca", **OLD), listing("CA", "ca", 10, hold=True)
ENDED, ENDED_UNCHECKED = responder(end=YEAR_AGO), responder(NO_CHECK, end=YEAR_AGO)
BEFORE_ITS_END = YEAR_AGO - 10 * DAY
BACKDATED = Said(produced=BEFORE_ITS_END, at=BEFORE_ITS_END, until=NOW + 900 * DAY)
CONTRADICTORY = Said(produced=BEFORE_ITS_END, until=NOW + 900 * DAY)


@pytest.mark.parametrize("said", [CONTRADICTORY, BACKDATED], ids=["made before what it speaks of", "dated back"])
@pytest.mark.parametrize("signer", [ENDED, ENDED_UNCHECKED], ids=["to be checked", "not to be checked"])
def test_a_responder_whose_certificate_has_ended(signer: bytes, said: Said) -> None:
    """Its key may be anybody's: it speaks for the time before alone, and neither lifts nor revokes."""
    good = said.signed("ocsp", signer)
    revoked = Said(said.produced, said.at, said.until, revoked=YEAR_AGO - 30 * DAY).signed("ocsp", signer)
    assert with_answers([STALE], good) is UNKNOWN
    assert with_answers([HELD], good) is REVOKED
    assert with_answers([listing("CA", "ca", 10, hold=True, age=390 * DAY, end=-380 * DAY)], good) is REVOKED
    assert with_answers([PLAIN], revoked) is VALID
    assert with_answers([STALE], revoked) is UNKNOWN


def test_an_old_document_stays_decided_by_the_answers_of_its_day() -> None:
    """Nothing but the answer's own date says that it is older than the responder's end."""
    then, long_ago = NOW - 380 * DAY, listing("Root", "root", age=385 * DAY, end=-370 * DAY)
    said = Said(produced=then, at=then, until=NOW + 900 * DAY)
    ocsp_answer = said.signed("ocsp", ENDED_UNCHECKED)
    evidence = [(StatusKind.OCSP, ocsp_answer)]
    assert answer([long_ago], embedded=evidence, at=then + DAY) is VALID
    assert answer([ROOT_LIST], embedded=evidence, at=YEAR_AGO + DAY) is UNKNOWN


def test_an_answer_is_in_force_no_longer_than_its_responder() -> None:
    ending = responder(NO_CHECK, end=NOW + DAY)
    said = Said(until=NOW + 900 * DAY)
    assert with_answers([STALE], said.signed("ocsp", ending)) is VALID
    assert with_answers([STALE], Said(until=None).signed("ocsp", ending)) is VALID
    contradictory = Said(produced=NOW - DAY, at=NOW - DAY / 2)
    assert with_answers([STALE], contradictory.signed("ocsp", ending)) is UNKNOWN
    assert with_answers([STALE], contradictory.signed("ca")) is UNKNOWN


def test_a_responder_on_our_list_says_nothing_whatever_its_certificate_says() -> None:
    unchecked = responder(NO_CHECK)
    said = Said(at=NOW - DAY / 4, produced=NOW - DAY / 4).signed("ocsp", unchecked)
    assert with_answers([HELD], said) is VALID
    assert with_answers([STALE], said) is VALID
    assert (
        with_answers([HELD, listing("CA", "ca", 30, point=issuing_point("http://crl.example/2.crl"))], said) is REVOKED
    )
    assert with_answers([STALE, listing("CA", "ca", 30, **OLD)], said) is UNKNOWN


def test_of_several_certificates_of_a_responder_one_suffices() -> None:
    """In whichever order the response brings them along: nobody signed that order."""
    renewed = responder(NO_CHECK, serial=31)
    for certificates in ((ENDED_UNCHECKED, renewed), (renewed, ENDED_UNCHECKED), (responder(), renewed)):
        assert with_answers([STALE], Said().signed("ocsp", *certificates)) is VALID


def test_a_responder_of_which_something_cannot_be_read_takes_nothing_along() -> None:
    issuing = x509.load_der_x509_certificate(ISSUING)
    builder = (
        x509.CertificateBuilder(issuing.subject, named("OCSP"))
        .public_key(key("ocsp").public_key())
        .serial_number(32)
        .not_valid_before(NOW - DAY)
        .not_valid_after(NOW + DAY)
        .add_extension(OCSP_PURPOSE, critical=False)
        .add_extension(x509.UnrecognizedExtension(BASIC_CONSTRAINTS, b"\x30\x03\x02\x01\xff"), critical=False)
    )
    odd = Said().signed("ocsp", builder.sign(key("ca"), hashes.SHA256()).public_bytes(Encoding.DER))
    assert with_answers([PLAIN], odd) is VALID
    assert with_answers([STALE], odd) is UNKNOWN
    assert with_answers([STALE], odd, Said().signed("ca")) is VALID


# Lists

OLD_KEY = issued("CA", "ca old", "Root", "root", 8)
LOST = listing("Root", "root", 8, since=NOW - 30 * DAY)
FORGED = listing("CA", "ca old", age=31 * DAY, end=900 * DAY)
FORGED_REVOKING = listing("CA", "ca old", 10, age=31 * DAY, end=900 * DAY)


def with_lists(lists: Iterable[bytes], *embedded: bytes, **options: Any) -> Reason | None:
    return answer(lists, embedded=[(StatusKind.CRL, each) for each in embedded], **options)


def test_a_revoked_key_of_the_issuer_dates_no_list_back() -> None:
    both = {"intermediates": [ISSUING, OLD_KEY]}
    assert with_lists([ROOT_LIST], FORGED, **both) is VALID
    assert with_lists([LOST], FORGED, **both) is UNKNOWN
    assert with_lists([LOST, PLAIN], FORGED_REVOKING, **both) is VALID
    assert with_lists([ROOT_LIST, PLAIN], FORGED_REVOKING, **both) is REVOKED
    # Nobody knows when it was made, whoever brought it.
    assert answer([LOST, FORGED], **both) is UNKNOWN


def test_a_revoked_issuer_dates_no_list_and_no_answer_back() -> None:
    """For a time at which its certificate still was good."""
    then, lost = NOW - 40 * DAY, listing("Root", "root", 2, since=NOW - 30 * DAY)
    root_then = listing("Root", "root", age=41 * DAY, end=-35 * DAY)
    of_then = listing("CA", "ca", age=41 * DAY, end=-35 * DAY)
    said = Said(produced=then, at=then, until=NOW).signed("ca")
    for ours, expected in (([root_then], VALID), ([root_then, lost], UNKNOWN)):
        assert with_lists(ours, of_then, at=then) is expected
        assert answer(ours, embedded=[(StatusKind.OCSP, said)], at=then + DAY / 2) is expected
    assert answer([root_then, lost, of_then], at=then) is VALID


def test_a_revoked_key_above_the_issuer_silences_nobody() -> None:
    """It names the issuer on a list that it dates back, beside the issuer's own list in the document."""
    certificates: dict[str, Any] = {"intermediates": [TOP_A, TOP_B, SIGNS_LISTS]}
    for lost, expected in (([], REVOKED), ([listing("Root", "root", 21, since=NOW - 30 * DAY)], VALID)):
        forged = listing("Top", "top b", 22, age=31 * DAY, end=900 * DAY)
        ours = [ROOT_LIST, listing("Top", "top a"), *lost]
        assert with_lists(ours, PLAIN, forged, **certificates) is expected


@pytest.mark.parametrize("serials", [(7, 9), (9, 7)])
def test_any_certificate_of_the_key_that_signed_a_list_serves(serials: tuple[int, int]) -> None:
    """One has ended, the other was renewed; which is read first depends on nothing but their bytes."""
    ended, renewed = (
        issued("CA", "ca old", "Root", "root", serial, end=end)
        for serial, end in zip(serials, (NOW - DAY / 2, NOW + 900 * DAY), strict=True)
    )
    crl = listing("CA", "ca old", age=2 * DAY)
    assert with_lists([ROOT_LIST], crl, intermediates=[ISSUING, ended]) is UNKNOWN
    assert with_lists([ROOT_LIST], crl, intermediates=[ISSUING, ended, renewed]) is VALID


def test_a_delta_list_makes_no_list_reliable() -> None:
    odd: dict[str, Any] = {"extension": (UNKNOWN_EXTENSION, True)}
    unreliable = listing("CA", "ca", number=5, age=3 * DAY, **odd)
    assert answer([ROOT_LIST, FULL, DELTA]) is VALID
    assert answer([ROOT_LIST, unreliable, DELTA]) is UNKNOWN
    assert answer([ROOT_LIST, HOLDING, LIFTING]) is VALID
    assert answer([ROOT_LIST, HOLDING, listing("CA", "ca", number=7, base=5, removed=[10], **odd)]) is REVOKED


# Proofs of existence


def judged(
    proofs: Proofs, embedded: Iterable[EmbeddedStatement], at: datetime, intermediates: Iterable[bytes]
) -> Reason | None:
    """With our list of the root alone."""
    trust = TrustStore([ROOT], intermediates)
    lists = [("", listing("Root", "root", age=302 * DAY, end=-200 * DAY))]
    crls = RevocationLists(authentic_crls(trust.authorities, lists, DEFAULT))
    evidence = Evidence(trust, crls, DEFAULT, NOW, lambda: embedded, proofs)
    fault = find_valid_chain(read_certificate(LEAF), evidence, at, "").fault
    return fault.reason if fault else None


@pytest.mark.parametrize(
    ("age", "revision", "expected"),
    [(301, 2, VALID), (301, 3, VALID), (301, 4, UNKNOWN), (300, 3, VALID), (120, 3, UNKNOWN)],
    ids=["before it", "covered by it", "behind it", "of its day", "dated later than it"],
)
def test_what_a_document_time_stamp_proves_of_evidence(age: int, revision: int, expected: Reason | None) -> None:
    """The stamp made revision 3; the CA's certificate has ended since, and what is not proved to be older is nothing.

    A list that is dated later than the stamp that should prove it cannot have been there.
    """
    ended = issued("CA", "ca", "Root", "root", 2, end=NOW - 100 * DAY)
    statement = EmbeddedStatement(StatusKind.CRL, listing("CA", "ca", age=age * DAY, end=DAY), revision)
    proven = NOW - 300 * DAY
    assert judged([(3, proven)], [statement], proven, [ended]) is expected


def signature(revision: int, *evidence: tuple[StatusKind, bytes]) -> SignatureState:
    verified = SimpleNamespace(tokens=(), evidence=evidence)
    return cast("SignatureState", SimpleNamespace(verified=verified, signature=SimpleNamespace(revision=revision)))


def statements(monkeypatch: pytest.MonkeyPatch, *signatures: SignatureState) -> list[EmbeddedStatement]:
    monkeypatch.setattr(timeline, "stored_evidence", lambda _reader: iter(()))
    state = DocumentState(signatures=list(signatures))
    trust = TrustStore([ROOT], [ISSUING])
    return list(timeline._embedded_statements(cast("Reader", None), state, trust, DEFAULT))


def test_a_signature_fills_the_hole_that_its_own_revision_leaves(monkeypatch: pytest.MonkeyPatch) -> None:
    """A document time stamp covers everything of its revision, but not the evidence in its own CMS."""
    (stated,) = statements(monkeypatch, signature(3, (StatusKind.CRL, PLAIN)))
    assert stated.revision == 4


STRANGE = listing("Stranger", "stranger")
MANY, LARGE = 65 * [(StatusKind.CRL, STRANGE)], [(StatusKind.CRL, bytes(17 << 20))]


@pytest.mark.parametrize("others", [MANY, LARGE], ids=["many", "a large one"])
def test_no_evidence_crowds_out_other_evidence(
    monkeypatch: pytest.MonkeyPatch, others: list[tuple[StatusKind, bytes]]
) -> None:
    honest = [(StatusKind.CRL, PLAIN), (StatusKind.OCSP, Said().signed("ca"))]
    for signatures in (
        [signature(0, *others), signature(1, *honest)],
        [signature(0, *honest), signature(1, *others)],
        [signature(0, *others, *honest)],
    ):
        heard = [(each.kind, each.data) for each in statements(monkeypatch, *signatures)]
        assert [each for each in heard if each in honest] == honest
        assert len(heard) <= DEFAULT.revocation.max_embedded * len(signatures)


def test_evidence_of_a_ca_that_we_hold_is_limited(monkeypatch: pytest.MonkeyPatch) -> None:
    ours = [(StatusKind.CRL, listing("CA", "ca", number=number)) for number in range(70)]
    strange = 2000 * [(StatusKind.CRL, STRANGE)]
    assert len(statements(monkeypatch, signature(0, *ours))) == DEFAULT.revocation.max_embedded
    assert statements(monkeypatch, signature(0, *strange, *ours)) == []


def test_a_lack_of_memory_leaves_no_evidence_out(monkeypatch: pytest.MonkeyPatch) -> None:
    def end(*_: object, **__: object) -> None:
        raise MemoryError

    statement = EmbeddedStatement(StatusKind.CRL, PLAIN, 0)
    for name in ("read_crl", "issuer_of_list"):
        monkeypatch.setattr(evidence_module, name, end)
    with pytest.raises(MemoryError):
        judged((), [statement], NOW, [ISSUING])
    with pytest.raises(MemoryError):
        names_known_issuer(statement, TrustStore([ROOT]), DEFAULT)


def test_evidence_is_read_once_for_all_time_stamps(monkeypatch: pytest.MonkeyPatch) -> None:
    read: list[bytes] = []
    good = evidence_module.read_crl

    def counting(known: Any, data: bytes, *options: Any, **named: Any) -> Any:
        read.append(data)
        return good(known, data, *options, **named)

    monkeypatch.setattr(evidence_module, "read_crl", counting)
    brought = [EmbeddedStatement(StatusKind.CRL, data, 0) for data in (PLAIN, b"\x30\x00", PLAIN)]
    first = Evidence(TrustStore([ROOT], [ISSUING]), RevocationLists(), DEFAULT, NOW, lambda: brought)
    later = first.with_proofs([(2, NOW - DAY / 2)])
    assert [each.known_at for each in first.embedded] == [None, None]
    assert [each.known_at for each in later.embedded] == 2 * [NOW - DAY / 2]
    assert read == [PLAIN, b"\x30\x00"]


@pytest.mark.parametrize("at", [b"00010101000000Z", b"99991231235959Z"])
def test_times_at_the_ends_of_the_calendar_take_no_evidence_along(at: bytes) -> None:
    stated = core.GeneralizedTime.load(element(0x18, at))
    odd = [Said(produced=produced, at=stated).signed("ca") for produced in (stated, NOW)]
    brought = [EmbeddedStatement(StatusKind.OCSP, each, 0) for each in odd]
    brought.append(EmbeddedStatement(StatusKind.CRL, PLAIN, 0))
    proofs = [(2, NOW - DAY / 2)]
    evidence = Evidence(TrustStore([ROOT], [ISSUING]), RevocationLists(), DEFAULT, NOW, lambda: brought, proofs)
    assert evidence.embedded[-1].sha256 == hashlib.sha256(PLAIN).hexdigest()
    assert judged(proofs, brought, NOW - DAY / 2, [ISSUING]) is UNKNOWN  # for want of a list of the root
