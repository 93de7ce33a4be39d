"""What the validator tells: verdicts once each, look-ups as the report names them, how old the material is."""

import asyncio
import hashlib
import secrets
from collections.abc import AsyncIterator, Collection
from dataclasses import dataclass, field, replace
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
import pytest_asyncio
from pydantic import SecretStr

from common.buckets import make_missing
from common.clock import loop_time
from common.database import Database
from common.domain.envelope import Attachment, DocumentType, Envelope, Organization, Signer
from common.domain.ids import document_key, event_id, package_id
from common.domain.names import Lane, PackageKind
from common.domain.reason import Reason
from common.envelopes import to_json
from common.facts import BaseFact, DocumentVerified, PackageAccepted
from common.failure import Outage, Transient
from common.objects import Objects, content_ref
from common.settings import ServiceSettings
from mint.pki import Authority
from mint.tamper import TAMPERS
from mint.wrong import WRONGS
from tests.counted import Series, Since, series
from validator import evidence_keeper
from validator.cms.certificate import Certificate
from validator.cms.distribution_points import ALL_REASONS, IssuingPoint, PointName
from validator.cms.general_names import GeneralName, NameForm
from validator.evidence_keeper import EvidenceKeeper
from validator.handlers import Validator
from validator.metrics import record_examination, record_material, record_verdicts, revocation_checks
from validator.pki.revocation_lists import RevocationLists
from validator.pki.served import served_until
from validator.pki.statement import Crl
from validator.pki.trust_folder import read_folder
from validator.pki.trust_store import TrustStore
from validator.report.decision import Decision
from validator.store import Verdicts
from validator.workers.budget import PackageBudget

from .conftest import NOW, SENDER, Harness, revocation_of
from .test_time import KEPT, MADE, TimeHarness, timed

assert timed  # a fixture

COUNTED = (
    "trunk_signature_verdicts_total",
    "trunk_signature_validation_seconds_count",
    "trunk_revocation_checks_total",
    "trunk_documents_rejected_total",
    "trunk_document_stage_seconds_count",
)


def broken(harness: Harness) -> Decision:
    """The content of the first signature was changed under it."""
    return harness.judge(
        TAMPERS[next(name for name in TAMPERS if "digest" in TAMPERS[name].reason.lower())].apply(harness.signed)
    )


def test_verdicts_are_counted_a_signature(harness: Harness) -> None:
    since = Since(*COUNTED)
    record_verdicts(SENDER, [harness.judge(harness.signed)])
    assert since.counted == {("signature_verdicts_total", "valid", ""): 2}


def test_verdicts_of_a_changed_document(harness: Harness) -> None:
    since, decision = Since(*COUNTED), broken(harness)
    record_verdicts(SENDER, [decision])
    assert sum(since.counted.values()) == len(decision.report.signatures)
    assert ("signature_verdicts_total", "invalid", "HASH_FAILURE") in since.counted


def test_an_unsigned_document_has_no_verdict_on_a_signature_but_was_examined(harness: Harness) -> None:
    since, decision = Since(*COUNTED), harness.judge(harness.letter)
    record_verdicts(SENDER, [decision])
    record_examination(SENDER, decision, 0.1, is_remembered=False)
    assert since.counted == {("signature_validation_seconds_count", "invalid", ""): 1}


def test_examinations_go_by_the_answer_about_the_document(harness: Harness) -> None:
    since = Since(*COUNTED)
    record_examination(SENDER, harness.judge(harness.signed), 0.1, is_remembered=False)
    record_examination(SENDER, harness.judge(harness.signed, revocation=RevocationLists()), 0.1, is_remembered=False)
    revoked = WRONGS["signer_revoked"].make(harness.city, SENDER, harness.letter, NOW)
    record_examination(SENDER, harness.judge(revoked), 0.1, is_remembered=False)
    counted = {key: count for key, count in since.counted.items() if "seconds" in key[0]}
    assert counted == {
        ("signature_validation_seconds_count", "valid", ""): 1,
        ("signature_validation_seconds_count", "indeterminate", "TRY_LATER"): 1,
        ("signature_validation_seconds_count", "invalid", "REVOKED_NO_POE"): 1,
    }


def test_look_ups_on_lists(harness: Harness) -> None:
    # Signer and seal, each with its own certificate and that of the issuing CA.
    assert list(revocation_checks(harness.judge(harness.signed))) == [("crl", "good")] * 4


def test_look_ups_that_found_nothing_in_force(harness: Harness) -> None:
    assert set(revocation_checks(harness.judge(harness.signed, revocation=RevocationLists()))) == {("crl", "unknown")}


def test_look_ups_that_found_a_revocation(harness: Harness) -> None:
    document = WRONGS["signer_revoked"].make(harness.city, SENDER, harness.letter, NOW)
    assert sorted(revocation_checks(harness.judge(document))) == [("crl", "good"), ("crl", "good"), ("crl", "revoked")]


def test_look_ups_in_answers_that_the_document_brought_along(timed: TimeHarness) -> None:
    decision = timed.judge(MADE["B-LT with OCSP"](timed), KEPT, crls=timed.crls()[:1])
    assert {("ocsp", "good"), ("crl", "good")} == set(revocation_checks(decision))


def test_remembered_answers_count_as_such(harness: Harness) -> None:
    since = Since(*COUNTED)
    record_examination(SENDER, harness.judge(harness.signed), 0.001, is_remembered=True)
    assert since.counted["revocation_checks_total", "cache", "good"] == 4


def material() -> Series:
    return series("trunk_trust_last_update_timestamp_seconds", "trunk_trust_not_after_timestamp_seconds")


def test_age_of_the_material(harness: Harness) -> None:
    trust, read_at = harness.trust, NOW + timedelta(minutes=5)
    older = revocation_of(harness.city, trust, this_update=NOW - timedelta(days=1))
    both = RevocationLists([*older.crls, *harness.revocation.crls])
    record_material(trust, both, read_at, NOW, NOW)
    (root,), (issuing,) = trust.roots, trust.intermediates
    root_name, issuing_name = (
        each.subject.rfc4514_string().partition("CN=")[2].split(",")[0] for each in (root, issuing)
    )
    update, end = "trust_last_update_timestamp_seconds", "trust_not_after_timestamp_seconds"
    assert material() == {
        (update, "directory"): read_at.timestamp(),
        (update, "trust folder"): NOW.timestamp(),
        (update, f"arl/{root_name}"): NOW.timestamp(),
        (update, f"crl/{issuing_name}"): NOW.timestamp(),
        (end, root_name): root.not_valid_after_utc.timestamp(),
        (end, issuing_name): issuing.not_valid_after_utc.timestamp(),
    }


def test_no_list_and_no_directory_are_told_as_zero(harness: Harness) -> None:
    record_material(harness.trust, RevocationLists(), None, None, NOW)
    assert [value for key, value in material().items() if key[0].startswith("trust_last_update")] == [0, 0, 0, 0]


def test_of_expired_authorities_no_list_is_awaited_but_their_end_is_told(harness: Harness) -> None:
    record_material(harness.trust, harness.revocation, NOW, NOW, NOW + timedelta(days=365 * 60))
    assert [key for key in material() if key[0].startswith("trust_last")] == [
        ("trust_last_update_timestamp_seconds", "directory"),
        ("trust_last_update_timestamp_seconds", "trust folder"),
    ]
    assert len([key for key in material() if key[0].startswith("trust_not_after")]) == 2


def test_until_when_the_newest_lists_are_in_force(harness: Harness) -> None:
    ahead = revocation_of(harness.city, harness.trust, this_update=NOW + timedelta(days=1), number=2)
    lists = RevocationLists([*harness.revocation.crls, *ahead.crls])
    record_material(harness.trust, lists, NOW, NOW, NOW)
    ends = series("trunk_trust_list_end_timestamp_seconds")
    assert {key[1].partition("/")[0] for key in ends} == {"arl", "crl"}
    assert set(ends.values()) == {(NOW + timedelta(days=7)).timestamp()}  # what is dated ahead is not in force yet
    record_material(harness.trust, RevocationLists(), NOW, NOW, NOW)
    assert set(series("trunk_trust_list_end_timestamp_seconds").values()) == {0}


@pytest.mark.parametrize(
    ("odd", "until"),
    [
        ({"is_malformed": True}, timedelta(days=7)),
        ({"obstacle": "critical extension 1.2.3.4"}, timedelta(hours=1)),
        ({"base": 7, "number": 9}, timedelta(days=7)),
        ({"point": IssuingPoint(only_attributes=True)}, timedelta(days=7)),
    ],
)
def test_a_list_that_nobody_may_rely_on_does_not_hide_that_the_last_one_ends(
    harness: Harness, odd: dict[str, Any], until: timedelta
) -> None:
    """One that is not understood takes the place of the last one, so that nobody can be judged any more."""
    month, later = timedelta(days=30), NOW + timedelta(minutes=1)
    odd_lists = [
        replace(crl, sha256=crl.sha256[::-1], this_update=later, next_update=NOW + month, **odd)
        for crl in harness.revocation.crls
    ]
    lists = RevocationLists([*harness.revocation.crls, *odd_lists])
    record_material(harness.trust, lists, NOW, NOW, NOW + timedelta(hours=1))
    ends = series("trunk_trust_list_end_timestamp_seconds")
    assert set(ends.values()) == {(NOW + until).timestamp()}
    updated = {key[1]: value for key, value in material().items() if key[0].startswith("trust_last_update")}
    if "base" not in odd:
        assert set(updated.values()) == {NOW.timestamp()}


def _list(ca: Certificate, days: float, **more: Any) -> Crl:
    fields: dict[str, Any] = {"number": 5, "sha256": f"{days} {more}", "entries": {}, "signers": (ca,)}
    fields |= {"issuer": ca.subject, "this_update": NOW, "next_update": NOW + timedelta(days=days)}
    return Crl(**fields | more)


OF_USERS, OF_CAS = IssuingPoint(only_leaves=True), IssuingPoint(only_authorities=True)
HALF = frozenset({"key_compromise"})
SHARDS = [IssuingPoint(name=PointName(frozenset({GeneralName(NameForm.URI, f"http://{n}/")}))) for n in "ab"]


@pytest.mark.parametrize(
    ("lists", "days"),
    [
        ([(7, {})], 7),
        ([(7, {}), (30, {"number": 6})], 30),
        ([(-1, {}), (30, {"number": 9, "base": 8})], -1),
        ([(-1, {}), (30, {"number": 9, "base": 4})], 30),
        ([(-1, {"point": OF_USERS}), (30, {"number": 9, "point": OF_CAS})], -1),
        ([(30, {"point": OF_CAS})], None),
        ([(7, {"point": IssuingPoint(reasons=HALF)}), (30, {"point": IssuingPoint(reasons=ALL_REASONS - HALF)})], 7),
        ([(7, {"point": IssuingPoint(reasons=HALF)})], 0),
        ([(7, {"point": SHARDS[0]}), (30, {"point": SHARDS[1]})], 7),
        ([(7, {"point": SHARDS[0]}), (30, {})], 30),
        ([(7, {"next_update": None})], None),
        ([], None),
    ],
)
def test_until_when_certificates_of_a_ca_can_be_judged(
    harness: Harness, lists: list[tuple[float, dict[str, Any]]], days: float | None
) -> None:
    """A list that reaches further, and does not speak for them, says nothing of that."""
    (ca,) = harness.trust.intermediates
    served = served_until(ca, [_list(ca, end, **more) for end, more in lists], NOW, authorities=False)
    assert served == (None if days is None else NOW + timedelta(days=days))


def test_authorities_of_one_name_are_told_apart() -> None:
    first, second = (Authority("Cùng tên", now=NOW, kind="p256") for _ in range(2))
    record_material(TrustStore([first.root.der, second.root.der]), RevocationLists(), NOW, NOW, NOW)
    assert len([key for key in material() if key[1].startswith("arl/")]) == 2


# The handler


@dataclass
class Judging:
    """An examiner whose answer is given, and that notes how often it was asked."""

    answer: Decision
    documents: list[bytes] = field(default_factory=list)
    held: dict[str, bytes] | None = None
    """The bytes it has; None = some for everything."""
    needed: list[set[str]] = field(default_factory=list)
    confirmed: int = 0
    stale: Exception | None = None
    """Raised while the directory is not the newest."""

    def package_budget(self) -> PackageBudget:
        return PackageBudget(120.0)

    async def examine(self, document: bytes, *_: Any, **__: Any) -> Decision:
        self.documents.append(document)
        await asyncio.sleep(0.01)
        return self.answer

    async def look(self, *_: Any, **__: Any) -> None:
        return None

    async def confirm_directory(self, judged_by: Collection[str]) -> None:
        assert judged_by == {self.answer.report.directory_version}
        self.confirmed += 1
        if self.stale:
            raise self.stale

    def evidence(self, digests: Collection[str]) -> dict[str, bytes]:
        self.needed.append(set(digests))
        held = dict.fromkeys(digests, b"") if self.held is None else self.held
        return {sha256: der for sha256, der in held.items() if sha256 in digests}


def validating(announcer: "Remembering", objects: Objects, verdicts: Verdicts, examiner: Judging) -> Validator:
    """The handler over real stores."""
    return Validator(announcer, objects, verdicts, examiner, EvidenceKeeper(objects, examiner), 480.0)  # type: ignore[arg-type]


class Remembering:
    """An announcer that remembers."""

    def __init__(self) -> None:
        self.facts: list[BaseFact] = []

    async def announce(self, fact: BaseFact) -> None:
        self.facts.append(fact)


@pytest_asyncio.fixture
async def stores(stack: SimpleNamespace) -> AsyncIterator[tuple[Objects, Verdicts]]:
    settings = ServiceSettings(
        mongo_uri=SecretStr(stack.mongo_uri),
        s3_endpoint=stack.s3_endpoint,
        s3_access_key=SecretStr(stack.s3_access_key),
        s3_secret_key=SecretStr(stack.s3_secret_key),
    )
    objects = Objects(settings)
    make_missing(objects.client)
    database = Database(settings, f"validator_test_{secrets.token_hex(4)}")
    yield objects, Verdicts(database)
    await database.client.drop_database(database._database.name)
    database.client.close()


async def accepted(objects: Objects, document: bytes) -> PackageAccepted:
    """A package with one PDF."""
    document_id = f"{SENDER},2026/07/01,{secrets.token_hex(8)}"
    attachment = Attachment(
        content_id="a1",
        name="1.pdf",
        content_type="application/pdf",
        size_bytes=len(document),
        sha256=hashlib.sha256(document).hexdigest(),
    )
    envelope = Envelope(
        sender=Organization(code=SENDER),
        receivers=(Organization(code="000.00.09.H29"),),
        document_id=document_id,
        number="15",
        notation="TB",
        promulgation_date=date(2026, 7, 1),
        type=DocumentType(name="Công văn"),
        subject="Về việc nghỉ lễ",
        signer=Signer(full_name="Nguyễn Văn A"),
        attachments=(attachment,),
    )
    await objects.put_content(document)
    package = await objects.put_content(secrets.token_bytes(40))
    package_key = package_id(SENDER, package.sha256)
    return PackageAccepted(
        event_id=event_id(package_key, "intake"),
        occurred_at=datetime.now(UTC),
        subject=document_key(SENDER, document_id),
        package_id=package_key,
        sender=SENDER,
        document_id=document_id,
        kind=PackageKind.NEW,
        lane=Lane.NORMAL,
        package=content_ref(package.sha256, package.size_bytes),
        envelope=await objects.put_content(to_json(envelope)),
        submitted_at=datetime.now(UTC),
    )


async def test_a_package_counts_once_however_often_its_fact_comes(
    harness: Harness, stores: tuple[Objects, Verdicts]
) -> None:
    objects, verdicts = stores
    examiner = Judging(harness.judge(harness.signed))
    fact, since = await accepted(objects, harness.signed), Since(*COUNTED)
    replicas = [validating(Remembering(), objects, verdicts, examiner) for _ in range(3)]
    await asyncio.gather(*(replica.verify_document(fact) for replica in replicas))
    await replicas[0].verify_document(fact)
    assert len(examiner.documents) == 3  # all three decided, and one decision was saved
    assert since.counted == {
        ("signature_verdicts_total", "valid", ""): 2,
        ("document_stage_seconds_count", "validated", "normal"): 1,
    }


async def test_a_refused_document_counts_once(harness: Harness, stores: tuple[Objects, Verdicts]) -> None:
    objects, verdicts = stores
    decision = broken(harness)
    validator = validating(Remembering(), objects, verdicts, Judging(decision))
    fact, since = await accepted(objects, harness.signed), Since(*COUNTED)
    for _ in range(2):
        await validator.verify_document(fact)
    rejected = {key: count for key, count in since.counted.items() if key[0] == "documents_rejected_total"}
    assert rejected == {("documents_rejected_total", "validator", decision.report.reason, "document"): 1}


async def test_nothing_is_refused_by_a_directory_that_is_not_the_newest(
    harness: Harness, stores: tuple[Objects, Verdicts]
) -> None:
    objects, verdicts = stores
    stranger = harness.judge(harness.signed, sender=next(code for code in harness.city.members if code != SENDER))
    assert stranger.report.reason is Reason.E_SIG_NOT_BOUND
    announcer, examiner = Remembering(), Judging(stranger, stale=Outage("unit directory", "has changed meanwhile"))
    fact = await accepted(objects, harness.signed)
    with pytest.raises(Outage):
        await validating(announcer, objects, verdicts, examiner).verify_document(fact)
    examiner.answer, examiner.stale = harness.judge(harness.signed), None
    await validating(announcer, objects, verdicts, examiner).verify_document(fact)
    assert [said.fact for said in announcer.facts] == ["document.verified"]
    assert examiner.confirmed == 1, "a document that passes rests on nothing that is missing"


async def test_what_cannot_be_decided_counts_at_each_attempt(
    harness: Harness, stores: tuple[Objects, Verdicts]
) -> None:
    objects, verdicts = stores
    examiner = Judging(harness.judge(harness.signed, revocation=RevocationLists()))
    announcer = Remembering()
    validator = validating(announcer, objects, verdicts, examiner)
    fact, since = await accepted(objects, harness.signed), Since(*COUNTED)
    for _ in range(2):
        with pytest.raises(Transient):
            await validator.verify_document(fact)
    assert since.counted == {("signature_verdicts_total", "indeterminate", "TRY_LATER"): 4}
    assert announcer.facts == [], "it came a moment ago"
    earlier = fact.model_copy(update={"submitted_at": fact.submitted_at - timedelta(hours=1)})
    for _ in range(2):
        with pytest.raises(Transient):
            await validator.verify_document(earlier)
    assert [said.fact for said in announcer.facts] == ["package.waiting"]


async def test_what_a_verdict_rests_on_is_kept(
    harness: Harness, stores: tuple[Objects, Verdicts], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Lists and certificates lie in the object store under their digests (R20), and the fact names them."""
    objects, verdicts = stores
    harness.city.write_trust(tmp_path)
    read = read_folder(tmp_path)
    decision = harness.judge(harness.signed, trust=read.trust, revocation=read.revocation)
    needed = decision.report.evidence
    held = {sha256: der for sha256, der in read.evidence.items() if sha256 in needed}
    assert set(held) == needed
    assert len(needed) == 4  # two lists, root and issuing CA
    examiner = Judging(decision, held=held)
    announcer = Remembering()
    validator = validating(announcer, objects, verdicts, examiner)
    for document in (harness.signed, harness.signed + b" "):
        await validator.verify_document(await accepted(objects, document))
    assert examiner.needed == [needed]
    sizes = {sha256: len(der) for sha256, der in held.items()}
    named = [fact.evidence for fact in announcer.facts if isinstance(fact, DocumentVerified)]
    assert named == [sizes, sizes]
    # Not for ever: a secret package may have brought a list along, and is removed with all of its files.
    later = loop_time() + evidence_keeper.REMEMBERED_SECONDS
    monkeypatch.setattr(evidence_keeper, "loop_time", lambda: later)
    await validator.verify_document(await accepted(objects, harness.signed + b"\n"))
    assert examiner.needed == [needed, needed]
    for sha256, der in held.items():
        assert await objects.get(content_ref(sha256, len(der))) == der


async def test_a_verdict_whose_list_is_gone_is_not_given(harness: Harness, stores: tuple[Objects, Verdicts]) -> None:
    """Nobody could prove it later: the document is judged again by what is in use then."""
    objects, verdicts = stores
    examiner, announcer = Judging(harness.judge(harness.signed), held={}), Remembering()
    validator, fact = validating(announcer, objects, verdicts, examiner), await accepted(objects, harness.signed)
    with pytest.raises(Transient):
        await validator.verify_document(fact)
    assert announcer.facts == []
    assert await verdicts.find(fact.package_id) is None
    examiner.held = None
    await validator.verify_document(fact)
    assert announcer.facts
