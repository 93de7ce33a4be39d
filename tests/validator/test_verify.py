"""The decision by tables: what is accepted under which label, what is refused for which reason."""

import json
from collections.abc import Callable
from datetime import date, timedelta

import pytest
from pyhanko.sign.fields import MDPPerm

from common.domain.directory import Certificate, CertificateRole, Directory, Unit
from common.domain.names import Label
from common.domain.reason import Reason
from mint.hybrid import hybrid
from mint.ltv import add_validation_data
from mint.pki import Authority
from mint.sign import SIGNER_BOX, UNIT_BOX, add_empty_fields, sign, sign_pair
from mint.tamper import TAMPERS
from mint.wrong import WRONGS
from validator.pki.crl import read_crl
from validator.pki.revocation_lists import RevocationLists
from validator.pki.trust_store import TrustStore
from validator.policy import DEFAULT
from validator.report.decision import Refused, Undecided, Verified
from validator.report.vocabulary import Indication, NoteCode, SignerRole, SubIndication

from .conftest import NOW, SENDER, Harness, revocation_of

Making = Callable[[Harness], bytes]


def _second_signer(harness: Harness) -> bytes:
    first = sign(harness.letter, harness.sender.deputy, NOW, field="Pho")
    return harness.city.signed(SENDER, first, NOW + timedelta(minutes=1))


def _with_dss(harness: Harness) -> bytes:
    crl = harness.city.authority.crl(this_update=NOW, next_update=NOW + timedelta(days=1))
    return add_validation_data(harness.signed, [harness.sender.seal, harness.sender.signer], [crl])


def _premade(harness: Harness) -> bytes:
    return add_empty_fields(harness.letter, {"NguoiKy": SIGNER_BOX, "CoQuan": UNIT_BOX, "Phu": (10, 10, 60, 60)})


ACCEPTED: dict[str, Making] = {
    "signer and unit": lambda c: c.signed,
    "invisible": lambda c: c.city.signed(SENDER, c.letter, visible=False),
    "adbe.pkcs7.detached": lambda c: c.city.signed(SENDER, c.letter, legacy=True),
    "leaf certificates only": lambda c: c.city.signed(SENDER, c.letter, embed_chain=False),
    "SHA-512": lambda c: c.city.signed(SENDER, c.letter, digest="sha512"),
    "two signers and unit": _second_signer,
    "pre-made empty fields": lambda c: c.city.signed(SENDER, _premade(c)),
    "hybrid references": lambda c: c.city.signed(SENDER, hybrid(c.letter), lenient=True),
    "signer certifies, form filling allowed": lambda c: sign(
        sign(c.letter, c.sender.signer, NOW, field="A", certify=MDPPerm.FILL_FORMS), c.sender.seal, NOW, field="B"
    ),
    "validation data behind the signatures": _with_dss,
    "white space behind the end": lambda c: c.signed + b"\r\n",
    "deputy inside the delegation": lambda c: sign_pair(c.letter, c.sender.deputy, c.sender.seal, NOW),
    "scan with both signatures": lambda c: c.city.signed(SENDER, c.scan),
}


@pytest.mark.parametrize("name", ACCEPTED)
def test_valid_documents_are_originals(harness: Harness, name: str) -> None:
    decision = harness.judge(ACCEPTED[name](harness))
    assert isinstance(decision, Verified), decision
    assert decision.label is Label.ORIGINAL
    assert {each.indication for each in decision.report.signatures} == {Indication.TOTAL_PASSED}


@pytest.mark.parametrize("name", TAMPERS)
def test_tampered_documents_are_refused(harness: Harness, name: str) -> None:
    decision = harness.judge(TAMPERS[name].apply(harness.signed))
    assert isinstance(decision, Refused), decision
    assert decision.reason is TAMPERS[name].reason, decision.detail


@pytest.mark.parametrize("name", WRONGS)
def test_wrong_hands_are_refused(harness: Harness, name: str) -> None:
    document = WRONGS[name].make(harness.city, SENDER, harness.letter, NOW)
    decision = harness.judge(document)
    assert isinstance(decision, Refused), decision
    assert decision.reason is WRONGS[name].reason, decision.detail


@pytest.mark.parametrize(
    ("unit", "signer", "scan", "expected"),
    [
        (1, 1, 0, Label.ORIGINAL),
        (1, 1, 1, Label.ORIGINAL),
        (1, 0, 1, Label.CERTIFIED_COPY),
        (1, 0, 0, Reason.E_SIG_SIGNER_MISSING),
        (0, 1, 0, Reason.E_SIG_ORG_MISSING),
        (0, 1, 1, Reason.E_SIG_ORG_MISSING),
        (0, 0, 0, Reason.E_SIG_ORG_MISSING),
        (0, 0, 1, Reason.E_SIG_ORG_MISSING),
    ],
)
def test_truth_table_of_the_two_forms(harness: Harness, unit: int, signer: int, scan: int, expected: object) -> None:
    document = harness.scan if scan else harness.letter
    if signer:
        document = sign(document, harness.sender.signer, NOW, field="A")
    if unit:
        document = sign(document, harness.sender.seal, NOW, field="B")
    decision = harness.judge(document, declared_copy=bool(scan))
    assert (decision.label if isinstance(decision, Verified) else decision.reason) is expected


def test_rsa_pair_and_pss(harness: Harness) -> None:
    city = harness.city
    signer, seal = (city.authority.person(name, kind="rsa2048") for name in ("Ky", "Dau"))
    directory = Directory([_unit(SENDER, (seal.sha256, "unit"), (signer.sha256, "signer"))])
    for pss in (False, True):
        document = sign_pair(harness.letter, signer, seal, NOW, pss=pss)
        assert isinstance(harness.judge(document, directory=directory), Verified)


def test_declared_copy_that_is_no_scan_is_noted(harness: Harness) -> None:
    decision = harness.judge(harness.city.certified_copy(SENDER, harness.letter), declared_copy=True)
    assert isinstance(decision, Verified)
    assert [note.code for note in decision.report.notes] == [NoteCode.SCAN_FORM]
    decision = harness.judge(harness.city.certified_copy(SENDER, harness.scan), declared_copy=True)
    assert decision.report.notes == ()


@pytest.mark.parametrize(
    ("reason", "missing"), [(None, True), ("Ký số", True), ("TRÍCH SAO", False), ("Sao  lục", False)]
)
def test_a_copy_names_its_form(harness: Harness, reason: str | None, missing: bool) -> None:
    """Accepted either way: what is missing is for the receiving clerk."""
    document = sign(harness.scan, harness.sender.seal, NOW, field="A", reason=reason)
    decision = harness.judge(document, declared_copy=True)
    assert isinstance(decision, Verified)
    assert decision.label is Label.CERTIFIED_COPY
    assert [note.detail for note in decision.report.notes] == ["form of the copy not named"] * missing


# revocation


def test_revoked_seal_and_revoked_issuing_ca(harness: Harness) -> None:
    for identity in (harness.sender.seal, harness.city.authority.issuing):
        authority = harness.city.authority
        before = {issuer: list(entries) for issuer, entries in authority.revoked.items()}
        authority.revoke(identity, NOW)
        revocation = revocation_of(harness.city, harness.trust)
        authority.revoked.update(before)
        decision = harness.judge(harness.signed, revocation=revocation)
        assert isinstance(decision, Refused)
        assert decision.reason is Reason.E_SIG_REVOKED
        assert decision.report.signatures[-1].sub_indication is SubIndication.REVOKED_NO_POE


@pytest.mark.parametrize("which", ["none", "stale", "root only", "issuing only", "from the future"])
def test_without_a_current_crl_nothing_is_decided(harness: Harness, which: str) -> None:
    crls = {
        "none": (),
        "stale": revocation_of(harness.city, harness.trust, next_update=NOW + timedelta(minutes=59)).crls,
        "root only": [crl for crl in harness.revocation.crls if not crl.entries],
        "issuing only": [crl for crl in harness.revocation.crls if crl.entries],
        "from the future": revocation_of(harness.city, harness.trust, this_update=NOW + timedelta(hours=2)).crls,
    }[which]
    decision = harness.judge(harness.signed, revocation=RevocationLists(crls))
    assert isinstance(decision, Undecided)
    assert decision.reason is Reason.E_SIG_REVOCATION_UNKNOWN
    assert decision.report.signatures[0].sub_indication is SubIndication.TRY_LATER


@pytest.mark.parametrize("name", ["one_byte_flipped", "page_changed", "unit_signature_cut_off"])
def test_what_is_final_does_not_wait_for_a_crl(harness: Harness, name: str) -> None:
    decision = harness.judge(TAMPERS[name].apply(harness.signed), revocation=RevocationLists())
    assert isinstance(decision, Refused)
    assert decision.reason is TAMPERS[name].reason


def test_revoked_on_a_stale_list_is_revoked(harness: Harness) -> None:
    stale = revocation_of(harness.city, harness.trust, next_update=NOW + timedelta(minutes=1))
    decision = harness.judge(WRONGS["signer_revoked"].make(harness.city, SENDER, harness.letter, NOW), revocation=stale)
    assert isinstance(decision, Refused)
    assert decision.reason is Reason.E_SIG_REVOKED


def test_the_newest_list_counts(harness: Harness) -> None:
    known = harness.trust.roots + harness.trust.intermediates
    empty = harness.city.authority.crl(
        this_update=NOW - timedelta(days=1), next_update=NOW + timedelta(days=9), revoked=()
    )
    crls = [*harness.revocation.crls, read_crl(known, empty, DEFAULT)]
    document = WRONGS["signer_revoked"].make(harness.city, SENDER, harness.letter, NOW)
    assert harness.judge(document, revocation=RevocationLists(crls)).reason is Reason.E_SIG_REVOKED  # type: ignore[union-attr]


# time


@pytest.mark.parametrize(
    ("ahead", "expected"),
    [
        (timedelta(seconds=30), None),
        (timedelta(hours=6), NoteCode.TIME_AHEAD),
        (timedelta(hours=9), NoteCode.SIGNING_TIME_NOT_USED),
    ],
)
def test_signing_times_ahead(harness: Harness, ahead: timedelta, expected: NoteCode | None) -> None:
    at = NOW + timedelta(hours=1) + ahead
    decision = harness.judge(harness.city.signed(SENDER, harness.letter, at, gap=timedelta(0)))
    assert isinstance(decision, Verified)
    assert ({note.code for note in decision.report.notes} or {None}) == {expected}


def test_days_are_those_of_vietnam(harness: Harness) -> None:
    """The delegation of ``former`` ended on 30 June; 23:30 of that day in Vietnam still counts, 00:30 does not."""
    last_minute = NOW.replace(day=30, month=6, hour=16, minute=30)
    for at, accepted in ((last_minute, True), (last_minute + timedelta(hours=1), False)):
        document = sign_pair(harness.letter, harness.sender.former, harness.sender.seal, at)
        assert isinstance(harness.judge(document), Verified) is accepted


def test_another_promulgation_date_is_noted(harness: Harness) -> None:
    assert harness.judge(harness.signed, promulgation_date=date(2026, 7, 1)).report.notes == ()
    notes = harness.judge(harness.signed, promulgation_date=date(2026, 6, 30)).report.notes
    assert {note.code for note in notes} == {NoteCode.NOT_SIGNED_ON_PROMULGATION_DATE}


# identity


def _unit(code: str, *certificates: tuple[str, str], start: date = date(2026, 1, 1)) -> Unit:
    registered = (Certificate(sha256=sha, role=CertificateRole(role), valid_from=start) for sha, role in certificates)
    return Unit(code=code, name=code, valid_from=date(2025, 1, 1), certificates=tuple(registered))


def test_unknown_sender(harness: Harness) -> None:
    assert harness.judge(harness.signed, sender="000.00.77.H29").reason is Reason.E_FROM  # type: ignore[union-attr]


def test_document_of_another_unit(harness: Harness) -> None:
    decision = harness.judge(harness.signed, sender="H29.901.01")
    assert decision.reason is Reason.E_SIG_NOT_BOUND  # type: ignore[union-attr]
    assert [each.part for each in decision.report.signatures] == [SignerRole.OTHER_UNIT, SignerRole.OTHER_UNIT]


def test_closed_unit_no_longer_signs(harness: Harness) -> None:
    closed = "000.00.90.H29"
    assert harness.judge(harness.city.signed(closed, harness.letter), sender=closed).reason is Reason.E_SIG_NOT_BOUND  # type: ignore[union-attr]


@pytest.mark.parametrize(
    ("roles", "expected"),
    [
        ({"seal": "unit", "signer": "signer"}, Label.ORIGINAL),
        ({"seal": "unit"}, Reason.E_SIG_SIGNER_NOT_AUTHORISED),
        ({"signer": "signer"}, Reason.E_SIG_NOT_BOUND),
        ({"seal": "signer", "signer": "signer"}, Reason.E_SIG_ORG_MISSING),
        ({"seal": "unit", "signer": "unit"}, Reason.E_SIG_SIGNER_MISSING),
        ({}, Reason.E_SIG_NOT_BOUND),
    ],
)
def test_roles_come_from_the_directory_alone(harness: Harness, roles: dict[str, str], expected: object) -> None:
    certificates = [(getattr(harness.sender, who).sha256, role) for who, role in roles.items()]
    decision = harness.judge(harness.signed, directory=Directory([_unit(SENDER, *certificates)]))
    assert (decision.label if isinstance(decision, Verified) else decision.reason) is expected


def test_one_certificate_in_both_roles_signs_once(harness: Harness) -> None:
    both = harness.sender.seal
    document = sign_pair(harness.letter, both, both, NOW)
    directory = Directory([_unit(SENDER, (both.sha256, "unit"), (both.sha256, "signer"))])
    assert harness.judge(document, directory=directory).reason is Reason.E_SIG_SIGNER_MISSING  # type: ignore[union-attr]


def test_certificate_under_two_units_is_a_security_note(harness: Harness) -> None:
    seal, signer = harness.sender.seal.sha256, harness.sender.signer.sha256
    directory = Directory([_unit(SENDER, (seal, "unit"), (signer, "signer")), _unit("X", (seal, "unit"))])
    decision = harness.judge(harness.signed, directory=directory)
    assert isinstance(decision, Verified)
    assert [note.code for note in decision.report.security_notes] == [NoteCode.CERTIFICATE_SHARED]


def test_another_unit_may_sign_before_the_sender_seals(harness: Harness) -> None:
    first = sign(harness.letter, harness.city["H29.901.01"].signer, NOW, field="LienTich")
    decision = harness.judge(harness.city.signed(SENDER, first, NOW))
    assert isinstance(decision, Verified)
    assert {note.code for note in decision.report.notes} == {NoteCode.OTHER_UNIT_SIGNED}
    after = sign(harness.signed, harness.city["H29.901.01"].signer, NOW, field="LienTich")
    assert harness.judge(after).reason is Reason.E_SIG_ORDER  # type: ignore[union-attr]


# chains


def _judge_chain(harness: Harness, authority: Authority, signer: object, intermediates: list[bytes]) -> Reason | None:
    """Judge a signature under that chain; None = the chain holds (the signer is merely unregistered)."""
    trust = TrustStore(
        [authority.root.der], [authority.issuing.der, harness.city.authority.issuing.der, *intermediates]
    )
    document = sign(harness.letter, signer, NOW, field="A")  # type: ignore[arg-type]
    reason = harness.judge(document, trust=trust, revocation=RevocationLists()).report.signatures[0].reason
    return None if reason is Reason.E_SIG_REVOCATION_UNKNOWN else reason


def test_chains_that_must_not_hold(harness: Harness) -> None:
    from cryptography import x509

    authority = Authority("Chain Test", now=NOW, kind="p256")
    elsewhere = x509.DirectoryName(x509.Name([x509.NameAttribute(x509.NameOID.COUNTRY_NAME, "LA")]))
    constraints = x509.NameConstraints(permitted_subtrees=[elsewhere], excluded_subtrees=None)
    unknown = x509.UnrecognizedExtension(x509.ObjectIdentifier("1.2.3.4"), b"\x05\x00")
    cases = {
        "holds": (authority.issuing, None),
        "no basic constraints CA": (authority.sub_ca("A", ca=False), Reason.E_SIG_UNTRUSTED_CA),
        "may not sign certificates": (authority.sub_ca("B", usages=("crl_sign",)), Reason.E_SIG_UNTRUSTED_CA),
        "below a path length of 0": (authority.sub_ca("C", under=authority.issuing), Reason.E_SIG_UNTRUSTED_CA),
        "name constraints": (authority.sub_ca("D", extensions=[(constraints, True)]), Reason.E_SIG_UNTRUSTED_CA),
        "unknown critical": (authority.sub_ca("E", extensions=[(unknown, True)]), Reason.E_SIG_UNTRUSTED_CA),
        "foreign": (harness.city.foreign.issuing, Reason.E_SIG_UNTRUSTED_CA),
    }
    for name, (ca, expected) in cases.items():
        signer = authority.issue_under(ca, f"Signer {name}")
        assert _judge_chain(harness, authority, signer, [ca.der]) is expected, name


def test_leaves_that_must_not_sign(harness: Harness) -> None:
    from cryptography.x509.oid import ExtendedKeyUsageOID as Usage

    authority = Authority("Leaf Test", now=NOW, kind="p256")
    cases = {
        "time stamping": ({"extended": [Usage.TIME_STAMPING]}, Reason.E_SIG_KEY_USAGE),
        "mail": ({"extended": [Usage.EMAIL_PROTECTION]}, None),
        "authentication only": ({"usages": ["digital_signature"]}, Reason.E_SIG_KEY_USAGE),
        "curve": ({"kind": "secp256k1"}, Reason.E_SIG_WEAK_ALG),
        "P-384": ({"kind": "p384"}, None),
    }
    for name, (options, expected) in cases.items():
        signer = authority.person(name, **options)
        assert _judge_chain(harness, authority, signer, []) is expected, name
    assert _judge_chain(harness, authority, authority.issuing, []) is Reason.E_SIG_KEY_USAGE


def test_embedded_issuing_ca_is_not_used(harness: Harness) -> None:
    """Documents bring no trust: an issuing CA that we do not hold is no chain, although the CMS embeds it."""
    trust = TrustStore([harness.city.authority.root.der])
    assert harness.judge(harness.signed, trust=trust).reason is Reason.E_SIG_UNTRUSTED_CA  # type: ignore[union-attr]


# the report


def test_report_is_json_and_names_its_measures(harness: Harness) -> None:
    decision = harness.judge(harness.signed)
    report = json.loads(json.dumps(decision.report.as_json()))
    assert report["label"] == "ORIGINAL"
    assert report["directory_version"] == "v1"
    assert report["roots"] == [harness.city.authority.root.sha256]
    assert report["pyhanko_version"]
    signer, unit = report["signatures"]
    assert (signer["part"], unit["part"]) == ("signer", "unit")
    assert unit["certificate_sha256"] == harness.sender.seal.sha256
    assert unit["chain"][-1] == harness.city.authority.root.sha256
    assert [status["number"] for status in unit["statuses"]] == [1, 1]
    assert unit["signing_time"] == (NOW + timedelta(minutes=5)).isoformat()


def test_report_of_a_refusal_names_every_signature(harness: Harness) -> None:
    report = harness.judge(TAMPERS["signature_value_changed"].apply(harness.signed)).report
    assert [each.indication for each in report.signatures] == [Indication.TOTAL_PASSED, Indication.TOTAL_FAILED]
    assert report.step == 5
    assert report.reason is Reason.E_SIG_VALUE


def test_the_same_question_has_the_same_answer(harness: Harness) -> None:
    assert harness.judge(harness.signed) == harness.judge(harness.signed)
