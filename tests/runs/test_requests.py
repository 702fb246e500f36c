"""What may be asked for."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from browserwatch.agents.messages import Model
from browserwatch.errors import ConfigurationError
from browserwatch.pricing import Prices
from browserwatch.runs.errors import InvalidRequestError
from browserwatch.runs.ids import Ids, is_id, oldest_id
from browserwatch.runs.models import PageRequest, RunRequest
from browserwatch.runs.models_allowed import ModelChoice
from browserwatch.runs.validation import check_page, check_run
from browserwatch.settings import ServiceSettings

Make = Callable[..., ServiceSettings]

GOOD: list[dict[str, Any]] = [
    {},
    {"session": "shop", "start_url": "https://shop.example/a?b=c#d", "max_steps": 100, "timeout_seconds": 1800},
    {"start_url": "http://[::1]:8080/", "budget_usd": 0.01, "output_schema": {"type": "object"}},
    {"sensitive_data": {"pin": "1234", "https://*.bank.example": {"password": "x"}}},
]
BAD: list[tuple[str, dict[str, Any]]] = [
    ("task", {"task": ""}),
    ("task", {"task": " \n"}),
    ("task", {"task": "x" * 100_001}),
    ("session", {"session": ""}),
    ("session", {"session": "a:b"}),
    ("start_url", {"start_url": ""}),
    ("start_url", {"start_url": "file:///etc/passwd"}),
    ("start_url", {"start_url": "javascript:geheim"}),
    ("start_url", {"start_url": "https://"}),
    ("start_url", {"start_url": "https://[geheim"}),
    ("start_url", {"start_url": "https://a.example:geheim/"}),
    ("start_url", {"start_url": "https://a.example\n.geheim.example/"}),
    ("start_url", {"start_url": "https://a.example/" + "x" * 9000}),
    ("max_steps", {"max_steps": 0}),
    ("max_steps", {"max_steps": 101}),
    ("timeout_seconds", {"timeout_seconds": 0}),
    ("timeout_seconds", {"timeout_seconds": float("nan")}),
    ("timeout_seconds", {"timeout_seconds": 1801}),
    ("budget_usd", {"budget_usd": 0}),
    ("budget_usd", {"budget_usd": float("nan")}),
    ("budget_usd", {"budget_usd": float("inf")}),
    ("sensitive_data", {"sensitive_data": {"geheim": 1}}),
    ("sensitive_data", {"sensitive_data": {"a.example": {"b": {"geheim": "x"}}}}),
    ("output_schema", {"output_schema": {"x": "y" * 70_000}}),
    ("request", {"sensitive_data": {"geheim": "x" * 1_100_000}}),
]


def run(fields: dict[str, Any]) -> RunRequest:
    values: dict[str, Any] = {"task": "x", **fields}
    return RunRequest(**values)


@pytest.mark.parametrize("fields", GOOD)
def test_a_good_run(make_settings: Make, fields: dict[str, Any]) -> None:
    """Is accepted, at the limits too."""
    check_run(run(fields), make_settings())


@pytest.mark.parametrize(("field", "fields"), BAD)
def test_a_bad_run(make_settings: Make, field: str, fields: dict[str, Any]) -> None:
    """Is refused; the error names the field, and nothing of its value."""
    with pytest.raises(InvalidRequestError) as caught:
        check_run(run(fields), make_settings())
    assert caught.value.field == field
    assert str(caught.value).startswith(f"{field}: ")
    assert "geheim" not in str(caught.value)
    assert len(str(caught.value)) < 200


def test_a_bad_page(make_settings: Make) -> None:
    """Likewise."""
    settings = make_settings()
    check_page(PageRequest(url="https://a.example", session="shop", timeout_seconds=60), settings)
    for field, request in (
        ("url", PageRequest(url="ftp://a.example")),
        ("session", PageRequest(url="https://a.example", session="/")),
        ("timeout_seconds", PageRequest(url="https://a.example", timeout_seconds=61)),
    ):
        with pytest.raises(InvalidRequestError) as caught:
            check_page(request, settings)
        assert caught.value.field == field


async def test_the_server_chooses_the_model(make_settings: Make) -> None:
    """Without a wish the default, with its address and key."""
    settings = make_settings(llm_base_url="http://127.0.0.1:1/v1", llm_api_key="geheim")
    model = await ModelChoice(settings, Prices.load()).choose(None, 1.0)
    assert model == Model(provider="openai", name="gpt-4.1-mini", base_url="http://127.0.0.1:1/v1", api_key="geheim")
    assert "geheim" not in repr(model)


@pytest.mark.parametrize(
    ("wanted", "expected"),
    [
        ("gpt-4.1-mini", ("openai", "gpt-4.1-mini", "key")),
        ("openai/gpt-4.1-mini", ("openai", "gpt-4.1-mini", "key")),
        ("gpt-5", ("openai", "gpt-5", "key")),
        ("meta/llama:70b", ("openai", "meta/llama:70b", "key")),
        ("anthropic/claude-sonnet-4-5", ("anthropic", "claude-sonnet-4-5", None)),
        ("claude-sonnet-4-5", ("anthropic", "claude-sonnet-4-5", None)),
        ("openrouter/openai/gpt-5", ("openrouter", "openai/gpt-5", None)),
    ],
)
async def test_a_caller_chooses_an_allowed_model(
    make_settings: Make, wanted: str, expected: tuple[str, str, str | None]
) -> None:
    """With or without its provider; another provider does not get the default's key."""
    allowed = ("gpt-5", "meta/llama:70b", "anthropic/claude-sonnet-4-5", "openrouter/openai/gpt-5")
    choice = ModelChoice(make_settings(llm_api_key="key", llm_allowed=allowed), Prices.load())
    model = await choice.choose(wanted, None)
    assert (model.provider, model.name, model.api_key) == expected


async def test_another_model_is_refused(make_settings: Make) -> None:
    """And those that are allowed are named."""
    choice = ModelChoice(make_settings(llm_allowed=("gpt-5",)), Prices.load())
    for wanted in ("gpt-4", "anthropic/gpt-5", ""):
        with pytest.raises(InvalidRequestError, match=r"^model: not among .*: openai/gpt-4.1-mini, openai/gpt-5$"):
            await choice.choose(wanted, None)


async def test_a_key_from_a_file(make_settings: Make, tmp_path: Path) -> None:
    """Is read anew each time, without the line's end; one that can't be read is an error that names it."""
    path = tmp_path / "key"
    choice = ModelChoice(make_settings(llm_api_key_file=path), Prices.load())
    for key in ("one", "two"):
        path.write_text(f" {key}\n")
        assert (await choice.choose(None, None)).api_key == key
    path.write_bytes(b"\xff\xfe")
    with pytest.raises(ConfigurationError, match=r"LLM_API_KEY_FILE=.*: is not text"):
        await choice.choose(None, None)
    path.unlink()
    with pytest.raises(ConfigurationError, match=r"LLM_API_KEY_FILE=.*key: can't be read \(No such file"):
        await choice.choose(None, None)


def test_ids_sort_by_creation() -> None:
    """However quickly they are made; each is one, and nothing else is."""
    ids = Ids()
    made = [ids.new() for _ in range(1000)]
    assert made == sorted(set(made))
    assert all(is_id(one) for one in made)
    assert oldest_id(0) < made[0] < oldest_id(1e10)
    assert not any(is_id(wrong) for wrong in ("", "x" * 32, made[0] + "\n", made[0].upper(), made[0][1:], "*"))
