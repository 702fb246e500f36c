import os
from collections.abc import Generator
from pathlib import Path
from typing import Any

import pytest

from browserwatch.errors import ConfigurationError
from browserwatch.settings import CAPTURE_VARIABLE, MAX_MODELS, PREFIX, Capture, Settings, capture_mode, load_settings


@pytest.fixture(autouse=True)
def fresh_environment(monkeypatch: pytest.MonkeyPatch) -> Generator[None]:
    """No variable of ours is set, and nothing read before or here is remembered."""
    for name in [name for name in os.environ if name.upper().startswith(PREFIX)]:
        monkeypatch.delenv(name)
    monkeypatch.delenv(CAPTURE_VARIABLE, raising=False)
    load_settings.cache_clear()
    yield
    load_settings.cache_clear()


DEFAULTS: dict[str, Any] = {
    "metrics_port": None,
    "metrics_host": "127.0.0.1",
    "chromium": None,
    "models": (),
    "prices_file": None,
    "max_series": 3000,
    "content_limit": 16_384,
    "page_timeout_seconds": 60.0,
}


def test_defaults() -> None:
    """Nothing needs to be set, and a server listens on loopback unless told otherwise."""
    assert load_settings().model_dump() == DEFAULTS


@pytest.mark.parametrize(
    ("field", "raw", "value"),
    [
        ("metrics_port", "0", 0),
        ("metrics_port", "65535", 65535),
        ("metrics_port", " 9464 ", 9464),
        ("metrics_port", "", None),
        ("metrics_host", "0.0.0.0", "0.0.0.0"),  # noqa: S104  # what a user may choose
        ("metrics_host", "::1", "::1"),
        ("chromium", "/opt/chromium/chrome", Path("/opt/chromium/chrome")),
        ("chromium", "", None),
        ("models", "gpt-4.1", ("gpt-4.1",)),
        ("models", " gpt-4.1 ,, claude-sonnet-4-5, ", ("gpt-4.1", "claude-sonnet-4-5")),
        ("models", ",", ()),
        ("models", ",".join("abcdefghij"), tuple("abcdefghij")),
        ("prices_file", "/etc/prices.json", Path("/etc/prices.json")),
        ("max_series", "500", 500),
        ("max_series", "100000", 100_000),
        ("content_limit", "100", 100),
        ("content_limit", "1000000", 1_000_000),
        ("page_timeout_seconds", "0.5", 0.5),
        ("page_timeout_seconds", "3600", 3600.0),
    ],
)
def test_valid(monkeypatch: pytest.MonkeyPatch, field: str, raw: str, value: object) -> None:
    """Each field is read from the variable of its name; the others keep their defaults."""
    monkeypatch.setenv(f"{PREFIX}{field.upper()}", raw)
    assert load_settings().model_dump() == {**DEFAULTS, field: value}


@pytest.mark.parametrize(
    ("field", "raw"),
    [
        ("metrics_port", "-1"),
        ("metrics_port", "65536"),
        ("metrics_port", "http"),
        ("metrics_port", "9464.5"),
        ("models", ",".join("abcdefghijk")),
        ("max_series", "499"),
        ("max_series", "100001"),
        ("max_series", "many"),
        ("content_limit", "99"),
        ("content_limit", "1000001"),
        ("content_limit", "1e3"),
        ("page_timeout_seconds", "0"),
        ("page_timeout_seconds", "-1"),
        ("page_timeout_seconds", "3601"),
        ("page_timeout_seconds", "inf"),
        ("page_timeout_seconds", "nan"),
        ("page_timeout_seconds", "soon"),
    ],
)
def test_invalid(monkeypatch: pytest.MonkeyPatch, field: str, raw: str) -> None:
    """A value that can't be used is refused, in a sentence that names the variable, the value and the default."""
    monkeypatch.setenv(f"{PREFIX}{field.upper()}", raw)
    with pytest.raises(ConfigurationError) as caught:
        load_settings()
    message = str(caught.value)
    assert message.startswith(f"{PREFIX}{field.upper()}={raw!r}: ")
    assert message.endswith(f" Default: {DEFAULTS[field]!r}.")
    assert "\n" not in message
    assert caught.value.__cause__ is None
    assert caught.value.__suppress_context__


def test_every_field_is_tested() -> None:
    """A setting that is added is added here."""
    assert set(Settings.model_fields) == set(DEFAULTS)


def test_all_mistakes_at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    """Two wrong variables are told together, a line each."""
    monkeypatch.setenv("BROWSERWATCH_METRICS_PORT", "http")
    monkeypatch.setenv("BROWSERWATCH_MAX_SERIES", "1")
    with pytest.raises(ConfigurationError) as caught:
        load_settings()
    lines = str(caught.value).splitlines()
    assert [line.partition("=")[0] for line in lines] == ["BROWSERWATCH_METRICS_PORT", "BROWSERWATCH_MAX_SERIES"]


def test_other_variables_are_ignored(monkeypatch: pytest.MonkeyPatch) -> None:
    """A variable of another program, or of a newer release, does no harm."""
    monkeypatch.setenv("BROWSERWATCH_FROM_THE_FUTURE", "1")
    monkeypatch.setenv("METRICS_PORT", "http")
    assert load_settings().model_dump() == DEFAULTS


def test_read_once(monkeypatch: pytest.MonkeyPatch) -> None:
    """The environment is read at the first call only, so that all parts of a process agree."""
    settings = load_settings()
    monkeypatch.setenv("BROWSERWATCH_MAX_SERIES", "700")
    assert load_settings() is settings
    load_settings.cache_clear()
    assert load_settings().max_series == 700


def test_models_bound_the_label() -> None:
    """As many names can be listed as may become labels."""
    assert MAX_MODELS == 10


CAPTURE_MODES = [
    (None, Capture.NO_CONTENT),
    ("", Capture.NO_CONTENT),
    ("false", Capture.NO_CONTENT),
    ("False", Capture.NO_CONTENT),
    ("NO_CONTENT", Capture.NO_CONTENT),
    ("true", Capture.SPAN_ONLY),
    (" TRUE ", Capture.SPAN_ONLY),
    ("span_only", Capture.SPAN_ONLY),
    ("SPAN_ONLY", Capture.SPAN_ONLY),
    ("EVENT_ONLY", Capture.EVENT_ONLY),
    ("SPAN_AND_EVENT", Capture.SPAN_AND_EVENT),
]


@pytest.mark.parametrize(("raw", "mode"), CAPTURE_MODES)
def test_capture_mode(monkeypatch: pytest.MonkeyPatch, raw: str | None, mode: Capture) -> None:
    """Content is captured only when the standard variable says so, in its new and its old values."""
    if raw is not None:
        monkeypatch.setenv(CAPTURE_VARIABLE, raw)
    assert capture_mode() is mode


@pytest.mark.parametrize("raw", ["1", "yes", "on", "span", "SPAN-ONLY", "0"])
def test_capture_mode_unknown(monkeypatch: pytest.MonkeyPatch, raw: str) -> None:
    """A value that nobody defined is no consent: it is refused, with the known ones named."""
    monkeypatch.setenv(CAPTURE_VARIABLE, raw)
    with pytest.raises(ConfigurationError) as caught:
        capture_mode()
    message = str(caught.value)
    assert message.startswith(f"{CAPTURE_VARIABLE}={raw.lower()!r} ")
    for known in ("true", "false", "NO_CONTENT", "SPAN_ONLY", "EVENT_ONLY", "SPAN_AND_EVENT"):
        assert known in message


@pytest.mark.parametrize(
    ("mode", "on_spans", "on_events"),
    [
        (Capture.NO_CONTENT, False, False),
        (Capture.SPAN_ONLY, True, False),
        (Capture.EVENT_ONLY, False, True),
        (Capture.SPAN_AND_EVENT, True, True),
    ],
)
def test_where_content_goes(mode: Capture, *, on_spans: bool, on_events: bool) -> None:
    """Each mode sends content to the places in its name and to no other."""
    assert (mode.on_spans, mode.on_events) == (on_spans, on_events)
