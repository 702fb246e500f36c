"""What the pool is worth: `python -m bench.service [--rounds N] [--json FILE]`.

Arms take turns: the pool's four agents against four by `asyncio.gather` in one process, in steps per second as the model
sees them (one question a step); then from a request to the first question, on a warm agent against a cold start. Besides:
acquire, restore, health and metrics. Both arms are browser-use in the same Chromium; the pool's is watched, all signals on.
"""

from __future__ import annotations

import argparse
import json
import subprocess
import sys
import tempfile
import time
from collections import defaultdict
from collections.abc import Callable, Generator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Final

from bench.figures import Figure, percentile, table
from bench.lab import STEPS, Lab, lab
from browserwatch import semantics as s
from browserwatch.cli.client import ServiceClient
from browserwatch.cli.demo.environment import prepared
from browserwatch.cli.demo.serving import running, variables
from browserwatch.processes.chromium import find_chromium

AGENTS: Final = 4
COOKIES: Final = 100
LOCAL_STORAGE: Final = 1_000_000
PROBED: Final = {"/health/browser": "< 50", "/metrics": "< 100"}
SETTLE_SECONDS: Final = 1.0
"""After its start a browser is busy with itself for a while."""

BATCH_SECONDS: Final = 2.0
"""Longer than the agents keep their spans."""


class Bench:
    """The arms, and what was measured."""

    def __init__(self, place: Lab, service: ServiceClient) -> None:
        self.place = place
        self.service = service
        self.values: defaultdict[str, list[float]] = defaultdict(list)

    def round(self) -> str:
        """One turn of all arms; a line about it."""
        found: dict[str, float] = {}
        for scenario in ("mixed", "pages"):
            self.warm_up()
            found[f"{scenario}, pool"] = self._pool(scenario)
            found[f"{scenario}, gather"] = self._bare(AGENTS, scenario)
            found[f"{scenario}, ratio"] = found[f"{scenario}, pool"] / found[f"{scenario}, gather"]
        self.warm_up()
        found["warm"] = self._first_question(lambda: self._run("pages"))
        found["cold"] = self._first_question(lambda: self._bare(1, "pages"))
        for name, value in {**found, "first": found["cold"] / found["warm"]}.items():
            self.values[name].append(value)
        return "; ".join(f"{name} {value:.2f}" for name, value in found.items())

    def answers(self) -> None:
        """Health and metrics while all agents are busy; apart from the arms, which asking would slow down."""
        self.warm_up()
        with self._probing():
            self._pool("mixed")

    def sessions(self, times: int) -> None:
        """Acquire warm agents, and restore a large session into browsers that have not got it."""
        for _ in range(times):
            self.warm_up()
            self._fetch("/table", "warm")
        self._fetch(f"/fill?cookies={COOKIES}&bytes={LOCAL_STORAGE}", "large")
        restored = len(self._spans(s.SESSION_RESTORE))
        for _ in range(times):
            with ThreadPoolExecutor(AGENTS) as threads:  # every agent at once, so that none keeps the session
                list(threads.map(self._fetch, ["/slow?seconds=1"] * AGENTS, [None] * AGENTS))
            self.warm_up()
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
            for done in [threads.submit(self._run, scenario) for _ in range(AGENTS)]:
                done.result()
        return self.place.asked.rate_since(started)

    def _run(self, scenario: str) -> None:
        run_id = str(self.service.submit({"task": self.place.task(scenario), "max_steps": STEPS + 2})["id"])
        for _ in self.service.follow(run_id):
            pass
        record = self.service.run(run_id)
        if record["outcome"] != "success":
            raise SystemExit(f"a run ended as {record['outcome']}: {record['message']}")

    def _bare(self, agents: int, scenario: str) -> float:
        started = time.perf_counter()
        with tempfile.TemporaryDirectory(ignore_cleanup_errors=True) as directory:
            options = (self.place.task(scenario), self.place.model, str(find_chromium().path), directory)
            subprocess.run([sys.executable, "-m", "bench.bare", str(agents), *options], capture_output=True, check=True)
        return self.place.asked.rate_since(started)

    def _first_question(self, begin: Callable[[], object]) -> float:
        started = time.perf_counter()
        with ThreadPoolExecutor(1) as threads:
            doing = threads.submit(begin)
            asked = self.place.asked.first_after(started, 120)
            doing.result()
        return asked - started

    def _fetch(self, path: str, session: str | None) -> None:
        wanted = {"session": session} if session else {}
        self.service.fetch({"url": f"{self.place.site}{path}", "format": "text", **wanted})

    # --- around them -------------------------------------------------------------------------------------------------
    @contextmanager
    def _probing(self) -> Generator[None]:
        """Ask for health and metrics all the while; the p99 of each is a value."""
        command = [sys.executable, "-m", "bench.probe", self.service.url, *PROBED]
        with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as probe:
            try:
                yield
            finally:
                told, _ = probe.communicate()
        times: dict[str, list[float]] = json.loads(told)
        for path, found in times.items():
            self.values[path].append(percentile(found, 0.99) * 1e3)

    def warm_up(self) -> None:
        """Wait until every agent is idle."""
        while self.service.health()["agents"]["states"]["idle"] < AGENTS:
            time.sleep(0.1)

    def _spans(self, name: str) -> list[tuple[float, Any]]:
        return [(span.ended - span.started, span.attributes) for span in self.place.sink.spans if span.name == name]


def main() -> None:
    """Measure and print a table."""
    parser = argparse.ArgumentParser(description="What the pool is worth.")
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--json", type=Path, help="write the single values, too")
    options = parser.parse_args()
    with lab() as place, prepared() as workspace:
        environment = variables(workspace, site=place.site, model=place.model, spans=place.spans, port=0)
        environment |= {"BROWSERWATCH_POOL_MIN_IDLE": str(AGENTS), "BROWSERWATCH_POOL_MAX_SIZE": str(AGENTS)}
        with running(environment, workspace.log) as url, ServiceClient(url) as service:
            bench = Bench(place, service)
            for number in range(options.rounds):
                print(f"round {number + 1}: {bench.round()}", flush=True)
                bench.answers()
            bench.sessions(options.rounds * 3)
    print(table(bench.figures()))
    if options.json:
        options.json.write_text(json.dumps(bench.values))


if __name__ == "__main__":
    main()
