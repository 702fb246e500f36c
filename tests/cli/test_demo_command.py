from __future__ import annotations

import logging
import os
import signal
import socket
import sys
import tempfile
import warnings
from pathlib import Path

import pytest
from typer.testing import CliRunner

from browserwatch.cli.app import app
from browserwatch.cli.demo import command, environment
from browserwatch.cli.demo.environment import prepared
from browserwatch.cli.demo.options import Options
from browserwatch.errors import MissingDependencyError
from browserwatch.processes.chromium import Chromium


@pytest.fixture(autouse=True)
def some_chromium(monkeypatch: pytest.MonkeyPatch) -> None:
    """A Chromium that is never started."""
    monkeypatch.setattr(command, "find_chromium", lambda: Chromium(Path("/x/chromium"), "Chromium 99"))


@pytest.fixture(autouse=True)
def own_temporary_directory(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Where the demo makes its directory."""
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))
    return tmp_path


def test_no_chromium(runner: CliRunner, monkeypatch: pytest.MonkeyPatch) -> None:
    """The sentence of the finder, and exit code 1."""

    def none() -> Chromium:
        raise MissingDependencyError("No Chromium [or Chrome] was found.")

    monkeypatch.setattr(command, "find_chromium", none)
    done = runner.invoke(app, ["demo"])
    assert (done.exit_code, done.output) == (1, "No Chromium [or Chrome] was found.\n")


def test_no_extra(runner: CliRunner, monkeypatch: pytest.MonkeyPatch) -> None:
    """The command that installs it."""
    monkeypatch.setattr(environment, "NEEDED", ("json", "no_such_package.part"))
    done = runner.invoke(app, ["demo"])
    assert done.exit_code == 1
    assert done.output == "The demo needs no_such_package.part: pip install 'browserwatch[demo]'\n"


def test_port_in_use(runner: CliRunner, own_temporary_directory: Path) -> None:
    """The sentence of the metrics server; nothing is left behind."""
    with socket.create_server(("127.0.0.1", 0)) as server:
        port = server.getsockname()[1]
        done = runner.invoke(app, ["demo", "--port", str(port)])
    assert done.exit_code == 1
    assert done.output.startswith(f"Metrics port {port} on 127.0.0.1 is in use")
    assert list(own_temporary_directory.iterdir()) == []


def test_headed_needs_a_display(runner: CliRunner, monkeypatch: pytest.MonkeyPatch) -> None:
    """Said before anything starts."""
    monkeypatch.setattr(sys, "platform", "linux")
    monkeypatch.delenv("DISPLAY", raising=False)
    monkeypatch.delenv("WAYLAND_DISPLAY", raising=False)
    done = runner.invoke(app, ["demo", "--headed"])
    assert (done.exit_code, done.output) == (1, "--headed needs a display, and there is none; leave it out.\n")


@pytest.mark.parametrize("outcome", [True, False])
def test_the_log_stays_when_it_went_wrong(
    outcome: bool,  # noqa: FBT001  # a parameter of the table
    own_temporary_directory: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    """Exit code 0 and nothing left, or 1 and the path of the log."""

    def play(_: object) -> bool:
        return outcome

    monkeypatch.setattr("browserwatch.cli.demo.stage.Stage.play", play)
    assert command.run_demo(Options()) == int(not outcome)
    logs = list(own_temporary_directory.rglob("*.txt"))
    assert [str(log) in capsys.readouterr().out for log in logs] == ([] if outcome else [True])
    assert list(own_temporary_directory.rglob("files")) == []


def test_a_broken_demo_shows_no_traceback(
    own_temporary_directory: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """The traceback is in the log, whose path is printed."""

    def broken(_: object) -> bool:
        raise RuntimeError("boom")

    monkeypatch.setattr("browserwatch.cli.demo.stage.Stage.play", broken)
    assert command.run_demo(Options()) == 1
    printed = capsys.readouterr()
    assert "The demo broke (RuntimeError)." in printed.out
    assert "Traceback" not in printed.out + printed.err
    (log,) = own_temporary_directory.rglob("log.txt")
    assert "RuntimeError: boom" in log.read_text()


def test_the_process_is_prepared_and_put_back(
    own_temporary_directory: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    """Variables are set, output and logs go to the file, and afterwards all is as before."""
    monkeypatch.setenv("ANONYMIZED_TELEMETRY", "true")
    before = dict(os.environ), logging.getLogger().handlers[:], signal.getsignal(signal.SIGTERM), tempfile.gettempdir()
    with prepared() as workspace:
        assert os.environ["ANONYMIZED_TELEMETRY"] == "false"
        assert os.environ["OTEL_TRACES_EXPORTER"] == "none"
        assert tempfile.gettempdir() == str(workspace.files)
        sys.stdout.write("noise\n")
        sys.stderr.write("more noise\n")
        logging.getLogger("browser_use").warning("a warning")
        workspace.keep_log = True
    after = dict(os.environ), logging.getLogger().handlers[:], signal.getsignal(signal.SIGTERM), tempfile.gettempdir()
    assert before == after
    assert capsys.readouterr() == ("", "")
    assert list(own_temporary_directory.rglob("*")) == [workspace.root, workspace.log]
    assert [word in workspace.log.read_text() for word in ("noise", "more noise", "a warning")] == [True] * 3


def test_warnings_go_to_the_log() -> None:
    """Python's own warnings do not disturb the display, either."""
    with prepared() as workspace, warnings.catch_warnings():
        warnings.simplefilter("always")
        logging.captureWarnings(capture=False)
        logging.captureWarnings(capture=True)
        warnings.warn("old thing", DeprecationWarning, stacklevel=1)
        assert "old thing" in workspace.log.read_text()


@pytest.mark.parametrize("name", environment.OTLP_ENDPOINTS)
def test_a_collector_gets_the_spans(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """An endpoint in the environment is used; without one nothing is sent."""
    assert environment.exporting_to() == ""
    monkeypatch.setenv(name, "http://127.0.0.1:4318")
    with prepared():
        assert os.environ["OTEL_TRACES_EXPORTER"] == "otlp"
    assert environment.exporting_to() == name
