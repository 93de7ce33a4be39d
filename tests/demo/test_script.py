"""The demo's script keeps its own promises."""

from collections import Counter
from datetime import UTC, datetime

import pytest

from common.domain.names import PackageKind
from common.edxml import parse
from demo.acts import Act
from demo.cases import Kind
from demo.ledger import STATE_AFTER
from demo.script import Script
from mint.city import CLOSED, City, build_city


@pytest.fixture(scope="module")
def city() -> City:
    return build_city(datetime.now(UTC).replace(microsecond=0), kind="p256")


@pytest.fixture(scope="module")
def acts(city: City) -> list[Act]:
    return Script(city, "RUN").acts()


def test_names_and_document_ids_are_distinct(acts: list[Act]) -> None:
    assert [name for name, number in Counter(act.name for act in acts).items() if number > 1] == []
    own = [act.document_id for act in acts if act.kind is Kind.DOCUMENT and act.after is None]
    assert len(own) == len(set(own))


def test_it_is_large_and_varied_enough(acts: list[Act], city: City) -> None:
    documents = [act for act in acts if act.kind is Kind.DOCUMENT]
    assert len(documents) >= 60
    assert len({act.expected.reason for act in documents if act.expected.reason}) >= 10
    units = {act.sender for act in acts} | {unit for act in acts for unit in act.receivers}
    assert set(city.members) <= units
    assert CLOSED not in {act.sender for act in acts}


def test_nobody_writes_to_himself(acts: list[Act]) -> None:
    assert [act.name for act in acts if act.sender in act.receivers] == []


def test_what_comes_later_refers_to_something(acts: list[Act]) -> None:
    names = {act.name for act in acts}
    assert {act.after for act in acts if act.after} <= names
    assert {act.repeats for act in acts if act.repeats} <= names


def test_every_last_word_leads_to_a_state(acts: list[Act]) -> None:
    assert {act.answers[-1] for act in acts if act.answers} <= STATE_AFTER.keys()


def test_another_run_has_other_documents(acts: list[Act], city: City) -> None:
    other = {act.document_id for act in Script(city, "OTHER").acts()}
    assert other.isdisjoint(act.document_id for act in acts)


def test_a_recall_names_what_it_takes_back(acts: list[Act]) -> None:
    import io

    recall = next(act for act in acts if act.name == "recall")
    message = parse(io.BytesIO(recall.make())).message
    assert message.kind is PackageKind.RECALL
    assert message.business.target == recall.document_id  # type: ignore[union-attr]
