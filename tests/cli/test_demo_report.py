from __future__ import annotations

import io
from pathlib import Path

import pytest
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.trace import Status, StatusCode
from rich.console import RenderableType

from browserwatch import semantics as s
from browserwatch.cli.demo.picture import save_picture
from browserwatch.cli.demo.report import Run, duration, metrics_table, runs_table, steps_table
from browserwatch.cli.demo.scrape import Line, Pick, key_metrics, scrape
from browserwatch.cli.demo.spans import Node, SpanStore, trees
from browserwatch.cli.demo.stage import sent
from browserwatch.cli.demo.tree import span_tree
from browserwatch.cli.terminal import make_console
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
def run() -> Node:
    """A run that failed, with one of each kind of span in it."""
    root = node("invoke_agent Agent", 0, 10)
    root.attributes = {
        s.RUN_OUTCOME: "failure",
        s.RUN_FAILURE_REASON: "browser_unresponsive",
        s.RUN_STEPS: 100,
        s.GEN_AI_INPUT_TOKENS: 1_234_567,
        s.GEN_AI_OUTPUT_TOKENS: 12_345,
        s.RUN_COST_USD: 12.3456,
        s.ERROR_TYPE: "browser_unresponsive",
    }
    root.failed = True
    step = node(s.AGENT_STEP, 1, 9)
    step.attributes = {s.STEP_NUMBER: 7}
    page = node(s.PAGE_FETCH, 2, 2.5)
    page.attributes = {s.URL_PATH: "/[red]\x1b" + "x" * 80, s.PAGE_CAUSE: "link", s.HTTP_STATUS: 404}
    page.failed = True
    step.children.append(page)
    root.children.append(step)
    return root


def test_runs(run: Node) -> None:
    """Outcome, reason, steps, tokens, cost and time of each run; one that did not begin is told so."""
    lines = shown(runs_table([Run("failing", run), Run("other", None)]))
    assert "failing" in lines[2]
    assert "failure" in lines[2]
    assert "$12.3456" in lines[2]
    assert lines[3].split() == ["other", "did", "not", "run"]


def test_everything_fits_80_columns(run: Node) -> None:
    """No line is longer than the terminal, and no row is broken to two, even with long names and large numbers."""
    assert len(shown(runs_table([Run("click-tour", run)]))) == 3
    assert len(shown(steps_table([Run("click-tour", run)], {}))) == 3
    assert len(shown(span_tree(run, 80))) == 3


def test_slowest_steps_come_first(run: Node) -> None:
    """Ordered by time, with the seconds of the phases, and bars that fit their longest."""
    quick = node(s.AGENT_STEP, 0, 0.5)
    quick.attributes = {s.STEP_NUMBER: 1}
    run.children.insert(0, quick)
    lines = shown(steps_table([Run("tour", run)], {s.AGENT_STEP: {"prepare": 1.0, "model": 0.5, "act": 6.5}}))
    assert lines[2].split()[:8] == ["tour", "7", "8.0", "s", "1.0", "s", "500", "ms"]
    assert lines[2].count("━") in range(22, 26)
    assert lines[3].split()[:3] == ["tour", "1", "500"]


def test_tree_has_names_errors_times_and_places(run: Node) -> None:
    """One line a span; a page load with its cause and status; foreign text can't steer the terminal."""
    first, second, third = shown(span_tree(run, 80))
    assert first.startswith("invoke_agent Agent 1,234,567 + 12,345 tokens ✗")
    assert first.endswith("10.0 s ━━━━━━━━━━━━━━━━")
    assert second.startswith("└── agent_step 7")
    assert second.endswith("8.0 s  ━━━━━━━━━━━━━")
    assert third.startswith("    └── page_fetch /[red] xxx")
    assert "500 ms" in third


def test_a_page_load_after_the_run_stays_in_the_picture(run: Node) -> None:
    """What begins after the run's end is drawn at the end."""
    late = node(s.PAGE_FETCH, 11, 12)
    late.attributes = {s.URL_PATH: "/", s.PAGE_CAUSE: "reload", s.PAGE_OUTCOME: "aborted"}
    run.children.append(late)
    line = shown(span_tree(run, 80))[-1]
    assert "page_fetch / by reload: aborted" in line
    assert line.endswith("━")


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


def test_lost_spans_are_told() -> None:
    """What the collector took is said, and what it did not."""
    name = "browser_telemetry_spans_total"
    exported, failed = Line(name, {"result": "exported"}, 90), Line(name, {"result": "failed"}, 30)
    assert sent("ENDPOINT", [exported]) == "The collector of ENDPOINT took 90 spans."
    assert "refused 30 of 120 spans" in sent("ENDPOINT", [exported, failed])


def test_the_store_keeps_trees_and_is_bounded() -> None:
    """Spans come out as trees in order of time; the oldest go when there are too many."""
    store = SpanStore(limit=3)
    provider = TracerProvider(shutdown_on_exit=False)
    provider.add_span_processor(store)
    span = provider.get_tracer("test").start_as_current_span
    with span("old"):
        pass
    with span("invoke_agent Agent"), span("first") as first:
        first.set_status(Status(StatusCode.ERROR, "why"))
        with span("second", attributes={"a": 1}):
            pass
    provider.shutdown()
    (root,) = store.runs()
    assert [child.name for child in root.children] == ["first"]
    assert (root.children[0].failed, root.children[0].message) == (True, "why")
    assert root.children[0].children[0].get("a") == 1


def test_an_orphan_is_a_root() -> None:
    """A span whose parent is not known is not lost."""
    orphan = node("orphan", 0, 1)
    orphan.parent_id = "gone"
    assert trees([orphan]) == [orphan]


def test_the_picture_loads_nothing(tmp_path: Path) -> None:
    """What was shown, as SVG, without fonts from elsewhere."""
    console = make_console(io.StringIO(), width=80, record=True)
    console.print("4 agents")
    save_picture(console, tmp_path / "demo.svg")
    picture = (tmp_path / "demo.svg").read_text()
    assert "4&#160;agents" in picture
    assert "@font-face" not in picture
    assert "url(http" not in picture
