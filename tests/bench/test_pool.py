"""`browserwatch bench pool`: that its parts work. What it measures takes minutes, and is for the docs."""

import time

import httpx
import pytest

from browserwatch.bench.pool import service, turns
from browserwatch.bench.pool.figures import Figure, table
from browserwatch.bench.pool.lab import MIXED, PAGES, STEPS, Asked, Lab, lab
from browserwatch.bench.pool.turns import Turns
from browserwatch.bench.programs import BenchError, working
from browserwatch.demo import demo_site, scripted_model, serve_in_thread
from browserwatch.processes.chromium import find_chromium


def test_both_scenarios_are_as_long() -> None:
    """Steps per second are compared, so all scenarios have as many."""
    assert [len(scenario.steps) for scenario in (MIXED, PAGES)] == [STEPS, STEPS]


def test_figures_are_shown_with_their_spread() -> None:
    """A row has median, least, most, how many there are, and the aim."""
    shown = table([Figure("acquire", "ms", (3.0, 1.0, 2.0), "< 10")])
    assert shown.splitlines()[-1] == "| acquire | 2 ms | 1 … 3 | 3 | < 10 |"


def test_questions_are_counted_between_the_first_and_the_last() -> None:
    """A rate is that of questions after a moment; what is before the first of them is left out."""
    asked = Asked(scripted_model([PAGES]))
    asked._times = [1.0, 5.0, 6.0, 9.0]
    assert asked.rate_since(2.0) == 2 / 4
    assert asked.first_after(2.0, 0) == 5.0


def test_a_question_is_noted_when_it_comes() -> None:
    """Who waits for the first question after a moment is told its time."""
    with serve_in_thread(asked := Asked(scripted_model([PAGES]))) as url:
        httpx.get(url, trust_env=False)
        before = time.perf_counter()
        httpx.get(url, trust_env=False)
        assert before < asked.first_after(before, 10) < time.perf_counter()


@pytest.mark.real
def test_the_probe_asks_until_it_is_told() -> None:
    """Each path is asked as often, by another process."""
    asked = Asked(demo_site())
    with serve_in_thread(asked) as url, working("browserwatch.bench.pool.probe", url, "/", "/table") as probe:
        assert asked.first_after(0, 10)
        times = probe.ask()
    assert len(times["/"]) == len(times["/table"]) == len(asked._times) / 2 > 0


@pytest.mark.real
def test_a_service_that_does_not_start_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    """The error has the service's last words."""
    environment = service._environment

    def broken(place: Lab, agents: int, directory: str) -> dict[str, str]:
        return {**environment(place, agents, directory), "BROWSERWATCH_PORT": "no-number"}

    monkeypatch.setattr(service, "_environment", broken)
    with (
        lab() as place,
        pytest.raises(BenchError, match=r"(?s)did not start.*BROWSERWATCH_PORT"),
        service.serving(place, 1),
    ):
        pass


@pytest.mark.real
def test_both_arms_do_the_work(monkeypatch: pytest.MonkeyPatch) -> None:
    """One agent, warm in the pool and cold without it: the model is asked as often, and a page is fetched with a session."""
    assert find_chromium()
    monkeypatch.setattr(turns, "AGENTS", 1)
    with lab() as place, service.serving(place, 1) as pool:
        measuring = Turns(place, pool)
        measuring._warm_up()
        assert measuring._pool("pages") > 0
        measuring._fetch("/table", "a-session")
        assert measuring._first_question(lambda: measuring._bare(1, "pages")) > 0
    assert len(place.asked._times) == 2 * STEPS
