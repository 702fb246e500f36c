from __future__ import annotations

import io
from pathlib import Path
from typing import Any

import pytest
from rich.console import RenderableType

from browserwatch import semantics as s
from browserwatch.cli.demo.report import (
    Fetch,
    Run,
    duration,
    health_table,
    metrics_table,
    pages_table,
    runs_table,
    steps_table,
)
from browserwatch.cli.demo.scrape import Line, Pick, key_metrics, scrape
from browserwatch.cli.demo.spans import Node, span_tree_of, trees
from browserwatch.cli.demo.tree import span_tree
from browserwatch.cli.picture import save_picture
from browserwatch.cli.terminal import make_console
from browserwatch.demo import ReceivedSpan
from browserwatch.metrics import start_metrics_server


def shown(content: RenderableType, width: int = 80) -> list[str]:
    """What a terminal of that width shows, as lines without the space at their ends."""
    file = io.StringIO()
    make_console(file, width=width).print(content)
    return [line.rstrip() for line in file.getvalue().splitlines()]


def node(name: str, started: float, ended: float, **attributes: object) -> Node:
    """A span with an id made of its name."""
    return Node(name, name, "", started, ended, {key.replace("__", "."): value for key, value in attributes.items()})


@pytest.fixture
def tree() -> Node:
    """The trace of a run that failed, with one of each kind of span in it; the request is over long before the run."""
    request = node("POST /v1/runs", 0, 0.01)
    acquire = node(s.AGENT_ACQUIRE, 0, 0.5)
    acquire.attributes = {s.ACQUIRE_RESULT: "warm"}
    run = node("invoke_agent Agent", 0.5, 10)
    run.attributes = {
        s.GEN_AI_INPUT_TOKENS: 1_234_567,
        s.GEN_AI_OUTPUT_TOKENS: 12_345,
        s.ERROR_TYPE: "browser_unresponsive",
    }
    run.failed = True
    step = node(s.AGENT_STEP, 1, 9)
    step.attributes = {s.STEP_NUMBER: 7}
    page = node(s.PAGE_FETCH, 2, 2.5)
    page.attributes = {s.URL_PATH: "/[red]\x1b" + "x" * 80, s.PAGE_CAUSE: "link", s.HTTP_STATUS: 404}
    page.failed = True
    step.children.append(page)
    run.children.append(step)
    request.children += [acquire, run]
    return request


STEP: dict[str, Any] = {"number": 7, "seconds": 8.0, "phases": {"prepare": 1.0, "model": 0.5, "act": 6.5}}
RECORD: dict[str, Any] = {
    "outcome": "failure",
    "failure_reason": "browser_unresponsive",
    "acquired": "restored",
    "steps": 100,
    "started": "2026-01-01T00:00:00Z",
    "finished": "2026-01-01T00:59:59.940Z",
    "usage": {"input_tokens": 1_234_567, "output_tokens": 12_345, "cost_usd": 12.3456},
}


def test_runs() -> None:
    """Outcome, reason, steps, tokens, cost and time of each run; one that was not taken is told so."""
    lines = shown(runs_table([Run("failing", RECORD, []), Run("other", None, [])]), 100)
    assert lines[2].split()[:4] == ["failing", "restored", "failure", "browser_unresponsive"]
    assert "$12.3456" in lines[2]
    assert lines[3].split() == ["other", "did", "not", "run"]


def test_everything_fits_the_terminal(tree: Node) -> None:
    """No line is longer than the terminal, and no row is broken to two, even with long names and large numbers."""
    assert len(shown(runs_table([Run("click-tour", RECORD, [])]), 100)) == 3
    assert len(shown(steps_table([Run("click-tour", RECORD, [STEP])]))) == 3
    assert len(shown(span_tree(tree, 80))) == 5


def test_slowest_steps_come_first() -> None:
    """Ordered by time, with the seconds of the phases, and bars that fit their longest."""
    quick = {"number": 1, "seconds": 0.5}
    lines = shown(steps_table([Run("tour", RECORD, [quick, STEP])]))
    assert lines[2].split()[:8] == ["tour", "7", "8.0", "s", "1.0", "s", "500", "ms"]
    assert lines[2].count("━") in range(22, 26)
    assert lines[3].split()[:3] == ["tour", "1", "500"]


def test_tree_has_names_errors_times_and_places(tree: Node) -> None:
    """One line a span; a page load with its cause and status; foreign text can't steer the terminal."""
    request, acquire, run, step, page = shown(span_tree(tree, 80))
    assert request.startswith("POST /v1/runs")
    assert request.endswith("10 ms ━")
    assert acquire.startswith("├── agent_acquire warm")
    assert run.startswith("└── invoke_agent Agent 1,234,567 + 12,345")
    assert run.endswith("9.5 s ━━━━━━━━━━━━━━━")
    assert step.startswith("    └── agent_step 7")
    assert step.endswith("8.0 s  ━━━━━━━━━━━━━")
    assert page.startswith("        └── page_fetch /[red] xxx")
    assert "500 ms" in page


def test_pages() -> None:
    """What a fetch came to, and whether it was signed in."""
    timing = {"ttfb_seconds": 0.01, "load_seconds": 0.02, "seconds": 0.1}
    page = {"acquired": "warm", "status": 200, "timing": timing}
    good, bad = shown(pages_table([Fetch("/account", page, good=True), Fetch("/account", {}, good=False)]))[2:]
    assert good.split() == ["/account", "warm", "200", "signed", "in", "10", "ms", "20", "ms", "100", "ms"]
    assert "not signed in" in bad


def test_health() -> None:
    """Status, reasons, and the numbers in one line each."""
    report = {"status": "warn", "reasons": ["no agent is idle"], "redis": {"up": True, "ping_ms": 0.1234}}
    lines = shown(health_table(report))
    assert lines[0].split() == ["status", "warn", "no", "agent", "is", "idle"]
    assert any("ping_ms 0.123" in line for line in lines)


@pytest.mark.parametrize(("seconds", "text"), [(0.0004, "0 ms"), (0.25, "250 ms"), (0.99999, "1.0 s"), (61, "61.0 s")])
def test_durations(seconds: float, text: str) -> None:
    """Milliseconds below one second."""
    assert duration(seconds) == text


EXPOSED = """\
# TYPE browser_runs_total counter
browser_runs_total{outcome="success",failure_reason="none"} 3.0
browser_runs_total{outcome="failure",failure_reason="none"} 0.0
# TYPE tokens histogram
tokens_bucket{model="a",kind="in",le="+Inf"} 2.0
tokens_sum{model="a",kind="in"} 10.0
tokens_count{model="a",kind="in"} 1.0
tokens_sum{model="b",kind="in"} 5.0
"""


def test_key_metrics() -> None:
    """Zeros are left out unless they tell something; labels that are not picked are summed up."""
    picks = (
        Pick("browser_runs_total", ("outcome",)),
        Pick("tokens_sum", ("kind",)),
        Pick("absent"),
        Pick("calm", always=True),
    )
    assert key_metrics(EXPOSED, picks) == [
        Line("browser_runs_total", {"outcome": "success"}, 3),
        Line("tokens_sum", {"kind": "in"}, 15),
        Line("calm", {}, 0),
    ]


def test_metrics_table() -> None:
    """Samples look as in Prometheus; whole numbers have no decimals."""
    lines = shown(metrics_table([Line("a_total", {"outcome": "ok"}, 1234), Line("cost", {}, 0.0281)]))
    assert lines[2].split() == ['a_total{outcome="ok"}', "1,234"]
    assert lines[3].split() == ["cost", "0.0281"]


def test_the_scrape_is_a_real_one() -> None:
    """Over HTTP, as Prometheus does it."""
    with start_metrics_server(0) as server:
        assert "python_info" in scrape(server.url)


def test_received_spans_become_a_tree() -> None:
    """Linked by their ids, in order of time, whatever the order in which they came."""
    spans = [
        ReceivedSpan("t", "3", "2", "second", 2, 3, {"a": 1}, failed=False, message="", resource={}),
        ReceivedSpan("t", "2", "1", "first", 1, 4, {}, failed=True, message="why", resource={}),
        ReceivedSpan("t", "1", "", "root", 0, 1, {}, failed=False, message="", resource={}),
    ]
    root = span_tree_of(spans)
    assert root is not None
    (first,) = root.children
    assert (first.name, first.failed, first.message) == ("first", True, "why")
    assert first.children[0].get("a") == 1
    assert (root.seconds, root.last) == (1, 4)
    assert span_tree_of([]) is None


def test_an_orphan_is_a_root() -> None:
    """A span whose parent is not known is not lost."""
    orphan = node("orphan", 0, 1)
    orphan.parent_id = "gone"
    assert trees([orphan]) == [orphan]


def test_the_picture_loads_nothing(tmp_path: Path) -> None:
    """What was shown, as SVG, without fonts from elsewhere."""
    console = make_console(io.StringIO(), width=80, record=True)
    console.print("4 agents")
    save_picture(console, tmp_path / "demo.svg", "browserwatch demo")
    picture = (tmp_path / "demo.svg").read_text()
    assert "4&#160;agents" in picture
    assert "@font-face" not in picture
    assert "url(http" not in picture
