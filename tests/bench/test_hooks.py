"""`browserwatch bench hooks`: the real program, a few steps."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner

from browserwatch.bench import hooks
from browserwatch.bench.programs import BenchError
from browserwatch.bench.toggling import Pair, Turn
from browserwatch.cli import bench

pytestmark = pytest.mark.real


@pytest.fixture(scope="module")
def quick(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Any]:
    """What the short form reports."""
    file = tmp_path_factory.mktemp("bench") / "hooks.json"
    arms = "off,metrics,traces,all,content,sampled"
    done = CliRunner().invoke(bench.app, ["hooks", "--quick", "--profile", "all", "--arms", arms, "--json", str(file)])
    assert done.exit_code == 0, done.output
    report = json.loads(file.read_text())
    return {**report, "printed": done.output}


def test_all_arms_are_measured(quick: dict[str, Any]) -> None:
    """Each arm is in the table and in the report, with an interval around its figure."""
    assert list(quick["arms"]) == ["off", "metrics", "traces", "all", "content", "sampled"]
    for name, arm in quick["arms"].items():
        assert name in quick["printed"]
        for clock in ("loop", "process"):
            assert arm[clock]["low"] <= arm[clock]["value"] <= arm[clock]["high"]
        assert arm["without"] > 0
    assert [verdict["name"] for verdict in quick["verdicts"]] == ["all signals, ms a step"]


def test_the_hooks_are_the_real_ones(quick: dict[str, Any]) -> None:
    """Spans arrive outside, as many as with a browser; no secret is among them; and metrics are counted."""
    arms = quick["arms"]
    assert arms["all"]["spans"] == arms["traces"]["spans"] == pytest.approx(5.3)
    assert 20 < arms["all"]["metric_operations"] < 30
    assert arms["content"]["bytes"] > 5 * arms["all"]["bytes"] > 0
    assert all(arm["leaks"] == 0 for arm in arms.values())
    assert arms["all"]["scrape_seconds"] > 0


def test_every_arm_leaves_out_what_it_should(quick: dict[str, Any]) -> None:
    """Off is silent, metrics alone make no span, traces alone no metric, and a tenth of the runs is a tenth of the spans."""
    arms = quick["arms"]
    silent = {"spans": 0, "bytes": 0, "metric_operations": 0, "scrape_seconds": 0}
    assert silent.items() <= arms["off"].items()
    assert arms["metrics"]["spans"] == 0 < arms["metrics"]["metric_operations"]
    assert arms["traces"]["metric_operations"] == 0
    assert arms["sampled"]["spans"] == pytest.approx(arms["all"]["spans"] / 10)


def test_the_calls_of_functions_are_as_many_on_each_machine(quick: dict[str, Any]) -> None:
    """No time, so it may be a limit: what makes the hooks call much more is seen here, wherever it runs."""
    calls = {name: arm["function_calls"] for name, arm in quick["arms"].items()}
    assert abs(calls["off"]) < 150
    assert 2500 < calls["all"] < 3600
    assert calls["metrics"] < calls["traces"] < calls["all"] < calls["content"]
    assert calls["metrics"] < calls["sampled"] < calls["traces"]


def test_the_work_is_like_that_with_a_browser(quick: dict[str, Any]) -> None:
    """As many events a step as were counted on the demo site in Chromium: 7.0 on the bus, 56 of DevTools."""
    for arm in quick["arms"].values():
        assert arm["bus_events"] == pytest.approx(7.0, rel=0.1)
        assert arm["devtools_events"] == pytest.approx(56, rel=0.1)


def test_the_profile_names_places_of_ours(quick: dict[str, Any]) -> None:
    """What was sampled is told apart by module, and the work itself is left out."""
    assert "where all spends it" in quick["printed"]
    for place, seconds in quick["arms"]["all"]["where"].items():
        assert place.startswith(("browserwatch.", "OpenTelemetry", "prometheus_client", "wrapt"))
        assert seconds > 0


def test_an_arm_that_breaks_is_told(tmp_path: Path) -> None:
    """A program that ends early is an error with its last words, not a figure."""
    broken = {"mine": hooks.Program("no.such.module:arm")}
    with pytest.raises(BenchError, match=r"workload ended with exit code 1: .*no\.such\.module:arm"):
        hooks.measure(broken, 20, passes=1)


def test_what_an_arm_adds_is_per_step() -> None:
    """Turns of different length are compared by the step."""

    def turn(loop: float, steps: int) -> Turn:
        return Turn(loop=loop, process=loop, other=0.0, step_seconds=[0.1] * steps)

    assert Pair(off=turn(1.0, 10), on=turn(2.4, 20)).added("loop") == pytest.approx(0.02)
