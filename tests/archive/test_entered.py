"""A fact that comes again with other content is archived as the ledger has it, so that record and entry agree."""

from datetime import timedelta

import pytest

from archive.entered import as_entered
from archive.kept import Kept
from common.domain.names import Label
from common.domain.reason import Reason
from common.facts import DocumentVerified
from common.ledger import Entry, new_entry, new_salt

from .conftest import AT, Material, ref_of

OTHER = ref_of(b'{"verdict": "valid", "at": "later"}')


def entry_of(fact: Kept) -> Entry:
    return new_entry(fact, AT, new_salt())


def decided_again(first: DocumentVerified, **other: object) -> DocumentVerified:
    return first.model_copy(update={"occurred_at": AT + timedelta(hours=5), **other})


def test_a_fact_that_says_the_same_stays_as_it_came() -> None:
    what = Material()
    for fact in (what.verified(b"list"), what.refused(Reason.E_SECRET), what.turned_away(with_bytes=False)):
        assert as_entered(fact, entry_of(fact)) is fact


def test_a_decision_that_was_made_anew_is_kept_as_it_was_made_first() -> None:
    first = Material().verified(b"list")
    again = decided_again(first, report=OTHER, label=Label.CERTIFIED_COPY, evidence={})
    assert as_entered(again, entry_of(first)) == first


def test_bytes_that_came_with_the_fact_stay_with_it() -> None:
    what = Material()
    first = what.verified()
    first = first.model_copy(update={"report": first.report.model_copy(update={"packed": b"the same"})})
    again = decided_again(first)
    assert as_entered(again, entry_of(first)) == first


def test_where_the_first_bytes_lie_nowhere_the_repeat_is_kept() -> None:
    """They had come with a reference, as these do."""
    first = Material().verified()
    again = decided_again(first, report=OTHER.model_copy(update={"packed": b"others"}))
    assert as_entered(again, entry_of(first)) is again


@pytest.mark.parametrize("body", ['{"fact":"document.verified"}', '{"package":{"sha256":""}}'])
def test_an_entry_of_another_shape_is_not_read(body: str) -> None:
    fact = Material().verified()
    entry = entry_of(fact)
    other = Entry(
        subject=entry.subject,
        event_id=entry.event_id,
        fact=entry.fact,
        recorded_at=entry.recorded_at,
        body=body,
        salt=entry.salt,
    )
    assert as_entered(fact, other) is fact
