from __future__ import annotations

import io
from typing import Any

import pytest

from browserwatch.cli.demo.display import BoardView, shown
from browserwatch.cli.demo.progress import Board
from browserwatch.cli.terminal import make_console


class Heard:
    """A board with one run, and the lines it tells."""

    def __init__(self) -> None:
        self.lines: list[str] = []
        self.board = Board(("tour",), self.lines.append)
        self.row = self.board.rows["tour"]

    def hear(self, kind: str, **data: Any) -> None:
        """An event of the run."""
        self.board.hear("tour", kind, data)


@pytest.fixture
def heard() -> Heard:
    return Heard()


def test_a_run_does_what_was_heard_last(heard: Heard) -> None:
    """From waiting through its steps to its outcome."""
    assert heard.row.doing == "waiting for an agent"
    heard.hear("run.queued")
    assert heard.row.doing == "waiting for an agent"
    heard.hear("run.started", acquired="warm")
    assert heard.row.doing == "getting ready"
    heard.hear("model_call", purpose="agent")
    assert heard.row.doing == "acting"
    heard.hear("action", action="click")
    assert heard.row.doing == "click"
    heard.hear("step", number=3, outcome="ok", seconds=0.5)
    assert (heard.row.step, heard.row.doing) == (3, "asking the model")
    heard.hear("run.finished", outcome="success", failure_reason="none")
    assert heard.row.outcome == "success"
    assert len(heard.row.steps) == 1


def test_lines_tell_steps_and_the_end(heard: Heard) -> None:
    """A line for each step with its actions and outcome, and one for the end with its reason."""
    heard.hear("run.started", acquired="fresh")
    heard.hear("action", action="input", outcome="ok")
    heard.hear("action", action="click", outcome="error")
    heard.hear("step", number=1, outcome="error", seconds=0.04)
    heard.hear("step", number=2, outcome="ok", seconds=1)
    heard.hear("run.finished", outcome="failure", failure_reason="element")
    assert heard.lines == [
        "tour: started on an agent (fresh)",
        "tour: step 1: input, click ✗ (error), 0.0 s",
        "tour: step 2: no action, 1.0 s",
        "tour: failure: element",
    ]


def test_the_view_shows_every_state(heard: Heard) -> None:
    """Waiting, at work, and done are told by words, not by colour alone."""
    file = io.StringIO()
    console = make_console(file, width=80)
    console.print(BoardView(heard.board))
    heard.hear("run.started")
    console.print(BoardView(heard.board))
    heard.hear("run.finished", outcome="success")
    console.print(BoardView(heard.board))
    first, second, third = file.getvalue().splitlines()
    assert first.split() == ["·", "tour", "waiting", "for", "an", "agent"]
    assert second.split()[1:] == ["tour", "getting", "ready", "0.0", "s"]
    assert third.split() == ["✓", "tour", "success", "0.0", "s"]


def test_nothing_lives_outside_a_terminal(heard: Heard) -> None:
    """In CI there is no table that is drawn over and over."""
    file = io.StringIO()
    with shown(heard.board, make_console(file)):
        pass
    assert file.getvalue() == ""
