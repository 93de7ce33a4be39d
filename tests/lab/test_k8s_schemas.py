"""How schemas of others are made strict and whole."""

import pytest

from lab.k8s_schemas import Schema, closed, self_contained

TEXT = {"type": "string"}


@pytest.mark.parametrize(
    ("schema", "expected"),
    [
        ({"properties": {"a": TEXT}}, {"properties": {"a": TEXT}, "additionalProperties": False}),
        ({"type": "object"}, {"type": "object"}),
        (
            {"properties": {"a": TEXT}, "additionalProperties": TEXT},
            {"properties": {"a": TEXT}, "additionalProperties": TEXT},
        ),
        (
            {"properties": {"a": TEXT}, "x-kubernetes-preserve-unknown-fields": True},
            {"properties": {"a": TEXT}, "x-kubernetes-preserve-unknown-fields": True},
        ),
        (
            {"items": {"properties": {"a": TEXT}}},
            {"items": {"properties": {"a": TEXT}, "additionalProperties": False}},
        ),
        (
            {"properties": {"properties": TEXT}},
            {"properties": {"properties": TEXT}, "additionalProperties": False},
        ),
    ],
    ids=["named", "unnamed", "a map", "said to be open", "inside a list", "a field called properties"],
)
def test_only_what_names_its_keys_is_closed(schema: Schema, expected: Schema) -> None:
    assert closed(schema) == expected


def test_what_is_referred_to_comes_along_by_whatever_way() -> None:
    definitions = {"a": {"$ref": "#/$defs/b"}, "b": {"items": {"$ref": "#/$defs/a"}}, "c": {}}
    whole = self_contained({"$id": "x", "properties": {"p": {"$ref": "#/$defs/a"}}}, definitions)
    assert whole == {
        "properties": {"p": {"$ref": "#/$defs/a"}},
        "$defs": {"a": definitions["a"], "b": definitions["b"]},
    }
