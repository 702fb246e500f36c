from __future__ import annotations

import io
import logging
import signal
import sys
import tempfile
from pathlib import Path

import pytest
from typer.testing import CliRunner

from browserwatch.cli.app import app
from browserwatch.cli.demo import command, environment
from browserwatch.cli.demo.environment import Workspace, prepared
from browserwatch.cli.demo.options import Options
from browserwatch.cli.demo.serving import DemoServiceError, running, variables
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
    assert list(own_temporary_directory.rglob("data")) == []


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


def test_an_error_of_ours_is_a_sentence(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    """What the service could not do is said, and where the log is."""

    def broken(_: object) -> bool:
        raise DemoServiceError("The service did not start.")

    monkeypatch.setattr("browserwatch.cli.demo.stage.Stage.play", broken)
    assert command.run_demo(Options()) == 1
    printed = capsys.readouterr()
    assert printed.out.startswith("The service did not start.\nThe log has more: ")


def test_the_process_is_prepared_and_put_back(
    own_temporary_directory: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """Logs go to the file, and afterwards all is as before."""
    before = logging.getLogger().handlers[:], signal.getsignal(signal.SIGTERM)
    with prepared() as workspace:
        logging.getLogger("uvicorn").warning("a warning")
        workspace.keep_log = True
    assert (logging.getLogger().handlers[:], signal.getsignal(signal.SIGTERM)) == before
    assert capsys.readouterr() == ("", "")
    assert list(own_temporary_directory.rglob("*")) == [workspace.root, workspace.log_path]
    assert "a warning" in workspace.log_path.read_text()


def test_the_users_settings_do_not_reach_the_service(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """The demo's own settings are all there are, but for the choice of a Chromium."""
    monkeypatch.setenv("BROWSERWATCH_REDIS_URL", "redis://production")
    monkeypatch.setenv("OTEL_EXPORTER_OTLP_HEADERS", "authorization=secret")
    monkeypatch.setenv("BROWSERWATCH_CHROMIUM", "/opt/chromium")
    workspace = Workspace(tmp_path, io.StringIO())
    found = variables(workspace, site="http://127.0.0.1:1", model="http://m", spans="http://s", port=0)
    assert "BROWSERWATCH_REDIS_URL" not in found
    assert "OTEL_EXPORTER_OTLP_HEADERS" not in found
    assert found["BROWSERWATCH_CHROMIUM"] == "/opt/chromium"
    assert found["BROWSERWATCH_EGRESS_ALLOW"] == "127.0.0.1:1"


def test_a_service_that_ends_at_once_is_an_error() -> None:
    """Its address never comes; the process is reaped."""
    with pytest.raises(DemoServiceError), running({"PYTHONPATH": "/nowhere", "BROWSERWATCH_PORT": "x"}, sys.stderr):
        pass
