"""Every provider of browser-use, made without a network."""

from __future__ import annotations

import importlib.util
from importlib import resources
from typing import Any

import pytest

from browserwatch.agents.messages import Model
from browserwatch.agents.process.errors import CommandError
from browserwatch.agents.process.models import PROVIDERS, Provider, find, open_model

KEY = "sk-test-0123456789abcdef"
URL = "http://127.0.0.1:9/v1"
NEEDS = {"litellm": "litellm", "oci": "oci"}


def model(provider: str, **options: Any) -> Model:
    """A model of a provider, with an address and a key."""
    # browser-use's own takes only names that it knows, or with a provider in them.
    return Model(provider=provider, **{"name": "openai/gpt-4.1-mini", "base_url": URL, "api_key": KEY, **options})


def test_all_of_them() -> None:
    """Every room of browser-use's that has a model has a provider here."""
    rooms = {
        entry.name
        for entry in resources.files("browser_use.llm").iterdir()
        if entry.is_dir() and entry.joinpath("__init__.py").is_file()
    }
    assert rooms <= {provider.module.partition(".")[0] for provider in PROVIDERS.values()} | {"tests"}


@pytest.mark.parametrize("name", PROVIDERS)
async def test_made(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """A provider's class is made with the model's name, address and key, and is the provider that it says."""
    if name in NEEDS and importlib.util.find_spec(NEEDS[name]) is None:
        pytest.skip(f"needs the package {NEEDS[name]}")
    monkeypatch.setenv("OCI_COMPARTMENT_ID", "ocid1.compartment.test")
    async with open_model(model(name)) as made:
        provider = PROVIDERS[name]
        if provider.api_key:
            assert getattr(made, provider.api_key) == KEY
        if provider.base_url:
            assert URL in str(getattr(made, provider.base_url))
        assert "gpt-4.1-mini" in str(getattr(made, provider.model))


@pytest.mark.parametrize("name", [name for name, provider in PROVIDERS.items() if provider.client is not None])
async def test_one_client(name: str) -> None:
    """Where a class takes an HTTP client it gets one for the whole run, which is closed afterwards."""
    async with open_model(model(name)) as made:
        wrapped = PROVIDERS[name].wrapped
        client = getattr(made, wrapped)["http_client"] if wrapped else made.http_client
        assert not client.is_closed
    assert client.is_closed


async def test_no_key(monkeypatch: pytest.MonkeyPatch) -> None:
    """Without a key the provider's own variable counts; without that the error says what to look at, and not the key."""
    monkeypatch.delenv("BROWSER_USE_API_KEY", raising=False)
    with pytest.raises(CommandError, match="is its key set") as caught:
        async with open_model(model("browser-use", api_key=None)):
            pass
    assert caught.value.reason == "llm_error"
    monkeypatch.setenv("BROWSER_USE_API_KEY", KEY)
    async with open_model(model("browser-use", api_key=None)) as made:
        assert made.api_key == KEY


def test_unknown() -> None:
    """A provider that nobody knows is refused with the names of the known."""
    with pytest.raises(CommandError, match=r"'nobody' is not known; known are anthropic,.*vercel"):
        find("nobody")


@pytest.mark.parametrize(
    ("provider", "message"),
    [
        (Provider("openai.chat", "ChatOfTheFuture"), "This browser-use has no ChatOfTheFuture"),
        (Provider("future.chat", "ChatOfTheFuture"), "This browser-use has no ChatOfTheFuture"),
    ],
)
def test_older_browser_use(monkeypatch: pytest.MonkeyPatch, provider: Provider, message: str) -> None:
    """A class that this browser-use does not have is named."""
    monkeypatch.setattr("browserwatch.agents.process.models.PROVIDERS", {"future": provider})
    with pytest.raises(CommandError, match=message):
        find("future")
