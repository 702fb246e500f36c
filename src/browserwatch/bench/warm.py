"""The work of `browserwatch bench overhead`, as a program: browser-use in a warm Chromium, under one arm.

`python -m browserwatch.bench.warm --arm module:function --model URL --site URL` answers each line of standard input with a
pair of turns as JSON, and ends with its input. A turn is a run of the scenario.
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
from typing import Any, Final

import psutil

from browserwatch.agents.process.environment import BROWSER_USE
from browserwatch.agents.process.launching import ChromiumProcess, Launch
from browserwatch.bench.arms import load_arm
from browserwatch.bench.receiver import receiving
from browserwatch.bench.scenario import MIXED
from browserwatch.bench.toggling import Toggle
from browserwatch.processes.chromium import find_chromium, unsandboxed_because

SETTLING: Final = "default"
"""A scenario that says done at once."""


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


class Runs:
    """Runs of an agent in the warm Chromium, each in a session of its own.

    Args:
        model: address of the scripted model.
        site: address of the demo site.
        chromium: the browser.
        directory: where browser-use writes.
    """

    def __init__(self, model: str, site: str, chromium: Chromium, directory: Path) -> None:
        self._model = model
        self._site = site
        self._chromium = chromium
        self._directory = directory

    async def turn(self) -> list[float]:
        """A run of the scenario; the seconds of its steps."""
        return await self._run(MIXED.name, len(MIXED.steps))

    async def settle(self) -> None:
        """A run of one step."""
        await self._run(SETTLING, 1)

    async def _run(self, scenario: str, steps: int) -> list[float]:
        from browser_use import ChatOpenAI  # noqa: PLC0415  # its environment comes first
        from browser_use.agent.service import Agent  # noqa: PLC0415
        from openai import DefaultAsyncHttpxClient  # noqa: PLC0415

        make: Any = Agent
        async with self._session() as session, DefaultAsyncHttpxClient(trust_env=False) as client:
            agent = make(
                task=f"[scenario: {scenario}] site: {self._site}",
                llm=ChatOpenAI(model="gpt-4.1-mini", base_url=f"{self._model}/v1", api_key="any", http_client=client),
                browser_session=session,
                use_judge=False,
                use_vision=False,
                directly_open_url=False,
                enable_signal_handler=False,
                file_system_path=str(self._directory),
            )
            history = await agent.run(max_steps=steps + 2)
        if not history.is_successful() or len(history.history) != steps:
            errors = [error for error in history.errors() if error]
            raise RuntimeError(f"A run of {scenario!r} went another way: {len(history.history)} steps, {errors}.")
        return [item.metadata.duration_seconds for item in history.history]

    @asynccontextmanager
    async def _session(self) -> AsyncGenerator[Any]:
        from browser_use.browser import BrowserProfile, BrowserSession  # noqa: PLC0415

        url = self._chromium.url
        profile = BrowserProfile(
            cdp_url=url,
            is_local=False,
            headless=True,
            keep_alive=True,
            enable_default_extensions=False,
            downloads_path=self._directory / "downloads",
        )
        session = BrowserSession(browser_profile=profile, cdp_url=url)
        try:
            yield session
        finally:
            await session.stop()


async def _answer(options: argparse.Namespace, directory: Path) -> None:
    async with warm_chromium(directory) as chromium:
        runs = Runs(options.model, options.site, chromium, directory)
        with receiving() as receiver:
            toggle = Toggle(load_arm(options.arm), receiver, runs.settle, chromium.seconds)
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
    parser.add_argument("--model", required=True, help="address of the scripted model")
    parser.add_argument("--site", required=True, help="address of the demo site")
    options = parser.parse_args(arguments)
    os.environ.update(BROWSER_USE)
    logging.basicConfig(level=logging.ERROR)
    with tempfile.TemporaryDirectory(prefix="browserwatch-bench-", ignore_cleanup_errors=True) as directory:
        asyncio.run(_answer(options, Path(directory)))


if __name__ == "__main__":
    main()
