"""The work of `browserwatch bench overhead`, as a program: browser-use in a warm Chromium, under one arm.

`python -m browserwatch.bench.warm --arm module:function --model URL --site URL` answers each line of standard input with a
pair of turns as JSON, and ends with its input. A turn is a run of the demo's scenario, or of the work that `--work` names.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import logging
import os
import sys
import tempfile
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager, suppress
from dataclasses import asdict
from pathlib import Path

import psutil

from browserwatch.agents.process.environment import BROWSER_USE
from browserwatch.agents.process.launching import ChromiumProcess, Launch
from browserwatch.bench.arms import load_arm
from browserwatch.bench.real_runs import DemoRuns, OwnRuns
from browserwatch.bench.receiver import receiving
from browserwatch.bench.toggling import Toggle
from browserwatch.processes.chromium import find_chromium, unsandboxed_because


class Chromium:
    """A Chromium that stays, and the clock of all its processes."""

    def __init__(self, url: str, pid: int) -> None:
        self.url = url
        self._process = psutil.Process(pid)

    def seconds(self) -> float:
        """Processor time of all its processes, of those that have ended, too: their parents inherited it."""
        total = 0.0
        for process in (self._process, *self._process.children(recursive=True)):
            with suppress(psutil.Error):
                total += sum(process.cpu_times()[:4])
        return total


@asynccontextmanager
async def warm_chromium(directory: Path) -> AsyncGenerator[Chromium]:
    """One that runs for the length of the block."""
    launch = Launch(str(find_chromium().path), directory, sandbox=not unsandboxed_because())
    process = await ChromiumProcess.start(launch, 1)
    try:
        yield Chromium(await process.url(), process.pid)
    finally:
        await process.end()


async def _answer(options: argparse.Namespace, directory: Path) -> None:
    async with warm_chromium(directory) as chromium:
        runs = (
            OwnRuns(options.work, chromium.url)
            if options.work
            else DemoRuns(options.model, options.site, chromium.url, directory)
        )
        with receiving() as receiver:
            toggle = Toggle(load_arm(options.arm), receiver, chromium.seconds)
            await runs.turn()
            pairs = toggle.pairs(runs.turn)
            while await asyncio.to_thread(sys.stdin.readline):
                sys.stdout.write(json.dumps(asdict(await anext(pairs))) + "\n")
                sys.stdout.flush()
            await pairs.aclose()


def main(arguments: list[str] | None = None) -> None:
    """Measure pairs of turns in a warm Chromium."""
    parser = argparse.ArgumentParser(prog="python -m browserwatch.bench.warm", description=main.__doc__)
    parser.add_argument("--arm", default="browserwatch.bench.arms:everything", help="module:function")
    parser.add_argument("--work", default="", help="own work as module:function; else the demo's scenario")
    parser.add_argument("--model", default="", help="address of the scripted model")
    parser.add_argument("--site", default="", help="address of the demo site")
    options = parser.parse_args(arguments)
    os.environ.update(BROWSER_USE)
    logging.basicConfig(level=logging.ERROR)
    with tempfile.TemporaryDirectory(prefix="browserwatch-bench-", ignore_cleanup_errors=True) as directory:
        asyncio.run(_answer(options, Path(directory)))


if __name__ == "__main__":
    main()
