"""`browserwatch bench overhead`: verdicts, picture, errors; and the real thing, two pairs of runs."""

from __future__ import annotations

import itertools
import json
from collections.abc import Iterator
from contextlib import AbstractContextManager, nullcontext
from dataclasses import asdict, replace
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner

from browserwatch.bench import hooks, memory, overhead
from browserwatch.bench.estimates import exit_code
from browserwatch.bench.hooks import Measured
from browserwatch.bench.overhead import Effort, Overhead
from browserwatch.bench.plot import draw
from browserwatch.bench.real_runs import OwnRuns
from browserwatch.bench.toggling import Pair, Turn
from browserwatch.cli import bench
from browserwatch.errors import ConfigurationError


def turn(process: float, steps: int = 10) -> Turn:
    return Turn(loop=process, process=process, other=2.0, step_seconds=[1.0] * steps, spans=53, bytes=10_000)


def found(added: float) -> Overhead:
    """Runs whose steps take 100 ms, with so much added to each."""
    pairs = [Pair(off=turn(1.0 + noise), on=turn(1.0 + added * 10 + noise)) for noise in (0.0, 0.001, -0.001)]
    return Overhead(Measured(counts={"scrape_seconds": 0.01}, processes=[pairs]), [pairs], narrow=True)


def test_the_verdict() -> None:
    """Half a percent keeps both limits, three the required one, six none."""
    told = {added: overhead.verdicts({"all": found(added)}) for added in (0.0005, 0.003, 0.006)}
    assert {added: [verdict.met for verdict in verdicts] for added, verdicts in told.items()} == {
        0.0005: [True, True],
        0.003: [True, False],
        0.006: [False, False],
    }
    assert {added: exit_code(verdicts) for added, verdicts in told.items()} == {0.0005: 0, 0.003: 0, 0.006: 1}


def test_a_machine_that_slows_down_is_no_cost_of_watching() -> None:
    """The second turn of each pair is on a machine half as fast, in both programs: at Chromium's pace it adds 3 %."""
    pairs = [
        Pair(off=turn(1.0), on=replace(turn(2.06), other=4.0)),
        Pair(off=replace(turn(2.0), other=4.0), on=turn(1.03)),
    ]
    measured = Overhead(processes=[[pairs[0]] * 3])
    assert (measured.ratio().value, measured.paced().value) == pytest.approx((2.06, 1.03))
    assert Overhead(processes=[pairs]).paced().half_width == pytest.approx(0)
    assert Overhead(processes=[[Pair(off=replace(turn(1.0), other=0.0), on=turn(1.0))]]).paced().value < 1


def test_the_limits_are_held_against_what_the_machine_does_not_change() -> None:
    """A turn at half the speed misses no limit that is kept, nor does one at twice the speed hide one that is missed."""
    for share, kept in ((1.005, True), (1.2, False)):
        pairs = [
            Pair(off=turn(1.0), on=replace(turn(2 * share), other=4.0)),
            Pair(off=turn(1.0), on=replace(turn(share / 2), other=1.0)),
        ]
        told = overhead.verdicts({"all": Overhead(processes=[pairs])})
        assert [verdict.met for verdict in told] == [kept, kept]


def test_the_figure_from_parts() -> None:
    """Hooks add 1 ms to a step of 100 ms, and a scrape of 10 ms comes every fifth step of a second: 3 %."""
    assert found(0.001).composed().value == pytest.approx(1.03)


class Answering:
    """A process that answers with the next of some pairs."""

    def __init__(self, added: Iterator[float]) -> None:
        self._added = added

    def ask(self) -> dict[str, Any]:
        """A pair, as JSON."""
        return asdict(Pair(off=turn(1.0), on=turn(1.0 + next(self._added))))


def measured(monkeypatch: pytest.MonkeyPatch, effort: Effort, added: Iterator[float]) -> Overhead:
    """What comes of processes that find so much more with the arm."""

    def working(*_: object) -> AbstractContextManager[Answering]:
        return nullcontext(Answering(added))

    def no_memory(*_: object, **__: object) -> float:
        return 0.0

    def no_hooks(*_: object) -> dict[str, Measured]:
        return {}

    monkeypatch.setattr(overhead, "working", working)
    monkeypatch.setattr(memory, "added", no_memory)
    monkeypatch.setattr(hooks, "measure", no_hooks)
    return overhead.measure(["all"], effort, work="any:thing")["all"]


def test_it_ends_when_the_interval_is_narrow(monkeypatch: pytest.MonkeyPatch) -> None:
    """Pairs that agree are enough once there are as many as it takes; each process has its share."""
    done = measured(monkeypatch, Effort(seconds=1e6, least_pairs=10, processes=4), itertools.repeat(0.02))
    assert done.narrow
    assert [len(pairs) for pairs in done.processes] == [3, 3, 3, 3]


def test_it_ends_when_the_time_is_up(monkeypatch: pytest.MonkeyPatch) -> None:
    """Pairs that differ are never enough: then the time is the limit, after two of each process."""
    done = measured(monkeypatch, Effort(seconds=0, least_pairs=10, processes=4), itertools.cycle((0.0, 0.5, 1.0)))
    assert not done.narrow
    assert [len(pairs) for pairs in done.processes] == [2, 2, 2, 2]


def test_runs_of_unequal_length() -> None:
    """A real model does not take the same steps twice: what counts is what a step takes."""
    pairs = [Pair(off=turn(1.0, 10), on=turn(2.1, 20)), Pair(off=turn(2.0, 20), on=turn(1.05, 10))]
    assert Overhead(processes=[pairs]).ratio().value == pytest.approx(1.05)


@pytest.mark.parametrize(
    ("work", "problem"),
    [
        ("tests.bench.own_work:missing", "There is no work 'tests.bench.own_work:missing'"),
        ("own_work_that_is_missing:run", "There is no work 'own_work_that_is_missing:run'"),
        ("run", "name it as module:function"),
    ],
)
def test_own_work_that_is_not_there(work: str, problem: str) -> None:
    """The error says what to write."""
    with pytest.raises(ConfigurationError, match=problem):
        OwnRuns(work, "http://127.0.0.1:1")


async def test_own_work_without_a_history() -> None:
    """What made no step can't be measured, and the error says what the function has to return."""
    with pytest.raises(RuntimeError, match=r"'tests\.bench\.own_work:nothing' made no step; it has to return"):
        await OwnRuns("tests.bench.own_work:nothing", "http://127.0.0.1:1").turn()


async def test_own_work_that_only_fails() -> None:
    """Failures are not what was to be measured, and the error has the first one's words."""
    with pytest.raises(RuntimeError, match="made no step that went well: 401 Unauthorized"):
        await OwnRuns("tests.bench.own_work:failing", "http://127.0.0.1:1").turn()


@pytest.mark.parametrize("name", ["overhead.svg", "overhead.png"])
def test_the_picture(tmp_path: Path, name: str) -> None:
    """It is what its name says, and not empty."""
    file = tmp_path / name
    draw({"all": found(0.001), "metrics": found(0.0005)}, file)
    assert file.read_bytes().startswith({".svg": b"<?xml", ".png": b"\x89PNG"}[file.suffix])
    assert file.stat().st_size > 5000


def test_a_picture_of_another_kind() -> None:
    """Refused before anything is measured."""
    done = CliRunner().invoke(bench.app, ["overhead", "--plot", "cost.gif"])
    assert done.exit_code == 1
    assert ".svg or .png" in done.output


def test_an_unknown_variant() -> None:
    """Refused before anything is measured; the message lists those that there are."""
    done = CliRunner().invoke(bench.app, ["overhead", "--variants", "most"])
    assert done.exit_code == 1
    assert "use one of off, metrics" in done.output


@pytest.mark.parametrize("command", ["hooks", "overhead"])
def test_without_the_extra(monkeypatch: pytest.MonkeyPatch, command: str) -> None:
    """One sentence that says what to install."""
    monkeypatch.setattr(bench, "NEEDED", ("numpy", "matplotlib_that_is_missing"))
    done = CliRunner().invoke(bench.app, [command, "--quick"])
    assert done.exit_code == 1
    assert "pip install 'browserwatch[bench]'" in done.output


@pytest.mark.real
def test_real_work(tmp_path: Path) -> None:
    """In real Chromium: figures of the process and of Chromium, spans outside, a report and a picture."""
    file, picture = tmp_path / "overhead.json", tmp_path / "overhead.svg"
    done = CliRunner().invoke(bench.app, ["overhead", "--quick", "--json", str(file), "--plot", str(picture)])
    assert done.exit_code == 0, done.output
    report = json.loads(file.read_text())["arms"]["all"]
    assert report["pairs"] == 2
    assert report["spans_a_step"] == pytest.approx(5.3, rel=0.1)
    assert report["bytes_a_step"] > 0
    for arm in ("off", "on"):
        seconds = report["seconds_a_step"][arm]
        assert 0 < seconds["process"] < seconds["wall_p95"]
        assert seconds["chromium"] > 0
    assert report["memory_bytes"] > 0
    assert picture.exists()


@pytest.mark.real
def test_own_work(tmp_path: Path) -> None:
    """Somebody's own function, in real Chromium: its steps are what is counted."""
    file = tmp_path / "overhead.json"
    done = CliRunner().invoke(
        bench.app, ["overhead", "--quick", "--work", "tests.bench.own_work:run", "--json", str(file)]
    )
    assert done.exit_code == 0, done.output
    report = json.loads(file.read_text())["arms"]["all"]
    assert report["pairs"] == 2
    # Two steps with a model call each, one of them with a page load: fewer spans than the scenario's.
    assert report["spans_a_step"] == pytest.approx(5, abs=1)
    assert report["seconds_a_step"]["on"]["process"] > 0


@pytest.mark.real
def test_own_work_that_fails() -> None:
    """Said at once, before what takes long, with the error's own words."""
    done = CliRunner().invoke(bench.app, ["overhead", "--quick", "--work", "tests.bench.own_work:missing"])
    assert done.exit_code == 1
    assert "There is no work" in done.output.replace("\n", " ")
