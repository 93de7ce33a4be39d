"""The report's shape is kept: JSON Schema, round trip, and everything a third party needs to decide again."""

import hashlib
import io
import json
from collections.abc import Callable, Iterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta, timezone, tzinfo
from pathlib import Path
from typing import Any

import pytest
from cryptography import x509
from pydantic import TypeAdapter
from pyhanko.pdf_utils import generic
from pyhanko.pdf_utils.reader import PdfFileReader

from common.domain.reason import Reason
from common.edxml.dates import VIETNAM
from mint.ltv import add_validation_data
from mint.pki import YEAR, Authority, Identity, Revocation
from mint.sign import sign
from mint.tamper import TAMPERS
from validator.checks import report_builder
from validator.pki.pem import LIST, blocks
from validator.pki.revocation_lists import RevocationLists, authentic_crls
from validator.pki.trust_folder import load
from validator.pki.trust_store import TrustStore
from validator.policy import DEFAULT
from validator.report.change_rules import ChangeRule
from validator.report.html import page
from validator.report.model import LONGEST_TEXT, SCHEMA, Report, in_zone
from validator.report.rules import RULES
from validator.report.vietnamese import INDICATIONS, INTEGRITY, KINDS, LABELS, NOTES, ROLES, STEPS
from validator.report.vocabulary import SubIndication, Verdict

from .conftest import NOW, Harness
from .test_difference_rules import Writer, dictionary, name, update
from .test_time import TimeHarness, timed

assert timed  # a fixture

FILE = Path(__file__).parent.parent.parent / "docs" / "report.schema.json"
SHAPE = TypeAdapter(Report)
FORMAT = SubIndication.FORMAT_FAILURE
CASES = ["right", "refused", "undecided", "malformed", "without trust", "without directory"]


def schema() -> str:
    shape = {"$schema": "https://json-schema.org/draft/2020-12/schema", "$id": SCHEMA, **SHAPE.json_schema()}
    return json.dumps(shape, ensure_ascii=False, indent=1, sort_keys=True) + "\n"


def _report(harness: Harness, case: str) -> Report:
    return {
        "right": lambda: harness.judge(harness.signed),
        "refused": lambda: harness.judge(TAMPERS["signature_value_changed"].apply(harness.signed)),
        "undecided": lambda: harness.judge(harness.signed, revocation=RevocationLists()),
        "malformed": lambda: harness.judge(b"x"),
        "without trust": lambda: harness.judge(harness.signed, trust=None),
        "without directory": lambda: harness.judge(harness.signed, directory=None),
    }[case]().report


def test_the_schema_in_the_docs_is_the_one_of_the_code() -> None:
    """Changed on purpose? ``python -m tests.validator.test_report`` writes it; then describe it in docs/report.md."""
    assert FILE.read_text(encoding="utf-8") == schema()


@pytest.mark.parametrize("case", CASES)
def test_reports_have_that_shape(harness: Harness, case: str) -> None:
    report = _report(harness, case)
    assert SHAPE.validate_json(json.dumps(report.as_json())) == report


def test_fields_of_the_first_schema_stay() -> None:
    """Names that other systems read; a field may be added, none of these may go."""
    properties = SHAPE.json_schema()["properties"]
    assert set(properties) >= {
        "document_sha256", "document_bytes", "sender", "declared_copy", "verified_at", "integrity", "trusted",
        "verdict", "label", "reason", "detail", "step", "signatures", "notes", "policy_version", "directory_version",
        "trust_version", "roots", "revocation_version", "pyhanko_version", "checks", "holds_until", "schema",
    }  # fmt: skip


def _without_rules(report: Any) -> Any:
    """As releases before ``rule`` wrote it."""
    newer = {
        "rule",
        "rules",
        "changes",
        "chain_subjects",
        "kept",
        "broken_rules",
        "revoked_by",
        "tried",
        "tried_subjects",
    }
    if isinstance(report, dict):
        return {key: _without_rules(value) for key, value in report.items() if key not in newer}
    return [_without_rules(each) for each in report] if isinstance(report, list) else report


@pytest.mark.parametrize("case", CASES)
def test_older_reports_are_still_read(harness: Harness, case: str) -> None:
    report = _report(harness, case)
    older = SHAPE.validate_json(json.dumps(_without_rules(report.as_json())))
    assert older.rule is None
    assert page([("a.pdf", older)])
    assert _without_rules(older.as_json()) == _without_rules(report.as_json())


@pytest.mark.parametrize("name", TAMPERS)
def test_the_rule_gives_step_reason_and_sub_indication(harness: Harness, name: str) -> None:
    report = harness.judge(TAMPERS[name].apply(harness.signed)).report
    failed = [each for each in report.signatures if each.rule]
    for each in (report, *failed):
        rule = RULES[each.rule or ""]
        assert rule.step == each.step
        assert each.reason in (rule.reason, Reason.E_PDF_LIMIT)
    assert all(each.sub_indication in (RULES[each.rule or ""].sub_indication, FORMAT) for each in failed)


@pytest.mark.parametrize("name", TAMPERS)
def test_every_failed_step_names_its_rule(harness: Harness, name: str) -> None:
    """Also a step whose fault is not the one that counts: here no list says anything about the signers."""
    report = harness.judge(TAMPERS[name].apply(harness.signed), revocation=RevocationLists()).report
    for each in report.signatures:
        failed = {int(RULES[number].step) for number in each.broken_rules}
        assert each.rule in each.broken_rules
        assert not failed & set(each.checks)
        applicable = set(range(4, 9)) if each.judged_at else {4, 5} if each.revision is not None else {each.step}
        assert failed & applicable == applicable - set(each.checks)


def _odd_ca(authority: Authority) -> Identity:
    """A CA with a critical extension that nobody knows."""
    unknown = x509.UnrecognizedExtension(x509.ObjectIdentifier("1.2.3.4"), b"\x05\x00")
    return authority.sub_ca("Sub", extensions=[(unknown, True)])


@pytest.mark.parametrize(
    ("make", "after", "rule", "says"),
    [
        (_odd_ca, timedelta(0), "6.6", "A: CA extension 1.2.3.4 not supported: CN=Sub"),
        (lambda authority: authority.sub_ca("Sub"), 19 * YEAR, "6.4b", "A: certificate expired"),
    ],
)
def test_a_chain_that_does_not_hold_is_named_and_kept(
    harness: Harness, make: Callable[[Authority], Identity], after: timedelta, rule: str, says: str
) -> None:
    """Nobody could decide again by a refusal that names no certificate."""
    authority = harness.city.authority
    above = make(authority)
    seal = authority.issue_under(above, "Cơ quan")
    trust = TrustStore([authority.root.der], [authority.issuing.der, above.der])
    report = harness.judge(sign(harness.letter, seal, NOW, field="A"), trust=trust, now=NOW + after).report
    (signature,) = report.signatures
    assert signature.rule == rule
    assert signature.detail.startswith(says)
    assert not signature.chain
    assert signature.tried[:2] == (seal.sha256, above.sha256)
    assert signature.tried[-1] == authority.root.sha256
    assert len(signature.tried_subjects) == len(signature.tried)
    assert set(signature.tried[1:]) <= report.evidence
    assert above.sha256 in page([("a.pdf", report)])
    assert SHAPE.validate_json(json.dumps(report.as_json())) == report


def test_a_third_party_decides_the_same(harness: Harness) -> None:
    report = _report(harness, "right")
    again = harness.judge(harness.signed, now=report.verified_at).report
    assert again.as_json() == report.as_json()
    assert report.checks == tuple(range(1, 12))
    assert all(each.checks == (4, 5, 6, 7, 8) for each in report.signatures)
    assert all(len(each.statuses) == len(each.chain) - 1 for each in report.signatures)
    assert report.holds_until == NOW + timedelta(days=7)


@pytest.mark.parametrize("case", CASES)
def test_the_page_for_people(harness: Harness, case: str) -> None:
    report = _report(harness, case)
    text = page([("a<b>.pdf", report)])
    assert "a&lt;b&gt;.pdf" in text
    assert {Verdict.VALID: "ợp lệ", Verdict.REFUSED: "KHÔNG HỢP LỆ", Verdict.UNDECIDED: "CHƯA KẾT LUẬN"}[
        report.verdict
    ].casefold() in text.casefold()
    assert report.document_sha256 in text


def _texts(value: Any) -> Iterator[str]:
    if isinstance(value, dict | list):
        for each in value.values() if isinstance(value, dict) else value:
            yield from _texts(each)
    elif isinstance(value, str):
        yield value


def test_no_text_of_a_report_is_longer_than_people_read(harness: Harness, monkeypatch: pytest.MonkeyPatch) -> None:
    """A name of many megabytes, which packs into a small file, would fill memory, database and report."""
    monkeypatch.setattr(report_builder, "subject_text", lambda _: "x" * 100_000)
    long_name = sign(harness.letter, harness.sender.seal, NOW, field="Ký" * 50_000)
    broken = TAMPERS["one_byte_flipped"].apply(long_name)
    for document in (long_name, broken):
        report = harness.judge(document).report
        assert max(map(len, _texts(report.as_json()))) == LONGEST_TEXT
    assert report.detail.startswith("KýKý")


def test_no_more_signatures_are_named_than_a_file_may_have(harness: Harness) -> None:
    """Where they cannot be located."""

    def add(writer: Writer) -> None:
        listed = writer.root["/AcroForm"]["/Fields"]
        value = listed[0].raw_get("/V")
        for number in range(30):
            title = generic.TextStringObject(f"S{number}")
            listed.append(writer.add_object(dictionary(FT=name("/Sig"), T=title, V=value)))
        writer.update_container(listed)

    report = harness.judge(update(harness.signed, add)).report
    assert report.rule == "3.1"
    assert len(report.signatures) == DEFAULT.max_signatures


def test_every_word_has_a_vietnamese_one() -> None:
    for words in (LABELS, INTEGRITY, INDICATIONS, ROLES, KINDS, NOTES):
        kinds = {type(key) for key in words}
        assert set(words) == set(next(iter(kinds)))
    assert set(STEPS) >= set(range(1, 12))


# What an expert witness follows


def test_the_rules_that_hold_are_named(harness: Harness) -> None:
    report = _report(harness, "right")
    assert {"1.2", "2.1", "3.5", "3.12", "9.1a", "10.1"} <= set(report.rules)
    assert not {number for number in report.rules if RULES[number].step in (4, 5, 6, 7, 8)}
    for each in report.signatures:
        assert {"4.1", "5.7", "5.8", "6.1", "6.3", "7.3", "7.4"} <= set(each.rules)
        assert not {"4.4", "6.8", "8.4"} & set(each.rules)  # asked of time stamps


@pytest.mark.parametrize("name", TAMPERS)
def test_no_rule_of_a_step_that_does_not_hold_is_claimed(harness: Harness, name: str) -> None:
    report = harness.judge(TAMPERS[name].apply(harness.signed)).report
    for each in report.signatures:
        assert {RULES[number].step for number in each.rules} <= set(each.checks)
        assert each.rule not in each.rules
    assert report.rule not in report.rules


def test_every_change_has_its_rule(harness: Harness) -> None:
    """All objects that an update wrote after the first signature, each once, by the rule that allowed it."""
    document = add_validation_data(harness.signed, [harness.sender.seal], [])
    report = harness.judge(document).report
    assert report.verdict is Verdict.VALID
    reader = PdfFileReader(io.BytesIO(document))
    for revision in (2, 3):
        changes = [each for each in report.changes if each.revision == revision]
        written = reader.xrefs.explicit_refs_in_revision(revision)
        assert sorted(number for each in changes for number in each.objects) == sorted(each.idnum for each in written)
        assert all(each.object_count == len(each.objects) for each in changes)
    rules = {(each.revision, each.rule) for each in report.changes}
    assert (2, ChangeRule.FORM) in rules
    assert (3, ChangeRule.VALIDATION_DATA) in rules
    assert (3, ChangeRule.FORM) not in rules


def test_where_lists_are_kept(harness: Harness, tmp_path: Path) -> None:
    harness.city.write_trust(tmp_path)
    trust, lists = load(tmp_path)
    report = harness.judge(harness.signed, trust=trust, revocation=lists).report
    used = [status for each in report.signatures for status in each.statuses]
    assert used
    for each in used:
        ((_, der),) = blocks((tmp_path / each.kept).read_bytes(), LIST, DEFAULT.cms)
        assert hashlib.sha256(der).hexdigest() == each.sha256
    times = {"this_update": NOW, "next_update": NOW + timedelta(days=7)}
    crls = [harness.city.authority.crl(issuer, **times) for issuer in ("root", "issuing")]
    embedded = add_validation_data(harness.signed, [harness.sender.seal], crls)
    report = harness.judge(embedded, revocation=RevocationLists()).report
    assert {status.kept for each in report.signatures for status in each.statuses} == {"document"}


# Reports of older releases

STORED = json.loads((Path(__file__).parent / "reports" / "trunk-report-1.json").read_text(encoding="utf-8"))
"""As the release before ``trunk-report-2`` wrote them."""


@pytest.mark.parametrize("case", STORED)
def test_reports_of_the_first_schema_are_read(case: str) -> None:
    stored = STORED[case]
    assert stored["schema"] == "trunk-report-1"
    report = SHAPE.validate_json(json.dumps(stored))
    again = report.as_json()
    assert {key: again[key] for key in stored if key != "signatures"} == {
        key: value for key, value in stored.items() if key != "signatures"
    }
    for old, new in zip(stored["signatures"], again["signatures"], strict=True):
        assert {key: new[key] for key in old if key not in ("statuses", "time_stamps")} == {
            key: value for key, value in old.items() if key not in ("statuses", "time_stamps")
        }
    assert stored["document_sha256"] in page([("a.pdf", report)])


if __name__ == "__main__":
    FILE.write_text(schema(), encoding="utf-8")


@pytest.mark.parametrize("zone", [VIETNAM, timezone(timedelta(hours=-12)), None])
def test_times_at_the_ends_of_the_calendar_are_shown(harness: Harness, zone: tzinfo | None) -> None:
    """A claim may say anything, and a list that is in force for ever ends on 9999-12-31."""
    report = _report(harness, "right")
    for at in (datetime.max.replace(tzinfo=UTC), datetime.min.replace(tzinfo=UTC)):
        assert in_zone(at, zone) == at
        (first, *others) = report.signatures
        statuses = tuple(replace(each, next_update=at) for each in first.statuses)
        odd = replace(report, signatures=(replace(first, signing_time=at, statuses=statuses), *others))
        assert page([("a.pdf", odd)])


def test_a_revocation_is_proved_by_the_list_that_says_so(harness: Harness) -> None:
    """It is named and kept like the lists of a valid document, wherever it comes from."""
    seal, authority = harness.sender.seal, harness.city.authority
    entries = [Revocation(seal.certificate.serial_number, NOW - timedelta(days=1))]
    times = {"this_update": NOW, "next_update": NOW + timedelta(days=7)}
    crl = authority.crl("issuing", revoked=entries, number=2, **times)
    root_list = authority.crl("root", **times)
    lists = [("new.crl", crl), ("root.crl", root_list)]
    held = harness.judge(
        harness.signed, revocation=RevocationLists(authentic_crls(harness.trust.authorities, lists, DEFAULT))
    )
    brought = harness.judge(add_validation_data(harness.signed, [], [crl]))
    for report, place in ((held.report, "crls/new.crl"), (brought.report, "document")):
        assert report.reason is Reason.E_SIG_REVOKED
        first, last = report.signatures
        assert last.revoked_by is not None
        assert (first.revoked_by, last.revoked_by.kept) == (None, place)
        assert last.revoked_by.sha256 == hashlib.sha256(crl).hexdigest()
        assert (last.revoked_by.sha256 in report.evidence) is (place != "document")
        assert last.revoked_by.signer_sha256 == authority.issuing.sha256
        assert last.revoked_by.sha256 in page([("a.pdf", report)])
        assert "Đã bị thu hồi" in page([("a.pdf", report)])


def test_the_list_that_revokes_an_authority_for_time_is_named_and_kept(timed: TimeHarness) -> None:
    entries = [Revocation(timed.tsa.identity.certificate.serial_number, NOW - timedelta(days=1))]
    crls = [timed.crls()[0], *timed.crls(revoked=entries)[1:]]
    report = timed.judge(timed.stamped, NOW + timedelta(hours=2), crls).report
    sha256 = hashlib.sha256(crls[1]).hexdigest()
    stamps = [stamp for each in report.signatures for stamp in each.time_stamps]
    assert {stamp.revoked_by.sha256 for stamp in stamps if stamp.revoked_by} == {sha256}
    assert sha256 in report.evidence
    assert page([("a.pdf", report)]).count("theo CRL") == 2


def test_nothing_is_claimed_about_revocation_where_there_is_no_chain(harness: Harness) -> None:
    """An expired certificate, or one of nobody we know: no list was looked at."""
    foreign = TrustStore([harness.city.foreign.root.der])
    for changes in ({"now": NOW + 9 * YEAR}, {"trust": foreign}):
        report = harness.judge(harness.signed, **changes).report
        for each in report.signatures:
            assert (each.chain, each.statuses) == ((), ())
            assert {5, 8} <= set(each.checks)
            assert not {6, 7} & set(each.checks)
            assert not {number for number in each.rules if RULES[number].step in (6, 7)}
        assert not {6, 7} & set(report.checks)


def test_who_signed_a_list_is_kept_where_it_is_no_part_of_the_chain(harness: Harness) -> None:
    """The CA has a second key, and signs its lists with that alone."""
    authority = harness.city.authority
    other = authority.sub_ca(f"{authority.name} Issuing")
    trust = TrustStore([authority.root.der], [authority.issuing.der, other.der])
    times = {"this_update": NOW, "next_update": NOW + timedelta(days=7)}
    lists = [authority.crl("root", **times), authority.crl("issuing", signed_by=other, **times)]
    used = authentic_crls(trust.authorities, [("", der) for der in lists], DEFAULT)
    held = harness.judge(harness.signed, trust=trust, revocation=RevocationLists(used)).report
    embedded = add_validation_data(harness.signed, [], lists)
    brought = harness.judge(embedded, trust=trust, revocation=RevocationLists()).report
    for report in (held, brought):
        assert report.verdict is Verdict.VALID, report.detail
        assert other.sha256 not in {sha256 for each in report.signatures for sha256 in each.chain}
        assert other.sha256 in {status.signer_sha256 for each in report.signatures for status in each.statuses}
        assert other.sha256 in report.evidence
        chains = {status.signer_chain for each in report.signatures for status in each.statuses}
        assert chains == {(), (other.sha256, authority.root.sha256)}
