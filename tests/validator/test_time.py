"""Time that is proved: what a trusted time stamp lets stand, and what it must not."""

import io
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timedelta

import pytest
from cryptography import x509
from cryptography.x509.oid import ExtendedKeyUsageOID
from pyhanko.pdf_utils.generic import BooleanObject, pdf_name
from pyhanko.pdf_utils.incremental_writer import IncrementalPdfFileWriter

from common.domain.directory import Directory
from common.domain.reason import Reason
from mint.ltv import add_validation_data
from mint.pki import YEAR, Authority, Identity
from mint.pki import Revocation as Revoked
from mint.sign import sign
from mint.tamper import TAMPERS
from mint.tsa import TimeAuthority, add_document_time_stamp, long_term, time_authority
from validator.pki.crl import Revocation, authentic_crls
from validator.pki.trust import Trust, Window
from validator.policy import DEFAULT
from validator.report.model import (
    Decision,
    Indication,
    Integrity,
    Kind,
    NoteCode,
    Refused,
    SubIndication,
    Undecided,
    Verified,
)
from validator.verify import Question, verify

from .conftest import NOW, SENDER, Court
from .test_verify import _unit

DAY = timedelta(days=1)
STAMPED = NOW + timedelta(seconds=5)
KEPT = NOW + timedelta(minutes=30)
LATER = NOW + 10 * DAY
"""The certificate of signer and seal has ended, those of the authorities have not."""


@dataclass(frozen=True)
class Bench:
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

    def trust(self, **options: object) -> Trust:
        return Trust([self.authority.root.der], [self.authority.issuing.der], **options)  # type: ignore[arg-type]

    def judge(
        self, document: bytes, now: datetime, crls: list[bytes] | None = None, trust: Trust | None = None
    ) -> Decision:
        trust = trust or self.trust()
        lists = authentic_crls(
            trust.authorities, [("", der) for der in (self.crls() if crls is None else crls)], DEFAULT
        )
        return verify(document, Question(sender=SENDER), trust, Revocation(lists), self.directory, now)


@pytest.fixture(scope="module")
def bench(court: Court) -> Bench:
    authority = Authority("Time Test", now=NOW, kind="p256")
    tsa = time_authority(authority, not_after=NOW + 10 * YEAR)
    end = {"not_after": NOW + 5 * DAY}
    signer, seal = authority.person("Người ký", **end), authority.unit("Cơ quan", **end)
    directory = Directory([_unit(SENDER, (seal.sha256, "unit"), (signer.sha256, "signer"))])
    plain = sign(sign(court.letter, signer, NOW, field="A"), seal, NOW, field="B")
    stamper = tsa.stamper(STAMPED)
    stamped = sign(court.letter, signer, NOW, field="A", stamper=stamper)
    stamped = sign(stamped, seal, NOW, field="B", stamper=stamper)
    return Bench(authority, tsa, signer, seal, directory, court.letter, plain, stamped)


def _outcome(decision: Decision) -> object:
    return "valid" if isinstance(decision, Verified) else (type(decision).__name__, decision.reason)


EXPIRED = ("Refused", Reason.E_SIG_EXPIRED)
REVOKED = ("Refused", Reason.E_SIG_REVOKED)
UNKNOWN = ("Undecided", Reason.E_SIG_REVOCATION_UNKNOWN)
Making = Callable[[Bench], bytes]

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
def test_all_levels_while_certificates_hold(bench: Bench, name: str) -> None:
    decision = bench.judge(MADE[name](bench), NOW + timedelta(hours=2))
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
def test_what_stands_after_the_certificates_end(bench: Bench, name: str, expected: object) -> None:
    decision = bench.judge(MADE[name](bench), LATER)
    assert _outcome(decision) == expected, decision
    if expected == "valid":
        assert NoteCode.JUDGED_AT_PROVEN_TIME in {note.code for note in decision.report.notes}
        assert decision.report.signatures[0].judged_at in (STAMPED, KEPT)


@pytest.mark.parametrize(
    ("name", "expected"),
    [("B-B", UNKNOWN), ("B-T", UNKNOWN), ("B-LT with OCSP", "valid"), ("B-LT", "valid"), ("B-LTA", "valid")],
)
def test_evidence_in_the_document_serves_where_ours_is_missing(bench: Bench, name: str, expected: object) -> None:
    """In force for signature and time stamp; nothing of it is fetched."""
    decision = bench.judge(MADE[name](bench), KEPT + timedelta(minutes=1), crls=[])
    assert _outcome(decision) == expected, decision
    if expected == "valid":
        assert {status.embedded for status in decision.report.signatures[0].statuses} == {True}


def test_evidence_is_not_taken_from_strangers(bench: Bench) -> None:
    stranger = Authority("Time Test", now=NOW, kind="p256")
    crls = [stranger.crl(issuer, this_update=KEPT, next_update=KEPT + DAY) for issuer in ("root", "issuing")]
    responder = bench.authority.responder("No mandate", extended=[ExtendedKeyUsageOID.CLIENT_AUTH])
    answers = [
        bench.authority.ocsp(who, this_update=KEPT, next_update=KEPT + DAY, signed_by=by, embed=[by])
        for who in bench.all
        for by in (stranger.issuing, responder, bench.signer)
    ]
    document = add_validation_data(bench.stamped, [bench.seal], [*crls, *bench.crls(KEPT)[:1]], ocsps=answers)
    assert _outcome(bench.judge(document, KEPT, crls=[])) == UNKNOWN


def test_a_responder_that_the_ca_certified(bench: Bench) -> None:
    responder = bench.authority.responder(kind="p256")
    told = {"this_update": KEPT, "next_update": KEPT + DAY, "signed_by": responder, "embed": [responder]}
    answers = [bench.authority.ocsp(who, **told) for who in bench.all]  # type: ignore[arg-type]
    document = add_validation_data(bench.stamped, [bench.seal], bench.crls(KEPT)[:1], ocsps=answers)
    assert _outcome(bench.judge(document, KEPT, crls=[])) == "valid"


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
    bench: Bench, name: str, revoked_at: datetime, expected: object
) -> None:
    """EN 319 102-1 §5.5: what was revoked after the proven time was valid at that time."""
    entries = [Revoked(bench.seal.certificate.serial_number, revoked_at)]
    crls = [bench.crls(NOW + DAY)[0], *bench.crls(NOW + DAY, revoked=entries)[1:]]
    decision = bench.judge(MADE[name](bench), NOW + 2 * DAY, crls)
    assert _outcome(decision) == expected, decision


def test_an_ocsp_answer_that_names_the_revocation_counts_against_a_good_list(bench: Bench) -> None:
    answer = bench.authority.ocsp(bench.seal, this_update=KEPT, next_update=KEPT + DAY, revoked_at=NOW - DAY)
    document = add_validation_data(bench.plain, [bench.seal], [], ocsps=[answer])
    bare = bench.judge(document, KEPT)
    assert _outcome(bare) == "valid"  # our own list suffices, so that the document's data is never read
    assert _outcome(bench.judge(document, KEPT, crls=bench.crls()[:1])) == REVOKED


def test_evidence_older_than_the_time_in_question(bench: Bench) -> None:
    stale = bench.crls(NOW - 3 * DAY, days=2)
    document = add_validation_data(bench.stamped, [bench.seal], stale)
    assert _outcome(bench.judge(document, KEPT, crls=[])) == UNKNOWN


def test_a_revoked_or_strange_authority_proves_no_time(bench: Bench, court: Court) -> None:
    strange = time_authority(Authority("Elsewhere", now=NOW, kind="p256"), not_after=NOW + 10 * YEAR)
    plain = bench.authority.person("Không phải TSA", kind="rsa2048", not_after=NOW + 10 * YEAR)
    for tsa in (strange, TimeAuthority(plain)):
        document = sign(court.letter, bench.signer, NOW, field="A", stamper=tsa.stamper(STAMPED))
        document = sign(document, bench.seal, NOW, field="B", stamper=tsa.stamper(STAMPED))
        now = bench.judge(document, NOW + timedelta(hours=2))
        assert _outcome(now) == "valid"
        assert NoteCode.TIMESTAMP_NOT_USED in {note.code for note in now.report.notes}
        assert _outcome(bench.judge(document, LATER)) == EXPIRED
        assert isinstance(bench.judge(add_document_time_stamp(bench.plain, tsa, KEPT), KEPT), Refused)
    entries = [Revoked(bench.tsa.identity.certificate.serial_number, NOW - DAY)]
    crls = [bench.crls()[0], *bench.crls(revoked=entries)[1:]]
    assert _outcome(bench.judge(bench.stamped, LATER, crls)) == EXPIRED


def test_an_authority_for_time_may_be_pinned_itself(bench: Bench, court: Court) -> None:
    elsewhere = Authority("Elsewhere", now=NOW, kind="p256")
    tsa = time_authority(elsewhere, not_after=NOW + 10 * YEAR)
    document = add_document_time_stamp(bench.plain, tsa, KEPT)
    assert _outcome(bench.judge(document, LATER)) == EXPIRED
    for pinned in ([tsa.identity.der], [elsewhere.root.der, elsewhere.issuing.der]):
        trust = bench.trust(tsa=pinned)
        crls = bench.crls() + [
            elsewhere.crl(issuer, this_update=NOW, next_update=NOW + 30 * DAY) for issuer in ("root", "issuing")
        ]
        assert _outcome(bench.judge(document, LATER, crls, trust)) == "valid"
        # Who may give time may not sign documents.
        person = elsewhere.person("Ai đó")
        signed = sign(court.letter, person, NOW, field="A")
        reasons = {each.reason for each in bench.judge(signed, KEPT, crls, trust).report.signatures}
        assert reasons == {Reason.E_SIG_UNTRUSTED_CA}


def test_a_time_stamp_that_is_not_decided_decides_nothing(bench: Bench) -> None:
    """Expired for lack of proof, and the proof waits for a list: asked again, not refused."""
    elsewhere = Authority("Elsewhere", now=NOW, kind="p256")
    tsa = time_authority(elsewhere, not_after=NOW + 10 * YEAR)
    trust = bench.trust(tsa=[elsewhere.root.der, elsewhere.issuing.der])
    document = add_document_time_stamp(bench.plain, tsa, KEPT)
    assert _outcome(bench.judge(document, LATER, trust=trust)) == UNKNOWN


def test_document_time_stamps_prove_each_other(bench: Bench) -> None:
    """The first authority's certificate has ended; the second stamp is older than that end."""
    brief = time_authority(bench.authority, "Brief TSA", not_after=NOW + 5 * DAY)
    once = long_term(bench.stamped, brief, KEPT, [bench.seal], bench.crls(KEPT))
    assert _outcome(bench.judge(bench.plain, LATER)) == EXPIRED
    assert _outcome(bench.judge(once, LATER)) == EXPIRED
    twice = add_document_time_stamp(once, bench.tsa, NOW + 2 * DAY, field="ThoiGian2")
    decision = bench.judge(twice, LATER)
    assert _outcome(decision) == "valid", decision
    kinds = [each.kind for each in decision.report.signatures]
    assert kinds == [Kind.SIGNATURE, Kind.SIGNATURE, Kind.TIME_STAMP, Kind.TIME_STAMP]


@pytest.mark.parametrize("at", [NOW + 3 * DAY, NOW - 2 * YEAR])
def test_time_stamps_of_impossible_times(bench: Bench, at: datetime) -> None:
    document = add_document_time_stamp(bench.plain, bench.tsa, at)
    assert isinstance(bench.judge(document, NOW + timedelta(hours=2)), Refused)


def test_a_visible_time_stamp_over_the_page_is_a_change(bench: Bench) -> None:
    document = add_document_time_stamp(bench.plain, bench.tsa, KEPT, box=(50, 50, 500, 700))
    decision = bench.judge(document, KEPT)
    assert _outcome(decision) == ("Refused", Reason.E_SIG_CHANGED)
    assert decision.report.integrity is Integrity.TAMPERED


def test_a_time_stamp_of_other_bytes(bench: Bench) -> None:
    document = bytearray(add_document_time_stamp(bench.plain, bench.tsa, KEPT))
    at = document.rindex(b"/ByteRange") - 30
    document[at] ^= 1
    assert isinstance(bench.judge(bytes(document), KEPT), Refused)


def test_a_signature_time_stamp_moved_to_another_signature(bench: Bench, court: Court) -> None:
    """A stamp covers one signature value: cut out and put elsewhere it proves nothing."""
    from asn1crypto import cms as asn1_cms

    from mint.tamper import hole

    source, target = bench.stamped, sign(court.letter, bench.signer, NOW, field="A", stamper=bench.tsa.stamper(KEPT))
    start, end = hole(source, 0)
    donor = asn1_cms.ContentInfo.load(bytes.fromhex(source[start + 1 : end - 1].decode()))
    start, end = hole(target, 0)
    info = asn1_cms.ContentInfo.load(bytes.fromhex(target[start + 1 : end - 1].decode()))
    info["content"]["signer_infos"][0]["unsigned_attrs"] = donor["content"]["signer_infos"][0]["unsigned_attrs"]
    value = info.dump(force=True).hex().encode().ljust(end - start - 2, b"0")
    moved = target[: start + 1] + value + target[end - 1 :]
    report = bench.judge(moved, LATER).report
    assert report.integrity is Integrity.INTACT
    assert report.signatures[0].proven_at is None
    assert report.signatures[0].sub_indication is SubIndication.OUT_OF_BOUNDS_NO_POE


def test_hierarchies_have_a_time_of_their_own(bench: Bench) -> None:
    """G1 counts for what is proved to be from its time; nothing new is accepted under it."""
    closed = bench.trust(windows={bench.authority.root.sha256: Window(end=NOW + DAY)})
    assert _outcome(bench.judge(bench.plain, NOW + timedelta(hours=1), trust=closed)) == "valid"
    assert _outcome(bench.judge(bench.plain, NOW + 2 * DAY, trust=closed)) == ("Refused", Reason.E_SIG_UNTRUSTED_CA)
    opened = bench.trust(windows={bench.authority.root.sha256: Window(start=NOW + DAY)})
    assert _outcome(bench.judge(bench.plain, NOW, trust=opened)) == ("Refused", Reason.E_SIG_UNTRUSTED_CA)


def test_the_day_of_a_role_is_that_of_the_time_stamp(court: Court) -> None:
    """The delegation ended yesterday: a claim of yesterday does not help when the stamp is of today."""
    city = court.city
    tsa = time_authority(city.authority)
    yesterday = NOW - DAY
    claimed = sign(court.letter, court.sender.former, yesterday, field="A")
    assert isinstance(court.judge(sign(claimed, court.sender.seal, NOW, field="B")), Verified)
    stamped = sign(court.letter, court.sender.former, yesterday, field="A", stamper=tsa.stamper(NOW))
    decision = court.judge(sign(stamped, court.sender.seal, NOW, field="B"))
    assert _outcome(decision) == ("Refused", Reason.E_SIG_SIGNER_NOT_AUTHORISED)


def test_held_certificates(bench: Bench) -> None:
    """A hold counts while the newest list names it, and is forgotten when a newer one does not."""
    hold = [Revoked(bench.seal.certificate.serial_number, NOW, x509.ReasonFlags.certificate_hold)]
    held, free = bench.crls(NOW, revoked=hold)[1], bench.crls(NOW + DAY)
    assert _outcome(bench.judge(bench.plain, NOW + timedelta(hours=1), [bench.crls()[0], held])) == REVOKED
    assert _outcome(bench.judge(bench.plain, NOW + 2 * DAY, [*free, held])) == "valid"
    gone = [Revoked(bench.seal.certificate.serial_number, NOW)]
    lost = bench.crls(NOW, revoked=gone)[1]
    assert _outcome(bench.judge(bench.plain, NOW + 2 * DAY, [*free, lost])) == REVOKED


def test_undecided_is_an_answer_of_its_own(bench: Bench) -> None:
    decision = bench.judge(bench.plain, NOW, crls=[])
    assert isinstance(decision, Undecided)
    assert decision.report.trusted is True
    assert decision.report.integrity is Integrity.INTACT


@pytest.mark.parametrize("name", ["title_changed", "page_changed", "annotation_laid_over", "empty_field_laid_over"])
def test_a_time_stamp_vouches_for_no_content(bench: Bench, name: str) -> None:
    """Anybody can have a time stamp put behind a change: it does not make the change good."""
    document = add_document_time_stamp(TAMPERS[name].apply(bench.plain), bench.tsa, KEPT)
    decision = bench.judge(document, KEPT)
    assert _outcome(decision) == ("Refused", Reason.E_SIG_CHANGED)
    assert decision.report.integrity is Integrity.TAMPERED


def test_fields_switched_to_be_drawn_anew_between_signatures(bench: Bench, court: Court) -> None:
    writer = IncrementalPdfFileWriter(io.BytesIO(sign(court.letter, bench.signer, NOW, field="A")))
    writer.root["/AcroForm"][pdf_name("/NeedAppearances")] = BooleanObject(True)
    writer.update_container(writer.root["/AcroForm"])
    out = io.BytesIO()
    writer.write(out)
    assert _outcome(bench.judge(sign(out.getvalue(), bench.seal, NOW, field="B"), KEPT)) == (
        "Refused",
        Reason.E_SIG_CHANGED,
    )
