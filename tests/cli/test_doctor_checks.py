"""Every check passes where it should, and has a test in which it does not."""

from __future__ import annotations

import json
import socket
import subprocess
import time
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from browserwatch.cli.doctor import browser, packages, surroundings
from browserwatch.cli.doctor.checks import Check, Result, Status, passed, perform
from browserwatch.cli.doctor.hooks import missing_hooks
from browserwatch.errors import ConfigurationError, MissingDependencyError
from browserwatch.instrumentation.points import patch_points
from browserwatch.processes import chromium
from browserwatch.processes.chromium import Chromium, ChromiumError
from browserwatch.settings import load_settings


@pytest.fixture
def taken_port() -> Iterator[int]:
    """A port on which somebody listens."""
    with socket.create_server(("127.0.0.1", 0)) as server:
        yield server.getsockname()[1]


def raising(error: Exception) -> Any:
    """A function that only raises."""

    def act(*_: object, **__: object) -> Any:
        raise error

    return act


def answering(value: object) -> Any:
    """A function that returns this, whatever it is called with."""

    def act(*_: object, **__: object) -> Any:
        return value

    return act


def test_a_check_that_breaks_fails_alone() -> None:
    """An exception is that check's failure, not the doctor's end."""
    result = perform(Check("x", raising(RuntimeError("boom"))))
    assert result.status is Status.FAIL
    assert "RuntimeError: boom" in result.message


def test_an_error_of_ours_is_the_message() -> None:
    """Its sentence stands for itself."""
    assert perform(Check("x", raising(ConfigurationError("A is wrong.")))).message == "A is wrong."


def test_a_check_has_a_deadline() -> None:
    """One that hangs fails in its time."""

    def hang() -> Result:
        time.sleep(0.5)
        return passed("late")

    result = perform(Check("x", hang, seconds=0.05))
    assert (result.status, result.message) == (Status.FAIL, "no answer in 0.05 s")


def test_python(monkeypatch: pytest.MonkeyPatch) -> None:
    """3.11 or newer."""
    assert packages.python().status is Status.PASS
    monkeypatch.setattr("sys.version_info", (3, 10, 9))
    assert packages.python() == Result(Status.FAIL, "3.10.9 is too old", "Use Python 3.11 or newer.")


@pytest.mark.parametrize(
    ("found", "status"), [("0.13.14", Status.PASS), ("0.9.6", Status.WARN), ("unknown", Status.FAIL)]
)
def test_browser_use(found: str, status: Status, monkeypatch: pytest.MonkeyPatch) -> None:
    """A tested version passes, another warns, none fails."""
    monkeypatch.setattr(packages, "installed_version", lambda: found)
    assert packages.browser_use().status is status


def test_missing_hooks_are_named() -> None:
    """A method, class or module that is gone is a missing hook."""
    point = next(point for point in patch_points() if point.hook == "bus_dispatch")
    gone = [
        replace(point, hook="a", attribute="no_such_method"),
        replace(point, hook="b", owner="NoSuchClass"),
        replace(point, hook="c", module="bubus.no_such_module"),
    ]
    assert missing_hooks([point, *gone]) == ["a", "b", "c"]


@pytest.mark.parametrize(
    ("code", "out", "message"),
    [
        (0, "noise\n" + json.dumps([17, ["step"]]), "1 of 17 do not exist in this browser-use: step"),
        (1, "", "browser-use can't be imported: ImportError: no"),
    ],
)
def test_hooks_fail(code: int, out: str, message: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """Missing hooks are named; an import that fails is told by its last line."""
    done = subprocess.CompletedProcess[str]([], code, out, "Traceback\nImportError: no\n")
    monkeypatch.setattr("subprocess.run", answering(done))
    result = packages.hooks()
    assert (result.status, result.message) == (Status.FAIL, message)


def test_hooks_need_browser_use(monkeypatch: pytest.MonkeyPatch) -> None:
    """Without browser-use there is nothing to look at."""
    monkeypatch.setattr(packages, "installed_version", lambda: "unknown")
    assert packages.hooks().status is Status.FAIL


@pytest.mark.parametrize(
    ("value", "status"), [("false", Status.PASS), ("0", Status.PASS), ("True", Status.WARN), (None, Status.WARN)]
)
def test_telemetry(value: str | None, status: Status, monkeypatch: pytest.MonkeyPatch) -> None:
    """On unless it is switched off."""
    monkeypatch.delenv("ANONYMIZED_TELEMETRY", raising=False)
    if value is not None:
        monkeypatch.setenv("ANONYMIZED_TELEMETRY", value)
    assert packages.telemetry().status is status


def test_other_tracers(monkeypatch: pytest.MonkeyPatch) -> None:
    """Another tracer of browser-use is a warning that names it."""
    monkeypatch.setattr(packages, "OTHER_TRACERS", {"no-such-package": "reason"})
    assert packages.other_tracers().status is Status.PASS
    monkeypatch.setattr(packages, "OTHER_TRACERS", {"pytest": "it doubles spans"})
    result = packages.other_tracers()
    assert result.status is Status.WARN
    assert "pytest is installed: it doubles spans" in result.message


NONE_FOUND = MissingDependencyError("No Chromium.")
WRONG_SETTING = ConfigurationError("BROWSERWATCH_CHROMIUM='/x' does not run.")


def test_chromium_found(monkeypatch: pytest.MonkeyPatch) -> None:
    """The fix for none is the command that installs one."""
    monkeypatch.setattr(chromium, "find_chromium", lambda: Chromium(Path("/x/chromium"), "Chromium 99"))
    assert browser.found() == passed("Chromium 99, /x/chromium")
    monkeypatch.setattr(chromium, "find_chromium", raising(NONE_FOUND))
    assert browser.found().fix == chromium.how_to_install()
    monkeypatch.setattr(chromium, "find_chromium", raising(WRONG_SETTING))
    assert browser.found().message == str(WRONG_SETTING)


def test_chromium_starts(monkeypatch: pytest.MonkeyPatch) -> None:
    """It fails with what the browser said."""
    monkeypatch.setattr(chromium, "find_chromium", lambda: Chromium(Path("/x/chromium"), "Chromium 99"))
    monkeypatch.setattr(chromium, "devtools_version", answering("Chrome/99"))
    assert browser.starts() == passed("headless, Chrome/99")
    monkeypatch.setattr(chromium, "devtools_version", raising(ChromiumError("It ended.")))
    assert browser.starts().message == "It ended."
    monkeypatch.setattr(chromium, "find_chromium", raising(NONE_FOUND))
    assert browser.starts().status is Status.FAIL


@pytest.mark.parametrize(
    ("reason", "fix"), [("in a container", "seccomp"), ("", "sysctl"), ("as root", "ordinary user")]
)
def test_sandbox(reason: str, fix: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """Without a sandbox it warns, with why it matters and what helps there."""
    monkeypatch.setattr(chromium, "unsandboxed_because", lambda: reason)
    monkeypatch.setattr(chromium, "find_chromium", lambda: Chromium(Path("/x/chromium"), "Chromium 99"))
    monkeypatch.setattr(chromium, "devtools_version", raising(ChromiumError("It ended.")))
    result = browser.sandbox()
    assert result.status is Status.WARN
    assert browser.WHY_SANDBOX in result.message
    assert fix in result.fix


def test_sandbox_works(monkeypatch: pytest.MonkeyPatch) -> None:
    """It passes when Chromium starts with it; without a Chromium it fails."""
    monkeypatch.setattr(chromium, "unsandboxed_because", lambda: "")
    monkeypatch.setattr(chromium, "find_chromium", lambda: Chromium(Path("/x/chromium"), "Chromium 99"))
    monkeypatch.setattr(chromium, "devtools_version", answering("Chrome/99"))
    assert browser.sandbox() == passed("works")
    monkeypatch.setattr(chromium, "find_chromium", raising(NONE_FOUND))
    assert browser.sandbox().status is Status.FAIL


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("BROWSERWATCH_MAX_SERIES", "many"),
        ("BROWSERWATCH_PRICES_FILE", "/no/such/file"),
        ("OTEL_INSTRUMENTATION_GENAI_CAPTURE_MESSAGE_CONTENT", "perhaps"),
    ],
)
def test_settings(name: str, value: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """A value that can't be used is told with its variable."""
    monkeypatch.setenv(name, value)
    result = surroundings.settings()
    assert result.status is Status.FAIL
    assert f"{name}=" in result.message


def test_settings_are_valid() -> None:
    """An empty environment is a valid one."""
    assert surroundings.settings() == passed("valid; message content: no_content")


def test_metrics_port(taken_port: int, monkeypatch: pytest.MonkeyPatch) -> None:
    """A port that is taken fails, from the option as from the setting; a free one passes."""
    assert surroundings.metrics_port(0).status is Status.PASS
    assert "in use" in surroundings.metrics_port(taken_port).message
    monkeypatch.setenv("BROWSERWATCH_METRICS_PORT", str(taken_port))
    load_settings.cache_clear()
    assert surroundings.metrics_port(None).status is Status.FAIL


def test_metrics_port_without_valid_settings(monkeypatch: pytest.MonkeyPatch) -> None:
    """The checks don't depend on each other: wrong settings leave the port to be checked."""
    monkeypatch.setenv("BROWSERWATCH_MAX_SERIES", "many")
    assert surroundings.metrics_port(0).status is Status.PASS


def test_metrics_host_of_another_machine(monkeypatch: pytest.MonkeyPatch) -> None:
    """An address that is not ours fails."""
    monkeypatch.setenv("BROWSERWATCH_METRICS_HOST", "192.0.2.1")
    assert surroundings.metrics_port(0).status is Status.FAIL


def test_collector(taken_port: int, monkeypatch: pytest.MonkeyPatch) -> None:
    """One that is configured must be there; secrets in its address are not shown."""
    monkeypatch.setenv("OTEL_EXPORTER_OTLP_ENDPOINT", f"http://me:secret@127.0.0.1:{taken_port}/v1")
    assert surroundings.collector() == passed(f"127.0.0.1:{taken_port} takes connections")
    monkeypatch.setenv("OTEL_EXPORTER_OTLP_TRACES_ENDPOINT", "http://me:secret@127.0.0.1:9")
    result = surroundings.collector()
    assert result.status is Status.FAIL
    assert result.message.startswith("127.0.0.1:9 can't be reached: ")


@pytest.mark.parametrize("address", ["localhost", "http://", "http://x:port", "http://[::1"])
def test_collector_with_a_strange_address(address: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """What is no address is told so."""
    monkeypatch.setenv("OTEL_EXPORTER_OTLP_ENDPOINT", address)
    assert surroundings.collector().message == "OTEL_EXPORTER_OTLP_ENDPOINT is not an address"


def test_no_collector_is_fine(taken_port: int, monkeypatch: pytest.MonkeyPatch) -> None:
    """Nothing configured is no fault; one at the default address is mentioned."""
    monkeypatch.setattr(surroundings, "DEFAULT_COLLECTOR", "http://127.0.0.1:9")
    assert surroundings.collector() == passed("not configured (OTEL_EXPORTER_OTLP_ENDPOINT is unset)")
    monkeypatch.setattr(surroundings, "DEFAULT_COLLECTOR", f"http://127.0.0.1:{taken_port}")
    assert surroundings.collector() == passed(f"listens at 127.0.0.1:{taken_port}")
