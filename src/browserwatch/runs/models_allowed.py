"""Which model a run gets: the server's choice, or one of those that the server lets callers choose."""

from __future__ import annotations

import asyncio

from browserwatch.agents.messages import Model
from browserwatch.errors import ConfigurationError
from browserwatch.pricing import Prices, Usage
from browserwatch.runs.errors import InvalidRequestError
from browserwatch.settings import PREFIX, ServiceSettings
from browserwatch.settings.service import LLM_PROVIDERS


class ModelChoice:
    """The models of the settings.

    Args:
        settings: the default model, how to reach it, and which others a run may ask for.
        prices: what they cost, for those who want to keep a budget.
    """

    def __init__(self, settings: ServiceSettings, prices: Prices) -> None:
        self._settings = settings
        self._prices = prices
        self._default = (settings.llm_provider, settings.llm_model)
        self._allowed = _by_name([self._default, *map(self._parse, settings.llm_allowed)])

    async def choose(self, wanted: str | None, budget: float | None) -> Model:
        """The model for a run.

        Raises:
            InvalidRequestError: the model is not allowed, or has no price to keep the budget by.
            ConfigurationError: the file with the API key can't be read.
        """
        if wanted is not None and wanted not in self._allowed:
            raise InvalidRequestError("model", f"not among those allowed: {', '.join(self.names)}")
        provider, name = self._default if wanted is None else self._allowed[wanted]
        if budget is not None and self._prices.cost(provider, name, Usage(0, 0)) is None:
            raise InvalidRequestError(
                "budget_usd", f"{name} has no known price to keep a budget by; add one to {PREFIX}PRICES_FILE"
            )
        if provider != self._settings.llm_provider:
            # Address and key are those of the default's provider; another's SDK reads its own variables.
            return Model(provider=provider, name=name)
        return Model(provider=provider, name=name, base_url=self._settings.llm_base_url, api_key=await self._api_key())

    @property
    def names(self) -> tuple[str, ...]:
        """The models that a run may ask for, as ``provider/model``, the default first."""
        return tuple(dict.fromkeys(f"{provider}/{name}" for provider, name in self._allowed.values()))

    def _parse(self, item: str) -> tuple[str, str]:
        provider, slash, name = item.partition("/")
        # Model names may have a slash of their own (openrouter's do), so a provider must be known.
        return (provider, name) if slash and provider in LLM_PROVIDERS else (self._settings.llm_provider, item)

    async def _api_key(self) -> str | None:
        if self._settings.llm_api_key is not None:
            return self._settings.llm_api_key.get_secret_value()
        path = self._settings.llm_api_key_file
        if path is None:
            return None
        try:
            # Anew for each run, so that a rotated key is used at once. In a thread: it may be on a network's disk.
            return (await asyncio.to_thread(path.read_text, encoding="utf-8")).strip()
        except OSError as error:
            raise ConfigurationError(f"{PREFIX}LLM_API_KEY_FILE={path}: can't be read ({error.strerror})") from None
        except UnicodeDecodeError:
            raise ConfigurationError(f"{PREFIX}LLM_API_KEY_FILE={path}: is not text") from None


def _by_name(models: list[tuple[str, str]]) -> dict[str, tuple[str, str]]:
    """Models by ``provider/model``, and by ``model`` alone, which of several is the first."""
    found: dict[str, tuple[str, str]] = {}
    for provider, name in models:
        found[f"{provider}/{name}"] = (provider, name)
        found.setdefault(name, (provider, name))
    return found
