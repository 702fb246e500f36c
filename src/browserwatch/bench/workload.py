"""The work of `browserwatch bench hooks`, as a program: browser-use without browser and model, under one arm.

`python -m browserwatch.bench.workload --arm module:function` says what it finds in lines of JSON on standard output: first
`counts` (calls a step), then a `pair` for each pair of turns, then `where` if a profile was wanted, and `done`. The arm may
be another instrumentation's, in an environment of its own; see `browserwatch.bench.arms`.
"""

from __future__ import annotations

import argparse
import asyncio
import gc
import json
import logging
import os
import sys
import tempfile
import time
from collections.abc import Callable
from dataclasses import asdict
from pathlib import Path
from typing import Any, Final

from browserwatch.agents.process.environment import BROWSER_USE
from browserwatch.bench.arms import Installed, load_arm
from browserwatch.bench.canned.script import SECRETS
from browserwatch.bench.counting import METRIC_OPERATIONS, calls_of, function_calls
from browserwatch.bench.receiver import Receiver, receiving
from browserwatch.bench.toggling import Toggle

SCRAPES: Final = 5


class Workload:
    """Turns of canned runs, and the switch.

    Args:
        runs: makes the runs.
        runs_a_turn: how many of them are a turn.
        toggle: switches the arm.
        receiver: takes what it exports.
    """

    def __init__(self, runs: Any, runs_a_turn: int, toggle: Toggle, receiver: Receiver) -> None:
        self._runs = runs
        self._runs_a_turn = runs_a_turn
        self._toggle = toggle
        self._receiver = receiver

    async def measure(self, pairs: int) -> None:
        """Say what happens in a step, and then what the arm adds to it."""
        await self._warm_up()
        _say({"counts": await self._counts()})
        found = self._toggle.pairs(self._turn)
        for _ in range(pairs):
            _say({"pair": asdict(await anext(found))})
        await found.aclose()

    async def profile(self, pairs: int) -> None:
        """Say where the arm's time goes."""
        from browserwatch.bench.profiling import Sampler  # noqa: PLC0415  # seldom wanted

        sampler, steps = Sampler(), 0
        with self._toggle.installed() as installed:
            for _ in range(pairs):
                with sampler.sampling():
                    steps += len(await self._turn())
                installed.flush()  # not while samples are taken: they are all of the event loop
        _say({"where": sampler.seconds_by_place(steps)})

    async def _turn(self) -> list[float]:
        return [seconds for _ in range(self._runs_a_turn) for seconds in await self._runs.run()]

    async def _warm_up(self) -> None:
        """The first runs import and build much. What is there then, stays, and is no more looked at by the collector."""
        for _ in range(2):
            await self._runs.run()
        gc.collect()
        gc.freeze()

    async def _counts(self) -> dict[str, float]:
        from bubus.service import EventBus  # noqa: PLC0415  # pyright: ignore[reportMissingTypeStubs]  # after its environment
        from cdp_use.cdp.registry import EventRegistry  # noqa: PLC0415

        with calls_of([(EventBus, "dispatch"), (EventRegistry, "handle_event")]) as calls:
            steps = len(await self._runs.run())
        without = await self._function_calls(lambda: None)
        with self._toggle.installed() as installed:
            with calls_of(METRIC_OPERATIONS) as operations:
                await self._runs.run()
                installed.flush()
            added = await self._function_calls(installed.flush) - without
            scrape = await self._scrape_seconds(installed)
        return {
            "bus_events": calls["EventBus.dispatch"] / steps,
            "devtools_events": calls["EventRegistry.handle_event"] / steps,
            "function_calls": added,
            "metric_operations": operations.total() / steps,
            "scrape_seconds": scrape,
            "leaks": self._receiver.tally().leaks,
        }

    async def _function_calls(self, flush: Callable[[], object]) -> float:
        """Calls a step, export included."""
        with function_calls() as calls:
            steps = len(await self._turn())
            flush()
        return calls() / steps

    async def _scrape_seconds(self, installed: Installed) -> float:
        """Processor time of one scrape, without what it takes us to ask.

        Among other work: one right after the other would take two thirds of it.
        """
        if not installed.metrics_url:
            return 0.0
        self._receiver.scrape(installed.metrics_url)
        seconds = 0.0
        for _ in range(SCRAPES):
            await self._runs.run()
            installed.flush()
            seconds -= time.process_time() - time.thread_time()
            self._receiver.scrape(installed.metrics_url)
            seconds += time.process_time() - time.thread_time()
        return seconds / SCRAPES


async def _measure(options: argparse.Namespace, directory: Path) -> None:
    from browserwatch.bench.canned.run import CannedRuns  # noqa: PLC0415  # imports browser-use

    runs = CannedRuns(directory)
    with receiving(SECRETS["password"]) as receiver:
        toggle = Toggle(load_arm(options.arm), receiver)
        workload = Workload(runs, options.runs, toggle, receiver)
        await workload.measure(options.pairs)
        if options.profile:
            await workload.profile(options.pairs)
    _say({"done": True})


def _say(line: dict[str, Any]) -> None:
    sys.stdout.write(json.dumps(line) + "\n")
    sys.stdout.flush()


def main(arguments: list[str] | None = None) -> None:
    """Measure what an arm adds to a step of browser-use."""
    parser = argparse.ArgumentParser(prog="python -m browserwatch.bench.workload", description=main.__doc__)
    parser.add_argument("--arm", default="browserwatch.bench.arms:everything", help="module:function")
    parser.add_argument("--pairs", type=int, default=100, help="pairs of turns")
    parser.add_argument("--runs", type=int, default=1, help="runs of ten steps in a turn")
    parser.add_argument("--profile", action="store_true", help="also say where the arm's time goes")
    options = parser.parse_args(arguments)
    os.environ.update(BROWSER_USE)
    logging.basicConfig(level=logging.ERROR)
    with tempfile.TemporaryDirectory(prefix="browserwatch-bench-", ignore_cleanup_errors=True) as directory:
        asyncio.run(_measure(options, Path(directory)))


if __name__ == "__main__":
    main()
