"""What model calls cost: a table that ships with the package, and a file of the user's that wins over it.

The table (`prices.json`) is made from the data of the `genai-prices` project (MIT) by ``scripts/update_prices.py``.
Using that library itself costs 0.5 s and 70 MiB at start and 180 µs a call, too much to run beside somebody's agents.
Not covered: prices that depend on prompt length, time of day or batch mode; the base price is taken.
"""

from __future__ import annotations

import re
from importlib.resources import files
from pathlib import Path
from typing import Annotated, Any, Final, NamedTuple

import msgspec

from browserwatch.errors import ConfigurationError

PER_MILLION: Final = 1_000_000
MAX_RELEASE_PARTS: Final = 3  # as in name-2025-04-14-preview
# A dated or aliased release costs what its family costs: gpt-4.1-mini-2025-04-14, claude-sonnet-4-5-20250929, …-latest.
_RELEASE: Final = re.compile(r"[-@:](?:latest|preview|\d{4}-\d{2}-\d{2}|\d{8}|\d{2}-\d{2}|\d{3,4})$")


Dollars = Annotated[float, msgspec.Meta(ge=0)]


class Price(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """US dollars for a million tokens."""

    input: Dollars
    output: Dollars
    cache_read: Dollars | None = None
    cache_write: Dollars | None = None


class Usage(NamedTuple):
    """Tokens of one call; `input_tokens` includes the cached ones."""

    input_tokens: int
    output_tokens: int
    cached_tokens: int = 0
    cache_written_tokens: int = 0

    @classmethod
    def of(cls, usage: Any) -> Usage | None:
        """From browser-use's `ChatInvokeUsage`; None when the model reported nothing."""
        if usage is None:
            return None
        return cls(
            int(usage.prompt_tokens or 0),
            int(usage.completion_tokens or 0),
            int(getattr(usage, "prompt_cached_tokens", 0) or 0),
            int(getattr(usage, "prompt_cache_creation_tokens", 0) or 0),
        )


Table = dict[str, dict[str, Price]]


class Prices:
    """Prices by provider and model. A model of an unknown provider is looked up by its name alone."""

    def __init__(self, table: Table, own: Table | None = None) -> None:
        self._own = own or {}
        self._shipped = table
        self._own_by_model, self._shipped_by_model = _by_model(self._own), _by_model(table)
        self._found: dict[tuple[str, str], Price | None] = {}

    @classmethod
    def load(cls, override: Path | None = None) -> Prices:
        """The shipped table, with a user's file over it.

        Args:
            override: JSON ``{"provider": {"model": {"input": 2.5, "output": 10, "cache_read": 1.25}}}`` in US dollars for
                a million tokens; provider names as in the ``provider`` label, or ``*`` for any.

        Raises:
            ConfigurationError: the file can't be read, or is not of that form.
        """
        table = msgspec.json.decode(files("browserwatch").joinpath("prices.json").read_bytes(), type=Table)
        if override is None:
            return cls(table)
        try:
            own = msgspec.json.decode(override.read_bytes(), type=Table)
        except OSError as error:
            raise ConfigurationError(
                f"BROWSERWATCH_PRICES_FILE={override}: can't be read ({error.strerror})."
            ) from None
        except (msgspec.DecodeError, UnicodeDecodeError) as error:
            raise ConfigurationError(
                f"BROWSERWATCH_PRICES_FILE={override}: {error}. Expected"
                ' {"openai": {"gpt-4.1": {"input": 2.0, "output": 8.0}}}, US dollars for a million tokens.'
            ) from None
        return cls(table, own)

    def cost(self, provider: str, model: str, usage: Usage) -> float | None:
        """US dollars for a call; None when the model has no known price."""
        price = self._price(provider, model)
        if price is None:
            return None
        fresh = max(0, usage.input_tokens - usage.cached_tokens)
        cached = price.input if price.cache_read is None else price.cache_read
        dollars = fresh * price.input + usage.cached_tokens * cached + usage.output_tokens * price.output
        if price.cache_write is not None:
            dollars += usage.cache_written_tokens * price.cache_write
        return dollars / PER_MILLION

    def _price(self, provider: str, model: str) -> Price | None:
        key = (provider, model)
        if key not in self._found:
            if len(self._found) >= PER_MILLION // 1000:
                self._found.clear()  # hostile model names must not grow it
            self._found[key] = self._look_up(provider, model)
        return self._found[key]

    def _look_up(self, provider: str, model: str) -> Price | None:
        names = _names(model)
        # A user's price for one provider says nothing of another that has prices of its own.
        own_by_model = {} if provider in self._shipped else self._own_by_model
        own = (self._own.get(provider, {}), self._own.get("*", {}), own_by_model)
        shipped = (self._shipped.get(provider, {}), self._shipped_by_model)
        for tables in (own, shipped):
            for name in names:
                for table in tables:
                    if name in table:
                        return table[name]
        return None


def _by_model(table: Table) -> dict[str, Price]:
    return {model: price for models in reversed(table.values()) for model, price in models.items()}


def _names(model: str) -> list[str]:
    """The model's name as it is, then without its provider, then without its release, the most exact first."""
    found = [model, model.lower().rsplit("/", 1)[-1]]
    for _ in range(MAX_RELEASE_PARTS):
        found.append(_RELEASE.sub("", found[-1]))
    return found
