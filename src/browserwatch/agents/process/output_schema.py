"""From a JSON Schema to the pydantic class that browser-use wants for structured output."""

from __future__ import annotations

import json
from typing import Any, Final, cast

from jsonschema import Draft202012Validator, SchemaError
from jsonschema.validators import validator_for
from pydantic import GetJsonSchemaHandler, RootModel, model_validator
from pydantic_core import CoreSchema

from browserwatch.agents.process.errors import CommandError

MAX_NODES: Final = 5000
MAX_DEPTH: Final = 50
REASON: Final = "llm_invalid_output"


class OutputSchema:
    """A caller's schema.

    Args:
        schema: JSON Schema; `$ref` only within itself, and not in circles.

    Raises:
        CommandError: it can't be used; the message says why.
    """

    def __init__(self, schema: dict[str, Any]) -> None:
        self._schema = cast("dict[str, Any]", _Inliner(schema).inline(schema, ()))
        make: Any = validator_for(self._schema, default=Draft202012Validator)
        try:
            make.check_schema(self._schema)
        except SchemaError as error:
            place = "/".join(str(step) for step in error.path) or "its root"
            raise CommandError(REASON, f"output_schema is not a JSON Schema, at {place[:100]}.") from None
        self._validator = make(self._schema)

    def model(self) -> type[RootModel[Any]]:
        """The class, whose JSON Schema is the caller's and which accepts what the caller's schema does."""
        schema, validator = self._schema, self._validator

        class Output(RootModel[Any]):
            @model_validator(mode="after")
            def _check(self) -> Output:
                for error in validator.iter_errors(self.root):
                    raise ValueError(error.message)
                return self

            @classmethod
            def __get_pydantic_json_schema__(
                cls, core_schema: CoreSchema, handler: GetJsonSchemaHandler, /
            ) -> dict[str, Any]:
                return schema

        return Output

    def read(self, result: str | None) -> Any:
        """A result as JSON; None when it is not what the schema asks for."""
        try:
            value = json.loads(result or "")
        except ValueError:
            return None
        return value if self._validator.is_valid(value) else None


class _Inliner:
    """Puts in place of each `$ref` what it refers to, and fetches nothing.

    browser-use sets the schema into one of its own, whose root is another one.
    """

    def __init__(self, root: dict[str, Any]) -> None:
        self._root = root
        self._nodes = 0

    def inline(self, node: Any, within: tuple[str, ...], depth: int = 0) -> Any:
        self._nodes += 1
        if self._nodes > MAX_NODES or depth > MAX_DEPTH:
            raise CommandError(REASON, f"output_schema is too large: at most {MAX_NODES:,} parts, {MAX_DEPTH} deep.")
        if isinstance(node, list):
            return [self.inline(item, within, depth + 1) for item in cast("list[Any]", node)]
        if not isinstance(node, dict):
            return node
        found = cast("dict[str, Any]", node)
        rest = {
            key: self.inline(value, within, depth + 1)
            for key, value in found.items()
            if key not in ("$ref", "$defs", "definitions", "$id")
        }
        if not isinstance(reference := found.get("$ref"), str):
            return rest
        if reference in within:
            raise CommandError(
                REASON, f"output_schema refers to itself ({reference[:100]!r}), which models can't follow."
            )
        return {**self.inline(self._at(reference), (*within, reference), depth + 1), **rest}

    def _at(self, reference: str) -> Any:
        if not reference.startswith("#/"):
            raise CommandError(
                REASON, f"output_schema refers to {reference[:100]!r}; only references that begin with #/ are followed."
            )
        node: Any = self._root
        for step in reference[2:].split("/"):
            key = step.replace("~1", "/").replace("~0", "~")
            try:
                node = cast("list[Any]", node)[int(key)] if isinstance(node, list) else node[key]
            except (LookupError, TypeError, ValueError):
                raise CommandError(
                    REASON, f"output_schema refers to {reference[:100]!r}, which is not in it."
                ) from None
        return node
