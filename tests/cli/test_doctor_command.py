from __future__ import annotations

import json

import pytest
from typer.testing import CliRunner

from browserwatch.cli.app import app
from browserwatch.cli.doctor import command
from browserwatch.cli.doctor.checks import Check, Result, failed, passed, warned


def use(monkeypatch: pytest.MonkeyPatch, *results: Result) -> None:
    """Have the doctor do these checks instead of its own."""
    checks = tuple(Check(f"check {number}", lambda result=result: result) for number, result in enumerate(results))

    def all_checks(_: int | None) -> tuple[Check, ...]:
        return checks

    monkeypatch.setattr(command, "all_checks", all_checks)


@pytest.mark.parametrize(
    ("results", "code"),
    [([passed("a")], 0), ([passed("a"), warned("b", "c")], 0), ([failed("a", "b"), passed("c")], 1)],
)
def test_exit_code(results: list[Result], code: int, runner: CliRunner, monkeypatch: pytest.MonkeyPatch) -> None:
    """Only a failure makes it 1."""
    use(monkeypatch, *results)
    assert runner.invoke(app, ["doctor"]).exit_code == code


def test_lines_tell_status_message_and_fix(runner: CliRunner, monkeypatch: pytest.MonkeyPatch) -> None:
    """Every check has a line; the fix is below it; nothing in it is markup or steers the terminal."""
    use(monkeypatch, passed("fine"), warned("odd [red]\x1b[2J", "do this"), failed("bad", "do that"))
    shown = runner.invoke(app, ["doctor"]).output
    assert [" ".join(line.split()) for line in shown.splitlines() if line.strip()] == [
        "✓ pass check 0 fine",
        "! warn check 1 odd [red] [2J",
        "→ do this",
        "✗ fail check 2 bad",
        "→ do that",
        "1 passed, 1 warned, 1 failed",
    ]


def test_json(runner: CliRunner, monkeypatch: pytest.MonkeyPatch) -> None:
    """`--json` prints the same for programs, and nothing else."""
    use(monkeypatch, failed("x" * 300 + "[b]", "do that"))
    done = runner.invoke(app, ["doctor", "--json"])
    assert json.loads(done.output) == [
        {"check": "check 0", "status": "fail", "message": "x" * 300 + "[b]", "fix": "do that"}
    ]
    assert done.exit_code == 1


def test_port_must_be_one(runner: CliRunner) -> None:
    """A port out of range is a usage error."""
    assert runner.invoke(app, ["doctor", "--port", "70000"]).exit_code == 2
