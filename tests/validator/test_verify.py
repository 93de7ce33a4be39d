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
from validator.pki.crl import Revocation, read_crl
from validator.pki.trust import Trust
from validator.policy import DEFAULT
from validator.report.model import Indication, NoteCode, Part, Refused, SubIndication, Undecided, Verified

from .conftest import NOW, SENDER, Court, revocation_of

Making = Callable[[Court], bytes]


def _second_signer(court: Court) -> bytes:
    first = sign(court.letter, court.sender.deputy, NOW, field="Pho")
    return court.city.signed(SENDER, first, NOW + timedelta(minutes=1))


def _with_dss(court: Court) -> bytes:
    crl = court.city.authority.crl(this_update=NOW, next_update=NOW + timedelta(days=1))
    return add_validation_data(court.signed, [court.sender.seal, court.sender.signer], [crl])


def _premade(court: Court) -> bytes:
    return add_empty_fields(court.letter, {"NguoiKy": SIGNER_BOX, "CoQuan": UNIT_BOX, "Phu": (10, 10, 60, 60)})


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
def test_valid_documents_are_originals(court: Court, name: str) -> None:
    decision = court.judge(ACCEPTED[name](court))
    assert isinstance(decision, Verified), decision
    assert decision.label is Label.ORIGINAL
    assert {each.indication for each in decision.report.signatures} == {Indication.TOTAL_PASSED}


@pytest.mark.parametrize("name", TAMPERS)
def test_tampered_documents_are_refused(court: Court, name: str) -> None:
    decision = court.judge(TAMPERS[name].apply(court.signed))
    assert isinstance(decision, Refused), decision
    assert decision.reason is TAMPERS[name].reason, decision.detail


@pytest.mark.parametrize("name", WRONGS)
def test_wrong_hands_are_refused(court: Court, name: str) -> None:
    document = WRONGS[name].make(court.city, SENDER, court.letter, NOW)
    decision = court.judge(document)
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
def test_truth_table_of_the_two_forms(court: Court, unit: int, signer: int, scan: int, expected: object) -> None:
    document = court.scan if scan else court.letter
    if signer:
        document = sign(document, court.sender.signer, NOW, field="A")
    if unit:
        document = sign(document, court.sender.seal, NOW, field="B")
    decision = court.judge(document, declared_copy=bool(scan))
    assert (decision.label if isinstance(decision, Verified) else decision.reason) is expected


def test_rsa_pair_and_pss(court: Court) -> None:
    city = court.city
    signer, seal = (city.authority.person(name, kind="rsa2048") for name in ("Ky", "Dau"))
    directory = Directory([_unit(SENDER, (seal.sha256, "unit"), (signer.sha256, "signer"))])
    for pss in (False, True):
        document = sign_pair(court.letter, signer, seal, NOW, pss=pss)
        assert isinstance(court.judge(document, directory=directory), Verified)


def test_declared_copy_that_is_no_scan_is_noted(court: Court) -> None:
    decision = court.judge(court.city.certified_copy(SENDER, court.letter), declared_copy=True)
    assert isinstance(decision, Verified)
    assert [note.code for note in decision.report.notes] == [NoteCode.SCAN_FORM]
    decision = court.judge(court.city.certified_copy(SENDER, court.scan), declared_copy=True)
    assert decision.report.notes == ()


@pytest.mark.parametrize(
    ("reason", "missing"), [(None, True), ("Ký số", True), ("TRÍCH SAO", False), ("Sao  lục", False)]
)
def test_a_copy_names_its_form(court: Court, reason: str | None, missing: bool) -> None:
    """Accepted either way: what is missing is for the receiving clerk."""
    document = sign(court.scan, court.sender.seal, NOW, field="A", reason=reason)
    decision = court.judge(document, declared_copy=True)
    assert isinstance(decision, Verified)
    assert decision.label is Label.CERTIFIED_COPY
    assert [note.detail for note in decision.report.notes] == ["form of the copy not named"] * missing


# revocation


def test_revoked_seal_and_revoked_issuing_ca(court: Court) -> None:
    for identity in (court.sender.seal, court.city.authority.issuing):
        authority = court.city.authority
        before = {issuer: list(entries) for issuer, entries in authority.revoked.items()}
        authority.revoke(identity, NOW)
        revocation = revocation_of(court.city, court.trust)
        authority.revoked.update(before)
        decision = court.judge(court.signed, revocation=revocation)
        assert isinstance(decision, Refused)
        assert decision.reason is Reason.E_SIG_REVOKED
        assert decision.report.signatures[-1].sub_indication is SubIndication.REVOKED_NO_POE


@pytest.mark.parametrize("which", ["none", "stale", "root only", "issuing only", "from the future"])
def test_without_a_current_crl_nothing_is_decided(court: Court, which: str) -> None:
    crls = {
        "none": (),
        "stale": revocation_of(court.city, court.trust, next_update=NOW + timedelta(minutes=59)).crls,
        "root only": [crl for crl in court.revocation.crls if not crl.serials],
        "issuing only": [crl for crl in court.revocation.crls if crl.serials],
        "from the future": revocation_of(court.city, court.trust, this_update=NOW + timedelta(hours=2)).crls,
    }[which]
    decision = court.judge(court.signed, revocation=Revocation(crls))
    assert isinstance(decision, Undecided)
    assert decision.reason is Reason.E_SIG_REVOCATION_UNKNOWN
    assert decision.report.signatures[0].sub_indication is SubIndication.TRY_LATER


@pytest.mark.parametrize("name", ["one_byte_flipped", "page_changed", "unit_signature_cut_off"])
def test_what_is_final_does_not_wait_for_a_crl(court: Court, name: str) -> None:
    decision = court.judge(TAMPERS[name].apply(court.signed), revocation=Revocation())
    assert isinstance(decision, Refused)
    assert decision.reason is TAMPERS[name].reason


def test_revoked_on_a_stale_list_is_revoked(court: Court) -> None:
    stale = revocation_of(court.city, court.trust, next_update=NOW + timedelta(minutes=1))
    decision = court.judge(WRONGS["signer_revoked"].make(court.city, SENDER, court.letter, NOW), revocation=stale)
    assert isinstance(decision, Refused)
    assert decision.reason is Reason.E_SIG_REVOKED


def test_the_newest_list_counts(court: Court) -> None:
    known = court.trust.roots + court.trust.intermediates
    empty = court.city.authority.crl(
        this_update=NOW - timedelta(days=1), next_update=NOW + timedelta(days=9), revoked=()
    )
    crls = [*court.revocation.crls, read_crl(known, empty, DEFAULT)]
    document = WRONGS["signer_revoked"].make(court.city, SENDER, court.letter, NOW)
    assert court.judge(document, revocation=Revocation(crls)).reason is Reason.E_SIG_REVOKED  # type: ignore[union-attr]


# time


@pytest.mark.parametrize(
    ("ahead", "expected"),
    [
        (timedelta(seconds=30), None),
        (timedelta(hours=6), NoteCode.TIME_AHEAD),
        (timedelta(hours=9), Reason.E_SIG_TIME),
    ],
)
def test_signing_times_ahead(court: Court, ahead: timedelta, expected: object) -> None:
    at = NOW + timedelta(hours=1) + ahead
    decision = court.judge(court.city.signed(SENDER, court.letter, at, gap=timedelta(0)))
    if isinstance(expected, Reason):
        assert isinstance(decision, Refused)
        assert decision.reason is expected
    else:
        assert isinstance(decision, Verified)
        assert ({note.code for note in decision.report.notes} or {None}) == {expected}


def test_signed_before_the_certificate_began(court: Court) -> None:
    document = court.city.signed(SENDER, court.letter, NOW - timedelta(days=400))
    assert court.judge(document).reason is Reason.E_SIG_NOT_YET_VALID  # type: ignore[union-attr]


def test_signing_times_that_contradict_the_order(court: Court) -> None:
    early = sign_pair(court.letter, court.sender.signer, court.sender.seal, NOW, gap=timedelta(hours=-8))
    assert court.judge(early).reason is Reason.E_SIG_ORDER  # type: ignore[union-attr]


def test_days_are_those_of_vietnam(court: Court) -> None:
    """The delegation of ``former`` ended on 30 June; 23:30 of that day in Vietnam still counts, 00:30 does not."""
    last_minute = NOW.replace(day=30, month=6, hour=16, minute=30)
    for at, accepted in ((last_minute, True), (last_minute + timedelta(hours=1), False)):
        document = sign_pair(court.letter, court.sender.former, court.sender.seal, at)
        assert isinstance(court.judge(document), Verified) is accepted


def test_another_promulgation_date_is_noted(court: Court) -> None:
    assert court.judge(court.signed, promulgation_date=date(2026, 7, 1)).report.notes == ()
    notes = court.judge(court.signed, promulgation_date=date(2026, 6, 30)).report.notes
    assert {note.code for note in notes} == {NoteCode.NOT_SIGNED_ON_PROMULGATION_DATE}


# identity


def _unit(code: str, *certificates: tuple[str, str], start: date = date(2026, 1, 1)) -> Unit:
    registered = (Certificate(sha256=sha, role=CertificateRole(role), valid_from=start) for sha, role in certificates)
    return Unit(code=code, name=code, valid_from=date(2025, 1, 1), certificates=tuple(registered))


def test_unknown_sender(court: Court) -> None:
    assert court.judge(court.signed, sender="000.00.77.H29").reason is Reason.E_FROM  # type: ignore[union-attr]


def test_document_of_another_unit(court: Court) -> None:
    decision = court.judge(court.signed, sender="H29.901.01")
    assert decision.reason is Reason.E_SIG_NOT_BOUND  # type: ignore[union-attr]
    assert [each.part for each in decision.report.signatures] == [Part.OTHER_UNIT, Part.OTHER_UNIT]


def test_closed_unit_no_longer_signs(court: Court) -> None:
    closed = "000.00.90.H29"
    assert court.judge(court.city.signed(closed, court.letter), sender=closed).reason is Reason.E_SIG_NOT_BOUND  # type: ignore[union-attr]


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
def test_roles_come_from_the_directory_alone(court: Court, roles: dict[str, str], expected: object) -> None:
    certificates = [(getattr(court.sender, who).sha256, role) for who, role in roles.items()]
    decision = court.judge(court.signed, directory=Directory([_unit(SENDER, *certificates)]))
    assert (decision.label if isinstance(decision, Verified) else decision.reason) is expected


def test_one_certificate_in_both_roles_signs_once(court: Court) -> None:
    both = court.sender.seal
    document = sign_pair(court.letter, both, both, NOW)
    directory = Directory([_unit(SENDER, (both.sha256, "unit"), (both.sha256, "signer"))])
    assert court.judge(document, directory=directory).reason is Reason.E_SIG_SIGNER_MISSING  # type: ignore[union-attr]


def test_certificate_under_two_units_is_a_security_note(court: Court) -> None:
    seal, signer = court.sender.seal.sha256, court.sender.signer.sha256
    directory = Directory([_unit(SENDER, (seal, "unit"), (signer, "signer")), _unit("X", (seal, "unit"))])
    decision = court.judge(court.signed, directory=directory)
    assert isinstance(decision, Verified)
    assert [note.code for note in decision.report.security_notes] == [NoteCode.CERTIFICATE_SHARED]


def test_another_unit_may_sign_before_the_sender_seals(court: Court) -> None:
    first = sign(court.letter, court.city["H29.901.01"].signer, NOW, field="LienTich")
    decision = court.judge(court.city.signed(SENDER, first, NOW))
    assert isinstance(decision, Verified)
    assert {note.code for note in decision.report.notes} == {NoteCode.OTHER_UNIT_SIGNED}
    after = sign(court.signed, court.city["H29.901.01"].signer, NOW, field="LienTich")
    assert court.judge(after).reason is Reason.E_SIG_ORDER  # type: ignore[union-attr]


# chains


def _judge_chain(court: Court, authority: Authority, signer: object, intermediates: list[bytes]) -> Reason | None:
    """Judge a signature under that chain; None = the chain holds (the signer is merely unregistered)."""
    trust = Trust([authority.root.der], [authority.issuing.der, court.city.authority.issuing.der, *intermediates])
    document = sign(court.letter, signer, NOW, field="A")  # type: ignore[arg-type]
    reason = court.judge(document, trust=trust, revocation=Revocation()).report.signatures[0].reason
    return None if reason is Reason.E_SIG_REVOCATION_UNKNOWN else reason


def test_chains_that_must_not_hold(court: Court) -> None:
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
        "foreign": (court.city.foreign.issuing, Reason.E_SIG_UNTRUSTED_CA),
    }
    for name, (ca, expected) in cases.items():
        signer = authority.issue_under(ca, f"Signer {name}")
        assert _judge_chain(court, authority, signer, [ca.der]) is expected, name


def test_leaves_that_must_not_sign(court: Court) -> None:
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
        assert _judge_chain(court, authority, signer, []) is expected, name
    assert _judge_chain(court, authority, authority.issuing, []) is Reason.E_SIG_KEY_USAGE


def test_embedded_issuing_ca_is_not_used(court: Court) -> None:
    """Documents bring no trust: an issuing CA that we do not hold is no chain, although the CMS embeds it."""
    trust = Trust([court.city.authority.root.der])
    assert court.judge(court.signed, trust=trust).reason is Reason.E_SIG_UNTRUSTED_CA  # type: ignore[union-attr]


# the report


def test_report_is_json_and_names_its_measures(court: Court) -> None:
    decision = court.judge(court.signed)
    report = json.loads(json.dumps(decision.report.as_json()))
    assert report["label"] == "ORIGINAL"
    assert report["directory_version"] == "v1"
    assert report["roots"] == [court.city.authority.root.sha256]
    assert report["pyhanko_version"]
    signer, unit = report["signatures"]
    assert (signer["part"], unit["part"]) == ("signer", "unit")
    assert unit["certificate_sha256"] == court.sender.seal.sha256
    assert unit["chain"][-1] == court.city.authority.root.sha256
    assert [status["number"] for status in unit["statuses"]] == [1, 1]
    assert unit["signing_time"] == (NOW + timedelta(minutes=5)).isoformat()


def test_report_of_a_refusal_names_every_signature(court: Court) -> None:
    report = court.judge(TAMPERS["signature_value_changed"].apply(court.signed)).report
    assert [each.indication for each in report.signatures] == [Indication.TOTAL_PASSED, Indication.TOTAL_FAILED]
    assert report.step == 5
    assert report.reason is Reason.E_SIG_VALUE


def test_the_same_question_has_the_same_answer(court: Court) -> None:
    assert court.judge(court.signed) == court.judge(court.signed)
