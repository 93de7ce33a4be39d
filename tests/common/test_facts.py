"""Facts and the table of their flow: who makes, who takes, and that none exceeds its limit whatever somebody wrote."""

import json
import re
from datetime import UTC, datetime
from types import UnionType
from typing import Any, Literal, Union, get_args, get_origin

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from pydantic import AwareDatetime, BaseModel, TypeAdapter, ValidationError

from common.domain.names import Lane
from common.domain.reason import Reason
from common.facts import (
    FACT,
    FACT_TYPES,
    MAX_EVIDENCE,
    MAX_TARGETS,
    BaseFact,
    MessageParked,
    OperatorRequested,
    PackageAccepted,
    PackageWaiting,
    name_of,
)
from common.facts.base import MAX_PACKED_BYTES, MAX_TEXT, MAX_TEXT_BYTES, cut
from common.facts.flows import FLOWS, OPERATOR, SERVICES, is_entitled, made_by, taken_by
from common.service.outgoing import fact_message
from common.topology import static_topology

from ..harness.drawn_facts import facts_of

WIDE = {"three bytes": "ệ", "four bytes": "😀", "escaped": '"', "control": "\x01"}
"""Characters that take more than a byte in JSON."""
LIMITS = {
    # Anybody may write as much as they like into these, which are cut.
    **dict.fromkeys(("detail", "description", "subject_text", "actor", "origin", "purpose", "outcome"), 50_000),
    # Limits of the field's words, and of AMQP's short strings; a unit's own words are of any characters.
    "document_id": 200,
    **dict.fromkeys(("sender", "receiver", "told", "unit"), 35),
    **dict.fromkeys(("event_id", "package_id", "record_id", "message_event_id"), 255),
}
PLAIN = {"about_event": 255, "user": 255, "queue": 255, "key": 300, "subject": 128, "bucket": 63}
"""Of plain ASCII: ids that the trunk makes, names of the broker and the store."""
IN_PLACE = {"version_id": 255, "packed": MAX_PACKED_BYTES // 3 * 4}
"""Characters of what the former release does not know in a reference."""
FORMER_MAX_BYTES = 16 * 1024

TABLES: dict[str, dict[str, Any]] = {
    "target_packages": {f"{number:032x}": "f" * 32 for number in range(MAX_TARGETS)},
    "evidence": {f"{number:064x}": 2**40 for number in range(MAX_EVIDENCE)},
}


def filled(kind: type[BaseModel], wide: str = "a") -> dict[str, Any]:
    """Values for every field of a model, texts as long as anybody may write them, of one character."""
    return {name: value_for(name, field.annotation, wide) for name, field in kind.model_fields.items()}


def value_for(name: str, annotation: Any, wide: str) -> Any:
    origin = get_origin(annotation)
    if origin is Literal:
        return get_args(annotation)[0]
    if origin in (Union, UnionType):
        return value_for(name, get_args(annotation)[0], wide)
    if origin is dict:
        return TABLES[name]
    if isinstance(annotation, type) and issubclass(annotation, BaseModel):
        return filled(annotation, wide)
    if annotation in (datetime, AwareDatetime):
        return datetime.now(UTC)
    if annotation is bool:
        return True
    if annotation is int:
        return 1_000_000 if name == "count" else 2**40
    if isinstance(annotation, type) and hasattr(annotation, "__members__"):
        return max(annotation, key=len)  # type: ignore[call-overload]
    return wide * LIMITS[name] if name in LIMITS else "a" * (PLAIN | IN_PLACE).get(name, 64)


@pytest.mark.parametrize("wide", WIDE.values(), ids=WIDE.keys())
@pytest.mark.parametrize("kind", FACT_TYPES, ids=name_of)
def test_no_fact_exceeds_its_limit_whatever_somebody_wrote(kind: type[BaseFact], wide: str) -> None:
    fact = kind.model_validate(filled(kind, wide))
    body = fact_message(fact).body
    assert len(body) <= BaseFact.MAX_BYTES
    assert FACT.validate_json(body) == fact


@pytest.mark.parametrize("wide", WIDE.values(), ids=WIDE.keys())
@pytest.mark.parametrize("kind", FACT_TYPES, ids=name_of)
def test_the_former_release_takes_a_fact_whose_references_are_in_its_form(kind: type[BaseFact], wide: str) -> None:
    fact = kind.model_validate(in_former_form(filled(kind, wide)))
    assert len(fact_message(fact).body) <= FORMER_MAX_BYTES


def in_former_form(value: Any) -> Any:
    """Values of a fact without the fields of references that came with this release."""
    if not isinstance(value, dict):
        return value
    return {name: in_former_form(inner) for name, inner in value.items() if name not in IN_PLACE}


@pytest.mark.parametrize("kind", FACT_TYPES, ids=name_of)
def test_the_ledger_records_all_of_a_fact_but_packed_bytes(kind: type[BaseFact]) -> None:
    values = filled(kind)
    recorded = kind.model_validate(values).recorded()
    assert '"packed"' not in json.dumps(recorded)
    assert kind.model_validate(recorded) == kind.model_validate(without_packed(values))


def without_packed(value: Any) -> Any:
    """Values of a fact whose references carry nothing."""
    if not isinstance(value, dict):
        return value
    return {name: None if name == "packed" else without_packed(inner) for name, inner in value.items()}


@pytest.mark.parametrize("kind", FACT_TYPES, ids=name_of)
def test_no_field_of_a_fact_is_a_list(kind: type[BaseFact]) -> None:
    """A list would have no limit here: what comes in numbers lies in an object that the fact names. A table has one."""
    assert not [name for name, field in kind.model_fields.items() if get_origin(field.annotation) in (list, tuple, set)]
    tables = [field for field in kind.model_fields.values() if get_origin(field.annotation) is dict]
    assert all(any(getattr(each, "max_length", None) for each in field.metadata) for field in tables)


@given(st.text(max_size=2_000) | st.text(alphabet="\x01\x1f😀", min_size=300, max_size=1_000))
@settings(max_examples=100, deadline=None)
def test_a_text_is_cut_once_and_keeps_its_beginning(text: str) -> None:
    short = cut(text)
    assert cut(short) == short
    assert len(short) <= MAX_TEXT
    assert len(TypeAdapter(str).dump_json(short)) - len('""') <= MAX_TEXT_BYTES
    assert short == text or (short.endswith("…") and text.startswith(short[:-1]))
    if len(text) <= MAX_TEXT_BYTES // 6:
        assert short == text


def test_the_table_names_every_fact_and_no_other() -> None:
    assert set(FLOWS) == {name_of(kind) for kind in FACT_TYPES}


def test_makers_and_takers_exist() -> None:
    for fact, flow in FLOWS.items():
        assert set(flow.made_by) <= {*SERVICES, OPERATOR}, fact
        assert set(flow.taken_by) <= set(SERVICES), fact
        assert flow.made_by, fact


def test_every_fact_reaches_somebody_besides_the_archive_or_is_for_the_record() -> None:
    for_the_record = {
        "document.recalled",
        "document.superseded",
        "document.archived",
        "package.routed",
        "notification.sent",
        "routing.refused",
        "security.noticed",
    }
    assert {fact for fact, flow in FLOWS.items() if not flow.taken_by} == for_the_record


@pytest.mark.parametrize("service", SERVICES)
def test_bindings_and_topic_permissions_come_from_the_table(service: str) -> None:
    topology = static_topology()
    for lane in Lane:
        keys = {each.key for each in topology.bindings if each.queue == f"facts.{service}.{lane}"}
        assert keys == ({f"#.{lane}"} if service == "archive" else {f"{fact}.{lane}" for fact in taken_by(service)})
    (user,) = [each for each in topology.users if each.name == service]
    (facts,) = [each for each in user.topics if each.exchange == "trunk.facts"]
    allowed = {f"{fact}.{lane}" for fact in FLOWS for lane in Lane if re.search(facts.write, f"{fact}.{lane}")}
    assert allowed == {f"{fact}.{lane}" for fact in made_by(service) for lane in Lane}


def a_fact(kind: type[BaseFact], **fields: Any) -> BaseFact:
    return kind.model_validate(filled(kind) | fields)


@pytest.mark.parametrize("user", [*SERVICES, OPERATOR, "A.01", "guest", "admin", "", None])
def test_only_intake_speaks_of_accepted_packages(user: str | None) -> None:
    assert is_entitled(a_fact(PackageAccepted), user) == (user == "intake")


@pytest.mark.parametrize("user", [*SERVICES, OPERATOR, "A.01", None])
@pytest.mark.parametrize("service", SERVICES)
def test_a_fact_that_all_make_is_each_one_s_own(user: str | None, service: str) -> None:
    assert is_entitled(a_fact(MessageParked, service=service), user) == (user == service)


@pytest.mark.parametrize(
    ("reason", "speaker"), [(Reason.E_REFDOC_AWAITED, "intake"), (Reason.E_SIG_REVOCATION_UNKNOWN, "validator")]
)
def test_for_what_a_package_waits_says_who_speaks(reason: Reason, speaker: str) -> None:
    fact = a_fact(PackageWaiting, reason=reason)
    assert [user for user in (*SERVICES, OPERATOR) if is_entitled(fact, user)] == [speaker]


SHARED = [kind for kind in FACT_TYPES if len(FLOWS[name_of(kind)].made_by) > 1]


@pytest.mark.parametrize("kind", SHARED, ids=name_of)
@settings(max_examples=20, deadline=None)
@given(data=st.data())
def test_no_fact_can_be_the_word_of_two(kind: type[BaseFact], data: st.DataObject) -> None:
    fact = data.draw(facts_of(kind))
    assert sum(is_entitled(fact, user) for user in FLOWS[fact.fact].made_by) <= 1


GENUINE = [
    ("p:verdict:1", "validator"),
    ("p:verdict/waiting/E_SIG_REVOCATION_UNKNOWN/259200:1", "validator"),
    ("p:intake:1", "intake"),
    ("p:intake/security/FOREIGN_SENDER:1", "intake"),
    ("p:waiting/repeated:1", "intake"),
    ("p:placed/000.00.09.H29:1", "router"),
    ("p:superseded/d/000.00.09.H29:1", "router"),
    ("p:routing.refused:1", "router"),
    ("p:finished:1", "archive"),
    ("n:notification.sent:1", "notifier"),
    ("p:placed/000.00.09.H29:1/000.00.09.H29/email:notification.sent:1", "notifier"),
]


@pytest.mark.parametrize(("identifier", "maker"), GENUINE, ids=[identifier for identifier, _ in GENUINE])
@pytest.mark.parametrize("user", SERVICES)
def test_nobody_enters_a_fact_under_the_id_of_another_service_s(identifier: str, maker: str, user: str) -> None:
    """Otherwise the genuine fact, which comes later, would be taken for a forgery."""
    fact = a_fact(MessageParked, service=user, event_id=identifier)
    assert is_entitled(fact, user) == (user == maker)


@pytest.mark.parametrize("identifier", ["r:parked:3", "r:acted/0f:1", "r:a step of a later release:1", "no step"])
@pytest.mark.parametrize("user", SERVICES)
def test_ids_of_no_service_alone_are_free(identifier: str, user: str) -> None:
    assert is_entitled(a_fact(MessageParked, service=user, event_id=identifier), user)


@pytest.mark.parametrize("user", [*SERVICES, OPERATOR, "A.01", None])
def test_only_the_operator_decides(user: str | None) -> None:
    assert is_entitled(a_fact(OperatorRequested, target="router"), user) == (user == OPERATOR)


NOTICED = {
    "fact": "security.noticed",
    "event_id": "e:1",
    "occurred_at": "2026-11-28T10:00:00+07:00",
    "subject": "security",
    "lane": "normal",
    "kind": "FROM_MISMATCH",
    "service": "intake",
    "actor": "A.01",
}


@pytest.mark.parametrize(
    "change",
    [
        {"subject": "security/99999998"},
        {"subject": ""},
        {"subject": "a" * 129},
        {"occurred_at": "2026-11-28T10:00:00"},
        {"event_id": "e" * 256},
        {"count": 0},
        {"count": -5},
        {"count": 10**30},
    ],
    ids=str,
)
def test_what_would_spoil_the_ledger_is_no_fact(change: dict[str, Any]) -> None:
    FACT.validate_python(NOTICED)
    with pytest.raises(ValidationError):
        FACT.validate_python(NOTICED | change)


def test_the_ledger_of_security_events_takes_nothing_else() -> None:
    assert is_entitled(FACT.validate_python(NOTICED), "intake")
    assert not is_entitled(FACT.validate_python(NOTICED | {"subject": "elsewhere"}), "intake")
    parked = MessageParked.model_validate(filled(MessageParked) | {"service": "intake", "subject": "a"})
    assert is_entitled(parked, "intake")
    assert not is_entitled(parked.model_copy(update={"subject": "security"}), "intake")
