"""What both groups of settings share: the prefix, lists in one variable, and errors that name the variable."""

from __future__ import annotations

from collections.abc import Callable
from typing import Final, TypeVar

from pydantic import SecretStr, ValidationError
from pydantic_core import ErrorDetails
from pydantic_settings import BaseSettings

from browserwatch.errors import ConfigurationError

PREFIX: Final = "BROWSERWATCH_"
S = TypeVar("S", bound=BaseSettings)


def split_list(value: object) -> object:
    """The items of a comma-separated list; anything but text is left to pydantic."""
    if isinstance(value, str):
        return tuple(part for part in (piece.strip() for piece in value.split(",")) if part)
    return value


def validated(make: Callable[[], S], kind: type[S]) -> S:
    """The settings that `make` reads.

    Raises:
        ConfigurationError: a variable has a value that can't be used; a secret's value is not repeated.
    """
    try:
        return make()
    except ValidationError as error:
        raise ConfigurationError("\n".join(_explain(item, kind) for item in error.errors())) from None


def _explain(item: ErrorDetails, kind: type[BaseSettings]) -> str:
    if not item["loc"]:
        return item["msg"].removeprefix("Value error, ")
    name = str(item["loc"][0])
    field = kind.model_fields[name]
    shown = "" if "Secret" in str(field.annotation) else f"={item['input']!r}"
    default = field.get_default(call_default_factory=True, validated_data={})
    told = "" if isinstance(default, SecretStr) else f" Default: {default!r}."
    return f"{PREFIX}{name.upper()}{shown}: {item['msg']}.{told}"
