"""Entries and their leaves: what a leaf commits to, and that it tells nothing."""

import hashlib
import hmac
import json
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from common.domain.names import Lane, PackageKind
from common.facts import BaseFact, NoticeAccepted, ObjectRef, PackageRepeated
from common.ledger import SALT_BYTES, Entry, Link, chained_key, entry_key, entry_of, new_entry, new_salt, row_of
from common.tlog.tiles import MAX_ENTRY_BYTES
from tests.harness.chained import chained_row, linked

AT = datetime(2026, 11, 22, 8, 30, 0, 123456, tzinfo=UTC)
SALT = bytes(range(SALT_BYTES))
ABOUT: dict[str, Any] = {
    "event_id": "p:1:1",
    "occurred_at": AT,
    "subject": "d" * 32,
    "package_id": "p" * 32,
    "sender": "000.00.14.H29",
    "document_id": "000.00.14.H29,2026/11/22,15/TB",
    "kind": PackageKind.STATUS,
    "lane": Lane.NORMAL,
    "submitted_at": AT,
}


def ref(sha256: str) -> ObjectRef:
    return ObjectRef(bucket="content", key="k", sha256=sha256, size_bytes=705)


NOTICE = NoticeAccepted(**ABOUT, package=ref("a" * 64), envelope=ref("b" * 64))
REPEATED = PackageRepeated(**ABOUT, accepted=True)


def entry(fact: BaseFact = NOTICE, salt: bytes = SALT) -> Entry:
    return new_entry(fact, AT, salt)


def test_the_leaf_is_what_the_documentation_says() -> None:
    """An auditor's own program, which knows HMAC and JSON, must come to the same."""
    original = entry()
    content = json.dumps(
        {
            "subject": "d" * 32,
            "event_id": "p:1:1",
            "fact": "notice.accepted",
            "recorded_at": "2026-11-22T08:30:00.123+00:00",
            "body": original.body,
        },
        sort_keys=True,
        separators=(",", ":"),
    )
    commitments = [
        hmac.new(SALT, b"entry\0" + content.encode(), hashlib.sha256).hexdigest(),
        hmac.new(SALT, b"package\0" + b"a" * 64, hashlib.sha256).hexdigest(),
    ]
    assert original.leaf().decode() == (
        '{"entry":"%s","format":"trunk-entry/1","package":"%s"}' % tuple(commitments)  # noqa: UP031
    )
    assert original.leaf_hash() == hashlib.sha256(b"\0" + original.leaf()).hexdigest()


def test_bytes_that_travel_with_a_reference_are_not_recorded() -> None:
    """Rows of the ledger stay for ever; the digest says which bytes they were."""
    package = NOTICE.package.model_copy(update={"packed": b"words of its writer"})
    assert entry(NOTICE.model_copy(update={"package": package})) == entry()


def test_every_leaf_has_the_same_length_whatever_it_stands_for() -> None:
    """One without a package cannot be told from one with a package, nor a long fact from a short one."""
    lengths = {
        len(entry(fact).leaf()) for fact in (NOTICE, REPEATED, REPEATED.model_copy(update={"detail": "x" * 600}))
    }
    assert lengths == {178}
    assert lengths.pop() < MAX_ENTRY_BYTES


@pytest.mark.parametrize(
    "change",
    [
        {"subject": "e" * 32},
        {"event_id": "p:1:2"},
        {"fact": "document.verified"},
        {"recorded_at": AT + timedelta(seconds=1)},
        {"body": entry().body.replace("14.H29", "15.H29")},
        {"salt": bytes(SALT_BYTES)},
        {"link": Link(1, "0" * 64, "1" * 64)},
    ],
    ids=lambda change: next(iter(change)),
)
def test_every_part_of_an_entry_is_committed_to(change: dict[str, Any]) -> None:
    assert replace(entry(), **change).leaf() != entry().leaf()


@pytest.mark.parametrize("part", ["seq", "prev", "hash"])
def test_the_links_of_a_chained_entry_are_committed_to(part: str) -> None:
    original = replace(linked(NOTICE, AT), salt=SALT)
    assert original.link
    other = replace(original.link, **{part: 2 if part == "seq" else "f" * 64})
    assert replace(original, link=other).leaf() != original.leaf()


@given(st.binary(min_size=SALT_BYTES, max_size=SALT_BYTES))
def test_a_leaf_holds_neither_content_nor_a_digest_that_can_be_guessed(salt: bytes) -> None:
    """Nothing that somebody can compute without the salt is in it."""
    original, leaf = entry(salt=salt), entry(salt=salt).leaf().decode()
    values = [
        original.subject,
        original.event_id,
        original.fact,
        original.body,
        *map(str, json.loads(original.body).values()),
        "a" * 64,
    ]
    guesses = {hashlib.sha256(value.encode()).hexdigest() for value in (*values, original.content().decode())}
    assert not [value for value in {*values, *guesses} if len(value) > 3 and value in leaf]


def test_the_package_of_a_fact() -> None:
    assert entry(NOTICE).package_sha256() == "a" * 64
    assert entry(REPEATED).package_sha256() == ""


@pytest.mark.parametrize("salt", [b"", b"short", b"x" * (SALT_BYTES + 1)])
def test_no_leaf_without_a_salt(salt: bytes) -> None:
    with pytest.raises(ValueError, match="salt"):
        entry(salt=salt).leaf()


def test_salts_differ() -> None:
    assert len({new_salt() for _ in range(100)}) == 100


def test_entries_come_back_from_the_database() -> None:
    assert entry_of(row_of(entry())) == entry()
    former = linked(NOTICE, AT)
    assert entry_of(chained_row(former)) == former


def test_keys_of_this_release_are_behind_all_keys_of_a_chain() -> None:
    """An archive of an earlier release looks for the end of a chain by the range of its keys."""
    for event in ("0", "99999999", "9" * 32, "", "a/b", "é"):
        assert chained_key("s", 99_999_999) < entry_key("s", event) < "s0"


@pytest.mark.parametrize(("field", "value"), [("sender", "000.00.15.H29"), ("package_id", "q" * 32)])
def test_another_event_under_the_same_id_is_told(field: str, value: str) -> None:
    assert entry().differs_from(NOTICE) == ""
    assert entry().differs_from(NOTICE.model_copy(update={field: value})) == field
