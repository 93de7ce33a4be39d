"""What a record says otherwise than the entry that it was made of is named, also where its objects agree with it."""

from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest

from archive.kept import Kept, KeptObject
from archive.record import Parts, Record, record
from archive.retention import read_table
from common.domain.reason import Reason
from common.ledger import Entry, new_entry, new_salt
from common.objects import content_ref
from common.packing import packed
from tests.archive.conftest import AT, Material, ref_of
from trunkctl.archive_entry import difference
from trunkctl.archive_records import read

LIST = b"a revocation list"


def made(fact: Kept) -> tuple[Record, Entry]:
    """As the archive makes them, and the database gives the record back."""
    entry, evidence = new_entry(fact, AT, new_salt()), getattr(fact, "evidence", {})
    found, _ = record(fact, Parts(evidence=tuple(content_ref(*each) for each in evidence.items())), entry, read_table())
    return Record.model_validate(found.model_dump()), entry


def small_notice(what: Material) -> Kept:
    """Its bytes come with the fact."""
    parts = {"package": what.package_bytes, "envelope": what.envelope_bytes}
    return what.notice().model_copy(
        update={name: ref_of(data).model_copy(update={"packed": packed(data)}) for name, data in parts.items()}
    )


FACTS: dict[str, Callable[[Material], Kept]] = {
    "verified": lambda what: what.verified(LIST),
    "refused": lambda what: what.refused(),
    "secret": lambda what: what.refused(Reason.E_SECRET),
    "turned away": lambda what: what.turned_away(),
    "without bytes": lambda what: what.turned_away(with_bytes=False),
    "notice": lambda what: what.notice(),
    "notice that is no object": small_notice,
}


@pytest.mark.parametrize("name", FACTS)
def test_a_record_says_what_its_entry_says(name: str) -> None:
    found, entry = made(FACTS[name](Material()))
    assert difference(found, entry.body) == ""


def other_bytes(role: str) -> Callable[[Record], dict[str, Any]]:
    """Another object in the place of one."""

    def change(found: Record) -> dict[str, Any]:
        return {"objects": tuple(other(each) if each.role == role else each for each in found.objects)}

    def other(kept: KeptObject) -> KeptObject:
        return kept.model_copy(update={"sha256": ref_of(b"other bytes").sha256})

    return change


def without(role: str) -> Callable[[Record], dict[str, Any]]:
    return lambda found: {"objects": tuple(each for each in found.objects if each.role != role)}


CHANGES: dict[str, Callable[[Record], dict[str, Any]]] = {
    "label": lambda _: {"label": "COPY"},
    "policy_version": lambda _: {"policy_version": "2026-12"},
    "verdict": lambda _: {"verdict": "document.refused"},
    "sender": lambda _: {"sender": "000.00.15.H29"},
    "document_id": lambda _: {"document_id": "another"},
    "package_id": lambda _: {"record_id": "f" * 32},
    "submitted_at": lambda found: {"submitted_at": found.submitted_at - timedelta(days=1)},
    "unsigned_annexes": lambda _: {"unsigned_annexes": 3},
    **{role: other_bytes(role) for role in ("package", "envelope", "report", "evidence")},
}


@pytest.mark.parametrize("what", CHANGES)
def test_what_a_record_says_otherwise_is_named(what: str) -> None:
    found, entry = made(Material().verified(LIST))
    assert difference(found.model_copy(update=CHANGES[what](found)), entry.body) == what


@pytest.mark.parametrize("role", ["package", "envelope", "report"])
def test_what_a_record_leaves_out_is_named(role: str) -> None:
    found, entry = made(Material().verified(LIST))
    assert difference(found.model_copy(update=without(role)(found)), entry.body) == role


def test_a_record_of_a_fact_that_ends_in_none_is_named() -> None:
    """It would need no package."""
    found, entry = made(Material().verified())
    accepted = entry.body.replace("document.verified", "package.accepted")
    assert difference(found.model_copy(update={"verdict": "package.accepted"}), accepted) == "verdict"


@pytest.mark.parametrize("body", ["", "[]", "{}", "7", None])
def test_an_entry_that_says_nothing_is_named(body: Any) -> None:
    found, _ = made(Material().verified())
    assert difference(found, body) == "entry"


def test_a_record_under_the_id_of_another_package_is_none() -> None:
    found, _ = made(Material().verified())
    row = found.model_dump()
    assert read({"_id": found.record_id, **row}) == found
    assert read({"_id": "f" * 32, **row}) is None
