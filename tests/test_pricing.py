import json
import math
from importlib.resources import files
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import msgspec
import pytest

from browserwatch.errors import ConfigurationError
from browserwatch.pricing import Price, Prices, Table, Usage
from browserwatch.semantics import PROVIDERS

MILLION = Usage(1_000_000, 1_000_000)


@pytest.fixture(scope="module")
def shipped() -> Prices:
    return Prices.load()


def override(path: Path, content: object) -> Path:
    path = path / "prices.json"
    path.write_text(content if isinstance(content, str) else json.dumps(content), "utf-8")
    return path


def shipped_table() -> Table:
    return msgspec.json.decode(files("browserwatch").joinpath("prices.json").read_bytes(), type=Table)


# --- the shipped table -------------------------------------------------------------------------------------------------
def test_every_price_is_a_price() -> None:
    """No price of the shipped table is negative or no number, and reading a cache costs no more than not."""
    table = shipped_table()
    assert sum(map(len, table.values())) > 500
    for provider, models in table.items():
        for model, price in models.items():
            for value in msgspec.structs.astuple(price):
                assert value is None or (math.isfinite(value) and value >= 0), (provider, model)
            assert price.cache_read is None or price.cache_read <= price.input, (provider, model)


def test_providers_are_label_values() -> None:
    """The table is keyed by the values of the `provider` label, and its models are in lower case."""
    table = shipped_table()
    assert set(table) <= set(PROVIDERS)
    assert all(model == model.lower() for models in table.values() for model in models)


@pytest.mark.parametrize(
    ("provider", "model", "dollars"),
    [
        ("openai", "gpt-4.1", 10.0),
        ("openai", "gpt-4.1-mini", 2.0),
        ("openai", "gpt-4o", 12.5),
        ("anthropic", "claude-sonnet-4-5", 18.0),
        ("anthropic", "claude-opus-4-1", 90.0),
        ("gcp.gemini", "gemini-2.5-pro", 11.25),
    ],
)
def test_known_models(shipped: Prices, provider: str, model: str, dollars: float) -> None:
    """A million tokens each way cost what the provider's price list says."""
    assert shipped.cost(provider, model, MILLION) == pytest.approx(dollars)


@pytest.mark.parametrize(
    "model",
    [
        "gpt-4.1",
        "GPT-4.1",
        "gpt-4.1-2025-04-14",
        "gpt-4.1-2031-01-31",
        "gpt-4.1-20310131",
        "gpt-4.1@20310131",
        "gpt-4.1-latest",
        "gpt-4.1:latest",
        "gpt-4.1-preview",
        "gpt-4.1-01-31",
        "gpt-4.1-001",
        "gpt-4.1-0131",
        "gpt-4.1-preview-2031-01-31",
        "openai/gpt-4.1",
        "openrouter/openai/gpt-4.1",
    ],
)
@pytest.mark.parametrize("provider", ["openai", "openrouter", "other"])
def test_releases_and_prefixes(shipped: Prices, provider: str, model: str) -> None:
    """A release costs what its family costs, whoever sells it, with or without a provider's prefix."""
    assert shipped.cost(provider, model, MILLION) == pytest.approx(10.0)


@pytest.mark.parametrize(
    "model", ["", "/", "-", "gpt", "gpt-4.1-mega", "my-gpt-4.1", "-2031-01-31", "latest", "openai/", "модель"]
)
def test_unknown_models(shipped: Prices, model: str) -> None:
    """A model that is not in the table has no price: it is not guessed from a similar name."""
    assert shipped.cost("openai", model, MILLION) is None


def test_own_price_of_a_provider() -> None:
    """The provider's own price comes before the same model's price elsewhere."""
    prices = Prices({"openai": {"m": Price(1, 1)}, "groq": {"m": Price(2, 2)}})
    assert prices.cost("groq", "m", Usage(1_000_000, 0)) == 2
    assert prices.cost("openai", "m", Usage(1_000_000, 0)) == 1
    assert prices.cost("other", "m", Usage(1_000_000, 0)) == 1


# --- usage -------------------------------------------------------------------------------------------------------------
@pytest.mark.parametrize(
    ("price", "usage", "dollars"),
    [
        (Price(2, 8), Usage(0, 0), 0),
        (Price(2, 8), Usage(10, 1), 28),
        (Price(2, 8), Usage(10, 0, 4), 20),
        (Price(2, 8, 0.5), Usage(10, 0, 4), 14),
        (Price(2, 8, 0), Usage(10, 0, 10), 0),
        (Price(2, 8, 0.5), Usage(3, 0, 4), 2),
        (Price(2, 8, 0.5, 2.5), Usage(10, 0, 4, 2), 19),
        (Price(2, 8, 0.5), Usage(10, 0, 4, 2), 14),
        (Price(0, 0), Usage(10, 10), 0),
    ],
)
def test_cost(price: Price, usage: Usage, dollars: float) -> None:
    """Cached tokens are part of the input and have a price of their own; written ones come on top."""
    assert Prices({"p": {"m": price}}).cost("p", "m", usage) == pytest.approx(dollars / 1_000_000)


def usage(**fields: int | None) -> Any:
    """Like browser-use's `ChatInvokeUsage`."""
    return SimpleNamespace(**{"prompt_tokens": None, "completion_tokens": None, **fields})


@pytest.mark.parametrize(
    ("reported", "expected"),
    [
        (None, None),
        (usage(), Usage(0, 0)),
        (usage(prompt_tokens=3, completion_tokens=2), Usage(3, 2)),
        (usage(prompt_tokens=3, completion_tokens=2, prompt_cached_tokens=1), Usage(3, 2, 1)),
        (
            usage(prompt_tokens=3, completion_tokens=2, prompt_cached_tokens=None, prompt_cache_creation_tokens=None),
            Usage(3, 2, 0, 0),
        ),
        (
            usage(prompt_tokens=3, completion_tokens=2, prompt_cached_tokens=1, prompt_cache_creation_tokens=4),
            Usage(3, 2, 1, 4),
        ),
    ],
)
def test_usage_of(reported: Any, expected: Usage | None) -> None:
    """A number that the provider left out counts as none; no report at all is not the same as zero tokens."""
    assert Usage.of(reported) == expected


# --- a user's file -----------------------------------------------------------------------------------------------------
def test_override_wins(tmp_path: Path) -> None:
    """A price in the user's file replaces the shipped one of that model, and no other."""
    prices = Prices.load(override(tmp_path, {"anthropic": {"claude-sonnet-4-5": {"input": 100, "output": 0}}}))
    assert prices.cost("anthropic", "claude-sonnet-4-5", MILLION) == 100
    assert prices.cost("anthropic", "claude-sonnet-4-5-20250929", MILLION) == 100
    assert prices.cost("anthropic", "claude-sonnet-4-6", MILLION) == 18
    assert prices.cost("gcp.gemini", "claude-sonnet-4-5", MILLION) == 18


def test_override_adds(tmp_path: Path) -> None:
    """Models and providers that the table lacks can be added, for one provider or for any."""
    own = {"house": {"ours": {"input": 1, "output": 2}}, "*": {"anyones": {"input": 3, "output": 4}}}
    prices = Prices.load(override(tmp_path, own))
    assert prices.cost("house", "ours-latest", MILLION) == 3
    for provider in ("house", "openai", "other"):
        assert prices.cost(provider, "acme/anyones", MILLION) == 7
    assert prices.cost("openai", "gpt-4.1", MILLION) == 10


def test_override_of_any_provider_wins(tmp_path: Path) -> None:
    """The user's price for any provider wins over the shipped table like every other price in that file."""
    prices = Prices.load(override(tmp_path, {"*": {"gpt-4.1": {"input": 100, "output": 0}}}))
    assert prices.cost("openai", "gpt-4.1", MILLION) == 100


def test_override_of_a_family_wins(tmp_path: Path) -> None:
    """The user's price of a model holds for its releases, also for those that the shipped table lists by date."""
    prices = Prices.load(override(tmp_path, {"openai": {"gpt-4.1": {"input": 100, "output": 0}}}))
    assert prices.cost("openai", "gpt-4.1-2025-04-14", MILLION) == 100


@pytest.mark.parametrize(
    ("content", "problem"),
    [
        ("", "truncated"),
        ("{", "truncated"),
        ("not json", "malformed"),
        ("[]", "object"),
        ({"openai": []}, "object"),
        ({"openai": {"gpt-4.1": 2}}, "object"),
        ({"openai": {"gpt-4.1": {"input": 2}}}, "output"),
        ({"openai": {"gpt-4.1": {"input": 2, "output": "8"}}}, "output"),
        ({"openai": {"gpt-4.1": {"input": 2, "output": None}}}, "output"),
        ({"openai": {"gpt-4.1": {"input": 2, "output": 8, "cached": 1}}}, "cached"),
        ({"openai": {"gpt-4.1": {"input": -2, "output": 8}}}, "input"),
        ({"openai": {"gpt-4.1": {"input": 2, "output": 8, "cache_write": -1}}}, "cache_write"),
    ],
)
def test_override_of_another_form(tmp_path: Path, content: object, problem: str) -> None:
    """A file of another form is refused, with its variable, its path, what is wrong and what would be right."""
    path = override(tmp_path, content)
    with pytest.raises(ConfigurationError) as caught:
        Prices.load(path)
    message = str(caught.value)
    assert message.startswith(f"BROWSERWATCH_PRICES_FILE={path}: ")
    assert problem in message.partition("Expected {")[0]
    assert '{"openai": {"gpt-4.1": {"input": 2.0, "output": 8.0}}}, US dollars for a million tokens' in message


def test_override_not_utf_8(tmp_path: Path) -> None:
    """A file that is no text is refused like any other of another form."""
    path = tmp_path / "prices.json"
    path.write_bytes(b'{"openai": {"gpt-4.1\xff": {"input": 1, "output": 1}}}')
    with pytest.raises(ConfigurationError, match="BROWSERWATCH_PRICES_FILE="):
        Prices.load(path)


@pytest.mark.parametrize("name", ["missing.json", "."])
def test_override_can_not_be_read(tmp_path: Path, name: str) -> None:
    """A file that is not there is named, with its variable."""
    path = tmp_path / name
    with pytest.raises(ConfigurationError) as caught:
        Prices.load(path)
    assert str(caught.value).startswith(f"BROWSERWATCH_PRICES_FILE={path}: can't be read (")


# --- what is remembered ------------------------------------------------------------------------------------------------
def test_memo_is_bounded(shipped: Prices) -> None:
    """Ten thousand model names do not stay in memory, and known models keep their price meanwhile."""
    for number in range(10_000):
        assert shipped.cost("openai", f"model-{number}x", MILLION) is None
        assert len(shipped._found) <= 1000  # pyright: ignore[reportPrivateUsage]  # what must not grow
    assert shipped.cost("openai", "gpt-4.1", MILLION) == 10


def test_hostile_model_name(shipped: Prices) -> None:
    """A name made of release suffixes alone comes to an end."""
    assert shipped.cost("openai", "x" + "-2031-01-31" * 300, MILLION) is None


def test_hostile_names_end() -> None:
    """A name made of thousands of release suffixes is looked up in no time."""
    assert Prices.load().cost("openai", "x" + "-2025" * 20_000, Usage(1, 1)) is None


def test_own_price_of_another_provider(tmp_path: Path) -> None:
    """A user's price is found by the model's name when the provider has none, as with the shipped table."""
    file = tmp_path / "prices.json"
    file.write_text('{"openai": {"gpt-4.1": {"input": 7, "output": 7}}}')
    assert Prices.load(file).cost("openrouter", "openai/gpt-4.1", Usage(1_000_000, 0)) == 7
