"""From a provider's name to browser-use's class for it: one table."""

from __future__ import annotations

import asyncio
import os
from collections.abc import AsyncGenerator, Callable, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from importlib import import_module
from typing import Any, Final

from browserwatch.agents.messages import Model
from browserwatch.agents.process.errors import CommandError

OPENAI_CLIENT: Final = ("openai", "DefaultAsyncHttpxClient")
PLAIN_CLIENT: Final = ("httpx", "AsyncClient")
CLOSE_SECONDS: Final = 5.0


@dataclass(frozen=True, slots=True)
class Provider:
    """How a class is told what to use.

    Attributes:
        module: where it is, below `browser_use.llm`.
        name: its name.
        model: its parameter for the model's name.
        base_url: its parameter for the address; empty: it has none.
        api_key: its parameter for the key; empty: it has none.
        client: the HTTP client that it can be given; None: it makes its own.
        wrapped: the parameter of parameters that takes the client; empty: the class takes it itself.
        variables: further parameters, from the variables of the provider's own tools.
    """

    module: str
    name: str
    model: str = "model"
    base_url: str = "base_url"
    api_key: str = "api_key"
    client: tuple[str, str] | None = None
    wrapped: str = ""
    variables: Mapping[str, str] = field(default_factory=dict[str, str])


PROVIDERS: Final[Mapping[str, Provider]] = {
    "anthropic": Provider("anthropic.chat", "ChatAnthropic", client=("anthropic", "DefaultAsyncHttpxClient")),
    "anthropic_bedrock": Provider("aws.chat_anthropic", "ChatAnthropicBedrock", base_url="", api_key=""),
    "aws_bedrock": Provider("aws.chat_bedrock", "ChatAWSBedrock", base_url="", api_key=""),
    "azure": Provider("azure.chat", "ChatAzureOpenAI", base_url="azure_endpoint", client=OPENAI_CLIENT),
    "browser-use": Provider("browser_use.chat", "ChatBrowserUse"),
    "cerebras": Provider("cerebras.chat", "ChatCerebras", client=OPENAI_CLIENT, wrapped="client_params"),
    "deepseek": Provider("deepseek.chat", "ChatDeepSeek", client=OPENAI_CLIENT, wrapped="client_params"),
    "google": Provider("google.chat", "ChatGoogle", base_url="http_options"),
    "groq": Provider("groq.chat", "ChatGroq"),
    "litellm": Provider("litellm.chat", "ChatLiteLLM", base_url="api_base"),
    "mistral": Provider("mistral.chat", "ChatMistral", client=PLAIN_CLIENT),
    "oci": Provider(
        "oci_raw.chat",
        "ChatOCIRaw",
        model="model_id",
        base_url="service_endpoint",
        api_key="",
        variables={"compartment_id": "OCI_COMPARTMENT_ID", "provider": "OCI_MODEL_PROVIDER"},
    ),
    "ollama": Provider("ollama.chat", "ChatOllama", base_url="host", api_key=""),
    "openai": Provider("openai.chat", "ChatOpenAI", client=OPENAI_CLIENT),
    "openrouter": Provider("openrouter.chat", "ChatOpenRouter", client=OPENAI_CLIENT),
    "orcarouter": Provider("orcarouter.chat", "ChatOrcaRouter", client=OPENAI_CLIENT),
    "vercel": Provider("vercel.chat", "ChatVercel", client=OPENAI_CLIENT),
}
# Those whose class has a type of its own for the address.
_ADDRESSES: Final[Mapping[str, Callable[[str], Any]]] = {"http_options": lambda url: {"base_url": url}}


@asynccontextmanager
async def open_model(model: Model) -> AsyncGenerator[Any]:
    """browser-use's object for a model, with one HTTP client for the length of the block.

    A class that makes a client for each call never closes it, and one that is collected late can stall a later connection
    (docs/limits.md).

    Raises:
        CommandError: there is no such provider, or its class can't be made; the message says which.
    """
    provider, make = find(model.provider)
    client = _client(provider)
    try:
        yield _make(make, _arguments(provider, model, client), model)
    finally:
        if client is not None:
            async with asyncio.timeout(CLOSE_SECONDS):
                await client.aclose()


def find(name: str) -> tuple[Provider, Callable[..., Any]]:
    """A provider and its class.

    Raises:
        CommandError: nobody knows it, this browser-use has no class for it, or a package that it needs is missing.
    """
    provider = PROVIDERS.get(name)
    if provider is None:
        raise CommandError("llm_error", f"The provider {name[:50]!r} is not known; known are {', '.join(PROVIDERS)}.")
    try:
        return provider, getattr(import_module(f"browser_use.llm.{provider.module}"), provider.name)
    except ImportError as error:
        missing = error.name or "a module"
        if missing.startswith("browser_use"):
            raise CommandError("llm_error", f"This browser-use has no {provider.name} for {name!r}.") from None
        raise CommandError("llm_error", f"The provider {name!r} needs the package {missing!r}; install it.") from None
    except AttributeError:
        raise CommandError("llm_error", f"This browser-use has no {provider.name} for {name!r}.") from None


def _client(provider: Provider) -> Any:
    if provider.client is None:
        return None
    module, name = provider.client
    return getattr(import_module(module), name)()


def _arguments(provider: Provider, model: Model, client: Any) -> dict[str, Any]:
    arguments: dict[str, Any] = {provider.model: model.name}
    if model.base_url and provider.base_url:
        adapt = _ADDRESSES.get(provider.base_url)
        arguments[provider.base_url] = adapt(model.base_url) if adapt else model.base_url
    if model.api_key and provider.api_key:
        arguments[provider.api_key] = model.api_key
    for parameter, variable in provider.variables:
        if value := os.environ.get(variable):
            arguments[parameter] = value
    if client is not None:
        given = {"http_client": client}
        arguments.update({provider.wrapped: given} if provider.wrapped else given)
    return arguments


def _make(make: Callable[..., Any], arguments: dict[str, Any], model: Model) -> Any:
    try:
        return make(**arguments)
    except Exception as error:  # noqa: BLE001  # each SDK has errors of its own; what they say may quote the key
        raise CommandError(
            "llm_error",
            f"The model {model.provider}/{model.name[:100]} can't be used ({type(error).__name__}): is its key set, and"
            " what else its provider needs?",
        ) from None
