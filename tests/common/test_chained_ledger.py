"""The chains of earlier releases: whole as they were written, broken by any change."""

import hashlib
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from common.chained_ledger import GENESIS, Broken, chain, linked_hash
from common.domain.names import Lane, PackageKind
from common.facts import PackageRepeated
from common.ledger import Entry, Link, chained_key, new_entry
from tests.harness.chained import chained, linked

SUBJECT = "d" * 32
AT = datetime(2026, 11, 22, 8, 30, 0, 123456, tzinfo=UTC)


def fact(number: int, subject: str = SUBJECT, detail: str = "") -> PackageRepeated:
    return PackageRepeated(
        event_id=f"p:{number}:1",
        occurred_at=AT,
        subject=subject,
        package_id="p" * 32,
        sender="A.01",
        document_id="1/TB",
        kind=PackageKind.NEW,
        lane=Lane.NORMAL,
        accepted=True,
        detail=detail,
        submitted_at=AT,
    )


def ledger(length: int, subject: str = SUBJECT) -> list[Entry]:
    return chained((fact(number, subject), AT + timedelta(seconds=number)) for number in range(1, length + 1))


def link_of(entry: Entry) -> Link:
    assert entry.link
    return entry.link


def test_the_hash_is_what_the_documentation_of_earlier_releases_says() -> None:
    """Fixed value: an auditor's own program must come to the same."""
    at = datetime(2026, 1, 2, tzinfo=UTC)
    entry = Entry(subject="s", event_id="e", fact="f", recorded_at=at, body='{"đ":1}', salt=b"")
    text = (
        '{"body":"{\\"đ\\":1}","event_id":"e","prev":"' + GENESIS + '",'
        '"recorded_at":"2026-01-02T00:00:00.000+00:00","seq":1,"subject":"s"}'
    )
    assert linked_hash(entry, 1, GENESIS) == hashlib.sha256(text.encode()).hexdigest()


def test_keys_sort_like_numbers() -> None:
    keys = [chained_key(SUBJECT, seq) for seq in (1, 2, 9, 10, 99, 100, 12_345_678)]
    assert keys == sorted(keys)


def test_an_empty_ledger_holds() -> None:
    assert chain(SUBJECT, []) is None


@settings(max_examples=60, deadline=None)
@given(st.integers(1, 12), st.data())
def test_every_change_is_found_at_its_place(length: int, data: st.DataObject) -> None:
    entries = ledger(length)
    assert chain(SUBJECT, entries) is None
    place = data.draw(st.integers(0, length - 1))
    changed = entries[place]
    change: dict[str, Any] = data.draw(
        st.sampled_from(
            [
                {"subject": "e" * 32},
                {"event_id": "other"},
                {"fact": "document.verified"},
                {"recorded_at": changed.recorded_at + timedelta(milliseconds=1)},
                {"body": changed.body.replace("true", "false")},
                {"link": replace(link_of(changed), seq=place + 2)},
                {"link": replace(link_of(changed), prev="1" * 64)},
                {"link": replace(link_of(changed), hash="1" * 64)},
            ]
        )
    )
    tampered = [*entries[:place], replace(changed, **change), *entries[place + 1 :]]
    broken = chain(SUBJECT, tampered)
    assert broken is not None
    assert broken.seq == place + 1


@settings(max_examples=40, deadline=None)
@given(st.integers(2, 12), st.data())
def test_dropping_or_swapping_entries_is_found(length: int, data: st.DataObject) -> None:
    entries = ledger(length)
    place = data.draw(st.integers(0, length - 2))
    dropped = entries[:place] + entries[place + 1 :]
    swapped = [*entries[:place], entries[place + 1], entries[place], *entries[place + 2 :]]
    for tampered in (dropped, swapped):
        broken = chain(SUBJECT, tampered)
        assert broken is not None
        assert broken.seq == place + 1


def test_a_resealed_forgery_breaks_the_entry_after() -> None:
    entries = ledger(3)
    forged = linked(fact(2, detail="forged"), AT, 2, link_of(entries[0]).hash)
    assert chain(SUBJECT, [entries[0], forged, entries[2]]) == Broken(3, "does not follow the entry before")


def test_one_event_twice_is_found() -> None:
    first = linked(fact(1), AT)
    again = linked(fact(1), AT, 2, link_of(first).hash)
    assert chain(SUBJECT, [first, again]) == Broken(2, "event recorded twice")


@pytest.mark.parametrize("subject", ["e" * 32, ""])
def test_anothers_ledger_is_no_answer(subject: str) -> None:
    assert chain(subject, ledger(2)) == Broken(1, "entry of another document")


def test_entries_of_this_release_are_no_part_of_a_chain() -> None:
    first, second = ledger(2)
    assert chain(SUBJECT, [first, new_entry(fact(3), AT, b""), second]) is None
