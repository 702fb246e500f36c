"""`browserwatch up` says in a sentence why it can't start, and has started nothing then."""

from __future__ import annotations

from pathlib import Path

import pytest
from typer.testing import CliRunner

from browserwatch.cli.app import app
from browserwatch.sessions.directory_lock import FileLock
from tests.conftest import RunPython


def test_a_directory_is_used_by_one_at_a_time(runner: CliRunner, tmp_path: Path) -> None:
    """A second one would overwrite the configuration of the first."""
    (tmp_path / "up").mkdir()
    lock = FileLock(tmp_path / "up" / "lock")
    assert lock.take()
    try:
        done = runner.invoke(app, ["up", "--data-dir", str(tmp_path)])
    finally:
        lock.drop()
    assert done.exit_code == 1
    assert "is in use by another `browserwatch up`" in done.output


def test_a_directory_that_can_not_be_made(runner: CliRunner, tmp_path: Path) -> None:
    """The message names the variable."""
    (tmp_path / "file").touch()
    done = runner.invoke(app, ["up", "--data-dir", str(tmp_path / "file" / "data")])
    assert done.exit_code == 1
    assert "BROWSERWATCH_DATA_DIR=" in done.output


def test_a_program_that_is_none(runner: CliRunner, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Found out before anything is started."""
    monkeypatch.setenv("BROWSERWATCH_PROMETHEUS", str(tmp_path / "nothing"))
    done = runner.invoke(app, ["up", "--data-dir", str(tmp_path)])
    assert done.exit_code == 1
    assert "BROWSERWATCH_PROMETHEUS=" in done.output
    assert "is not a program" in done.output
    assert not (tmp_path / "up" / "logs").exists()


@pytest.mark.parametrize("command", ["up", "serve", "run task"])
def test_without_the_extra(command: str, run_python: RunPython) -> None:
    """The message says what to install."""
    told = run_python(
        f"""
        import sys
        sys.modules.update(dict.fromkeys(("httpx", "uvicorn", "fastapi", "redis")))
        from typer.testing import CliRunner
        from browserwatch.cli.app import app
        print(CliRunner().invoke(app, {command.split()}).output)
        """
    )
    assert "pip install 'browserwatch[service]'" in told
