"""The arms take turns: the pool's agents against as many by `asyncio.gather`, a warm agent against a cold start.

Steps per second are as the model sees them, which is asked once a step, in both arms in the same way. Both are browser-use
in the same Chromium; the pool's is watched, all signals on. Besides: acquire, restore, health and metrics.
"""

from __future__ import annotations

import tempfile
import time
from collections import defaultdict
from collections.abc import Callable, Generator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from typing import Any, Final

from browserwatch import semantics as s
from browserwatch.bench.pool.figures import Figure
from browserwatch.bench.pool.lab import Lab, lab
from browserwatch.bench.pool.service import Service, serving
from browserwatch.bench.programs import working
from browserwatch.bench.tables import percentile
from browserwatch.processes.chromium import find_chromium

AGENTS: Final = 4
COOKIES: Final = 100
LOCAL_STORAGE: Final = 1_000_000
PROBED: Final = {"/health/browser": "< 50", "/metrics": "< 100"}
SETTLE_SECONDS: Final = 1.0
"""After its start a browser is busy with itself for a while."""

BATCH_SECONDS: Final = 2.0
"""Longer than the agents keep their spans."""


class Turns:
    """The arms, and what was measured.

    Args:
        place: what they work with.
        service: has the pool.
    """

    def __init__(self, place: Lab, service: Service) -> None:
        self.values: defaultdict[str, list[float]] = defaultdict(list)
        self._place = place
        self._service = service

    def round(self) -> str:
        """One turn of all arms; a line about it."""
        found: dict[str, float] = {}
        for scenario in ("mixed", "pages"):
            self._warm_up()
            found[f"{scenario}, pool"] = self._pool(scenario)
            found[f"{scenario}, gather"] = self._bare(AGENTS, scenario)
            found[f"{scenario}, ratio"] = found[f"{scenario}, pool"] / found[f"{scenario}, gather"]
        self._warm_up()
        found["warm"] = self._first_question(lambda: self._run("pages"))
        found["cold"] = self._first_question(lambda: self._bare(1, "pages"))
        for name, value in {**found, "first": found["cold"] / found["warm"]}.items():
            self.values[name].append(value)
        return "; ".join(f"{name} {value:.2f}" for name, value in found.items())

    def answers(self) -> None:
        """Health and metrics while all agents are busy; apart from the arms, which asking would slow down."""
        self._warm_up()
        with self._probing():
            self._pool("mixed")

    def sessions(self, times: int) -> None:
        """Acquire warm agents, and restore a large session into browsers that have not got it."""
        for _ in range(times):
            self._warm_up()
            self._fetch("/table", "warm")
        self._fetch(f"/fill?cookies={COOKIES}&bytes={LOCAL_STORAGE}", "large")
        restored = len(self._spans(s.SESSION_RESTORE))
        for _ in range(times):
            with ThreadPoolExecutor(AGENTS) as threads:  # every agent at once, so that none keeps the session
                list(threads.map(self._fetch, ["/slow?seconds=1"] * AGENTS, [None] * AGENTS))
            self._warm_up()
            time.sleep(SETTLE_SECONDS)
            self._fetch("/table", "large")
        time.sleep(BATCH_SECONDS)
        self.values["acquire"] = [
            seconds * 1e3 for seconds, found in self._spans(s.AGENT_ACQUIRE) if found.get(s.ACQUIRE_RESULT) == "warm"
        ]
        self.values["restore"] = [
            seconds * 1e3
            for seconds, found in self._spans(s.SESSION_RESTORE)[restored:]
            if found.get(s.SESSION_COOKIES, 0) >= COOKIES
        ]

    def figures(self) -> list[Figure]:
        """Everything that was measured."""

        def figure(key: str, name: str, unit: str, aim: str = "") -> Figure:
            return Figure(name, unit, tuple(self.values[key]), aim)

        return [
            figure("mixed, ratio", "mixed work: pool against gather", "x", "≥ 2"),
            figure("mixed, pool", "mixed work: pool of four", "steps/s"),
            figure("mixed, gather", "mixed work: four by gather in one process", "steps/s"),
            figure("pages, ratio", "navigation alone: pool against gather", "x"),
            figure("pages, pool", "navigation alone: pool of four", "steps/s"),
            figure("pages, gather", "navigation alone: four by gather in one process", "steps/s"),
            figure("first", "first question: cold start against warm agent", "x", "≥ 10"),
            figure("warm", "first question, warm agent", "s"),
            figure("cold", "first question, cold start", "s"),
            figure("acquire", "acquire of a warm agent", "ms", "< 10"),
            figure("restore", f"restore of {COOKIES} cookies and {LOCAL_STORAGE / 1e6:g} MB", "ms", "< 100"),
            *(figure(path, f"GET {path}, p99 of a round, all agents busy", "ms", aim) for path, aim in PROBED.items()),
        ]

    # --- arms --------------------------------------------------------------------------------------------------------
    def _pool(self, scenario: str) -> float:
        started = time.perf_counter()
        with ThreadPoolExecutor(AGENTS) as threads:
            list(threads.map(self._run, [scenario] * AGENTS))
        return self._place.asked.rate_since(started)

    def _run(self, scenario: str) -> None:
        self._service.run(self._place.task(scenario))

    def _bare(self, agents: int, scenario: str) -> float:
        started = time.perf_counter()
        with tempfile.TemporaryDirectory(ignore_cleanup_errors=True) as directory:
            options = ("--model", self._place.model, "--chromium", str(find_chromium().path), "--directory", directory)
            task = self._place.task(scenario)
            with working("browserwatch.bench.pool.bare", str(agents), task, *options) as worker:
                worker.read()
        return self._place.asked.rate_since(started)

    def _first_question(self, begin: Callable[[], object]) -> float:
        started = time.perf_counter()
        with ThreadPoolExecutor(1) as threads:
            doing = threads.submit(begin)
            asked = self._place.asked.first_after(started, 120)
            doing.result()
        return asked - started

    def _fetch(self, path: str, session: str | None) -> None:
        self._service.fetch(f"{self._place.site}{path}", session)

    # --- around them -------------------------------------------------------------------------------------------------
    @contextmanager
    def _probing(self) -> Generator[None]:
        """Ask for health and metrics all the while; the p99 of each is a value."""
        with working("browserwatch.bench.pool.probe", self._service.url, *PROBED) as probe:
            yield
            times: dict[str, list[float]] = probe.ask()
        for path, found in times.items():
            self.values[path].append(percentile(found, 0.99) * 1e3)

    def _warm_up(self) -> None:
        """Wait until every agent is idle."""
        while self._service.idle_agents() < AGENTS:
            time.sleep(0.1)

    def _spans(self, name: str) -> list[tuple[float, Any]]:
        return [(span.ended - span.started, span.attributes) for span in self._place.sink.spans if span.name == name]


def measure(rounds: int, told: Callable[[str], object]) -> Turns:
    """Measure it.

    Args:
        rounds: how often the arms take turns.
        told: called with a line about each round.

    Raises:
        BenchError: the service or a program failed.
    """
    with lab() as place, serving(place, AGENTS) as service:
        turns = Turns(place, service)
        for number in range(rounds):
            told(f"round {number + 1}: {turns.round()}")
            turns.answers()
        turns.sessions(rounds * 3)
    return turns
