"""Facts of the former release are understood by this one, and facts of this one by the former.

``former_facts.json`` was made by ``record_former_facts.py`` with the code of commit ``6ce2cf4``.
"""

import json
from datetime import datetime
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from jsonschema import Draft202012Validator

from common.domain.reason import Reason
from common.facts import FACT, FACT_TYPES, BaseFact, name_of
from tests.harness.drawn_facts import facts_of

RECORDED: dict[str, Any] = json.loads((Path(__file__).parent / "former_facts.json").read_text(encoding="utf-8"))
FORMER: list[dict[str, Any]] = RECORDED["facts"]
SCHEMAS: dict[str, Any] = RECORDED["schemas"]
KNOWN_THEN = {
    schema["properties"]["fact"]["const"]: name
    for name, schema in SCHEMAS.items()
    if "fact" in schema.get("properties", {}) and "const" in schema["properties"]["fact"]
}
"""Names of schemas by the names of facts."""
REASONS_THEN = [Reason(value) for value in SCHEMAS["Reason"]["enum"]]
EACH_KIND = {name_of(kind): kind for kind in FACT_TYPES if name_of(kind) in KNOWN_THEN}


@pytest.mark.parametrize("number", range(len(FORMER)))
def test_a_fact_of_the_former_release_is_understood(number: int) -> None:
    former = FORMER[number]
    now = json.loads(FACT.validate_json(json.dumps(former)).model_dump_json(exclude_none=True))
    lost = {name for name, value in former.items() if not _is_same(value, now.get(name))}
    assert lost == set()


def test_every_kind_of_the_former_release_was_recorded() -> None:
    assert {fact["fact"] for fact in FORMER} == set(KNOWN_THEN) == set(EACH_KIND)


@pytest.mark.parametrize("name", EACH_KIND)
@settings(max_examples=40, deadline=None, suppress_health_check=list(HealthCheck))
@given(data=st.data())
def test_the_former_release_understands_a_fact(name: str, data: st.DataObject) -> None:
    fact: BaseFact = data.draw(facts_of(EACH_KIND[name], reasons=REASONS_THEN))
    schema = {"$ref": f"#/components/schemas/{KNOWN_THEN[name]}", "components": {"schemas": SCHEMAS}}
    Draft202012Validator(schema).validate(json.loads(fact.model_dump_json(exclude_none=True)))


def test_a_field_that_the_former_release_needs_would_be_missed() -> None:
    name = "package.accepted"
    fact = next(each for each in FORMER if each["fact"] == name)
    schema = {"$ref": f"#/components/schemas/{KNOWN_THEN[name]}", "components": {"schemas": SCHEMAS}}
    assert Draft202012Validator(schema).is_valid(fact)
    assert not Draft202012Validator(schema).is_valid({key: fact[key] for key in fact if key != "sender"})


def _is_same(former: Any, now: Any) -> bool:
    """Equal, or the same time written in another way."""
    if former == now:
        return True
    try:
        return datetime.fromisoformat(former) == datetime.fromisoformat(now)
    except (TypeError, ValueError):
        return False
