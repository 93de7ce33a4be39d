"""The decision: what is kept of each kind of fact, under which class and keys."""

import json
from datetime import UTC, datetime

import pytest

from archive.kept import Kept, part_bytes, part_text
from archive.record import Parts, archived, record, retention_class
from archive.retention import read_table
from common.domain.reason import Reason
from common.facts import NoticeAccepted, ObjectRef
from common.ledger import Entry, new_entry, new_salt
from common.objects import PACKAGES, content_ref
from common.packing import packed
from tests.harness.chained import linked

from .conftest import AT, Material, ref_of

TABLE = read_table()
MATERIAL = Material()
ATTACHMENTS: tuple[ObjectRef, ...] = tuple(ref_of(data) for data in MATERIAL.files)


def entry_of(fact: Kept, at: datetime = AT) -> Entry:
    return new_entry(fact, at, new_salt())


@pytest.mark.parametrize(
    ("fact", "parts", "roles", "row"),
    [
        (
            MATERIAL.verified(),
            Parts("Công văn", ATTACHMENTS),
            ["package", "envelope", "report", "attachment", "attachment"],
            "exchanged",
        ),
        (MATERIAL.verified(), Parts("Nghị quyết"), ["package", "envelope", "report"], "directive"),
        (MATERIAL.refused(), Parts(), ["package", "envelope", "report"], "refused"),
        (MATERIAL.refused(Reason.E_SECRET), Parts(), ["report"], "refused"),
        (MATERIAL.turned_away(), Parts(), ["package"], "refused"),
        (MATERIAL.turned_away(with_bytes=False), Parts(), [], "refused"),
        (MATERIAL.turned_away(Reason.E_SECRET), Parts(), [], "refused"),
        (MATERIAL.notice(), Parts(), ["package", "envelope"], "notice"),
    ],
    ids=[
        "valid",
        "valid directive",
        "invalid",
        "invalid, secret",
        "turned away",
        "turned away, no bytes",
        "secret",
        "notice",
    ],
)
def test_what_is_kept(fact: Kept, parts: Parts, roles: list[str], row: str) -> None:
    entry = entry_of(fact)
    decided, copies = record(fact, parts, entry, TABLE)
    assert [copy.target.role for copy in copies] == roles
    assert decided.retention_class == row
    assert decided.verdict == fact.fact
    assert (decided.ledger_seq, decided.ledger_hash) == (0, entry.leaf_hash())
    assert decided.objects == tuple(copy.target for copy in copies)
    for copy in copies:
        assert (copy.target.sha256, copy.target.size_bytes) == (copy.source.sha256, copy.source.size_bytes)


def in_one(fact: Kept) -> Kept:
    """The same of a package that is one object, and whose header and report come with the fact."""
    changes: dict[str, ObjectRef] = {}
    if fact.package:
        changes["package"] = fact.package.model_copy(update={"bucket": PACKAGES, "version_id": "v1"})
    for name in ("envelope", "report"):
        if ref := getattr(fact, name, None):
            changes[name] = ref.model_copy(update={"packed": b"small"})
    return fact.model_copy(update=changes)


@pytest.mark.parametrize(
    ("fact", "is_locked", "enclosed"),
    [
        (MATERIAL.verified(), True, ["envelope", "report"]),
        (MATERIAL.notice(), True, ["envelope"]),
        (MATERIAL.refused(), False, ["envelope", "report"]),
        (MATERIAL.refused(Reason.E_SECRET), False, ["report"]),
        (MATERIAL.turned_away(), False, []),
        (MATERIAL.turned_away(Reason.E_SECRET), False, []),
    ],
    ids=["valid", "notice", "invalid", "invalid, secret", "turned away", "secret"],
)
def test_a_package_that_is_one_object_is_locked_where_it_lies_unless_it_was_refused(
    fact: Kept, is_locked: bool, enclosed: list[str]
) -> None:
    fact = in_one(fact)
    decided, copies = record(fact, Parts("Công văn", ATTACHMENTS), entry_of(fact), TABLE)
    assert [part.role for part in decided.enclosed] == enclosed
    assert [copy.target.role for copy in copies] == (["package"] if is_locked else [])
    for target, source in copies:
        assert (target.bucket, target.key, target.version_id) == (PACKAGES, source.key, "v1")
        assert source == fact.package


def packed_notice() -> NoticeAccepted:
    """A notice that is no object: its bytes and its header come with the fact."""
    parts = {"package": MATERIAL.package_bytes, "envelope": MATERIAL.envelope_bytes}
    return MATERIAL.notice().model_copy(
        update={name: ref_of(data).model_copy(update={"packed": packed(data)}) for name, data in parts.items()}
    )


def test_a_notice_that_is_no_object_stands_in_its_record() -> None:
    fact = packed_notice()
    decided, copies = record(fact, Parts(units=1), entry_of(fact), TABLE)
    assert copies == ()
    assert decided.objects == ()
    assert [(part.role, part.sha256) for part in decided.enclosed] == [
        ("package", fact.package.sha256),
        ("envelope", fact.envelope.sha256),
    ]
    evidence = json.loads(decided.evidence({"package": MATERIAL.package_bytes, "envelope": MATERIAL.envelope_bytes}))
    assert part_bytes("package", evidence["parts"]["package"]) == MATERIAL.package_bytes
    assert part_bytes("envelope", evidence["parts"]["envelope"]) == MATERIAL.envelope_bytes


@pytest.mark.parametrize("data", ["<edXML>Đã xem</edXML>".encode("utf-16"), b"\xff\xfe\0", b""])
def test_a_package_in_whatever_encoding_stands_in_a_record(data: bytes) -> None:
    assert part_bytes("package", part_text("package", data)) == data


def test_the_bytes_of_what_was_refused_stand_in_no_record() -> None:
    """They have an end, and a lock would keep them."""
    fact = MATERIAL.turned_away().model_copy(update={"package": packed_notice().package})
    decided, copies = record(fact, Parts(), entry_of(fact), TABLE)
    assert (copies, decided.objects, decided.enclosed) == ((), (), ())


def test_header_and_report_stand_in_the_record_under_lock() -> None:
    fact = in_one(MATERIAL.verified())
    decided, _ = record(fact, Parts(), entry_of(fact), TABLE)
    enclosed = {"envelope": MATERIAL.envelope_bytes, "report": MATERIAL.report_bytes}
    evidence = json.loads(decided.evidence(enclosed))
    assert {role: text.encode() for role, text in evidence["parts"].items()} == enclosed
    digests = {part["role"]: part["sha256"] for part in evidence["enclosed"]}
    assert digests == {role: ref_of(data).sha256 for role, data in enclosed.items()}
    sealed = decided.sealed("v2", enclosed).evidence_object
    assert sealed
    assert sealed.sha256 == ref_of(decided.evidence(enclosed)).sha256


def test_a_record_whose_parts_are_objects_is_what_it_was_in_the_former_release() -> None:
    fact = MATERIAL.verified()
    decided, _ = record(fact, Parts("Công văn", ATTACHMENTS), entry_of(fact), TABLE)
    evidence = json.loads(decided.evidence())
    assert not {"enclosed", "parts"} & evidence.keys()
    assert not [each for each in evidence["objects"] if "bucket" in each]


@pytest.mark.parametrize(
    "fact", [MATERIAL.verified(), MATERIAL.refused(), MATERIAL.turned_away(), MATERIAL.notice()], ids=lambda f: f.fact
)
def test_the_canary_is_not_locked_for_years(fact: Kept) -> None:
    canary = fact.model_copy(update={"sender": "CANARY.2"})
    assert retention_class(canary, "Nghị quyết", TABLE).lock_years == 1
    assert retention_class(fact, "Nghị quyết", TABLE).lock_years > 1
    without = TABLE.model_copy(update={"canary": ""})
    assert retention_class(canary, "Nghị quyết", without) == retention_class(fact, "Nghị quyết", without)


def test_the_record_of_a_fact_that_an_earlier_release_has_chained() -> None:
    entry = linked(MATERIAL.verified(), AT, 7)
    decided, _ = record(MATERIAL.verified(), Parts(), entry, TABLE)
    assert entry.link
    assert (decided.ledger_seq, decided.ledger_hash) == (7, entry.link.hash)


def test_keys() -> None:
    fact = MATERIAL.verified()
    _, copies = record(fact, Parts("Công văn", ATTACHMENTS), entry_of(fact), TABLE)
    folder = f"{fact.subject}/{fact.package_id}"
    assert [copy.target.key for copy in copies] == [
        f"{folder}/package.edxml",
        f"{folder}/envelope.json",
        f"{folder}/report.json",
        f"{folder}/attachments/1-{ATTACHMENTS[0].sha256}",
        f"{folder}/attachments/2-{ATTACHMENTS[1].sha256}",
    ]


def test_records_that_end_together_share_their_evidence() -> None:
    """A list speaks for thousands of documents; a record that is kept longer has a copy of its own."""
    keys = []
    for material, type_name in ((Material(), "Công văn"), (Material(), "Công văn"), (Material(), "Nghị quyết")):
        fact = material.verified(b"list", b"authority")
        evidence = tuple(content_ref(*each) for each in fact.evidence.items())
        decided, copies = record(fact, Parts(type_name, evidence=evidence), entry_of(fact), TABLE)
        shared = [copy for copy in copies if copy.target.role == "evidence"]
        assert [copy.source for copy in shared] == list(evidence)
        assert all(copy.target.key.endswith(f"{decided.retain_until:%Y}") for copy in shared)
        keys.append([copy.target.key for copy in shared])
    assert keys[0] == keys[1]
    assert not set(keys[0]) & set(keys[2])


def test_the_same_file_attached_twice_is_kept_twice() -> None:
    fact = MATERIAL.verified()
    _, copies = record(fact, Parts("", ATTACHMENTS[:1] * 2), entry_of(fact), TABLE)
    assert len({copy.target.key for copy in copies}) == 5


def test_the_record_is_the_same_whenever_it_is_made() -> None:
    fact = MATERIAL.verified()
    entry = entry_of(fact)
    assert record(fact, Parts(), entry, TABLE)[0].evidence() == record(fact, Parts(), entry, TABLE)[0].evidence()


def test_evidence_names_digests_law_and_ledger_but_nothing_of_the_content() -> None:
    fact = MATERIAL.verified()
    entry = entry_of(fact)
    evidence = json.loads(record(fact, Parts("Công văn", ATTACHMENTS), entry, TABLE)[0].evidence())
    assert evidence["objects"][0]["sha256"] == fact.package.sha256
    assert evidence["label"] == "ORIGINAL"
    assert evidence["policy_version"] == "2026-11"
    assert evidence["legal_basis"]
    assert evidence["retain_until"] == "2036-12-31T16:59:59Z"
    assert evidence["ledger_hash"] == entry.leaf_hash()
    assert "Nguyễn" not in json.dumps(evidence, ensure_ascii=False)


def test_what_is_announced_comes_from_the_saved_record() -> None:
    fact = MATERIAL.verified()
    saved, _ = record(fact, Parts(), entry_of(fact, datetime(2026, 11, 23, tzinfo=UTC)), TABLE)
    announcement = archived(fact, saved)
    assert announcement.event_id == f"{fact.package_id}:document.archived:1"
    assert announcement.occurred_at == datetime(2026, 11, 23, tzinfo=UTC)
    assert (announcement.record_id, announcement.retain_until) == (fact.package_id, saved.retain_until)
    assert (announcement.subject, announcement.lane, announcement.sender) == (fact.subject, fact.lane, fact.sender)
