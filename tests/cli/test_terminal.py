from __future__ import annotations

import io
import sys

import pytest
import typer
from typer.testing import CliRunner

from browserwatch import __version__
from browserwatch.cli.app import app
from browserwatch.cli.terminal import make_console, printable, sentences
from browserwatch.errors import ConfigurationError


def test_text_is_never_markup() -> None:
    """What looks like markup is printed as it is."""
    file = io.StringIO()
    make_console(file).print("[red]not red[/red] :smile:")
    assert file.getvalue() == "[red]not red[/red] :smile:\n"


def test_control_characters_do_not_reach_the_terminal() -> None:
    """An escape sequence or a line feed in foreign text becomes spaces."""
    assert printable("a\x1b[31mb\nc\x9bd") == "a [31mb c d"


def test_a_stream_without_utf8_gets_question_marks() -> None:
    """A terminal that can't show a character doesn't end the program."""
    raw = io.BytesIO()
    stream = io.TextIOWrapper(raw, encoding="ascii")
    make_console(stream).print("✓ done")
    stream.flush()
    assert raw.getvalue() == b"? done\n"


def test_an_error_of_ours_is_one_sentence(capsys: pytest.CaptureFixture[str]) -> None:
    """The message alone, on standard error, and exit code 1."""
    with pytest.raises(typer.Exit) as ended, sentences():
        raise ConfigurationError("PORT='[bold]\x1b' is wrong.")
    assert ended.value.exit_code == 1
    assert capsys.readouterr().err == "PORT='[bold] ' is wrong.\n"


def test_ctrl_c_ends_quietly(capsys: pytest.CaptureFixture[str]) -> None:
    """Exit code 130 and no traceback."""
    with pytest.raises(typer.Exit) as ended, sentences():
        raise KeyboardInterrupt
    assert ended.value.exit_code == 130
    assert capsys.readouterr().err == "Stopped.\n"


def test_version(runner: CliRunner) -> None:
    """`--version` tells the version and nothing else."""
    assert runner.invoke(app, ["--version"]).output == f"browserwatch {__version__}\n"


def test_help_names_the_commands_and_hides_record(runner: CliRunner) -> None:
    """`--help` shows what a user needs."""
    shown = runner.invoke(app, ["--help"]).output
    assert "demo" in shown
    assert "doctor" in shown
    assert "--record" not in runner.invoke(app, ["demo", "--help"]).output


def test_help_imports_nothing_heavy() -> None:
    """browser-use, the SDK and the servers are imported by the commands that need them, not by the program."""
    import subprocess

    program = "import browserwatch.cli.app, sys; print([m for m in sys.argv[1:] if m in sys.modules])"
    heavy = ["browser_use", "opentelemetry.sdk", "starlette", "uvicorn", "openai"]
    done = subprocess.run([sys.executable, "-c", program, *heavy], capture_output=True, text=True, check=True)
    assert done.stdout == "[]\n"
