from __future__ import annotations

import io
from collections.abc import Iterator

import pytest
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.trace import Tracer

from browserwatch import semantics as s
from browserwatch.cli.demo.display import BoardView, shown
from browserwatch.cli.demo.progress import Board
from browserwatch.cli.terminal import make_console


class Watched:
    """A board that is fed by a tracer, as in the demo."""

    def __init__(self, tracer: Tracer, board: Board, lines: list[str]) -> None:
        self.tracer = tracer
        self.board = board
        self.lines = lines

    @property
    def doing(self) -> str:
        """What the only agent does."""
        return self.board.rows["tour"].doing


@pytest.fixture
def watched() -> Iterator[Watched]:
    """A board with one agent, whose id is known."""
    lines: list[str] = []
    board = Board(("tour",), lines.append)
    board.expect("id-1", "tour")
    provider = TracerProvider(shutdown_on_exit=False)
    provider.add_span_processor(board)
    yield Watched(provider.get_tracer("test"), board, lines)
    provider.shutdown()


RUN = {s.GEN_AI_AGENT_ID: "id-1"}


def test_an_agent_does_what_began_last(watched: Watched) -> None:
    """The newest open span is what it does; when that ends, it is back to the one around it."""
    span = watched.tracer.start_as_current_span
    assert watched.doing == "waiting"
    with span("invoke_agent Agent", attributes=RUN):
        assert watched.doing == "getting ready"
        with span("agent_step", attributes={s.STEP_NUMBER: 3}):
            with span("chat gpt"):
                assert watched.doing == "asking the model"
            assert watched.doing == "next step"
            with span("execute_tool click", attributes={s.GEN_AI_TOOL_NAME: "click"}):
                assert watched.doing == "click"
        assert watched.board.rows["tour"].step == 3


def test_lines_tell_steps_and_the_end(watched: Watched) -> None:
    """A line for each step with its actions and error, and one for the outcome."""
    span = watched.tracer.start_as_current_span
    with span("invoke_agent Agent", attributes=RUN) as run:
        with span("agent_step", attributes={s.STEP_NUMBER: 1}) as step:
            with span("execute_tool click", attributes={s.GEN_AI_TOOL_NAME: "click"}):
                pass
            step.set_attribute(s.ERROR_TYPE, "element")
        with span("agent_step", attributes={s.STEP_NUMBER: 2}):
            pass
        run.set_attribute(s.RUN_OUTCOME, "failure")
    assert watched.lines == [
        "tour: step 1: click (element), 0.0 s",
        "tour: step 2: no action, 0.0 s",
        "tour: failure after 0.0 s",
    ]
    assert watched.board.rows["tour"].outcome == "failure"


def test_spans_of_others_change_nothing(watched: Watched) -> None:
    """A run of an unknown agent, or a span without a run, has no row."""
    with watched.tracer.start_as_current_span("invoke_agent Agent", attributes={s.GEN_AI_AGENT_ID: "id-2"}):
        pass
    assert watched.doing == "waiting"
    assert watched.lines == []


def test_the_view_shows_every_state(watched: Watched) -> None:
    """Waiting, at work, and done are told by words, not by colour alone."""
    file = io.StringIO()
    console = make_console(file, width=80)
    console.print(BoardView(watched.board))
    with watched.tracer.start_as_current_span("invoke_agent Agent", attributes=RUN) as run:
        console.print(BoardView(watched.board))
        run.set_attribute(s.RUN_OUTCOME, "success")
    console.print(BoardView(watched.board))
    first, second, third = file.getvalue().splitlines()
    assert first.split() == ["·", "tour", "waiting"]
    assert second.split()[1:] == ["tour", "getting", "ready", "0.0", "s"]
    assert third.split() == ["✓", "tour", "success", "0.0", "s"]


def test_nothing_lives_outside_a_terminal(watched: Watched) -> None:
    """In CI there is no table that is drawn over and over."""
    file = io.StringIO()
    with shown(watched.board, make_console(file)):
        pass
    assert file.getvalue() == ""
