from __future__ import annotations

import os
from pathlib import Path
from typing import Any

import pytest
from pydantic import SecretStr

from browserwatch.errors import ConfigurationError
from browserwatch.settings import PREFIX, ServiceSettings, Settings, load_service_settings

KEY = "acme=sha256:" + "0" * 64


@pytest.fixture(autouse=True)
def fresh_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    """No variable of ours is set."""
    for name in [name for name in os.environ if name.upper().startswith(PREFIX)]:
        monkeypatch.delenv(name)


def test_nothing_needs_to_be_set(monkeypatch: pytest.MonkeyPatch) -> None:
    """The defaults are a service on loopback with everything embedded, its data where the XDG specification says."""
    monkeypatch.setenv("XDG_DATA_HOME", "/data")
    settings = load_service_settings()
    assert (settings.host, settings.port, settings.data_dir) == ("127.0.0.1", 8700, Path("/data/browserwatch"))
    assert settings.redis_url is None
    assert isinstance(settings, Settings)


@pytest.mark.parametrize(
    ("field", "raw", "value"),
    [
        ("port", "0", 0),
        ("redis_url", "redis://u:p@host/0", SecretStr("redis://u:p@host/0")),
        ("session_keys", "a, b", (SecretStr("a"), SecretStr("b"))),
        ("llm_allowed", "gpt-4.1,anthropic/claude-sonnet-4-5", ("gpt-4.1", "anthropic/claude-sonnet-4-5")),
        ("egress_allow", "127.0.0.1:8000,*.internal", ("127.0.0.1:8000", "*.internal")),
        ("pool_memory_limit_mb", "4096", 4096),
        ("chromium_sandbox", "off", "off"),
        ("tenant_max_running", "", None),
    ],
)
def test_valid(monkeypatch: pytest.MonkeyPatch, field: str, raw: str, value: object) -> None:
    """Each field is read from the variable of its name."""
    monkeypatch.setenv(f"{PREFIX}{field.upper()}", raw)
    assert getattr(load_service_settings(), field) == value


@pytest.mark.parametrize(
    ("field", "raw"),
    [
        ("port", "70000"),
        ("pool_max_size", "0"),
        ("run_timeout_seconds", "0"),
        ("chromium_sandbox", "maybe"),
        ("session_lease_seconds", "1"),
        ("agent_memory_limit_mb", "10"),
    ],
)
def test_invalid(monkeypatch: pytest.MonkeyPatch, field: str, raw: str) -> None:
    """A value that can't be used is refused, in a sentence that names the variable, the value and the default."""
    monkeypatch.setenv(f"{PREFIX}{field.upper()}", raw)
    with pytest.raises(ConfigurationError) as caught:
        load_service_settings()
    default = ServiceSettings.model_fields[field].default
    assert str(caught.value).startswith(f"{PREFIX}{field.upper()}={raw!r}: ")
    assert str(caught.value).endswith(f" Default: {default!r}.")


@pytest.mark.parametrize("host", ["0.0.0.0", "::", "10.1.2.3", "agents.internal"])  # noqa: S104  # what is refused
def test_an_open_address_needs_a_key(monkeypatch: pytest.MonkeyPatch, host: str) -> None:
    """Where others can reach it the service does not start without a key; the message says how to make one."""
    monkeypatch.setenv(f"{PREFIX}HOST", host)
    with pytest.raises(ConfigurationError, match="browserwatch key") as caught:
        load_service_settings()
    assert str(caught.value).startswith(f"{PREFIX}HOST={host!r} ")
    monkeypatch.setenv(f"{PREFIX}API_KEYS", KEY)
    assert load_service_settings().host == host


def test_the_command_line_wins(monkeypatch: pytest.MonkeyPatch) -> None:
    """What is given there is validated like the rest, and beats the environment."""
    monkeypatch.setenv(f"{PREFIX}PORT", "1234")
    assert load_service_settings(port=4321, host=None).port == 4321
    with pytest.raises(ConfigurationError, match=f"^{PREFIX}PORT=70000: "):
        load_service_settings(port=70000)


@pytest.mark.parametrize("host", ["127.0.0.1", "127.1.2.3", "::1", "localhost"])
def test_loopback_needs_none(monkeypatch: pytest.MonkeyPatch, host: str) -> None:
    """On loopback it starts without."""
    monkeypatch.setenv(f"{PREFIX}HOST", host)
    assert load_service_settings().host == host


@pytest.mark.parametrize(
    ("variables", "named"),
    [
        ({"POOL_MIN_IDLE": "5", "POOL_MAX_SIZE": "4"}, ("POOL_MIN_IDLE=5", "POOL_MAX_SIZE=4")),
        ({"LLM_API_KEY": "k-1234567", "LLM_API_KEY_FILE": "/run/key"}, ("LLM_API_KEY ", "LLM_API_KEY_FILE")),
    ],
)
def test_what_does_not_go_together(
    monkeypatch: pytest.MonkeyPatch, variables: dict[str, str], named: tuple[str, ...]
) -> None:
    """Two settings that exclude each other are both named, and no secret is."""
    for name, value in variables.items():
        monkeypatch.setenv(PREFIX + name, value)
    with pytest.raises(ConfigurationError) as caught:
        load_service_settings()
    assert all(PREFIX + name in str(caught.value) for name in named)
    assert "1234567" not in str(caught.value)


def test_secrets_are_not_shown(monkeypatch: pytest.MonkeyPatch) -> None:
    """Neither repr nor an error has a secret's value."""
    secrets: dict[str, Any] = {
        "REDIS_URL": "redis://u:swordfish@h/0",
        "SESSION_KEYS": "swordfish1",
        "LLM_API_KEY": "swordfish2",
        "API_KEYS": "acme=sha256:swordfish3",
    }
    for name, value in secrets.items():
        monkeypatch.setenv(PREFIX + name, value)
    assert "swordfish" not in repr(load_service_settings())
    assert "swordfish" not in str(load_service_settings().model_dump())
