"""Time that is proved: what a trusted time stamp lets stand, and what it must not."""

import io
from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import datetime, timedelta

import pytest
from cryptography import x509
from cryptography.x509.oid import ExtendedKeyUsageOID
from pyhanko.pdf_utils.generic import BooleanObject, StreamObject, pdf_name
from pyhanko.pdf_utils.incremental_writer import IncrementalPdfFileWriter

from common.domain.directory import Directory
from common.domain.reason import Reason
from mint.ltv import _Writer, add_validation_data
from mint.pki import YEAR, Authority, Identity
from mint.pki import Revocation as Revoked
from mint.sign import sign
from mint.tamper import TAMPERS
from mint.tsa import TimeAuthority, add_document_time_stamp, long_term, time_authority
from validator.checks.parse import parse
from validator.cms import time_stamp
from validator.context import Material, ValidationContext, VerificationRequest
from validator.pdf.security_store import stored_certificates
from validator.pki.revocation_lists import RevocationLists, authentic_crls
from validator.pki.trust_store import TrustStore, Window
from validator.policy import DEFAULT
from validator.report.decision import Decision, Refused, Undecided, Verified
from validator.report.vocabulary import Indication, Integrity, NoteCode, SignatureKind, SubIndication
from validator.verify import verify

from .conftest import NOW, SENDER, Harness
from .test_verify import _unit

DAY = timedelta(days=1)
STAMPED = NOW + timedelta(seconds=5)
KEPT = NOW + timedelta(minutes=30)
LATER = NOW + 10 * DAY
"""The certificate of signer and seal has ended, those of the authorities have not."""


@dataclass(frozen=True)
class TimeHarness:
    """A hierarchy whose subscribers' certificates end soon, and an authority for time that lasts."""

    authority: Authority
    tsa: TimeAuthority
    signer: Identity
    seal: Identity
    directory: Directory
    letter: bytes
    plain: bytes
    """B-B, signer and seal."""
    stamped: bytes
    """B-T."""

    @property
    def all(self) -> tuple[Identity, Identity, Identity]:
        return self.signer, self.seal, self.tsa.identity

    def crls(self, at: datetime = NOW, days: float = 30, **options: object) -> list[bytes]:
        return [
            self.authority.crl(issuer, this_update=at, next_update=at + days * DAY, **options)  # type: ignore[arg-type]
            for issuer in ("root", "issuing")
        ]

    def trust(self, **options: object) -> TrustStore:
        return TrustStore([self.authority.root.der], [self.authority.issuing.der], **options)  # type: ignore[arg-type]

    def judge(
        self, document: bytes, now: datetime, crls: list[bytes] | None = None, trust: TrustStore | None = None
    ) -> Decision:
        trust = trust or self.trust()
        lists = authentic_crls(
            trust.authorities, [("", der) for der in (self.crls() if crls is None else crls)], DEFAULT
        )
        material = Material(trust, RevocationLists(lists), self.directory)
        return verify(document, VerificationRequest(sender=SENDER), ValidationContext(material, now))


@pytest.fixture(scope="module")
def timed(harness: Harness) -> TimeHarness:
    authority = Authority("Time Test", now=NOW, kind="p256")
    tsa = time_authority(authority, not_after=NOW + 10 * YEAR)
    end = {"not_after": NOW + 5 * DAY}
    signer, seal = authority.person("Người ký", **end), authority.unit("Cơ quan", **end)
    directory = Directory([_unit(SENDER, (seal.sha256, "unit"), (signer.sha256, "signer"))])
    plain = sign(sign(harness.letter, signer, NOW, field="A"), seal, NOW, field="B")
    stamper = tsa.stamper(STAMPED)
    stamped = sign(harness.letter, signer, NOW, field="A", stamper=stamper)
    stamped = sign(stamped, seal, NOW, field="B", stamper=stamper)
    return TimeHarness(authority, tsa, signer, seal, directory, harness.letter, plain, stamped)


def _outcome(decision: Decision) -> object:
    return "valid" if isinstance(decision, Verified) else (type(decision).__name__, decision.reason)


EXPIRED = ("Refused", Reason.E_SIG_EXPIRED)
REVOKED = ("Refused", Reason.E_SIG_REVOKED)
UNKNOWN = ("Undecided", Reason.E_SIG_REVOCATION_UNKNOWN)
Making = Callable[[TimeHarness], bytes]

MADE: dict[str, Making] = {
    "B-B": lambda b: b.plain,
    "B-T": lambda b: b.stamped,
    "B-LT": lambda b: add_validation_data(b.stamped, [b.seal, b.signer], b.crls(KEPT)),
    "B-LT with OCSP": lambda b: add_validation_data(
        b.stamped,
        [b.seal, b.signer],
        b.crls(KEPT)[:1],
        ocsps=[
            b.authority.ocsp(i, this_update=KEPT, next_update=KEPT + DAY) for i in (b.signer, b.seal, b.tsa.identity)
        ],
    ),
    "B-LTA": lambda b: long_term(b.stamped, b.tsa, KEPT, [b.seal, b.signer], b.crls(KEPT)),
    "document time stamp alone": lambda b: add_document_time_stamp(b.plain, b.tsa, KEPT),
    "typed /Sig": lambda b: add_document_time_stamp(b.plain, b.tsa, KEPT, dictionary_type=b"/Sig"),
    "untyped": lambda b: add_document_time_stamp(b.plain, b.tsa, KEPT, dictionary_type=b""),
}


@pytest.mark.parametrize("name", MADE)
def test_all_levels_while_certificates_hold(timed: TimeHarness, name: str) -> None:
    decision = timed.judge(MADE[name](timed), NOW + timedelta(hours=2))
    assert _outcome(decision) == "valid", decision
    assert decision.report.integrity is Integrity.INTACT
    assert decision.report.trusted is True
    assert {each.indication for each in decision.report.signatures} == {Indication.TOTAL_PASSED}


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("B-B", EXPIRED),
        ("B-T", "valid"),
        ("B-LT", "valid"),
        ("B-LTA", "valid"),
        ("document time stamp alone", "valid"),
        ("typed /Sig", "valid"),
        ("untyped", "valid"),
    ],
)
def test_what_stands_after_the_certificates_end(timed: TimeHarness, name: str, expected: object) -> None:
    decision = timed.judge(MADE[name](timed), LATER)
    assert _outcome(decision) == expected, decision
    if expected == "valid":
        assert NoteCode.JUDGED_AT_PROVEN_TIME in {note.code for note in decision.report.notes}
        assert decision.report.signatures[0].judged_at in (STAMPED, KEPT)


@pytest.mark.parametrize(
    ("name", "expected"),
    [("B-B", UNKNOWN), ("B-T", UNKNOWN), ("B-LT with OCSP", "valid"), ("B-LT", "valid"), ("B-LTA", "valid")],
)
def test_evidence_in_the_document_serves_where_ours_is_missing(timed: TimeHarness, name: str, expected: object) -> None:
    """In force for signature and time stamp; nothing of it is fetched."""
    decision = timed.judge(MADE[name](timed), KEPT + timedelta(minutes=1), crls=[])
    assert _outcome(decision) == expected, decision
    if expected == "valid":
        assert {status.embedded for status in decision.report.signatures[0].statuses} == {True}


def test_evidence_is_not_taken_from_strangers(timed: TimeHarness) -> None:
    stranger = Authority("Time Test", now=NOW, kind="p256")
    crls = [stranger.crl(issuer, this_update=KEPT, next_update=KEPT + DAY) for issuer in ("root", "issuing")]
    responder = timed.authority.responder("No mandate", extended=[ExtendedKeyUsageOID.CLIENT_AUTH])
    answers = [
        timed.authority.ocsp(who, this_update=KEPT, next_update=KEPT + DAY, signed_by=by, embed=[by])
        for who in timed.all
        for by in (stranger.issuing, responder, timed.signer)
    ]
    document = add_validation_data(timed.stamped, [timed.seal], [*crls, *timed.crls(KEPT)[:1]], ocsps=answers)
    assert _outcome(timed.judge(document, KEPT, crls=[])) == UNKNOWN


def test_a_responder_that_the_ca_certified(timed: TimeHarness) -> None:
    responder = timed.authority.responder(kind="p256")
    fields = {"this_update": KEPT, "next_update": KEPT + DAY, "signed_by": responder, "embed": [responder]}
    answers = [timed.authority.ocsp(who, **fields) for who in timed.all]  # type: ignore[arg-type]
    document = add_validation_data(timed.stamped, [timed.seal], timed.crls(KEPT)[:1], ocsps=answers)
    assert _outcome(timed.judge(document, KEPT, crls=[])) == "valid"


@pytest.mark.parametrize(
    ("name", "revoked_at", "expected"),
    [
        ("B-B", NOW + timedelta(hours=1), REVOKED),
        ("B-T", NOW + timedelta(hours=1), "valid"),
        ("B-T", NOW - timedelta(hours=1), REVOKED),
        ("B-T", STAMPED, REVOKED),
        ("B-LTA", NOW + timedelta(hours=1), "valid"),
        ("B-LT", NOW - timedelta(hours=1), REVOKED),
        ("document time stamp alone", NOW + timedelta(minutes=10), REVOKED),
        ("document time stamp alone", KEPT + timedelta(minutes=10), "valid"),
    ],
)
def test_revoked_before_and_after_a_proven_time(
    timed: TimeHarness, name: str, revoked_at: datetime, expected: object
) -> None:
    """EN 319 102-1 §5.5: what was revoked after the proven time was valid at that time."""
    entries = [Revoked(timed.seal.certificate.serial_number, revoked_at)]
    crls = [timed.crls(NOW + DAY)[0], *timed.crls(NOW + DAY, revoked=entries)[1:]]
    decision = timed.judge(MADE[name](timed), NOW + 2 * DAY, crls)
    assert _outcome(decision) == expected, decision


@pytest.mark.parametrize("kind", ["list", "answer"])
@pytest.mark.parametrize("revoked", [True, False])
def test_a_document_may_know_more_than_our_lists(timed: TimeHarness, kind: str, revoked: bool) -> None:
    """It brings a statement that is newer than our list, which is in force, and names its own signer. Older or newer,
    in whatever order the folder is read: who is named is revoked (RFC 5280 §6.3.3)."""
    entries = [Revoked(timed.seal.certificate.serial_number, NOW - DAY)] if revoked else []
    crls = timed.crls(KEPT, revoked=entries, number=9)[1:] if kind == "list" else []
    since = NOW - DAY if revoked else None
    answers = [timed.authority.ocsp(timed.seal, this_update=KEPT, next_update=KEPT + DAY, revoked_at=since)]
    document = add_validation_data(timed.plain, [timed.seal], crls, ocsps=answers if kind == "answer" else [])
    for lists in (timed.crls(), timed.crls(NOW - DAY), timed.crls(KEPT + timedelta(minutes=5)), timed.crls()[:1]):
        is_known = len(lists) > 1 or kind == "list"  # an answer is about the seal alone
        expected = REVOKED if revoked else "valid" if is_known else UNKNOWN
        assert _outcome(timed.judge(document, KEPT + timedelta(minutes=10), crls=lists)) == expected


def test_a_document_may_know_that_a_hold_has_ended(timed: TimeHarness) -> None:
    hold = [Revoked(timed.seal.certificate.serial_number, NOW - DAY, x509.ReasonFlags.certificate_hold)]
    held = [timed.crls()[0], *timed.crls(revoked=hold)[1:]]
    newer = add_validation_data(timed.plain, [timed.seal], timed.crls(KEPT, number=9)[1:])
    older = add_validation_data(timed.plain, [timed.seal], timed.crls(NOW - DAY)[1:])
    assert _outcome(timed.judge(newer, KEPT, crls=held)) == "valid"
    for document in (older, timed.plain):
        assert _outcome(timed.judge(document, KEPT, crls=held)) == REVOKED


def test_a_stream_of_validation_data_that_cannot_be_read_takes_nothing_along(timed: TimeHarness) -> None:
    entries = [Revoked(timed.seal.certificate.serial_number, NOW - DAY)]
    for crls, lists, expected in (
        (timed.crls(KEPT), [], "valid"),
        (timed.crls(KEPT, revoked=entries)[1:], timed.crls(), REVOKED),
    ):
        writer = _Writer(io.BytesIO(add_validation_data(timed.plain, [timed.seal], crls)))
        spoilt = StreamObject({pdf_name("/Filter"): pdf_name("/FlateDecode")}, encoded_data=b"not compressed")
        store = writer.root["/DSS"]
        store["/CRLs"].insert(0, writer.add_object(spoilt))
        writer.update_container(store["/CRLs"])
        out = io.BytesIO()
        writer.write(out)
        decision = timed.judge(out.getvalue(), KEPT, crls=lists)
        assert _outcome(decision) == expected, decision


def test_no_stream_of_validation_data_crowds_out_another(timed: TimeHarness) -> None:
    """Many lists of strangers, or a large one, before the list that names the signer."""
    stranger = Authority("Strange", now=NOW, kind="p256")
    times = {"this_update": KEPT, "next_update": KEPT + DAY}
    many = [stranger.crl("issuing", number=number, **times) for number in range(70)]  # type: ignore[arg-type]
    (listed,) = timed.crls(KEPT, revoked=[Revoked(timed.seal.certificate.serial_number, NOW - DAY)])[1:]
    writer = _Writer(io.BytesIO(add_validation_data(timed.plain, [timed.seal], [listed])))
    writer.root["/DSS"]["/CRLs"].insert(0, writer.add_object(StreamObject(stream_data=bytes(17 << 20))))
    writer.update_container(writer.root["/DSS"]["/CRLs"])
    out = io.BytesIO()
    writer.write(out)
    for document in (add_validation_data(timed.plain, [timed.seal], [*many, listed]), out.getvalue()):
        assert _outcome(timed.judge(document, KEPT)) == REVOKED


def test_evidence_older_than_the_time_in_question(timed: TimeHarness) -> None:
    stale = timed.crls(NOW - 3 * DAY, days=2)
    document = add_validation_data(timed.stamped, [timed.seal], stale)
    assert _outcome(timed.judge(document, KEPT, crls=[])) == UNKNOWN


def test_a_revoked_or_strange_authority_proves_no_time(timed: TimeHarness, harness: Harness) -> None:
    strange = time_authority(Authority("Elsewhere", now=NOW, kind="p256"), not_after=NOW + 10 * YEAR)
    plain = timed.authority.person("Không phải TSA", kind="rsa2048", not_after=NOW + 10 * YEAR)
    for tsa in (strange, TimeAuthority(plain)):
        document = sign(harness.letter, timed.signer, NOW, field="A", stamper=tsa.stamper(STAMPED))
        document = sign(document, timed.seal, NOW, field="B", stamper=tsa.stamper(STAMPED))
        now = timed.judge(document, NOW + timedelta(hours=2))
        assert _outcome(now) == "valid"
        assert NoteCode.TIMESTAMP_NOT_USED in {note.code for note in now.report.notes}
        assert _outcome(timed.judge(document, LATER)) == EXPIRED
        assert isinstance(timed.judge(add_document_time_stamp(timed.plain, tsa, KEPT), KEPT), Refused)
    entries = [Revoked(timed.tsa.identity.certificate.serial_number, NOW - DAY)]
    crls = [timed.crls()[0], *timed.crls(revoked=entries)[1:]]
    assert _outcome(timed.judge(timed.stamped, LATER, crls)) == EXPIRED


def test_an_authority_for_time_may_be_pinned_itself(timed: TimeHarness, harness: Harness) -> None:
    elsewhere = Authority("Elsewhere", now=NOW, kind="p256")
    tsa = time_authority(elsewhere, not_after=NOW + 10 * YEAR)
    document = add_document_time_stamp(timed.plain, tsa, KEPT)
    assert _outcome(timed.judge(document, LATER)) == EXPIRED
    for pinned in ([tsa.identity.der], [elsewhere.root.der, elsewhere.issuing.der]):
        trust = timed.trust(tsa=pinned)
        crls = timed.crls() + [
            elsewhere.crl(issuer, this_update=NOW, next_update=NOW + 30 * DAY) for issuer in ("root", "issuing")
        ]
        assert _outcome(timed.judge(document, LATER, crls, trust)) == "valid"
        # Who may give time may not sign documents.
        person = elsewhere.person("Ai đó")
        signed = sign(harness.letter, person, NOW, field="A")
        reasons = {each.reason for each in timed.judge(signed, KEPT, crls, trust).report.signatures}
        assert reasons == {Reason.E_SIG_UNTRUSTED_CA}


PLACES = ("signature", "DSS", "trust folder", "nowhere")


@pytest.mark.parametrize("place", PLACES)
def test_a_signature_time_stamp_need_not_hold_the_certificate_of_its_authority(timed: TimeHarness, place: str) -> None:
    """RFC 3161 §2.4.1, certReq."""
    stamper, tsa = timed.tsa.stamper(STAMPED, holds_certificates=False), timed.tsa.identity
    identities = [timed.signer, timed.seal]
    if place == "signature":
        identities = [replace(each, chain=(tsa.certificate,)) for each in identities]
    document = timed.letter
    for field, identity in zip("AB", identities, strict=True):
        document = sign(document, identity, NOW, field=field, stamper=stamper)
    if place == "DSS":
        document = add_validation_data(document, [tsa], [])
    trust = timed.trust(tsa=[tsa.der]) if place == "trust folder" else timed.trust()
    decision = timed.judge(document, LATER, trust=trust)
    assert _outcome(decision) == (EXPIRED if place == "nowhere" else "valid")
    (stamp,) = decision.report.signatures[0].time_stamps
    if place == "nowhere":
        assert (stamp.rule, stamp.detail) == ("8.3", "A: time stamp: signer's certificate not found (5.3)")
        assert stamp.sub_indication is SubIndication.NO_SIGNING_CERTIFICATE_FOUND
    if place == "trust folder":
        assert tsa.sha256 in decision.report.evidence  # nothing else holds it


@pytest.mark.parametrize("place", PLACES[1:])
def test_a_document_time_stamp_need_not_hold_the_certificate_of_its_authority(timed: TimeHarness, place: str) -> None:
    tsa, document = timed.tsa.identity, timed.plain
    if place == "DSS":
        document = add_validation_data(document, [tsa], [])
    document = add_document_time_stamp(document, timed.tsa, KEPT, holds_certificates=False)
    trust = timed.trust(tsa=[tsa.der]) if place == "trust folder" else timed.trust()
    decision = timed.judge(document, LATER, trust=trust)
    assert (_outcome(decision) == "valid") is (place != "nowhere")
    assert (decision.report.signatures[-1].rule == "5.3") is (place == "nowhere")


def test_a_time_stamp_that_is_not_decided_decides_nothing(timed: TimeHarness) -> None:
    """Expired for lack of proof, and the proof waits for a list: asked again, not refused."""
    elsewhere = Authority("Elsewhere", now=NOW, kind="p256")
    tsa = time_authority(elsewhere, not_after=NOW + 10 * YEAR)
    trust = timed.trust(tsa=[elsewhere.root.der, elsewhere.issuing.der])
    document = add_document_time_stamp(timed.plain, tsa, KEPT)
    assert _outcome(timed.judge(document, LATER, trust=trust)) == UNKNOWN


@pytest.mark.parametrize(
    ("now", "since", "expected"),
    [
        (KEPT + timedelta(hours=1), NOW - DAY, REVOKED),
        (KEPT + timedelta(hours=1), KEPT + timedelta(minutes=9), UNKNOWN),
    ],
)
def test_a_time_stamp_that_cannot_help_holds_nothing_up(
    timed: TimeHarness, now: datetime, since: datetime, expected: object
) -> None:
    """Its authority waits for a list, and the time that it states is before the revocation, or after it."""
    elsewhere = Authority("Elsewhere", now=NOW, kind="p256")
    tsa = time_authority(elsewhere, not_after=NOW + 10 * YEAR)
    trust = timed.trust(tsa=[elsewhere.root.der, elsewhere.issuing.der])
    crls = [timed.crls()[0], *timed.crls(NOW, revoked=[Revoked(timed.seal.certificate.serial_number, since)])[1:]]
    inside = sign(timed.letter, timed.signer, NOW, field="A")
    inside = sign(inside, timed.seal, NOW, field="B", stamper=tsa.stamper(STAMPED))
    for document in (inside, add_document_time_stamp(timed.plain, tsa, KEPT)):
        assert _outcome(timed.judge(document, now, crls, trust)) == expected


def test_a_time_stamp_after_the_end_of_the_certificate_holds_nothing_up(timed: TimeHarness) -> None:
    elsewhere = Authority("Elsewhere", now=NOW, kind="p256")
    tsa = time_authority(elsewhere, not_after=NOW + 10 * YEAR)
    trust = timed.trust(tsa=[elsewhere.root.der, elsewhere.issuing.der])
    for at, expected in ((NOW + 4 * DAY, UNKNOWN), (NOW + 6 * DAY, EXPIRED)):
        document = add_document_time_stamp(timed.plain, tsa, at)
        assert _outcome(timed.judge(document, LATER, trust=trust)) == expected


def test_a_time_stamp_that_waits_may_prove_another_one(timed: TimeHarness) -> None:
    """The authority of an older time stamp has ended; the newer one, by which it would count, waits for a list."""
    elsewhere = Authority("Elsewhere", now=NOW, kind="p256")
    brief = time_authority(timed.authority, "Brief TSA", not_after=NOW + 8 * DAY)
    newer = time_authority(elsewhere, not_after=NOW + 10 * YEAR)
    trust = timed.trust(tsa=[elsewhere.root.der, elsewhere.issuing.der])
    signed = sign(timed.letter, timed.signer, NOW, field="A", stamper=brief.stamper(STAMPED))
    signed = sign(signed, timed.seal, NOW, field="B", stamper=brief.stamper(STAMPED))
    for document in (signed, add_document_time_stamp(timed.plain, brief, KEPT)):
        document = add_document_time_stamp(document, newer, NOW + 7 * DAY, field="Newer")
        assert _outcome(timed.judge(document, LATER, trust=trust)) == UNKNOWN
        crls = timed.crls() + [
            elsewhere.crl(issuer, this_update=NOW, next_update=NOW + 30 * DAY) for issuer in ("root", "issuing")
        ]
        assert _outcome(timed.judge(document, LATER, crls, trust)) == "valid"


def test_document_time_stamps_prove_each_other(timed: TimeHarness) -> None:
    """The first authority's certificate has ended; the second stamp is older than that end."""
    brief = time_authority(timed.authority, "Brief TSA", not_after=NOW + 5 * DAY)
    once = long_term(timed.stamped, brief, KEPT, [timed.seal], timed.crls(KEPT))
    assert _outcome(timed.judge(timed.plain, LATER)) == EXPIRED
    assert _outcome(timed.judge(once, LATER)) == EXPIRED
    twice = add_document_time_stamp(once, timed.tsa, NOW + 2 * DAY, field="ThoiGian2")
    decision = timed.judge(twice, LATER)
    assert _outcome(decision) == "valid", decision
    kinds = [each.kind for each in decision.report.signatures]
    assert kinds == [
        SignatureKind.SIGNATURE,
        SignatureKind.SIGNATURE,
        SignatureKind.TIME_STAMP,
        SignatureKind.TIME_STAMP,
    ]


@pytest.mark.parametrize("at", [NOW + 3 * DAY, NOW - 2 * YEAR])
def test_time_stamps_of_impossible_times(timed: TimeHarness, at: datetime) -> None:
    document = add_document_time_stamp(timed.plain, timed.tsa, at)
    assert isinstance(timed.judge(document, NOW + timedelta(hours=2)), Refused)


def test_a_critical_extension_of_a_time_stamp(timed: TimeHarness, monkeypatch: pytest.MonkeyPatch) -> None:
    """The stamp proves nothing, but nobody has changed what it covers."""
    monkeypatch.setattr(time_stamp, "_obstacle", lambda _: "critical extension of the time stamp")
    report = timed.judge(MADE["document time stamp alone"](timed), NOW + timedelta(hours=2)).report
    assert (report.reason, report.rule, report.integrity) == (Reason.E_SIG_TIME, "8.6", Integrity.INTACT)
    decision = timed.judge(timed.stamped, NOW + timedelta(hours=2))
    assert _outcome(decision) == "valid"
    assert {stamp.rule for each in decision.report.signatures for stamp in each.time_stamps} == {"8.6"}


def test_a_visible_time_stamp_over_the_page_is_a_change(timed: TimeHarness) -> None:
    document = add_document_time_stamp(timed.plain, timed.tsa, KEPT, box=(50, 50, 500, 700))
    decision = timed.judge(document, KEPT)
    assert _outcome(decision) == ("Refused", Reason.E_SIG_CHANGED)
    assert decision.report.integrity is Integrity.TAMPERED


def test_a_time_stamp_of_other_bytes(timed: TimeHarness) -> None:
    document = bytearray(add_document_time_stamp(timed.plain, timed.tsa, KEPT))
    at = document.rindex(b"/ByteRange") - 30
    document[at] ^= 1
    assert isinstance(timed.judge(bytes(document), KEPT), Refused)


def test_a_signature_time_stamp_moved_to_another_signature(timed: TimeHarness, harness: Harness) -> None:
    """A stamp covers one signature value: cut out and put elsewhere it proves nothing."""
    from asn1crypto import cms as asn1_cms

    from mint.tamper import hole

    source, target = (
        timed.stamped,
        sign(harness.letter, timed.signer, NOW, field="A", stamper=timed.tsa.stamper(KEPT)),
    )
    start, end = hole(source, 0)
    donor = asn1_cms.ContentInfo.load(bytes.fromhex(source[start + 1 : end - 1].decode()))
    start, end = hole(target, 0)
    info = asn1_cms.ContentInfo.load(bytes.fromhex(target[start + 1 : end - 1].decode()))
    info["content"]["signer_infos"][0]["unsigned_attrs"] = donor["content"]["signer_infos"][0]["unsigned_attrs"]
    value = info.dump(force=True).hex().encode().ljust(end - start - 2, b"0")
    moved = target[: start + 1] + value + target[end - 1 :]
    report = timed.judge(moved, LATER).report
    assert report.integrity is Integrity.INTACT
    assert report.signatures[0].proven_at is None
    assert report.signatures[0].sub_indication is SubIndication.OUT_OF_BOUNDS_NO_POE


def test_hierarchies_have_a_time_of_their_own(timed: TimeHarness) -> None:
    """G1 counts for what is proved to be from its time; nothing new is accepted under it."""
    closed = timed.trust(windows={timed.authority.root.sha256: Window(end=NOW + DAY)})
    assert _outcome(timed.judge(timed.plain, NOW + timedelta(hours=1), trust=closed)) == "valid"
    assert _outcome(timed.judge(timed.plain, NOW + 2 * DAY, trust=closed)) == (
        "Refused",
        Reason.E_SIG_UNTRUSTED_CA,
    )
    opened = timed.trust(windows={timed.authority.root.sha256: Window(start=NOW + DAY)})
    assert _outcome(timed.judge(timed.plain, NOW, trust=opened)) == ("Refused", Reason.E_SIG_UNTRUSTED_CA)


def test_the_day_of_a_role_is_that_of_the_time_stamp(harness: Harness) -> None:
    """The delegation ended yesterday: a claim of yesterday does not help when the stamp is of today."""
    city = harness.city
    tsa = time_authority(city.authority)
    yesterday = NOW - DAY
    claimed = sign(harness.letter, harness.sender.former, yesterday, field="A")
    assert isinstance(harness.judge(sign(claimed, harness.sender.seal, NOW, field="B")), Verified)
    stamped = sign(harness.letter, harness.sender.former, yesterday, field="A", stamper=tsa.stamper(NOW))
    decision = harness.judge(sign(stamped, harness.sender.seal, NOW, field="B"))
    assert _outcome(decision) == ("Refused", Reason.E_SIG_SIGNER_NOT_AUTHORISED)


def test_held_certificates(timed: TimeHarness) -> None:
    """A hold counts while the newest list names it, and is forgotten when a newer one does not."""
    hold = [Revoked(timed.seal.certificate.serial_number, NOW, x509.ReasonFlags.certificate_hold)]
    held, free = timed.crls(NOW, revoked=hold)[1], timed.crls(NOW + DAY)
    assert _outcome(timed.judge(timed.plain, NOW + timedelta(hours=1), [timed.crls()[0], held])) == REVOKED
    assert _outcome(timed.judge(timed.plain, NOW + 2 * DAY, [*free, held])) == "valid"
    gone = [Revoked(timed.seal.certificate.serial_number, NOW)]
    lost = timed.crls(NOW, revoked=gone)[1]
    assert _outcome(timed.judge(timed.plain, NOW + 2 * DAY, [*free, lost])) == REVOKED


def test_undecided_is_an_answer_of_its_own(timed: TimeHarness) -> None:
    decision = timed.judge(timed.plain, NOW, crls=[])
    assert isinstance(decision, Undecided)
    assert decision.report.trusted is True
    assert decision.report.integrity is Integrity.INTACT


@pytest.mark.parametrize("name", ["title_changed", "page_changed", "annotation_laid_over", "empty_field_laid_over"])
def test_a_time_stamp_vouches_for_no_content(timed: TimeHarness, name: str) -> None:
    """Anybody can have a time stamp put behind a change: it does not make the change good."""
    document = add_document_time_stamp(TAMPERS[name].apply(timed.plain), timed.tsa, KEPT)
    decision = timed.judge(document, KEPT)
    assert _outcome(decision) == ("Refused", Reason.E_SIG_CHANGED)
    assert decision.report.integrity is Integrity.TAMPERED


def test_fields_switched_to_be_drawn_anew_between_signatures(timed: TimeHarness, harness: Harness) -> None:
    writer = IncrementalPdfFileWriter(io.BytesIO(sign(harness.letter, timed.signer, NOW, field="A")))
    writer.root["/AcroForm"][pdf_name("/NeedAppearances")] = BooleanObject(True)
    writer.update_container(writer.root["/AcroForm"])
    out = io.BytesIO()
    writer.write(out)
    assert _outcome(timed.judge(sign(out.getvalue(), timed.seal, NOW, field="B"), KEPT)) == (
        "Refused",
        Reason.E_SIG_CHANGED,
    )


def test_no_certificate_of_the_store_crowds_out_another(timed: TimeHarness) -> None:
    """Those of the newest update first, and the last of an array, where tools put what they add."""
    writer = _Writer(io.BytesIO(add_validation_data(timed.plain, [timed.seal], [])))
    array = writer.root["/DSS"]["/Certs"]
    array.insert(0, writer.add_object(StreamObject(stream_data=bytes(17 << 20))))
    for number in range(70):
        array.insert(0, writer.add_object(StreamObject(stream_data=b"%d" % number)))
    writer.update_container(array)
    out = io.BytesIO()
    writer.write(out)
    certificates = list(stored_certificates(parse(out.getvalue(), DEFAULT)))
    assert len(certificates) == DEFAULT.pdf.max_security_store_items
    later = _Writer(io.BytesIO(out.getvalue()))
    array = later.root["/DSS"]["/Certs"]
    array.insert(0, later.add_object(StreamObject(stream_data=b"newest")))
    later.update_container(array)
    out = io.BytesIO()
    later.write(out)
    assert next(stored_certificates(parse(out.getvalue(), DEFAULT))) == b"newest"
