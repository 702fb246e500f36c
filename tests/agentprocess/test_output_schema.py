"""JSON Schema to what browser-use takes, without a browser."""

from __future__ import annotations

import json
from importlib import import_module
from typing import Any

import pytest
from pydantic import ValidationError

from browserwatch.agents.process.errors import CommandError
from browserwatch.agents.process.output_schema import MAX_NODES, OutputSchema

PRODUCTS: dict[str, Any] = {
    "type": "array",
    "items": {"$ref": "#/definitions/product"},
    "minItems": 1,
    "definitions": {
        "product": {
            "type": "object",
            "properties": {"name": {"type": "string"}, "prices": {"$ref": "#/definitions/a~1b"}},
            "required": ["name"],
            "additionalProperties": False,
        },
        "a/b": {"type": "array", "items": {"type": "number"}},
    },
}


def test_json_schema() -> None:
    """The class's JSON Schema is the caller's, with what it refers to in its place, as browser-use moves it."""
    made = OutputSchema(PRODUCTS).model().model_json_schema()
    assert made["items"]["properties"]["prices"] == {"type": "array", "items": {"type": "number"}}
    assert "$ref" not in json.dumps(made)


def test_validation() -> None:
    """The class takes what the schema allows, and nothing else."""
    output = OutputSchema(PRODUCTS).model()
    assert output.model_validate([{"name": "Chisel", "prices": [9.9]}]).model_dump(mode="json") == [
        {"name": "Chisel", "prices": [9.9]}
    ]
    for wrong in ([], [{"prices": [1]}], [{"name": 1}], [{"name": "x", "more": 1}], {"name": "x"}):
        with pytest.raises(ValidationError):
            output.model_validate(wrong)


def test_within_browser_use() -> None:
    """browser-use's own action for structured output takes the class, and shows the schema to the model."""
    views: Any = import_module("browser_use.tools.views")
    action = views.StructuredOutputAction[OutputSchema(PRODUCTS).model()]
    assert "prices" in json.dumps(action.model_json_schema())
    assert action.model_validate({"success": True, "data": [{"name": "x"}]}).data.root == [{"name": "x"}]


def test_read() -> None:
    """A result is read as JSON when it meets the schema."""
    schema = OutputSchema(PRODUCTS)
    assert schema.read('[{"name": "x"}]') == [{"name": "x"}]
    assert [schema.read(result) for result in (None, "", "no json", "[]", '[{"name": 1}]')] == [None] * 5


@pytest.mark.parametrize(
    ("schema", "part"),
    [
        ({"type": "nonsense"}, "at type"),
        ({"properties": {"a": {"type": 1}}}, "at properties/a/type"),
        ({"$ref": "file:///etc/hostname"}, "only references that begin with #/"),
        ({"$ref": "other.json#/a"}, "only references that begin with #/"),
        ({"$ref": "#/$defs/gone"}, "not in it"),
        ({"$ref": "#/enum/7", "enum": [1]}, "not in it"),
        ({"$defs": {"a": {"items": {"$ref": "#/$defs/a"}}}, "$ref": "#/$defs/a"}, "refers to itself"),
        ({"enum": list(range(MAX_NODES))}, "too large"),
    ],
)
def test_unusable(schema: dict[str, Any], part: str) -> None:
    """A schema that can't be used is refused, and the message says where it is wrong."""
    with pytest.raises(CommandError, match=part) as caught:
        OutputSchema(schema)
    assert caught.value.reason == "llm_invalid_output"


def test_too_deep() -> None:
    """So is one that is nested without end, or grows when references are followed."""
    deep: dict[str, Any] = {}
    for _ in range(60):
        deep = {"items": deep}
    with pytest.raises(CommandError, match="too large"):
        OutputSchema(deep)
    bomb: dict[str, Any] = {"d0": {"type": "string"}}
    for level in range(1, 16):
        reference = {"$ref": f"#/$defs/d{level - 1}"}
        bomb[f"d{level}"] = {"anyOf": [reference, reference]}
    with pytest.raises(CommandError, match="too large"):
        OutputSchema({"$defs": bomb, "$ref": "#/$defs/d15"})
