"""Plain browser-use without browserwatch, as a program: some agents at once in one process, by `asyncio.gather`.

What it did is seen at the model; it says only that it is done.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import os
import sys
from typing import Any

from browserwatch.agents.process.environment import BROWSER_USE
from browserwatch.bench.agent import PLAIN
from browserwatch.bench.pool.lab import MAX_STEPS


async def _work(number: int, options: argparse.Namespace) -> None:
    """One agent in a browser of its own."""
    from browser_use import Agent, ChatOpenAI  # noqa: PLC0415  # its environment comes first
    from browser_use.browser import BrowserProfile, BrowserSession  # noqa: PLC0415
    from openai import DefaultAsyncHttpxClient  # noqa: PLC0415

    profile = BrowserProfile(
        executable_path=options.chromium,
        headless=True,
        chromium_sandbox=os.geteuid() != 0,
        enable_default_extensions=False,
        user_data_dir=f"{options.directory}/profile-{number}",
        downloads_path=f"{options.directory}/downloads-{number}",
    )
    session = BrowserSession(browser_profile=profile)
    make: Any = Agent
    async with DefaultAsyncHttpxClient(trust_env=False) as client:
        llm = ChatOpenAI(model="scripted", base_url=f"{options.model}/v1", api_key="any", http_client=client)
        try:
            agent = make(
                task=options.task,
                llm=llm,
                browser_session=session,
                file_system_path=options.directory,
                **PLAIN,
            )
            await agent.run(max_steps=MAX_STEPS)
        finally:
            await session.kill()


async def _all(options: argparse.Namespace) -> None:
    await asyncio.gather(*(_work(number, options) for number in range(options.agents)))


def main(arguments: list[str] | None = None) -> None:
    """Run agents side by side in one process."""
    parser = argparse.ArgumentParser(prog="python -m browserwatch.bench.pool.bare", description=main.__doc__)
    parser.add_argument("agents", type=int)
    parser.add_argument("task")
    parser.add_argument("--model", required=True, help="address of the scripted model")
    parser.add_argument("--chromium", required=True, help="path of the browser")
    parser.add_argument("--directory", required=True, help="where they write")
    options = parser.parse_args(arguments)
    os.environ.update(BROWSER_USE)
    asyncio.run(_all(options))
    sys.stdout.write(json.dumps({"done": True}) + "\n")


if __name__ == "__main__":
    main()
